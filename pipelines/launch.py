"""Launching a pipeline: which runner, which flags, what to do when it fails."""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import apache_beam as beam
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, SetupOptions, StandardOptions

from pipelines.options import RangeOptions
from transforms.core.error_transport import error_in
from transforms.core.errors import ParameterInvalid
from transforms.core.suggest import suggestion

__all__ = ["engine_threads", "flags_help", "is_local", "least_tasks", "new_pipeline", "options_of", "run_pipeline", "worker_count"]

LOCAL_RUNNER = "FnApiRunner"
"""Beam's portable runner inside this process. Beam's own reading of ``DirectRunner`` tries to download another one first."""
_REMOTE_TASKS = 16
_PATIENCE_SECONDS = 5.0
_impatient: list[threading.Timer] = []
"""Timers that end an interrupted process whose runner does not let go."""
_LOCAL_NAMES = {"", "DirectRunner", "FnApiRunner", "direct", "local"}


def options_of(arguments: Sequence[str]) -> PipelineOptions:
    """Options from flags; a flag that no options class knows is refused with the nearest one (Beam only warns).

    ``DirectRunner``, the default, always means the in-process runner. For other runners the package is sent along.
    """
    known = _all_flags()
    _, unknown = known.parse_known_args(list(arguments))
    for flag in unknown:
        if flag.startswith("-"):
            name = flag.split("=", 1)[0]
            flags = [option for action in known._actions for option in action.option_strings if option.startswith("--")]
            raise ParameterInvalid(f"unknown flag {name}", hint=suggestion(name, flags, "flag") or "--help lists the flags")
    if unknown:
        raise ParameterInvalid(f"unexpected argument {unknown[0]!r}", hint="a statement with blanks needs quotes")
    options = PipelineOptions(list(arguments))
    standard = options.view_as(StandardOptions)
    if (standard.runner or "") in _LOCAL_NAMES:
        standard.runner = LOCAL_RUNNER
    elif "." not in str(standard.runner) and standard.runner not in _known_runners():
        raise ParameterInvalid(f"unknown runner {standard.runner!r}", hint=suggestion(str(standard.runner), _known_runners(), "runner"))
    elif not options.view_as(SetupOptions).setup_file and os.path.exists("setup.py"):  # noqa: PTH110
        options.view_as(SetupOptions).setup_file = "./setup.py"
    return options


def is_local(options: PipelineOptions) -> bool:
    """Whether the pipeline runs on this machine's own runner."""
    return bool(options.view_as(StandardOptions).runner == LOCAL_RUNNER)


def worker_count(options: PipelineOptions) -> int:
    """Worker processes or threads of the local runner; 1 for runners that decide by themselves."""
    if not is_local(options):
        return 1
    asked = options.view_as(DirectOptions).direct_num_workers
    return int(asked) if asked else (os.cpu_count() or 1 if asked == 0 else 1)


def least_tasks(options: PipelineOptions, each: int = 2) -> int:
    """Scan tasks to aim at: one for a single worker, ``each`` for every one of several, so that a slow one does not hold up the rest.

    The local runner deals tasks out before it starts, whatever their sizes: the more there are, the more alike the workers' shares.
    """
    asked = options.view_as(RangeOptions).least_tasks
    if asked:
        return int(asked)
    if not is_local(options):
        return _REMOTE_TASKS
    return 1 if worker_count(options) == 1 else each * worker_count(options)


def engine_threads(options: PipelineOptions, asked: int) -> int:
    """Threads of one engine call: the cores, divided among the workers of this machine."""
    return asked or max(1, (os.cpu_count() or 1) // worker_count(options))


def flags_help(*kinds: type[PipelineOptions]) -> str:
    """The flags of some options classes; Beam's own are accepted beside them."""
    parser = argparse.ArgumentParser(add_help=False, usage=argparse.SUPPRESS)
    parser.add_argument(
        "--runner", help="DirectRunner (the default): in this process, offline. Or any of Beam's: FlinkRunner, DataflowRunner, …"
    )
    for kind in kinds:
        kind._add_argparse_args(cast(Any, parser))  # Beam asks for a parser of its own and uses none of it
    return (
        parser.format_help()
        + "\nBeam's own flags are accepted too, such as --direct_num_workers 2 --direct_running_mode multi_processing.\n"
    )


def new_pipeline(options: PipelineOptions) -> beam.Pipeline:
    """An empty pipeline for the runner of the options.

    On this machine more workers than one are processes (`pipelines.worker`), unless threads are asked for.
    """
    direct = options.view_as(DirectOptions)
    if not is_local(options) or worker_count(options) == 1 or direct.direct_running_mode == "multi_threading":
        return beam.Pipeline(options=options)
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner
    from apache_beam.transforms.environments import SubprocessSDKEnvironment

    # Each worker would start as many threads as there are cores.
    threads = f"export POLARS_MAX_THREADS=${{POLARS_MAX_THREADS:-{engine_threads(options, 0)}}}"
    command = f"{threads}; exec {shlex.quote(sys.executable)} -m pipelines.worker"
    # By Beam's own name for this the runner would start its own, talkative workers; by the default it would warn that it starts none.
    direct.direct_running_mode = "worker_processes"
    return beam.Pipeline(runner=FnApiRunner(SubprocessSDKEnvironment.from_command_string(command)), options=options)


def run_pipeline(pipeline: beam.Pipeline) -> Any:
    """Run to the end. An error of ours that a worker reported is raised as it was."""
    previous = signal.signal(signal.SIGINT, _interrupt) if threading.current_thread() is threading.main_thread() else None
    try:
        result = pipeline.run()
        result.wait_until_finish()
    except Exception as error:
        if "KeyboardInterrupt" in str(error).partition("\n")[0]:
            raise KeyboardInterrupt from None  # the runner makes a failure of the step out of it
        own = error_in(str(error))
        if own is None:
            raise
        raise own from None
    finally:
        if previous is not None:
            signal.signal(signal.SIGINT, previous)
        while _impatient:
            _impatient.pop().cancel()
    return result


def _interrupt(_signal: int, _frame: object) -> None:
    """Ctrl-C: what the runner's threads have to say about work that ends in the middle is no news."""
    logging.disable(logging.CRITICAL)
    threading.excepthook = lambda _arguments: None
    # The runner's own clean-up may wait for ever for a worker process that was just being started.
    patience = threading.Timer(_PATIENCE_SECONDS, _end_now)
    patience.daemon = True
    patience.start()
    _impatient.append(patience)
    raise KeyboardInterrupt


def _end_now() -> None:
    """End this process and those it started, as if Ctrl-C had ended it."""
    for child in _children():
        with suppress(OSError):
            os.kill(child, signal.SIGKILL)
    with suppress(OSError, ValueError):
        sys.stderr.write("interrupted\n")
        sys.stderr.flush()
    os._exit(130)


def _children() -> list[int]:
    """Processes that this one started, where the system tells."""
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            if int(entry.read_text().rpartition(")")[2].split()[1]) == os.getpid():
                found.append(int(entry.parent.name))
    return found


def _known_runners() -> list[str]:
    return [*StandardOptions.KNOWN_RUNNER_NAMES, *filter(None, _LOCAL_NAMES)]


def _all_flags() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, conflict_handler="resolve")
    pending = list(PipelineOptions.__subclasses__())
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        kind._add_argparse_args(cast(Any, parser))  # Beam asks for a parser of its own and uses none of it
    return parser
