"""Launching a pipeline: which runner, which flags, what to do when it fails."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, SetupOptions, StandardOptions

from transforms.core.errors import LogsluiceError, ParameterInvalid, QueryFailed
from transforms.core.suggest import suggestion

__all__ = ["engine_threads", "flags_help", "is_local", "options_of", "run_pipeline", "worker_count"]

LOCAL_RUNNER = "FnApiRunner"
"""Beam's portable runner inside this process. Beam's own reading of ``DirectRunner`` tries to download another one first."""
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
    elif not options.view_as(SetupOptions).setup_file and os.path.exists("setup.py"):  # noqa: PTH110
        options.view_as(SetupOptions).setup_file = "./setup.py"
    return options


def is_local(options: PipelineOptions) -> bool:
    """Whether the pipeline runs on this machine's own runner."""
    return bool(options.view_as(StandardOptions).runner == LOCAL_RUNNER)


def worker_count(options: PipelineOptions) -> int:
    """Worker processes or threads of the local runner; 1 for runners that decide by themselves."""
    return max(1, int(options.view_as(DirectOptions).direct_num_workers or 1)) if is_local(options) else 1


def engine_threads(options: PipelineOptions, asked: int) -> int:
    """Threads of one engine call: the cores, divided among the workers of this machine."""
    return asked or max(1, (os.cpu_count() or 1) // worker_count(options))


def flags_help(*kinds: type[PipelineOptions]) -> str:
    """The flags of some options classes; Beam's own are accepted beside them."""
    parser = argparse.ArgumentParser(add_help=False, usage=argparse.SUPPRESS)
    parser.add_argument("--runner", help="DirectRunner (the default): in this process, offline. Or any of Beam's: FlinkRunner, DataflowRunner, …")
    for kind in kinds:
        kind._add_argparse_args(parser)
    return parser.format_help() + "\nBeam's own flags are accepted too, such as --direct_num_workers 2 --direct_running_mode multi_processing.\n"


def run_pipeline(pipeline: beam.Pipeline) -> Any:
    """Run to the end. Our own error out of a worker's chain of causes is raised as it was; any other as QueryFailed."""
    try:
        result = pipeline.run()
        result.wait_until_finish()
    except Exception as error:
        own = _own_error(error)
        if own is None:
            raise
        raise own from None
    return result


def _own_error(error: BaseException | None) -> LogsluiceError | None:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, LogsluiceError):
            # A worker's exception reaches the launcher with the step's name and a traceback appended to its message.
            return error
        if type(error) is RuntimeError and (told := _from_text(str(error))) is not None:
            return told
        error = error.__cause__ or error.__context__
    return None


def _from_text(text: str) -> LogsluiceError | None:
    """A worker process reports only text: the last line of the traceback names the class and the message."""
    import transforms.core.errors as errors

    for line in reversed(text.strip().splitlines()):
        name, _, message = line.strip().partition(": ")
        short = name.rpartition(".")[2]
        kind = getattr(errors, short, None) if name.startswith("transforms.core.errors") else None
        if isinstance(kind, type) and issubclass(kind, LogsluiceError):
            return kind(message.split(" [while running", 1)[0])
    return QueryFailed(text.strip().splitlines()[-1]) if "Traceback" in text else None


def _all_flags() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, conflict_handler="resolve")
    pending = list(PipelineOptions.__subclasses__())
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        kind._add_argparse_args(parser)
    return parser
