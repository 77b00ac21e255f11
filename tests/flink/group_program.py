"""Reads a consumer group on a streaming runner and writes down the number of each log: HOME OUT FLAG…"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from pipelines.logging_setup import configure_logging

configure_logging()

import apache_beam as beam  # noqa: E402
from apache_beam.options.pipeline_options import SetupOptions  # noqa: E402

from pipelines.home import DEFAULT_PROJECT, Home  # noqa: E402
from pipelines.jobs.streaming_options import with_defaults  # noqa: E402
from pipelines.launch import options_of  # noqa: E402
from tests.flink.flink_world import WriteDown  # noqa: E402
from transforms.read_logstore import ReadLogstore  # noqa: E402
from transforms.stores.control_database import ControlDatabase  # noqa: E402


def main() -> None:
    home, out = Home(Path(sys.argv[1])), sys.argv[2]
    source = home.catalogue().logstore(DEFAULT_PROJECT, "source")
    with tempfile.TemporaryDirectory() as folder:
        options = options_of(with_defaults(sys.argv[3:], "group-program", Path(folder)))
        options.view_as(SetupOptions).setup_file = None  # workers of this machine have the package
        pipeline = beam.Pipeline(options=options)
        database = ControlDatabase(str(home.path / "catalogue.sqlite"))
        (
            pipeline
            | ReadLogstore(source, group="billing", database=database, slots=2)
            | "Apart" >> beam.Reshuffle()
            | beam.Map(WriteDown(out))
        )
        pipeline.run().wait_until_finish()


if __name__ == "__main__":
    main()
