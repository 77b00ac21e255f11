"""Flags of a streaming runner, and the Java that ends with its launcher."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from apache_beam.options.pipeline_options import DebugOptions

from pipelines.jobs.streaming_options import FlinkTuningOptions, flink_master, with_defaults, write_java_launcher
from pipelines.launch import options_of

FLINK = ["--runner", "FlinkRunner", "--flink_version", "1.19"]


def test_flink_is_told_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin")
    options = options_of(with_defaults([*FLINK, "--environment_type", "LOOPBACK"], "logsluice-job", tmp_path))
    tuning = options.view_as(FlinkTuningOptions)
    assert tuning.finish_bundle_before_checkpointing
    assert tuning.checkpointing_interval == 10_000
    assert options.view_as(DebugOptions).lookup_experiment("use_loopback_process_worker")
    # Beam starts its workers as `python`: that shall be this one.
    assert os.environ["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)


def test_what_is_said_is_not_overruled(tmp_path: Path) -> None:
    flags = with_defaults([*FLINK, "--checkpointing_interval", "2000", "--max_bundle_time_mills", "50"], "logsluice-job", tmp_path)
    tuning = options_of(flags).view_as(FlinkTuningOptions)
    assert (tuning.checkpointing_interval, tuning.max_bundle_time_mills) == (2_000, 50)
    prism = with_defaults(["--runner", "PrismRunner"], "logsluice-job", tmp_path)
    assert prism == ["--runner", "PrismRunner", "--streaming", "--job_name=logsluice-job"]


@pytest.mark.parametrize(
    ("master", "url"),
    [("localhost:8081", "http://localhost:8081"), ("https://flink", "https://flink"), ("[local]", None), ("[auto]", None)],
)
def test_only_a_cluster_that_runs_by_itself_can_be_asked(master: str, url: str | None) -> None:
    assert flink_master(options_of([*FLINK, "--flink_master", master])) == url


def test_java_ends_when_its_launcher_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    java = folder / "java"
    java.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 60\n")
    java.chmod(stat.S_IRWXU)
    script = write_java_launcher(tmp_path)
    program = f"import subprocess, time; subprocess.Popen([{str(script)!r}, '-jar', 'x']); time.sleep(60)"
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    launcher = subprocess.Popen([shutil.which("python3") or sys.executable, "-c", program], env=environment)
    deadline = time.monotonic() + 20
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    child = int((tmp_path / "pid").read_text())
    assert psutil.pid_exists(child)
    launcher.send_signal(signal.SIGKILL)
    launcher.wait(10)
    while psutil.pid_exists(child):
        assert time.monotonic() < deadline, "Java outlived its launcher"
        time.sleep(0.1)
