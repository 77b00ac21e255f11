"""Run a program in a process of its own and kill it with SIGKILL: at an enumerated durable moment, or after a time.

A program is Python source (a ``str``) or a module with its arguments (a list such as ``["pipelines.cli.main", "import", …]``,
run like ``python -m``). Every ``with durable("room.verb")`` of the program announces two moments; a test first counts them,
then kills one run at each::

    for n in range(len(count_moments(code))):
        run_killed_at(code, n)
        run(code)                    # a repeat must bring the store where one undisturbed run would
        check(...)
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["Program", "count_moments", "run", "run_killed_after", "run_killed_at", "start"]

Program = str | Sequence[str]
_ROOT = Path(__file__).resolve().parent.parent
_TIMEOUT = 120.0


def count_moments(program: Program, env: Mapping[str, str] | None = None) -> list[str]:
    """Run to the end and list the moments in order, each ``room.verb before`` or ``room.verb after``."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "moments"
        log.touch()
        _finish(start(program, env, log=log), program)
        return log.read_text(encoding="utf-8").splitlines()


def run(program: Program, env: Mapping[str, str] | None = None) -> str:
    """Run undisturbed and return what it printed to stdout; AssertionError with its stderr when it fails."""
    return _finish(start(program, env), program)


def run_killed_at(program: Program, n: int, env: Mapping[str, str] | None = None) -> None:
    """Run until moment ``n`` (from 0) is announced and die there. AssertionError when the program never gets that far."""
    process = start(program, env, kill_at=n)
    out, err = process.communicate(timeout=_TIMEOUT)
    assert process.returncode == -signal.SIGKILL, f"was not killed at moment {n}: exit {process.returncode}\n{out}\n{err}"


def run_killed_after(program: Program, seconds: float, env: Mapping[str, str] | None = None) -> bool:
    """Run and kill after a wall time; False when the program had ended by itself (successfully) before."""
    process = start(program, env)
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return True
    assert process.returncode == 0, f"exit {process.returncode}\n{out}\n{err}"
    return False


def start(
    program: Program, env: Mapping[str, str] | None = None, *, kill_at: int | None = None, log: Path | None = None
) -> subprocess.Popen[str]:
    """Start a program and do not wait."""
    order = json.dumps({"program": program if isinstance(program, str) else list(program), "kill_at": kill_at,
                        "log": str(log) if log else None})  # fmt: skip
    path = os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, "-m", "tests.crash", order],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=_ROOT, env={**os.environ, "PYTHONPATH": path, **(env or {})},
    )  # fmt: skip


def _finish(process: subprocess.Popen[str], program: Program) -> str:
    try:
        out, err = process.communicate(timeout=_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
    assert process.returncode == 0, f"exit {process.returncode} of {program!r}\n{out}\n{err}"
    return out


def _child(order: str) -> None:
    from transforms.core.durable import Moment, observe

    wanted = json.loads(order)
    program, kill_at, log = wanted["program"], wanted["kill_at"], wanted["log"]
    seen = 0

    def observer(operation: str, moment: Moment) -> None:
        nonlocal seen
        if log is not None:
            with Path(log).open("a", encoding="utf-8") as file:
                file.write(f"{operation} {moment}\n")
        if seen == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        seen += 1

    observe(observer)
    if isinstance(program, str):
        exec(compile(program, "<program>", "exec"), {"__name__": "__main__"})
        return
    sys.argv = list(program)
    try:
        runpy.run_module(program[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code:
            raise


if __name__ == "__main__":
    _child(sys.argv[1])
