"""The README is run: its files are written, its commands executed, their output compared; a block that is not run is a defect.

A section (`## …`) has one temporary folder. What a block is:

* ``console``: lines that begin with ``$`` are commands (a backslash at the end goes on), what follows is their output, stderr too;
* any block after a line `<!-- file: NAME -->`: that file, in the section's folder;
* the block after `<!-- tree -->`: paths of this repository, one a line.

In an expected output a line `…` stands for any lines, a `…` at a line's end for any rest. A command that ends with an exit code
other than 0 must print it: `…; echo "exit code $?"`. What differs from machine to machine is named in ``VARIES``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.cli.main import cli as top
from tests.conftest import ROOT
from transforms.connectors.delta.upkeep import COMPACT_EVERY, TIDY_EVERY
from transforms.core.errors import ExitCode
from transforms.stores.external_store_config import STORE_TYPES

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
SHOWN_FOLDER = "/home/ada/shop"
"""What the README writes for the folder its commands run in."""
VARIES = (
    (re.compile(r"\b\d+\.\d+ s\b"), "0.0 s"),
    (re.compile(r"\b\d+\.\d+ ms\b"), "0.0 ms"),
    (re.compile(r"\b\d+\.\d+ MB\b"), "0.0 MB"),
    (re.compile(r"\([\d,]+ logs/s\)"), "(0 logs/s)"),
    (re.compile(r"\b[\d,]+ bytes\b"), "0 bytes"),
    (re.compile(r"\bSQLite \d+(\.\d+)+"), "SQLite 0"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "0a0a0a0a0a0a"),
    (re.compile(r"^[-\d]{10} [:\d]{8} \+0000  (?=\S+  2026-)", re.MULTILINE), "now  "),
)
_NOTE = re.compile(r"<!-- (.*) -->")


class Defect(Exception):
    """The README cannot be run as it is written."""


@dataclass(frozen=True)
class Block:
    """A fenced block: the section it stands in, its line, its language, the comment before it, its text."""

    section: str
    line: int
    language: str
    note: str
    text: str


@dataclass(frozen=True)
class File:
    name: str
    text: str


@dataclass(frozen=True)
class Command:
    line: int
    command: str
    expected: str


@dataclass(frozen=True)
class Tree:
    paths: tuple[str, ...]


Step = File | Command | Tree


def blocks_of(text: str) -> list[Block]:
    blocks: list[Block] = []
    section, note, begin, language = "", "", 0, ""
    inside: list[str] | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if inside is not None:
            if line == "```":
                blocks.append(Block(section, begin, language, note, "".join(inside)))
                note, inside = "", None
            else:
                inside.append(line + "\n")
        elif line.startswith("```"):
            begin, language, inside = number, line[3:].strip(), []
        elif line.lstrip().startswith(("```", "~~~")):
            raise Defect(f"README.md:{number}: a block must begin at the left with three backticks")
        elif line.startswith("## "):
            section = line[3:]
        elif (match := _NOTE.fullmatch(line)) is not None:
            note = match[1]
        elif line:
            note = ""
    if inside is not None:
        raise Defect(f"README.md:{begin}: the block is not closed")
    return blocks


def steps_of(block: Block) -> list[Step]:
    where = f"README.md:{block.line}"
    if block.note.startswith("file: "):
        name = block.note.removeprefix("file: ")
        if Path(name).name != name:
            raise Defect(f"{where}: {name!r} is no plain file name")
        return [File(name, block.text)]
    if block.note == "tree":
        return [Tree(tuple(line.split()[0] for line in block.text.splitlines()))]
    if block.language == "console":
        return list(_commands(block, where))
    raise Defect(f"{where}: this {block.language or 'bare'} block is neither run nor written to a file")


def _commands(block: Block, where: str) -> Iterator[Command]:
    lines = block.text.splitlines()
    if not lines or not lines[0].startswith("$ "):
        raise Defect(f"{where}: a console block begins with a command")
    at = 0
    while at < len(lines):
        begin = at
        command = lines[at][2:]
        while command.endswith("\\"):
            at += 1
            if at == len(lines):
                raise Defect(f"{where}: the last command goes on after the block's end")
            command += "\n" + lines[at]
        at += 1
        output: list[str] = []
        while at < len(lines) and not lines[at].startswith("$ "):
            output.append(lines[at])
            at += 1
        yield Command(block.line + 1 + begin, command, "".join(line + "\n" for line in output))


def agrees(expected: str, actual: str) -> bool:
    """Whether an output is the expected one, apart from what varies."""
    pattern = ""
    for line in _settled(expected).splitlines():
        if line.strip() == "…":
            pattern += r"(?:[^\n]*\n)*"
        else:
            pattern += re.escape(line.removesuffix("…")) + (r"[^\n]*" if line.endswith("…") else "") + r"\n"
    return re.fullmatch(pattern, _settled(actual)) is not None


def _settled(text: str) -> str:
    for varying, constant in VARIES:
        text = varying.sub(constant, text)
    return "".join(line.rstrip() + "\n" for line in text.splitlines())


BLOCKS = blocks_of(TEXT)
STEPS: dict[str, list[Step]] = {}
for _block in BLOCKS:
    STEPS.setdefault(_block.section, []).extend(steps_of(_block))
COMMANDS = [(section, step) for section, steps in STEPS.items() for step in steps if isinstance(step, Command)]


@dataclass(frozen=True)
class Outcome:
    code: int
    output: str


def _is_run(command: Command) -> bool:
    # Installing, the demo and the tests themselves are tried elsewhere.
    return not command.command.startswith("./run_local.sh")


def _run_section(steps: list[Step], folder: Path, env: Mapping[str, str]) -> dict[int, Outcome]:
    outcomes: dict[int, Outcome] = {}
    for step in steps:
        if isinstance(step, File):
            (folder / step.name).write_text(step.text, encoding="utf-8")
        elif isinstance(step, Command) and _is_run(step):
            done = subprocess.run(
                ["bash", "-c", step.command], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, encoding="utf-8", timeout=240, check=False,
            )  # fmt: skip
            # A slow machine also gets lines of progress.
            told = re.sub(r"^(query|import\S*|export\S*): [\d,]+( of | s|, ).*\n", "", done.stdout, flags=re.MULTILINE)
            outcomes[step.line] = Outcome(done.returncode, told.replace(str(folder), SHOWN_FOLDER))
    return outcomes


def run_readme(folder: Path) -> dict[int, Outcome]:
    """What each command printed, by its line. Two sections run at a time."""
    programs = folder / "bin"
    programs.mkdir()
    for name, arguments in (("logsluice", "-m pipelines "), ("python", "")):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments}"$@"\n')
        program.chmod(0o755)
    env = {name: value for name, value in os.environ.items() if not name.startswith("LOGSLUICE_")}
    env["LOGSLUICE_PROGRESS"] = "off"  # how much is shown depends on the machine
    env["PATH"] = f"{programs}{os.pathsep}{env['PATH']}"
    with ThreadPoolExecutor(2) as pool:
        running = []
        for number, steps in enumerate(STEPS.values()):
            place = folder / f"section{number}"
            place.mkdir()
            running.append(pool.submit(_run_section, steps, place, env))
        return {line: outcome for section in running for line, outcome in section.result().items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("readme")


@pytest.fixture(scope="module")
def outcomes(folder: Path) -> dict[int, Outcome]:
    return run_readme(folder)


@pytest.mark.parametrize(
    "command", [command for _, command in COMMANDS if _is_run(command)], ids=lambda command: f"line {command.line}: {command.command[:50]}"
)
def test_command(command: Command, outcomes: dict[int, Outcome]) -> None:
    outcome = outcomes[command.line]
    assert outcome.code == 0, f"exit code {outcome.code}\n{outcome.output}"
    assert agrees(command.expected, outcome.output), f"expected:\n{command.expected}\ngot:\n{outcome.output}"


def test_run_local_commands_exist() -> None:
    done = subprocess.run([str(ROOT / "run_local.sh"), "help"], capture_output=True, text=True, timeout=30, check=True)
    known = set(re.findall(r"^  ([a-z]+)\s", done.stdout, re.MULTILINE))
    assert {"test", "check"} <= known, "the help has another form"
    named = [(command.line, command.command.split()[1:2]) for _, command in COMMANDS if not _is_run(command)]
    named += [(0, [word]) for word in re.findall(r"`(?:[A-Z_]+=\S+ )?\./run_local\.sh ([a-z]+)", TEXT)]
    assert named
    assert [(line, word) for line, word in named if word and word[0] not in known] == []


def test_paths_exist() -> None:
    trees = [path for steps in STEPS.values() for step in steps if isinstance(step, Tree) for path in step.paths]
    assert trees
    linked = re.findall(r"\]\(([^)#:]+)\)", TEXT)
    assert [path for path in [*trees, *linked] if not (ROOT / path).exists()] == []


def test_every_verb_and_setting_is_shown() -> None:
    import click

    verbs = top.list_commands(click.Context(top))
    assert [verb for verb in verbs if f"logsluice {verb}" not in TEXT] == []
    settings = {option.envvar for option in top.params if isinstance(option, click.Option) and isinstance(option.envvar, str)}
    assert settings and {name for name in settings if f"`{name}`" not in TEXT} == set()


def test_every_kind_of_external_store_is_shown() -> None:
    section = TEXT.partition("\n## ExternalStores\n")[2].partition("\n## ")[0]
    assert tuple(re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE)) == STORE_TYPES


def test_upkeep_is_as_often_as_it_says() -> None:
    assert f"compaction every {COMPACT_EVERY} versions, the other two every {TIDY_EVERY}" in TEXT


def test_exit_codes_are_the_programs() -> None:
    shown = {int(code) for code in re.findall(r"^\| (\d+) \|", TEXT.partition("## Exit codes")[2].partition("\n## ")[0], re.MULTILINE)}
    assert shown == {int(code) for code in ExitCode}


def _searches() -> list[tuple[str, int]]:
    table = TEXT.partition("| search | finds |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `([^`]+)` \|.*\| (\d+) \|$", table, re.MULTILINE)
    assert len(rows) == len(table.strip().splitlines()) - 2, "a row of the table has another form"
    return [(search, int(found)) for search, found in rows]


@pytest.mark.parametrize(("search", "found"), _searches())
def test_search_of_the_table(search: str, found: int, shop: Path) -> None:
    from pipelines.home import Home
    from pipelines.query import plan_statement, run_in_process
    from transforms.core.interval import ALL_TIME
    from transforms.sql.planner import PlanOptions

    home = Home(shop)
    try:
        plan = plan_statement(home, "default", "web", search, ALL_TIME, PlanOptions())
        assert len(run_in_process(plan, now_seconds=0).rows) == found
    finally:
        home.close()


@pytest.fixture(scope="module")
def shop(folder: Path, outcomes: dict[int, Outcome]) -> Path:
    """The tour's home, with its requests."""
    assert outcomes
    return folder / f"section{list(STEPS).index('Five minutes with your own data')}" / ".logsluice"


