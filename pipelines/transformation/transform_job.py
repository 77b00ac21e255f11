"""A transformation job as its file describes it.

job: clean-access                      # its name: the ledger and the commits go by it
source:
  logstore: access
  from: 2026-11-22T00:00:00Z           # receive time; left out: from the first log
  to: 2026-11-23T00:00:00Z             # left out: up to now
rule: |                                # or rule_file: PATH, seen from the job file
  e_set("kind", "access")
  e_if(e_search("status >= 500"), e_coutput("errors"))
targets:                               # the first is the default target
  main: {logstore: access-clean}
  errors: {logstore: access-errors, create: true}
dead_letters: {logstore: access-dead}  # left out: SOURCE-dead-letters, made when needed
internal_log: {logstore: internal-etl-log}
parameters: {table: users, password: env:DB_PASSWORD}
resources:
  files: ./lookup                      # where res_oss_file finds BUCKET/FILE
  ip_databases: {SLS-GeoIP: ./geo.ipdb}
  threat_intelligence: ./threats.jsonl
brake: {share: 0.5, least: 1000}
instances: {least: 1, most: 4, memory_mb: 4096, target_lag_s: 10}   # of a job that never ends
runner: {runner: DirectRunner, direct_num_workers: 2}
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path

from pipelines.located_yaml import Section, read_yaml
from transforms.core.errors import NotFound, ParameterInvalid
from transforms.core.moments import parse_moment
from transforms.core.secret import is_reference
from transforms.jobs.instances import InstanceSettings
from transforms.stores import names

__all__ = ["JobTarget", "ResourceFiles", "TransformJob", "read_job"]

INTERNAL_LOG = "internal-etl-log"
"""The Logstore that jobs write their errors, warnings and status to, unless they name another."""
_SECRET = re.compile(r"(?:password|passwd|pwd|secret|token|(?:access|secret|private|api)[-_.]?key)$", re.IGNORECASE)


@dataclass(frozen=True)
class JobTarget:
    """A Logstore of a job; ``create`` makes it when it does not exist."""

    project: str
    logstore: str
    create: bool = False

    @property
    def key(self) -> str:
        """``PROJECT/LOGSTORE``."""
        return f"{self.project}/{self.logstore}"


@dataclass(frozen=True)
class ResourceFiles:
    """Where rules find files, databases of addresses and threats; paths or URLs."""

    files: str | None = None
    ip_databases: Mapping[str, str] = field(default_factory=dict)
    threat_intelligence: str | None = None


@dataclass(frozen=True)
class TransformJob:
    """A job.

    Attributes:
        name: the job's name.
        source: the Logstore it reads.
        start, end: receive time as written; None = open.
        rule_text, rule_source: the rule and what errors call it.
        targets: logical name → Logstore; the first is the default target.
        dead_letters, internal_log: where failed events and the job's own log go.
        parameters: what ``res_local`` reads; values may be references.
        brake_share, brake_least: see `transforms.rules.brake`.
        runner: flags of the pipeline, without dashes.
        instances: how many processes a continuous job may have.
    """

    name: str
    source: JobTarget
    rule_text: str
    rule_source: str
    targets: Mapping[str, JobTarget]
    dead_letters: JobTarget
    internal_log: JobTarget
    start: str | None = None
    end: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)
    resources: ResourceFiles = ResourceFiles()
    brake_share: float = 0.5
    brake_least: int = 1_000
    runner: Mapping[str, str] = field(default_factory=dict)
    instances: InstanceSettings = field(default_factory=InstanceSettings)

    @property
    def default_target(self) -> JobTarget:
        """Where logs go that no step sent elsewhere."""
        return next(iter(self.targets.values()))

    @property
    def digest(self) -> str:
        """Tells versions of the rule apart."""
        return hashlib.sha256(self.rule_text.encode()).hexdigest()[:16]

    @property
    def drop_unknown_targets(self) -> bool:
        """The advanced parameter that lets outputs to missing Logstores be dropped."""
        try:
            strategy = json.loads(self.parameters.get("config.sls_output.failure_strategy", "{}"))
        except ValueError:
            return False
        return isinstance(strategy, dict) and strategy.get("drop_when_not_exists") in ("true", True)


def read_job(path: Path, project: str) -> TransformJob:
    """A job file. Names without a project are of ``project``. Raises ParameterInvalid with line and hint, NotFound."""
    file = read_yaml(path)
    name = file.text("job")
    _named(file, "job", name, "job")
    source, start, end = _source(file, project)
    rule_text, rule_source = _rule(file, path)
    runner = file.section("runner")
    share, least = _brake(file)
    targets = _targets(file, project, source)
    dead_letters = _own_store(file, "dead_letters", f"{source.logstore[:50]}-dead-letters", project)
    internal_log = _own_store(file, "internal_log", INTERNAL_LOG, project)
    for key, store in (("dead_letters", dead_letters), ("internal_log", internal_log)):
        if store.key == source.key:
            file.refuse(
                key, f"{key} would go to the source itself, {store.key}", f"{key}: {{logstore: ANOTHER}}; a job reads no log of its own"
            )
    if dead_letters.key in [internal_log.key, *(target.key for target in targets.values())]:
        # A replay takes what is there for dead letters, and replaces it.
        file.refuse(
            "dead_letters", f"dead letters need a Logstore of their own, not {dead_letters.key}", "dead_letters: {logstore: ANOTHER}"
        )
    job = TransformJob(
        name=name,
        source=source,
        start=start,
        end=end,
        rule_text=rule_text,
        rule_source=rule_source,
        targets=targets,
        dead_letters=dead_letters,
        internal_log=internal_log,
        parameters=_parameters(file, path),
        resources=_resources(file, path.parent),
        brake_share=share,
        brake_least=least,
        runner={} if runner is None else runner.texts(),
        instances=_instances(file),
    )
    file.finish()
    return job


def _source(file: Section, project: str) -> tuple[JobTarget, str | None, str | None]:
    section = file.section("source")
    if section is None:
        file.refuse(None, "source is missing", "source: {logstore: NAME}")
    store = JobTarget(section.text("project", project), section.text("logstore"))
    ends: list[str | None] = []
    for key, open_end in (("from", "begin"), ("to", "end")):
        ends.append(section.text(key) if section.has(key) else None)
        if ends[-1] not in (None, open_end):
            try:
                parse_moment(ends[-1] or "", 0, UTC)
            except ParameterInvalid as error:
                section.refuse(key, error.message, error.hint)
    section.finish()
    return store, ends[0], ends[1]


def _parameters(file: Section, path: Path) -> dict[str, str]:
    section = file.section("parameters")
    found = {} if section is None else section.texts()
    for key, value in found.items():
        if value and _SECRET.search(key) and not is_reference(value):
            assert section is not None
            # Without the place itself: its line would show the secret.
            raise ParameterInvalid(
                f"{path}, line {section.location(key).line}: the parameter {key!r} must be a reference, not the secret itself",
                hint="write env:NAME or file:PATH",
            )
    return found


def _rule(file: Section, path: Path) -> tuple[str, str]:
    if file.has("rule") == file.has("rule_file"):
        file.refuse("rule_file", "a job has a rule: either `rule: |` with the text, or `rule_file: PATH`")
    if file.has("rule"):
        text = file.text("rule")
        return text, f"{path} (rule)"
    named = path.parent / file.text("rule_file")
    try:
        return named.read_text(encoding="utf-8"), str(named)
    except FileNotFoundError:
        raise NotFound(
            f"there is no file {named}", hint="rule_file is seen from the job file", location=file.location("rule_file")
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        file.refuse("rule_file", f"{named} cannot be read: {error}", "a rule is UTF-8 text")


def _targets(file: Section, project: str, source: JobTarget) -> dict[str, JobTarget]:
    section = file.section("targets")
    if section is None or not section.keys():
        file.refuse(None, "targets are missing", "targets: {main: {logstore: NAME}}")
    found: dict[str, JobTarget] = {}
    for name in section:
        part = section.section(name)
        if part is None:
            section.refuse(name, f"the target {name!r} names no Logstore", "NAME: {logstore: …}")
        found[name] = _store(part, project)
        if name == "default" and len(found) > 1:
            section.refuse(name, "the target 'default' is not the first", "the first target is the default one, whatever its name")
        if found[name].key == source.key:
            section.refuse(name, f"the target {name!r} is the source itself", "a job that reads what it writes would never end")
    if len(found) > 20:
        section.refuse(None, f"the job has {len(found)} targets; 20 are the most", 'e_output(project="…", logstore="…") needs no target')
    return found


def _own_store(file: Section, key: str, default: str, project: str) -> JobTarget:
    section = file.section(key)
    return JobTarget(project, default, create=True) if section is None else _store(section, project, create=True)


def _store(section: Section, project: str, *, create: bool = False) -> JobTarget:
    store = JobTarget(section.text("project", project), section.text("logstore"), section.flag("create", create))
    _named(section, "logstore", store.logstore)
    section.finish()
    return store


def _named(section: Section, key: str, name: str, kind: str = "Logstore") -> None:
    try:
        names.check_logstore(name)
    except ParameterInvalid as error:
        section.refuse(key, error.message.replace("Logstore", kind), error.hint)


def _resources(file: Section, folder: Path) -> ResourceFiles:
    section = file.section("resources")
    if section is None:
        return ResourceFiles()
    databases = section.section("ip_databases")
    found = ResourceFiles(
        files=_place(section.text("files"), folder) if section.has("files") else None,
        ip_databases={} if databases is None else {name: _place(text, folder) for name, text in databases.texts().items()},
        threat_intelligence=_place(section.text("threat_intelligence"), folder) if section.has("threat_intelligence") else None,
    )
    section.finish()
    return found


def _place(text: str, folder: Path) -> str:
    """A URL as it is; a path as seen from the job file."""
    return text if "://" in text else str((folder / text).absolute())


def _brake(file: Section) -> tuple[float, int]:
    section = file.section("brake")
    if section is None:
        return 0.5, 1_000
    share, least = section.number("share", 0.5), section.number("least", 1_000)
    if not 0 <= share <= 1:
        section.refuse("share", "brake.share is between 0 and 1", "1 never stops the job")
    if least < 0:
        section.refuse("least", "brake.least is a number of logs", "least: 1000")
    section.finish()
    return share, int(least)


def _instances(file: Section) -> InstanceSettings:
    section, usual = file.section("instances"), InstanceSettings()
    if section is None:
        return usual
    least, memory = section.number("least", usual.least), section.number("memory_mb", usual.memory_mb)
    most = section.number("most", 0) if section.has("most") else None
    lag = section.number("target_lag_s", usual.target_lag_s)
    if least < 1 or least != int(least):
        section.refuse("least", "instances.least is a whole number from 1", "least: 1")
    if most is not None and (most < least or most != int(most)):
        section.refuse("most", "instances.most is a whole number, not below least", f"most: {max(1, int(least))}")
    if memory < 1:
        section.refuse("memory_mb", "instances.memory_mb is above 0", "memory_mb: 4096")
    if lag <= 0:
        section.refuse("target_lag_s", "instances.target_lag_s is above 0", "target_lag_s: 10")
    section.finish()
    return InstanceSettings(int(least), None if most is None else int(most), int(memory), lag)
