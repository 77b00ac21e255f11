"""Rounds of a continuous job: what they read, write and commit, each log once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.home import Home
from tests.pipelines.slice_world import World
from tests.pipelines.transform_world import add_logs, check_whole, make_source, write_job


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home.create(tmp_path / "home")
    make_source(home)
    yield home
    home.close()


def test_rounds_bring_each_log_to_its_targets_once(home: Home, tmp_path: Path) -> None:
    world = World(home, write_job(tmp_path))
    with world.rounds:
        assert world.drain(most=7) >= 7
        check_whole(home, range(100))
        add_logs(home, range(100, 150))
        assert world.round() and not world.round()
    check_whole(home, range(150))
