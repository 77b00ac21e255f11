"""Packaging of Logsluice. Ranges, not pins; `.constraints.txt` is one set that is tested together."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent

setup(
    name="logsluice",
    version="0.1.0",
    description="Log analytics as Apache Beam pipelines: search | SQL over Logstores, joins with MySQL, on a laptop, on Flink, on Dataflow",
    long_description=(HERE / "README.md").read_text(encoding="utf-8") if (HERE / "README.md").exists() else "",
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11,<3.14",
    packages=find_packages(include=["pipelines", "pipelines.*", "transforms", "transforms.*"]),
    package_data={"pipelines": ["py.typed"], "transforms": ["py.typed", "rules/grok_patterns/*.txt"]},
    install_requires=[
        "apache-beam>=2.76,<3",  # the runners; 2.67-2.75 leak memory in long runs with failing records
        "pyarrow>=18,<26",  # columns between steps; Beam's cap
        "sqlalchemy>=2.0.30,<3",  # control state and ExternalStores
        "pymysql>=1.1,<2",  # MySQL and MariaDB
        "deltalake>=1.6,<2",  # the Logstore's table format
        "duckdb>=1.4,<3",  # the embedded SQL engine
        "polars>=1.30,<3",  # columns in parsers and rules, the Parquet writer
        "pycryptodome>=3.20,<5",  # AES of rules, OpenPGP's mode among its modes
        "pyjwt[crypto]>=2.10,<3",  # JSON Web Tokens of rules
        "protobuf>=5.28,<8",  # Protocol Buffers of rules; Beam brings it as well
        "PyYAML>=6,<7",  # job files
        "proto-schema-parser>=2,<3",  # schemas of Protocol Buffers written as text
        "regex>=2024.4",  # regular expressions of rules: atomic groups, recursion, a time limit
        "sqlglot>=30,<31",  # SQL text to trees; its trees change between majors
        "click>=8.4,<9",  # the command line; from 8.4 on it names the nearest verb
        "zstandard>=0.22,<1",  # streamed zstd
        "python-dateutil>=2.9,<3",  # times as people write them
        "jmespath>=1.0,<2",  # paths into JSON documents
        "ua-parser[regex]>=1.0,<2",  # user agents, by Rust's engine in linear time
        "ipy>=1.1,<2",  # types of addresses
        "maxminddb>=2.6,<4",  # .mmdb files of places
        "prometheus-client>=0.21,<1",  # the scheduler's metrics
        "tzdata",  # zones where the system has none
    ],
    extras_require={
        "postgresql": ["psycopg[binary]>=3.2,<4"],
        "test": [
            "pytest>=9.0.3,<10",
            "pytest-timeout>=2.3,<3",
            "pytest-xdist>=3.6,<4",
            "hypothesis>=6.100,<7",
            "psutil>=6,<8",
            "ruff>=0.9,<1",
            "mypy>=1.15,<3",
            "import-linter>=2.1,<3",
            "moto[s3]>=5.1,<6",  # an S3 server on loopback, with conditional puts
            "flask>=3,<4",  # what moto serves with; its own extra for that brings thirty packages that S3 does not need
            "flask-cors>=5,<7",
            "ip2location>=8.10,<9",  # a second reader of .BIN files, to compare with
        ],
    },
    entry_points={"console_scripts": ["logsluice = pipelines.__main__:run"]},
)
