"""A small world for transformation jobs: a source with numbered logs, a job file, and what its targets hold."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from pipelines.home import DEFAULT_PROJECT, Home
from transforms.core.log_group import LogGroup
from transforms.stores.logstore import LogstoreDescriptor
from transforms.stores.shard import even_shards

RULE = """\
e_set("kind", "access")
e_if(v("level") == "debug", DROP)
e_split("tags")
e_if(v("level") == "error", e_coutput("errors"))
e_if(v("level") == "bad", e_set("size", ct_int(v("size"))))
"""
LEVELS = ("info", "debug", "error", "info", "bad")


def make_source(home: Home, commits: int = 2, logs: int = 50) -> None:
    """``source`` with ``commits`` × ``logs`` numbered logs: of every five one is dropped, one copied, one fails, all split in two."""
    store = home.create_logstore(LogstoreDescriptor(DEFAULT_PROJECT, "source", "", even_shards(2)))
    for commit in range(commits):
        add_logs(home, range(commit * logs, (commit + 1) * logs))
    assert store.snapshot().rows_total == commits * logs


def add_logs(home: Home, numbers: range) -> None:
    """More numbered logs in one commit."""
    home.open_logstore(DEFAULT_PROJECT, "source").append([numbered_logs(numbers)])


def numbered_logs(numbers: range) -> LogGroup:
    """Logs of the source."""
    logs = [{"n": str(n), "level": LEVELS[n % 5], "tags": "a,b", "size": "x"} for n in numbers]
    return LogGroup.from_logs(logs, [1_700_000_000 + n for n in numbers])


def write_job(folder: Path, rule: str = RULE, **extra: str) -> Path:
    """A job file over that source."""
    lines = ["job: clean", "source: {logstore: source}", "rule: |", *(f"  {line}" for line in rule.splitlines())]
    lines += ["targets:", "  main: {logstore: main, create: true}", "  errors: {logstore: errors, create: true}"]
    lines += [f"{key}: {value}" for key, value in extra.items()]
    path = folder / "job.yaml"
    path.write_text("\n".join(lines) + "\n")
    return path


def rows_of(home: Home, logstore: str) -> list[dict[str, str]]:
    """All logs of a Logstore; none when it is not there."""
    if logstore not in home.catalogue().list_logstores(DEFAULT_PROJECT).names:
        return []
    store = home.open_logstore(DEFAULT_PROJECT, logstore)
    return [log for group in store.read() for log in group.to_logs()]


def numbers_of(home: Home, logstore: str) -> Counter[tuple[str, str]]:
    """(number, tag) of each log."""
    return Counter((log["n"], log["tags"]) for log in rows_of(home, logstore))


def expected_main(numbers: range) -> Counter[tuple[str, str]]:
    """What the default target holds after the rule."""
    return Counter((str(n), tag) for n in numbers if LEVELS[n % 5] not in ("debug", "bad") for tag in "ab")


def expected_errors(numbers: range) -> Counter[tuple[str, str]]:
    """What the target ``errors`` holds after the rule."""
    return Counter((str(n), tag) for n in numbers if LEVELS[n % 5] == "error" for tag in "ab")


def check_whole(home: Home, numbers: range) -> None:
    """Every log of the source is where the rule sends it, once."""
    assert numbers_of(home, "main") == expected_main(numbers)
    assert numbers_of(home, "errors") == expected_errors(numbers)
    dead = rows_of(home, "source-dead-letters")
    assert sorted(letter["log"] for letter in dead) == sorted({letter["log"] for letter in dead})
    assert len(dead) == sum(LEVELS[n % 5] == "bad" for n in numbers)