def test_blocks_that_are_not_run_are_defects() -> None:
    def steps(text: str) -> list[Step]:
        return [step for block in blocks_of(text) for step in steps_of(block)]

    for text in (
        "```json\n{}\n```\n",
        "```\n$ ls\n```\n",
        "```console\nls\n```\n",
        "```console\n```\n",
        "```console\n$ ls \\\n```\n",
        "<!-- file: ../x -->\n```json\n{}\n```\n",
        "<!-- file: x -->\n\nwords\n\n```json\n{}\n```\n",
        "```console\n$ ls\n",
        "* a\n  ```console\n  $ ls\n  ```\n",
    ):
        with pytest.raises(Defect):
            steps(text)
    assert steps("## s\n<!-- file: x -->\n```json\n{}\n```\n```console\n$ a \\\n  b\nc\n…\n$ d\n```\n") == [
        File("x", "{}\n"),
        Command(7, "a \\\n  b", "c\n…\n"),
        Command(11, "d", ""),
    ]


def test_outputs_that_differ_are_told_apart() -> None:
    assert agrees("3 rows, 0.02 s\n", "3 rows, 1.50 s\n") and not agrees("3 rows, 0.02 s\n", "4 rows, 0.02 s\n")
    assert agrees("a\n…\nd\n", "a\nb\nc\nd\n") and agrees("a\n…\nd\n", "a\nd\n") and not agrees("a\n…\nd\n", "a\nb\n")
    assert agrees("a b…\n", "a b c\n") and not agrees("a b…\n", "a c\n")
    assert agrees("", "") and not agrees("", "a\n") and not agrees("a\n", "")
    assert not agrees("a.c\n", "abc\n")
