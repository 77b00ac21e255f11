"""Leads a continuous job whose instances are those of a streaming runner: submits the pipeline, watches it, ends it, settles the job's state."""

from __future__ import annotations

import logging
import signal
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineState

from pipelines.beam_sql_service import within
from pipelines.cli.unexpected import masked
from pipelines.home import Home
from pipelines.jobs.flink_jobs import FlinkJobs
from pipelines.jobs.job_access import JobAccess
from pipelines.jobs.job_progress import JobProgress
from pipelines.jobs.kept_lead import KeptLead
from pipelines.jobs.unbounded_pipeline import build
from pipelines.launch import is_local, new_pipeline, run_pipeline
from pipelines.stop_signals import StopSignals
from transforms.core.error_transport import error_in
from transforms.core.errors import CommitConflict, LogsluiceError, NotFound, QueryFailed, StoreError, StoreUnavailable
from transforms.jobs.job import Job, JobState, JobStateConflict
from transforms.slot_restriction import SlotName
from transforms.stores.consumer_group import ConsumerGroups

__all__ = ["SLOT", "StreamingRun"]

_log = logging.getLogger(__name__)
SLOT = "slot"
"""Begins the names of slots."""
_LIVE = (JobState.STARTING, JobState.RUNNING)
"""The lead tells a moment later that the job is running."""
_LOOK_SECONDS = 0.5
_ASK_SECONDS = 5.0
_LONGEST_PAUSE = 60.0
_SUBMIT_SECONDS = 600.0
_END_SECONDS = 60.0
_GRACE_SECONDS = 120.0
"""Slots have so long to finish what is under way when the job stops; what is left then is finished by the next start."""
_LOOK_AT_IT = "look at the runner's own page"
_SURE_FAILURES = 2
_UNFORESEEN_FAILURES = 5


