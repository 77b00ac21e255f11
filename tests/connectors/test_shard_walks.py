"""Random lives of a Logstore's shards: whatever happens, each log is pulled once, in order."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest

from tests.connectors.logstore_rows import Open
from transforms.core.errors import NotFound
from transforms.core.field_columns import RECEIVE_TIME
from transforms.core.log_group import LogGroup
from transforms.stores.cursor import BEGIN, Cursor
from transforms.stores.index import FieldIndex, Index
from transforms.stores.logstore import AppTransaction, DataFile, Logstore
from transforms.stores.shard import shard_of_key

USERS = [f"user {n}" for n in range(9)]


class Life:
    """A Logstore under random commands, and readers of its shards that go on now and then."""

    def __init__(self, open_store: Callable[[], Logstore], seed: int, *, losing: bool) -> None:
        self.chance = random.Random(seed)
        self.stores = [open_store() for _ in range(2)]  # two processes' view: the one has not seen what the other did
        self.losing = losing
        self.number = 0
        self.committed: set[int] = set()
        self.waiting: list[list[DataFile]] = []
        self.places: dict[int, Cursor] = {}
        self.seen: Counter[int] = Counter()
        self.expired = 0

    @property
    def store(self) -> Logstore:
        return self.chance.choice(self.stores)

    def run(self, steps: int) -> None:
        commands = [self.append] * 6 + [self.write_first] * 2 + [self.commit_written] * 2 + [self.read_on] * 6
        commands += [self.split, self.merge, self.compact, self.vacuum, self.reindex]
        commands += [self.expire, self.replace] if self.losing else []
        for _ in range(steps):
            self.chance.choice(commands)()
        for files in self.waiting:
            self.store.commit(files)

    def logs(self, origin: str | None = None) -> list[LogGroup]:
        made = []
        for _ in range(self.chance.randint(1, 2)):
            fresh = range(self.number, self.number + self.chance.randint(1, 5))
            self.number = fresh.stop
            logs = [{"n": str(n), "user": self.chance.choice(USERS), f"f{n % 4}": "x"} for n in fresh]
            made.append(LogGroup.from_logs(logs, [fresh.start + self.chance.randint(0, 3) for _ in fresh]))
        self.committed.update(range(self.number))
        return made

    def written(self) -> list[DataFile]:
        way = self.chance.randrange(4)
        store, logs = self.store, self.logs()
        if way == 0:
            return store.write_files(logs, hash_field="user", origin=self.chance.choice(["a", "b", None]))
        if way == 1:
            return store.write_files(logs, hash_key=self.chance.choice(USERS))
        if way == 2:
            return store.write_files(logs, shard=self.chance.choice(store.shard_map().writable).id)
        return [*store.write_files(logs), *store.write_files(self.logs())]

    def append(self) -> None:
        self.store.commit(self.written())

    def write_first(self) -> None:
        self.waiting.append(self.written())

    def commit_written(self) -> None:
        if self.waiting:
            self.store.commit(self.waiting.pop(self.chance.randrange(len(self.waiting))))

    def split(self) -> None:
        if len(self.stores[0].shard_map().writable) < 6:
            self.store.split_shard(self.chance.choice(self.stores[0].shard_map().writable).id)

    def merge(self) -> None:
        if len(writable := self.stores[0].shard_map().writable) > 1:
            self.store.merge_shards(self.chance.choice(writable[:-1]).id)

    def compact(self) -> None:
        self.store.compact(min_files=2)

    def vacuum(self) -> None:
        if not self.waiting:  # else it would take what is not committed yet
            self.store.vacuum(older_than_hours=0)

    def reindex(self) -> None:
        self.store.reindex(self.chance.choice([None, Index(None, {"n": FieldIndex("long")})]))

    def expire(self) -> None:
        self.store.expire(self.chance.randrange(self.number + 1))

    def replace(self) -> None:
        origin = self.chance.choice("ab")
        self.store.append(self.logs(), origin=origin, app=AppTransaction(origin, self.number), replaces=origin)

    def read_on(self) -> None:
        store = self.store
        shard = self.chance.choice(store.shard_map().records).shard.id
        for _ in range(self.chance.randint(1, 4)):
            self.pull(store, shard, self.chance.randint(1, 9))

    def pull(self, store: Logstore, shard: int, rows: int) -> bool:
        """One pull by the shard's reader; it begins again behind what it has lost."""
        place = self.places.get(shard, BEGIN)
        until = store.reach(shard, place, rows)
        try:
            answer = store.pull(shard, place, max_rows=rows)
        except NotFound as error:
            assert error.code == "CursorExpired" and self.losing
            self.expired += 1
            while place < store.end_cursor(shard):  # the next place that is there
                place = store.reach(shard, place, 1)
                try:
                    store.pull(shard, place)
                except NotFound:
                    continue
                break
            self.places[shard] = place
            return True
        assert place <= answer.cursor <= store.end_cursor(shard)
        self.places[shard] = answer.cursor
        if answer.group is None:
            return False
        assert answer.group.num_rows <= rows
        if not self.losing:
            assert answer.cursor == until and answer.group.num_rows == min(rows, answer.group.num_rows)
        for log in answer.group.to_logs():
            self.seen[int(log["n"])] += 1
        return True

    def read_out(self) -> None:
        """Every reader to the end of its shard."""
        for record in self.stores[0].shard_map().records:
            while self.pull(self.stores[0], record.shard.id, 50):
                pass


