"""Commits of several targets by one recorded intent, killed before and after each durable operation."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.crash import count_moments, run_killed_at
from transforms.connectors import create_logstore, open_logstore
from transforms.core.errors import NotFound, ParameterInvalid
from transforms.core.log_group import LogGroup
from transforms.stores.commit_intent import CommitIntent, Commits, IntentCommitter, files_from_json, files_to_json
from transforms.stores.logstore import AppTransaction, DataFile, Logstore, LogstoreDescriptor
from transforms.stores.shard import even_shards

# A step of a job: logs that no second computation would give again, for two targets; a third loses what an earlier step wrote.
_STEP = """
import os, uuid
from pathlib import Path
from transforms.connectors import open_logstore
from transforms.core.durable import durable
from transforms.core.log_group import LogGroup
from transforms.stores.commit_intent import CommitIntent, IntentCommitter
from transforms.stores.logstore import AppTransaction, LogstoreDescriptor
from transforms.stores.shard import even_shards

folder = Path({folder!r})

def open_target(name):
    return open_logstore(LogstoreDescriptor("demo", name, str(folder / name), even_shards(1)))

def written(path, text):
    part = path.with_suffix(".part")
    with part.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)

def record(intents):
    path = folder / "intent-2"
    if not path.exists():
        with durable("job.record"):
            written(path, intents[0].with_targets(["c"]).to_json())
    return [CommitIntent.from_json(path.read_text())]

def finish(intents, commits):
    with durable("job.finish"):
        written(folder / "finished-2", str(sum(intents[0].rows.values())))

committer = IntentCommitter(record, open_target, finish)
if (folder / "finished-2").exists():
    pass
elif (folder / "intent-2").exists():
    committer.roll_forward([CommitIntent.from_json((folder / "intent-2").read_text())])
else:
    run = uuid.uuid4().hex
    files = {{}}
    for name, count in (("a", 2), ("b", 3)):
        logs = LogGroup.from_logs([{{"run": run}}] * count, [5] * count)
        files[name] = open_target(name).write_files([logs], origin="job/2")
    committer.commit([CommitIntent(AppTransaction("job", 2), files, ("job/2",))])
