"""`tests.crash` for programs that take seconds to start: one process imports them, and each run is a fork of it.

A program is a module with ``main(arguments)``; what it imports at its top is imported once. Nothing may be opened or started by the
imports alone. Kill points are the announced moments of `transforms.core.durable`, as there.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

__all__ = ["WarmProgram", "chosen_moments"]

_ROOT = Path(__file__).resolve().parent.parent
_TIMEOUT = 120


def chosen_moments(moments: list[str], whole: bool, most: int = 4) -> list[int]:
    """Numbers of moments to be killed at: all, or those around the commit of a store and a seeded sample of the others."""
    if whole:
        return list(range(len(moments)))
    commits = [number for number, moment in enumerate(moments) if "commit" in moment and not moment.startswith("catalogue.")]
    others = [number for number in range(len(moments)) if number not in commits]
    return sorted({*commits, *random.Random(len(moments)).sample(others, min(most, len(others)))})


class WarmProgram:
    """A program that was imported once; a context manager, which ends the process.

    Args:
        module: has ``main(arguments)``.
        arguments: for each run, before those that the run is given.
    """

    def __init__(self, module: str, *arguments: str) -> None:
        path = os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        self._log = Path(tempfile.mkdtemp(prefix="warm-crash-")) / "moments"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.warm_crash", str(self._log), module, *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT, env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip

    def __enter__(self) -> WarmProgram:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(_TIMEOUT)

    def run(self, *arguments: str) -> list[str]:
        """Run to the end; the moments in order, each ``room.verb before`` or ``room.verb after``. AssertionError when it fails."""
        status = self._ask(-1, arguments)
        assert status == 0, f"the program ended with {status}; what it said is above"
        return self._log.read_text().splitlines()

    def killed_at(self, n: int, *arguments: str) -> None:
        """Run until moment ``n`` (from 0) is announced and die there. AssertionError when the program never gets that far."""
        status = self._ask(n, arguments)
        assert status == -signal.SIGKILL, f"was not killed at moment {n}: ended with {status}"

    def _ask(self, kill_at: int, arguments: Sequence[str]) -> int:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps([kill_at, *arguments])}\n")
        self._process.stdin.flush()
        return int(json.loads(self._process.stdout.readline()))


def _serve(log: Path, module: str, arguments: list[str]) -> None:
    program = importlib.import_module(module)
    answers = os.dup(1)
    os.dup2(2, 1)  # what a run prints is for people
    for line in sys.stdin:
        kill_at, *more = json.loads(line)
        child = os.fork()
        if child == 0:
            _run(program, [*arguments, *more], kill_at, log)
        _, status = os.waitpid(child, 0)
        os.write(answers, f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _run(program: object, arguments: list[str], kill_at: int, log: Path) -> None:
    from transforms.core.durable import Moment, observe

    seen: list[str] = []

    def observer(operation: str, moment: Moment) -> None:
        if len(seen) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        seen.append(f"{operation} {moment}")

    signal.alarm(_TIMEOUT)
    observe(observer)
    code = 1
    try:
        program.main(arguments)  # type: ignore[attr-defined]
        code = 0
    except BaseException:
        traceback.print_exc()
    log.write_text("".join(f"{moment}\n" for moment in seen))
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
