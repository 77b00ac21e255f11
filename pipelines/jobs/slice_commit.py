"""How computed slices become visible: one intent for each in the ledger, one commit of each target for all, done in the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipelines.home import Home
from pipelines.jobs.computed_slice import ComputedSlice
from pipelines.jobs.job_plan import JobPlan
from pipelines.transformation.transform_commit import noted
from transforms.connectors.kept import kept_logstore
from transforms.core.clock import Clock
from transforms.core.durable import durable
from transforms.core.errors import CommitConflict, NotFound, StoreRejected
from transforms.core.log_group import LogGroup
from transforms.jobs.job import lane_app
from transforms.rules.report import RuleReport
from transforms.stores.commit_intent import CommitIntent, Commits, IntentCommitter
from transforms.stores.logstore import AppTransaction, DataFile, Logstore
from transforms.stores.slice import Intended, Slice, SliceCounts, SliceLedger

__all__ = ["SliceCommits"]


class SliceCommits:
    """Makes the slices of one consumer visible, each exactly once.

    Args:
        home: where targets are.
        plan: the job.
        ledger: of its generation.
        consumer: who owns the shards.
        clock: stamps the job's own log.
    """

    def __init__(self, home: Home, plan: JobPlan, ledger: SliceLedger, consumer: str, clock: Clock) -> None:
        self._home = home
        self._plan = plan
        self._ledger = ledger
        self._consumer = consumer
        self._clock = clock

    def check_lanes(self, epochs: Mapping[int, int], slices: Mapping[int, Slice]) -> None:
        """Of shards that were just taken (→ epoch of the owner; → slice): refuse to go on when targets have seen later slices than the
        ledger knows of.

        Raises StoreRejected with code ``JobLedgerBehind``: the ledger is older than the targets, whose commits would be ignored;
        CommitConflict with code ``SliceTakenOver`` when it is another owner who has gone on meanwhile.
        """
        for key in self._plan.named:
            store = self._open(key)
            for shard, one in slices.items():
                seen = store.app_version(self._app(shard))
                if seen is not None and (seen > one.number or (seen == one.number and not one.intent)):
                    self._refuse(key, seen, shard, epochs[shard], one)

    def _refuse(self, key: str, seen: int, shard: int, epoch: int, one: Slice) -> None:
        # Whoever slept since the slice began finds what its successor did. Only if the shard is still its own has nobody else worked on it.
        now = self._ledger.unfinished(self._consumer, {shard: epoch}).get(shard)
        if now is None or (now.number, now.intent) != (one.number, one.intent):
            raise CommitConflict(f"another owner of shard {shard} has gone on meanwhile", hint="stop working on it", code="SliceTakenOver")
        raise StoreRejected(
            f"{key} has slice {seen} of shard {shard} of the job {self._plan.job.name!r}, but the ledger is only at slice {one.number}",
            hint="the control database is older than the Logstores (was it restored?); `logsluice job rerun` begins anew, under new numbers",
            code="JobLedgerBehind",
        )

    def commit(self, epochs: Mapping[int, int], slices: Mapping[int, Slice], computed: Mapping[int, ComputedSlice]) -> frozenset[int]:
        """Record what was computed of open slices (shard → epoch of the owner; → slice) and carry it out.

        Gives the shards whose slice is done; the others are not the consumer's any more. An error leaves some slices with an intent:
        `roll_forward`, by whoever owns the shard then. Raises NotFound for a target that was deleted, StoreError.
        """
        intended = {}
        for shard, found in computed.items():
            files = self._with_own_log(shard, slices[shard], found)
            intent = CommitIntent(AppTransaction(self._app(shard), slices[shard].number), files)
            report = found.report
            counts = SliceCounts(report.read, report.delivered, report.dropped, report.dead)
            intended[shard] = Intended(epochs[shard], slices[shard].number, intent.to_json(), counts)
        with durable("slice.intend"):
            recorded = self._ledger.intend(self._consumer, intended)
        return self.roll_forward(epochs, recorded)

    def roll_forward(self, epochs: Mapping[int, int], slices: Mapping[int, Slice]) -> frozenset[int]:
        """Carry out slices that have an intent. Gives the shards whose slice is done; raises like `commit`."""
        if not slices:
            return frozenset()
        finished: frozenset[int] = frozenset()
        shards = {self._app(shard): shard for shard in slices}

        def finish(intents: Sequence[CommitIntent], _commits: Commits) -> None:
            nonlocal finished
            done = {shards[intent.app.app_id]: (epochs[shards[intent.app.app_id]], intent.app.version) for intent in intents}
            with durable("slice.finish"):
                finished = self._ledger.finish(self._consumer, done)

        # Of Logstores that only the rule names, when it runs, what was on its way goes with them.
        named = frozenset(self._plan.named)
        committer = IntentCommitter(lambda intents: intents, self._open, finish, may_be_gone=lambda key: key not in named)
        try:
            committer.roll_forward([CommitIntent.from_json(one.intent) for one in slices.values()])
        except NotFound as error:
            if error.code != "LogStoreNotExist":
                raise
            raise _target_gone(self._plan, error) from error
        return finished

    def _app(self, shard: int) -> str:
        return lane_app(self._plan.job.id, self._plan.job.generation, shard)

    def _open(self, key: str) -> Logstore:
        project, _, name = key.partition("/")
        return kept_logstore(self._home.catalogue().logstore(project, name))

    def _with_own_log(self, shard: int, one: Slice, computed: ComputedSlice) -> dict[str, Sequence[DataFile]]:
        """The files, and one for the job's own log if there is something to tell, unless that was deleted: then nobody reads it."""
        files = dict(computed.files)
        logs = self._notes(shard, one, computed.report)
        if not logs:
            return files
        key = self._plan.definition.internal_log.key
        try:
            store = self._open(key)
        except NotFound:
            return files
        now = self._clock.now_us()
        group = LogGroup.from_logs(logs, [now // 1_000_000] * len(logs), [now % 1_000_000 * 1_000] * len(logs))
        return {**files, key: [*files.get(key, ()), *store.write_files([group], origin=self._app(shard))]}

    def _notes(self, shard: int, one: Slice, report: RuleReport) -> list[dict[str, str]]:
        plan = self._plan
        source = f"{plan.source.project}/{plan.source.name}"
        common = {"job": plan.job.name, "shard": str(shard), "slice": str(one.number), "rule": plan.rule.source, "source": source}
        return noted(common, report)


def _target_gone(plan: JobPlan, error: NotFound) -> NotFound:
    return NotFound(
        f"{error.message}; logs of the job {plan.job.name!r} were on their way there",
        hint="what was written there is gone with it: make the Logstore again and start over with `logsluice job rerun`, "
        "or take it out of the job and its rule, and rerun",
        code=error.code,
    )
