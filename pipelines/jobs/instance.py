"""A running instance of a continuous job as a process: imports Beam once, then works until it is told to stop.

    python -m pipelines.jobs.instance FD

See `pipelines.jobs.instance_session` for what ``FD`` is and what the process does.
"""

from __future__ import annotations

import logging
import sys

from pipelines.jobs.slice_round import SliceRounds  # before all else that imports Beam: see there
from pipelines.logging_setup import configure_logging

configure_logging(logging.CRITICAL)  # what goes wrong is reported, and told once

from pipelines.jobs.instance_session import run_instance  # noqa: E402

__all__: list[str] = []

if __name__ == "__main__":
    run_instance(int(sys.argv[1]), SliceRounds)
