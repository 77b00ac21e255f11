"""A running instance of a continuous job as a process: imports Beam once, then works until it is told to stop.

    python -m pipelines.jobs.instance FD

See `pipelines.jobs.instance_session` for what ``FD`` is and what the process does.
"""

from __future__ import annotations

import gc
import logging
import sys

from pipelines.lean_import import without
from pipelines.logging_setup import configure_logging

gc.set_threshold(500_000, 20, 50)  # as in pipelines.__main__; it collects by the clock
configure_logging(logging.CRITICAL)  # before Beam is imported; what goes wrong is reported, and told once

with without("bson"):  # Beam's MongoDB reader, a twentieth of the start
    import apache_beam  # noqa: F401

from pipelines.home import Home  # noqa: E402
from pipelines.jobs.instance_session import run_instance  # noqa: E402
from pipelines.jobs.job_plan import JobPlan  # noqa: E402
from pipelines.jobs.slice_round import SliceRounds  # noqa: E402
from pipelines.launch import options_of  # noqa: E402
from transforms.core.collector import collecting_regularly  # noqa: E402

__all__: list[str] = []


def _rounds(home: Home, plan: JobPlan) -> SliceRounds:
    written = [part for name, value in plan.definition.runner.items() for part in (f"--{name}", value)]
    return SliceRounds(plan, options_of(written), home=home)


if __name__ == "__main__":
    with collecting_regularly():
        run_instance(int(sys.argv[1]), _rounds)
