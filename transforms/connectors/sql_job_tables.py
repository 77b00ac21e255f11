"""The tables of continuous jobs; `transforms.connectors.sql_catalogue_schema` makes them."""

from __future__ import annotations

import sqlalchemy as sa

from transforms.connectors.sql_catalogue_columns import OPTIONS, Name, Text, metadata

__all__ = ["JOB_TABLES", "job", "job_change", "job_figure", "job_lane", "job_version"]

job = sa.Table(
    "job",
    metadata,
    sa.Column("project", Name, primary_key=True),
    sa.Column("name", Name, primary_key=True),
    sa.Column("id", sa.String(32), nullable=False, unique=True),
    sa.Column("source_project", Name, nullable=False),
    sa.Column("source_logstore", Name, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("running_version", sa.Integer, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("reason", Text, nullable=False),
    sa.Column("start_us", sa.BigInteger, nullable=True),
    sa.Column("end_us", sa.BigInteger, nullable=True),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.Column("modified_us", sa.BigInteger, nullable=False),
    sa.Column("started_us", sa.BigInteger, nullable=False),
    sa.Column("ended_us", sa.BigInteger, nullable=False),
    sa.Column("lead_number", sa.BigInteger, nullable=False),
    sa.Column("leader", Text, nullable=False),
    sa.Column("lease_us", sa.BigInteger, nullable=False),
    sa.Column("external", sa.Boolean, nullable=False),
    **OPTIONS,
)

job_version = sa.Table(
    "job_version",
    metadata,
    sa.Column("job_id", sa.String(32), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("definition", Text, nullable=False),
    sa.Column("start_us", sa.BigInteger, nullable=True),
    sa.Column("end_us", sa.BigInteger, nullable=True),
    sa.Column("external", sa.Boolean, nullable=False),
    **OPTIONS,
)

job_lane = sa.Table(  # locked by the row of its generation's consumer group
    "job_lane",
    metadata,
    sa.Column("job_id", sa.String(32), primary_key=True),
    sa.Column("generation", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("begin_cursor", sa.String(128), nullable=False),
    sa.Column("end_cursor", sa.String(128), nullable=False),
    sa.Column("rule", sa.String(64), nullable=False),
    sa.Column("intent", Text, nullable=False),
    sa.Column("logs_read", sa.BigInteger, nullable=False),
    sa.Column("delivered", sa.BigInteger, nullable=False),
    sa.Column("dropped", sa.BigInteger, nullable=False),
    sa.Column("dead", sa.BigInteger, nullable=False),
    sa.Column("done", sa.Boolean, nullable=False),
    sa.Column("position", sa.String(128), nullable=True),
    **OPTIONS,
)

job_figure = sa.Table(  # minute 0: all that is older than the minutes that are kept one by one
    "job_figure",
    metadata,
    sa.Column("job_id", sa.String(32), primary_key=True),
    sa.Column("generation", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("minute_us", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("logs_read", sa.BigInteger, nullable=False),
    sa.Column("delivered", sa.BigInteger, nullable=False),
    sa.Column("dropped", sa.BigInteger, nullable=False),
    sa.Column("dead", sa.BigInteger, nullable=False),
    **OPTIONS,
)

job_change = sa.Table(  # one row
    "job_change",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    **OPTIONS,
)

JOB_TABLES = [job, job_version, job_lane, job_figure, job_change]