class StreamingRun:
    """One start of a job, by a launcher that has its lead.

    Args:
        slots, rows: see `OrderSlices`.
        flink: the cluster, where there is one that can be asked.
        once: end when all is read that was there at the start (only for a runner in this process).
        say: has words for people.
    """

    def __init__(
        self,
        home: Home,
        access: JobAccess,
        lead: KeptLead,
        options: PipelineOptions,
        slots: int,
        rows: int,
        flink: FlinkJobs | None,
        once: bool,
        stop: StopSignals,
        say: Callable[[str], None],
    ) -> None:
        self._home = home
        self._access = access
        self._lead = lead
        self._options = options
        self._slots = slots
        self._rows = rows
        self._flink = flink
        self._once = once
        self._stop = stop
        self._say = say
        self._ask_at = 0.0
        job = access.plan.job
        self._groups: ConsumerGroups = home.consumer_groups(*job.source)
        self._progress = JobProgress(job, self._groups, home.open_logstore(*job.source))

    def run(self) -> Job:
        """Until the job has ended, or the launcher is told to stop: then the job stays as it is, and goes on when it is launched again.

        Raises what made the job FAILED; CommitConflict with code ``LeadLost``.
        """
        try:
            return self._rounds() if is_local(self._options) else self._pipeline()
        except LogsluiceError as error:
            if isinstance(error, StoreUnavailable | CommitConflict) or self._lead.job.state not in _LIVE:
                raise
            self._settle(JobState.FAILED, masked(str(error))[:4_000])
            raise

    def _rounds(self) -> Job:
        """On a runner that lets nothing pass while a source goes on: one short pipeline after the other."""
        self._settle(JobState.RUNNING)
        slot = SlotName(f"{SLOT}-{uuid.uuid4().hex[:12]}", uuid.uuid4().hex)
        failures = 0
        try:
            while True:
                try:
                    ended = self._round(slot)
                    failures = 0
                except StoreUnavailable as silent:
                    pause = min(_LONGEST_PAUSE, 2.0**failures)
                    failures += 1
                    _log.warning("the job cannot go on, again in %.0f s: %s", pause, silent)
                    self._pause(pause)
                    continue
                if ended is not None:
                    return ended
        finally:
            with suppress(LogsluiceError):
                self._groups.leave(self._access.plan.job.group, slot.name, incarnation=slot.incarnation)

    def _round(self, slot: SlotName) -> Job | None:
        """The job when this launch is over: it was stopped, has read its range, or the launcher was told to stop. None: another round."""
        job = self._lead.job
        if job.state in (JobState.STOPPING, JobState.RESTARTING):
            return self._settle(JobState.STOPPED if job.state == JobState.STOPPING else JobState.STARTING)
        if job.state not in _LIVE or self._stop.received():
            return job
        if self._progress.all_read():
            return self._settle(JobState.SUCCEEDED)
        if not JobProgress(job, self._groups, self._home.open_logstore(*job.source)).caught_up():
            pipeline = new_pipeline(self._options)
            build(pipeline, self._access, [slot], rows=self._rows, once=True)
            run_pipeline(pipeline)
        elif self._once:
            return job
        else:
            time.sleep(_LOOK_SECONDS)
        return None

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stop.received():
            time.sleep(0.2)

    def _pipeline(self) -> Job:
        """On a streaming runner."""
        self._end_former()
        pipeline = new_pipeline(self._options)
        build(pipeline, self._access, [SlotName(f"{SLOT}-{number}") for number in range(self._slots)], rows=self._rows)
        result = _submitted(pipeline)
        self._say("the pipeline is submitted")
        try:
            self._settle(JobState.RUNNING)
            return self._watched(result)
        finally:
            self._end(result)

    def _watched(self, result: Any) -> Job:
        began_ms, stopping_since = time.time() * 1_000, 0.0
        while True:
            time.sleep(_LOOK_SECONDS)
            job, runs = self._lead.job, not PipelineState.is_terminal(result.state)
            if job.state not in (*_LIVE, JobState.STOPPING, JobState.RESTARTING):
                return job
            if job.state not in _LIVE:
                stopping_since = stopping_since or time.monotonic()
                if not runs or not self._works() or time.monotonic() - stopping_since > _GRACE_SECONDS:
                    self._end(result)
                    return self._settle(JobState.STOPPED if job.state == JobState.STOPPING else JobState.STARTING)
                continue
            if self._has_ended():
                return self._settle(JobState.SUCCEEDED)
            if self._stop.received():
                self._say("ending the pipeline; the job goes on when it is launched again")
                return job
            if not runs:
                raise self._reason_of_end(result)
            self._raise_lasting_failure(began_ms)

    def _works(self) -> bool:
        """Whether slots are still there; yes, as long as nobody can tell."""
        try:
            return bool(self._consumers())
        except StoreUnavailable:
            return True

    def _has_ended(self) -> bool:
        """Whether all is read that the job is for; no, as long as nobody can tell: workers wait for stores by themselves."""
        try:
            return self._progress.all_read()
        except StoreUnavailable as silent:
            _log.info("%s", silent)
            return False

    def _reason_of_end(self, result: Any) -> LogsluiceError:
        try:
            within(10, "asking the runner for its reason", result.wait_until_finish, hint=_LOOK_AT_IT)
        except LogsluiceError as error:
            return error
        except Exception as error:  # noqa: BLE001 (a runner's errors are of no one kind)
            own, text = error_in(str(error)), masked(str(error))
            if own is not None:
                return own
            if "Traceback (most recent call last)" in text:
                return QueryFailed(f"the pipeline failed: {_last_line(text)}", code="PipelineFailed")
            ended = f"the pipeline was ended: {text.splitlines()[0][:500] if text else result.state}"
        else:
            ended = f"the pipeline was ended by another hand: {result.state}"
        # Nothing is wrong with the job: somebody ended it on the cluster, or the cluster is gone.
        return StoreUnavailable(ended, hint="launch the job again, it goes on where it was")

    def _raise_lasting_failure(self, began_ms: float) -> None:
        """A runner starts what failed again and again: an error of ours that comes back, or any that does not cease, is the job's end."""
        if self._flink is None or time.monotonic() < self._ask_at:
            return
        self._ask_at = time.monotonic() + _ASK_SECONDS
        try:
            texts = [text for at, text in self._flink.failures() if at >= began_ms]
        except StoreUnavailable as silent:
            _log.info("%s", silent)
            return
        own = [
            error for text in texts if (error := error_in(text)) is not None and not isinstance(error, StoreUnavailable | CommitConflict)
        ]
        for error in own:
            if sum(one.message == error.message for one in own) >= _SURE_FAILURES:
                raise error
        unforeseen = [text for text in texts if "Traceback (most recent call last)" in text and error_in(text) is None]
        last = [_last_line(text) for text in unforeseen[:_UNFORESEEN_FAILURES]]
        if len(last) == _UNFORESEEN_FAILURES and len(set(last)) == 1:
            raise QueryFailed(f"the pipeline fails again and again: {last[0]}", code="PipelineFailed")

    def _consumers(self) -> dict[str, str]:
        """Name → incarnation of slots in the job's group."""
        state = self._groups.state(self._access.plan.job.group)
        return {one.name: one.incarnation for one in state.consumers.values() if one.name.startswith(f"{SLOT}-")}

    def _end_former(self) -> None:
        """A pipeline of the job that outlived its launcher is ended; its slots leave, so that their shards are free at once."""
        if self._flink is not None:
            self._flink.cancel(_END_SECONDS)
            self._let_slots_leave()

    def _let_slots_leave(self) -> None:
        with suppress(NotFound):
            for name, incarnation in self._consumers().items():
                with suppress(LogsluiceError):
                    self._groups.leave(self._access.plan.job.group, name, incarnation=incarnation)

    def _end(self, result: Any) -> None:
        """See that the pipeline runs no more."""
        try:
            if not PipelineState.is_terminal(result.state):
                within(_END_SECONDS, "cancelling the pipeline", result.cancel, hint=_LOOK_AT_IT)
            if self._flink is not None and self._leads():
                self._flink.cancel(_END_SECONDS)
                self._let_slots_leave()
        except (StoreError, RuntimeError) as error:
            _log.warning("the pipeline may still run: %s", error)

    def _leads(self) -> bool:
        """Whether what runs under the job's name on the cluster is this launcher's: another one may have the lead."""
        try:
            return bool(self._lead.lead)
        except LogsluiceError as lost:
            return isinstance(lost, NotFound)  # deleted: nobody else's

    def _settle(self, state: JobState, reason: str = "") -> Job:
        """The job's state, unless it is that already; when somebody acted on the job meanwhile, what he made of it."""
        if self._lead.job.state == state:
            return self._lead.job
        ledger = self._home.job_ledger()
        try:
            return ledger.settle(self._lead.lead, state, reason)
        except JobStateConflict:
            return ledger.job(self._access.plan.job.project, self._access.plan.job.name)


def _last_line(text: str) -> str:
    """Of the first traceback of a worker: what was raised."""
    traceback = text[text.index("Traceback (most recent call last)") :].splitlines()
    raised = [line for line in traceback[1:] if line and not line.startswith((" ", "\t"))]
    return (raised or traceback)[0][:500]


def _submitted(pipeline: beam.Pipeline) -> Any:
    """Run, in the main thread, since Beam sets a signal's handler; without that handler afterwards. Raises StoreUnavailable if it takes long."""

    def late(_number: int, _frame: FrameType | None) -> None:
        raise StoreUnavailable(f"submitting the pipeline took more than {_SUBMIT_SECONDS:.0f} s", hint="does the cluster answer?")

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGALRM)}
    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, _SUBMIT_SECONDS)
    try:
        return pipeline.run()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