def from_the_beginning(store: Logstore, shard: int, rows: int = 1_000) -> list[dict[str, str]]:
    logs: list[dict[str, str]] = []
    received: list[int] = []
    place = BEGIN
    while (answer := store.pull(shard, place, max_rows=rows)).group is not None:
        logs += answer.group.to_logs()
        received += answer.group.table[RECEIVE_TIME].to_pylist()
        place = answer.cursor
    assert received == sorted(received)
    assert answer.cursor == store.end_cursor(shard)
    assert answer.ended == (not store.shard_map().record(shard).writable)
    return logs


def everything(store: Logstore) -> Counter[int]:
    return Counter(int(log["n"]) for record in store.shard_map().records for log in from_the_beginning(store, record.shard.id))


def visible(store: Logstore) -> Counter[int]:
    return Counter(int(log["n"]) for group in store.read(fields=["n"]) for log in group.to_logs())


@pytest.mark.parametrize("seed", range(6))
def test_every_log_is_pulled_once_and_in_order(open_store: Open, seed: int) -> None:
    life = Life(lambda: open_store(shards=2), seed, losing=False)
    life.run(60)
    life.read_out()
    store = life.stores[0]
    assert life.seen == Counter(life.committed) == everything(store) == visible(store)
    before = {record.shard.id: from_the_beginning(store, record.shard.id) for record in store.shard_map().records}
    store.compact(min_files=2)
    store.vacuum(older_than_hours=0)
    for shard, logs in before.items():
        assert from_the_beginning(store, shard, rows=3) == logs


@pytest.mark.parametrize("seed", range(6))
def test_what_is_gone_is_told_and_the_rest_is_pulled_once(open_store: Open, seed: int) -> None:
    life = Life(lambda: open_store(shards=2), 100 + seed, losing=True)
    life.run(60)
    life.read_out()
    store = life.stores[0]
    assert set(life.seen.values()) <= {1}
    store.vacuum(older_than_hours=0)
    assert everything(store) == visible(store)
    if not life.expired:
        assert set(visible(store)) <= set(life.seen)


def test_logs_of_one_key_stay_in_order_across_generations(open_store: Open) -> None:
    store = open_store(shards=1)
    written: dict[str, list[int]] = {user: [] for user in USERS}
    chance = random.Random(5)
    for n in range(40):
        user = chance.choice(USERS)
        written[user].append(n)
        store.append([LogGroup.from_logs([{"n": str(n), "user": user}], [50 - n])], hash_key=user)
        writable = store.shard_map().writable
        if n % 5 == 4:
            store.split_shard(max(writable, key=lambda shard: shard.end - shard.begin).id)
        elif n % 7 == 6 and len(writable) > 1:
            store.merge_shards(writable[0].id)
    shards = store.shard_map()
    read: dict[str, list[int]] = {user: [] for user in USERS}
    for record in shards.records:  # by rising id: ancestors come first
        assert all(ancestor < record.shard.id for ancestor in shards.ancestors(record.shard.id))
        for log in from_the_beginning(store, record.shard.id):
            read[log["user"]].append(int(log["n"]))
            owner = shard_of_key((record.shard,), log["user"])
            assert owner.id == record.shard.id
    assert read == written
