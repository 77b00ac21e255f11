"""How a snapshot's files are shared out: all of them, each part once, in tasks of much the same size."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from transforms.stores.logstore import DataFile, Snapshot
from transforms.stores.read_task import read_tasks


def snapshot(sizes: list[int]) -> Snapshot:
    files = tuple(DataFile(f"/{number}", size, 1_000, 0, 0, 1) for number, size in enumerate(sizes))
    return Snapshot(1, files, len(files), 0, sum(sizes), ())


@given(st.lists(st.integers(1, 2_000), min_size=1, max_size=20), st.integers(1, 20), st.integers(1, 3_000))
def test_each_part_is_read_once(sizes: list[int], least: int, most: int) -> None:
    tasks = read_tasks(snapshot(sizes), least, most)
    assert [task.number for task in tasks] == list(range(len(tasks)))
    read = [(file.path, task.part, task.parts) for task in tasks for file in task.files]
    assert len(set(read)) == len(read)
    for number in range(len(sizes)):
        parts = sorted((part, parts) for path, part, parts in read if path == f"/{number}")
        assert parts == [(part, len(parts)) for part in range(len(parts))]
    assert all(task.parts == 1 for task in tasks if len(task.files) > 1)
    assert tasks == read_tasks(snapshot(sizes), least, most)


def test_as_many_as_are_aimed_at_and_alike() -> None:
    """A runner deals tasks out by number: fifteen for two workers are one too few."""
    tasks = read_tasks(snapshot([18_115, 18_115, 9_840]), 16)
    assert [task.parts for task in tasks] == [6] * 12 + [4] * 4
    assert max(task.bytes for task in tasks) < 1.3 * min(task.bytes for task in tasks)


def test_small_files_share_a_task() -> None:
    assert [len(task.files) for task in read_tasks(snapshot([10] * 12), 4)] == [3, 3, 3, 3]
    assert [len(task.files) for task in read_tasks(snapshot([10] * 12), 1, 50)] == [5, 5, 2]


def test_no_files() -> None:
    assert read_tasks(snapshot([]), 4) == ()
