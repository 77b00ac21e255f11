"""Flags of a continuous job's pipeline, and what Flink needs to be told."""

from __future__ import annotations

import argparse
import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path

from apache_beam.options.pipeline_options import DebugOptions, FlinkRunnerOptions, PipelineOptions, PortableOptions, StandardOptions

__all__ = ["ContinuousOptions", "FlinkTuningOptions", "flink_master", "is_flink", "with_defaults", "write_java_launcher"]

_CHECKPOINT_MS = 10_000
_BUNDLE_MS = 200
_JAVA = """#!/bin/sh
# Runs Java, and ends it when the process that started this one is gone.
starter=$PPID
java "$@" &
child=$!
trap 'kill -KILL $child 2>/dev/null' TERM INT
while kill -0 $starter 2>/dev/null && kill -0 $child 2>/dev/null; do sleep 1; done
kill -KILL $child 2>/dev/null
wait $child
"""


class ContinuousOptions(PipelineOptions):
    """One continuous job."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--slots", type=int, help="Consumers in the pipeline. Default: as many as the source has shards, 16 at most.")
        parser.add_argument("--slice_rows", type=int, default=65_536, help="Logs of a slice at most. Default: 65536.")
        parser.add_argument(
            "--worker_catalogue",
            help="Where workers find the catalogue's URL: env:NAME or file:PATH. Default: as the launcher; its password must be a reference then.",
        )
        parser.add_argument("--once", action="store_true", help="End when all is read that was there at the start. Only with DirectRunner.")


class FlinkTuningOptions(PipelineOptions):
    """Flags of Beam's job server for Flink that Beam's Python does not know."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--checkpointing_interval", type=int, help=f"Milliseconds between Flink's checkpoints. Default: {_CHECKPOINT_MS}."
        )
        parser.add_argument("--finish_bundle_before_checkpointing", action="store_true", help="Always on for continuous jobs.")
        parser.add_argument(
            "--max_bundle_time_mills", type=int, help=f"Milliseconds that logs wait for more of them. Default: {_BUNDLE_MS}."
        )
        parser.add_argument("--max_bundle_size", type=int, help="Elements of a bundle.")
        parser.add_argument("--savepoint_path", help="A savepoint to start from; nobody needs one, since positions are kept in the ledger.")


def with_defaults(arguments: Sequence[str], job_name: str, folder: Path) -> list[str]:
    """The flags with what a streaming runner needs beside them. ``folder``: for files that live as long as the launcher."""
    options = PipelineOptions(list(arguments))
    runner = (options.view_as(StandardOptions).runner or "").lower()
    flags = [*arguments, "--streaming", f"--job_name={job_name}"]
    if options.view_as(PortableOptions).environment_type == "LOOPBACK" and "use_loopback_process_worker" not in (
        options.view_as(DebugOptions).experiments or []
    ):
        # One process for each of the runner's, so that they share the cores, and the launcher outlives them.
        flags.append("--experiments=use_loopback_process_worker")
        os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    if "flink" not in runner:
        return flags
    tuning = options.view_as(FlinkTuningOptions)
    if not tuning.checkpointing_interval:
        flags.append(f"--checkpointing_interval={_CHECKPOINT_MS}")
    if not tuning.max_bundle_time_mills:
        flags.append(f"--max_bundle_time_mills={_BUNDLE_MS}")
    if not tuning.finish_bundle_before_checkpointing:
        # Otherwise what a checkpoint finds in the middle of a bundle is kept back until the next element comes: maybe never.
        flags.append("--finish_bundle_before_checkpointing")
    if not any(one.startswith("--job_server_java_launcher") for one in arguments):
        flags.append(f"--job_server_java_launcher={write_java_launcher(folder)}")
    return flags


def write_java_launcher(folder: Path) -> Path:
    """A program that runs Java for a job server: a launcher that was killed leaves none behind."""
    path = folder / "java-for-as-long-as-the-launcher"
    path.write_text(_JAVA, encoding="utf-8")
    path.chmod(stat.S_IRWXU)
    return path


def is_flink(options: PipelineOptions) -> bool:
    """Whether the runner is Flink's."""
    return "flink" in (options.view_as(StandardOptions).runner or "").lower()


def flink_master(options: PipelineOptions) -> str | None:
    """URL of the cluster's REST interface, if it is a cluster that runs by itself."""
    if not is_flink(options):
        return None
    master = str(options.view_as(FlinkRunnerOptions).flink_master).strip()
    if master.startswith("["):
        return None
    return master if master.startswith(("http://", "https://")) else f"http://{master}"
