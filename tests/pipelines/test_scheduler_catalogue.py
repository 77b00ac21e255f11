"""A scheduler whose catalogue, in MariaDB, goes away and comes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.home import Home
from tests.mariadb import MariadbServer
from tests.pipelines.scheduler_world import attempts, behave, finish, instances, interrupt, make_due, running, until


@pytest.mark.mariadb
def test_a_database_that_goes_away_holds_it_up_no_longer_than_that(tmp_path: Path, mariadb: MariadbServer) -> None:
    database = mariadb.database()
    url = f"mysql://{database.user}:{database.password}@{database.host}:{database.port}/{database.name}"
    home = Home.create(tmp_path / "home", url)
    make_due(home, "one", 2)
    behave(home, "one", "sleep 1")
    with running(home, "--catalogue", url) as process:
        until(lambda: attempts(home))
        mariadb.stop()
        try:
            until(lambda: attempts(home)[0].ended)
        finally:
            mariadb.start()
        until(lambda: len(attempts(home)) == 2 and attempts(home)[1].ended)
        interrupt(process)
        code, err = finish(process)
    assert code == 0
    assert err.count("does not answer") == 1 and "; trying again" in err and "the catalogue answers again" in err, err
    assert database.password not in err
    assert [str(entry.instance.state) for entry in instances(home, "one")] == ["SUCCEEDED"] * 2
    assert len(attempts(home)) == 2, "an attempt that ended while nobody answered counts"
    home.close()
