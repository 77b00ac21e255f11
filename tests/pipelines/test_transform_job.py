"""Job files: what they mean, and what people read when one is refused, whole: one file for each under diagnostics/job.

Such a file is a job file, a line ``=====``, the message. Write the messages anew with ``LOGSLUICE_WRITE_DIAGNOSTICS=1``, then read the
difference.
"""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from pipelines.transformation.transform_job import TransformJob, read_job
from transforms.core.diagnostics import render
from transforms.core.errors import LogsluiceError, NotFound, ParameterInvalid

FILES = sorted((Path(__file__).parent / "diagnostics" / "job").glob("*.txt"))
LEAST = "job: clean\nsource: {logstore: access}\nrule: |\n  e_keep()\ntargets: {main: {logstore: main}}\n"


def job_of(folder: Path, text: str) -> TransformJob:
    path = folder / "job.yaml"
    path.write_text(text, encoding="utf-8")
    return read_job(path, "shop")


def test_there_are_files() -> None:
    assert len(FILES) > 25


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_refusal_reads_like_this(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, _, expected = path.read_text(encoding="utf-8").partition("=====\n")
    monkeypatch.chdir(tmp_path)
    Path("job.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(LogsluiceError) as caught:
        read_job(Path("job.yaml"), "shop")
    message = render(caught.value)
    if os.environ.get("LOGSLUICE_WRITE_DIAGNOSTICS"):
        path.write_text(f"{text}=====\n{message}\n", encoding="utf-8")
    assert expected.rstrip("\n") == message
    assert caught.value.exit_code == 2
    assert caught.value.location is not None or "line" in message


def test_what_is_left_out(tmp_path: Path) -> None:
    job = job_of(tmp_path, LEAST)
    assert job.default_target.key == "shop/main" and not job.default_target.create
    assert job.dead_letters.key == "shop/access-dead-letters" and job.dead_letters.create
    assert job.internal_log.key == "shop/internal-etl-log" and job.internal_log.create
    assert (job.start, job.end, job.brake_share, job.brake_least) == (None, None, 0.5, 1_000)
    assert job.rule_text == "e_keep()\n" and not job.drop_unknown_targets


def test_everything(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "r.etl").write_text("DROP")
    job = job_of(
        tmp_path,
        "job: clean\nsource: {logstore: access, project: other, from: begin, to: 2026-11-22T00:00:00Z}\nrule_file: rules/r.etl\n"
        "targets:\n  main: {logstore: main, project: third}\n  more: {logstore: more, create: yes}\n"
        "dead_letters: {logstore: dead, create: false}\ninternal_log: {logstore: main}\n"
        'parameters: {table: 7, password: env:PW, config.sls_output.failure_strategy: \'{"drop_when_not_exists": "true"}\'}\n'
        "resources: {files: lookup, ip_databases: {geo: a.ipdb, far: s3://b/c}, threat_intelligence: /t}\n"
        "brake: {share: 1, least: 5}\nrunner: {direct_num_workers: 2}\n",
    )
    assert (job.source.key, job.default_target.key, job.start, job.end) == ("other/access", "third/main", "begin", "2026-11-22T00:00:00Z")
    assert (job.rule_text, job.rule_source) == ("DROP", str(tmp_path / "rules" / "r.etl"))
    assert job.targets["more"].create and not job.dead_letters.create and job.internal_log.key == "shop/main"
    assert job.parameters["table"] == "7" and job.drop_unknown_targets
    assert job.resources.files == str(tmp_path / "lookup") and job.resources.threat_intelligence == "/t"
    assert job.resources.ip_databases == {"geo": str(tmp_path / "a.ipdb"), "far": "s3://b/c"}
    assert (job.brake_share, job.brake_least, job.runner) == (1, 5, {"direct_num_workers": "2"})


def test_the_digest_is_of_the_rule(tmp_path: Path) -> None:
    first = job_of(tmp_path, LEAST).digest
    assert first == job_of(tmp_path, LEAST + "brake: {share: 1}\n").digest != job_of(tmp_path, LEAST.replace("keep", "drop")).digest


@pytest.mark.parametrize("key", ["password", "db_password", "access_key_secret", "ACCESS_KEY", "rds.token", "api-key"])
def test_secrets_are_references(tmp_path: Path, key: str) -> None:
    with pytest.raises(ParameterInvalid) as caught:
        job_of(tmp_path, LEAST + f"parameters: {{table: users, {key}: hunter2}}\n")
    assert "hunter2" not in render(caught.value) and "line 6" in caught.value.message and "env:NAME" in str(caught.value.hint)
    kept = job_of(tmp_path, LEAST + f"parameters: {{{key}: env:SOME, access_key_id: AK1, token_field: x}}\n")
    assert kept.parameters[key] == "env:SOME" and b"AK1" in pickle.dumps(kept)
    assert "AK1" not in repr(kept)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_job(tmp_path / "none.yaml", "shop")
    with pytest.raises(ParameterInvalid, match="cannot be read"):
        read_job(tmp_path, "shop")
    (tmp_path / "latin.yaml").write_bytes(b"job: caf\xe9\n")
    with pytest.raises(ParameterInvalid, match="cannot be read"):
        read_job(tmp_path / "latin.yaml", "shop")
    with pytest.raises(ParameterInvalid, match="nested too deeply"):
        job_of(tmp_path, "job: " + "[" * 100_000)
