"""What people read when a task file is refused, whole: one file for each under diagnostics.

A file holds the task file, a line ``----``, and the message. Write the messages anew with ``LOGSLUICE_WRITE_DIAGNOSTICS=1``, then read the
difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipelines.schedule.task_file import parse_task_text, read_task_file
from transforms.core.diagnostics import render
from transforms.core.errors import NotFound, ParameterInvalid
from transforms.schedule.task_config import read_task

FILES = sorted((Path(__file__).parent / "diagnostics").glob("*.txt"))


def test_there_are_files() -> None:
    assert len(FILES) >= 25


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_refusal_reads_like_this(path: Path) -> None:
    text, _, expected = path.read_text(encoding="utf-8").partition("\n----\n")
    with pytest.raises(ParameterInvalid) as caught:
        values, places = parse_task_text(text, "task.yaml")
        read_task(values, "default", places)
    message = render(caught.value)
    if os.environ.get("LOGSLUICE_WRITE_DIAGNOSTICS"):
        path.write_text(f"{text}\n----\n{message}\n", encoding="utf-8")
    assert expected.rstrip("\n") == message
    assert caught.value.hint
    assert caught.value.location is not None
    assert caught.value.exit_code == 2


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_task_file(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"name: caf\xe9")
    with pytest.raises(ParameterInvalid, match="cannot be read"):
        read_task_file(tmp_path / "latin.yaml")
    (tmp_path / "good.yaml").write_text("\ufeffname: x\n", encoding="utf-8")
    assert read_task_file(tmp_path / "good.yaml")[0] == {"name": "x"}
