"""What a consumer does when the database of its group dies, and when logs are cleaned away before it has read them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.consumer import Consumer, Place
from pipelines.home import Home
from tests.mariadb import MariadbServer
from tests.pipelines.import_probe import make_store
from transforms.core.errors import NotFound
from transforms.core.log_group import LogGroup
from transforms.stores.consumer_group import ConsumerGroup
from transforms.stores.cursor import BEGIN


def until(what: str, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


@pytest.mark.mariadb
def test_a_database_that_dies_is_waited_for(mariadb: MariadbServer, tmp_path: Path) -> None:
    database = mariadb.database()
    url = f"mysql://{database.user}:{database.password}@{database.host}:{database.port}/{database.name}"
    home = Home.create(tmp_path / "home", url)
    make_store(home)
    home.consumer_groups("default", "web").create(ConsumerGroup("jobs", 2))
    store = home.open_logstore("default", "web")

    def append(*numbers: int) -> None:
        logs = LogGroup.from_logs([{"n": str(n)} for n in numbers], [5] * len(numbers))
        store.commit(store.write_files([logs], shard=0))

    seen: list[int] = []
    consumer = Consumer(home, "web", "jobs", "ada", idle_seconds=0.1)

    def process(group: LogGroup, _: Place) -> None:
        seen.extend(int(log["n"]) for log in group.to_logs())

    ended: list[int] = []
    thread = threading.Thread(target=lambda: ended.append(consumer.run(process)))
    thread.start()
    try:
        append(1, 2)
        until("the first logs are read", lambda: seen == [1, 2])
        mariadb.kill()
        append(3)
        time.sleep(3)  # longer than the time-out
        assert thread.is_alive()
        mariadb.start()
        append(4)
        until("it goes on", lambda: seen[-1] == 4)
    finally:
        consumer.stop()
        thread.join(60)
    assert ended and ended[0] == len(seen)
    assert list(dict.fromkeys(seen)) == [1, 2, 3, 4], "in order, none lost; what could not be saved comes again"
    assert home.consumer_groups("default", "web").checkpoints("jobs", 0)[0].cursor == store.end_cursor(0)
    home.close()


def test_logs_that_were_cleaned_away_before_they_were_read_are_an_error(home: Home) -> None:
    make_store(home)
    groups = home.consumer_groups("default", "web")
    groups.create(ConsumerGroup("jobs", 10))
    store = home.open_logstore("default", "web")
    for at in (10, 20, 30):
        store.commit(store.write_files([LogGroup.from_logs([{"n": "1"}, {"n": "2"}], [at, at])], shard=0))
    inside = store.pull(0, BEGIN, max_rows=3).cursor
    groups.save_checkpoint("jobs", 0, inside, force=True)
    store.expire(25)
    store.vacuum(older_than_hours=0)
    seen: list[int] = []
    consumer = Consumer(home, "web", "jobs", "ada")
    with pytest.raises(NotFound) as error:
        consumer.run(lambda group, _: seen.append(group.num_rows), until_idle=True)
    assert error.value.code == "CursorExpired" and seen == []
    assert groups.checkpoints("jobs", 0)[0].cursor == inside and not groups.state("jobs").consumers
    groups.reset("jobs", {})
    assert consumer.run(lambda group, _: seen.append(group.num_rows), until_idle=True) == 2 and seen == [2]