"""


def group(text: str) -> LogGroup:
    return LogGroup.from_logs([{"run": text}], [1])


def open_target(folder: Path, name: str) -> Logstore:
    return open_logstore(LogstoreDescriptor("demo", name, str(folder / name), even_shards(1)))


def make(folder: Path) -> None:
    for name in "abc":
        store = create_logstore(LogstoreDescriptor("demo", name, str(folder / name), even_shards(1)))
        store.append([group("other")], origin="job/1")
        store.append([group("earlier")], origin="job/2", app=AppTransaction("job", 1))


def runs(folder: Path, name: str) -> Counter[str]:
    return Counter(log["run"] for one in open_target(folder, name).read() for log in one.to_logs())


def outcome(folder: Path) -> str:
    """Checks that a finished step is there once, in all targets of one and the same computation; gives its run."""
    a, b, c = (runs(folder, name) for name in "abc")
    (run_id,) = set(a) - {"other"}
    assert a == {"other": 1, run_id: 2} and b == {"other": 1, run_id: 3} and c == {"other": 1}
    assert {open_target(folder, name).app_version("job") for name in "abc"} == {2}
    return run_id


def test_a_step_killed_anywhere_and_started_again(tmp_path: Path) -> None:
    make(tmp_path / "prepared")

    def copy(name: str) -> Path:
        return Path(shutil.copytree(tmp_path / "prepared", tmp_path / name))

    moments = count_moments(_STEP.format(folder=str(copy("counted"))))
    writes = ["logstore.write-file"] * 2
    assert moments == [
        f"{what} {when}" for what in [*writes, "job.record", *["logstore.commit"] * 3, "job.finish"] for when in ("before", "after")
    ]
    outcome(tmp_path / "counted")
    recorded = moments.index("job.record after")
    for n, moment in enumerate(moments):
        folder = copy(f"killed {n}")
        program = _STEP.format(folder=str(folder))
        run_killed_at(program, n)
        before = {name: runs(folder, name) for name in "abc"}
        if n <= recorded + 1:
            assert set(map(str, before.values())) == {str(Counter({"other": 1, "earlier": 1}))}, moment
        for name in "abc":  # the old logs or the new ones, never both, never neither
            assert ("earlier" in before[name]) != (open_target(folder, name).app_version("job") == 2), moment
        first = set(before["a"]) - {"other", "earlier"}
        if n == recorded:
            open_target(folder, "a").compact(min_files=2)  # what happens in between does not matter
        exec(program, {})  # the repeat may as well run here
        assert {outcome(folder)} >= first, moment  # never computed again once a target has it
        versions = [open_target(folder, name).version() for name in "abc"]
        if n in (recorded, len(moments) - 1):
            exec(program, {})
            assert versions == [open_target(folder, name).version() for name in "abc"]


# --- in this process --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make(tmp_path)
    return tmp_path


def step(folder: Path, version: int, text: str, *names: str) -> CommitIntent:
    files = {name: tuple(open_target(folder, name).write_files([group(text)], origin="job/2")) for name in names}
    return CommitIntent(AppTransaction("job", version), files, ("job/2",))


def committer(folder: Path, recorded: dict[int, CommitIntent], finished: list[int]) -> IntentCommitter:
    def record(intents: Sequence[CommitIntent]) -> list[CommitIntent]:
        return [recorded.setdefault(intent.app.version, intent) for intent in intents]

    def finish(intents: Sequence[CommitIntent], commits: object) -> None:
        finished.extend(intent.app.version for intent in intents)

    return IntentCommitter(record, lambda name: open_target(folder, name), finish)


def test_the_intent_that_was_recorded_first_counts(folder: Path) -> None:
    recorded: dict[int, CommitIntent] = {}
    finished: list[int] = []
    work = committer(folder, recorded, finished)
    commits = work.commit([step(folder, 2, "first", "a", "b")])
    assert {name: (done["job"].applied, done["job"].replaced) for name, done in commits.items()} == {
        "a": (True, ("job/2",)),
        "b": (True, ("job/2",)),
    }
    again = work.commit([step(folder, 2, "second", "a", "b", "c")])
    assert {name: done["job"].applied for name, done in again.items()} == {"a": False, "b": False}
    assert runs(folder, "a") == {"other": 1, "first": 1} and runs(folder, "c") == {"other": 1, "earlier": 1}
    assert finished == [2, 2] and recorded[2].rows == {"a": 1, "b": 1}


def test_an_earlier_step_on_its_way_is_refused_by_every_target_of_a_later_one(folder: Path) -> None:
    zombie = step(folder, 2, "zombie", "a", "c")
    work = committer(folder, {}, [])
    work.commit([step(folder, 3, "later", "a", "b").with_targets(zombie.files)])
    assert not any(done["job"].applied for done in work.roll_forward([zombie]).values())
    assert (runs(folder, "a"), runs(folder, "c")) == ({"other": 1, "later": 1}, {"other": 1})


def test_a_dropped_target_matters_only_if_it_has_files(folder: Path) -> None:
    intent = step(folder, 2, "new", "a", "c").with_targets(["gone"])
    finished: list[int] = []
    assert set(committer(folder, {}, finished).commit([intent])) == {"a", "c"}
    shutil.rmtree(folder / "c")
    with pytest.raises(NotFound):
        committer(folder, {}, finished).commit([intent])
    assert finished == [2]


def test_an_intent_comes_back_from_its_text() -> None:
    files = (
        DataFile("/x/ü\n\"'.parquet", 10, 2, 1, -5, 7, None, (("n", "long"), ("d", "double")), "job/ü"),
        DataFile("s3://b/y.parquet", 1, 1, 0, 0, 0, 2**60, (), None, ("a", "b")),
    )
    intent = CommitIntent(AppTransaction("job", 9), {"a/b": files, "empty": ()}, ("o", "p"))
    assert CommitIntent.from_json(intent.to_json()) == intent
    assert files_from_json(files_to_json(intent.files)) == intent.files
    assert intent.rows == {"a/b": 3, "empty": 0} and list(intent.with_targets(["z", "a/b"]).files) == ["z", "a/b", "empty"]
    for text in ("", "{}", "[]", intent.to_json()[:-1], intent.to_json().replace('"origins"', '"other"')):
        with pytest.raises(ParameterInvalid, match="no commit intent"):
            CommitIntent.from_json(text)


def test_intents_of_several_apps_are_one_commit_of_each_target(folder: Path) -> None:
    finished: list[int] = []
    work = committer(folder, {}, finished)
    lanes = [
        CommitIntent(AppTransaction(f"lane/{n}", n), step(folder, n, f"lane {n}", *names).files) for n, names in ((3, "ab"), (4, "bc"))
    ]
    before = {name: open_target(folder, name).version() for name in "abc"}
    open_target(folder, "b").commit(lanes[0].files["b"], app=lanes[0].app)
    commits = work.commit(lanes)
    assert {name: {app: done.applied for app, done in answers.items()} for name, answers in commits.items()} == {
        "a": {"lane/3": True}, "b": {"lane/3": False, "lane/4": True}, "c": {"lane/4": True}
    }  # fmt: skip
    assert finished == [3, 4]
    assert [open_target(folder, name).version() - before[name] for name in "abc"] == [1, 2, 1]
    assert runs(folder, "b") == {"other": 1, "earlier": 1, "lane 3": 1, "lane 4": 1}


def test_what_a_target_answered_is_told_to_the_end(folder: Path) -> None:
    told: list[Commits] = []
    work = IntentCommitter(lambda intents: intents, lambda name: open_target(folder, name), lambda _intents, commits: told.append(commits))
    assert told == [] and work.commit([step(folder, 2, "x", "b")]) == told[0] and told[0]["b"]["job"].replaced == ("job/2",)
