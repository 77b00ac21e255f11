"""Functions on text by columns, against a loop over the same texts in plain Python and against the engine's own loop.

    python -m tests.benchmarks.text_functions

Plain Python has its texts as objects already, which flatters it: a log comes as columns and goes as columns. Times are of the
processor, one core, the best of three; ratios are what counts.
"""

from __future__ import annotations

import os

if __name__ == "__main__":
    os.environ["POLARS_MAX_THREADS"] = "1"

import base64
import hashlib
import html
import random
import sys
import time
import zlib
from collections.abc import Callable
from urllib.parse import quote, unquote

import polars as pl

from transforms.rules.bind import BoundCall, bind
from transforms.rules.context import Context
from transforms.rules.expressions import CallExpression, build
from transforms.rules.frame import Frame, State

LOGS = 65_536
WORDS = [
    "GET",
    "POST",
    "/index.html",
    "/api/v1/items",
    "Mozilla/5.0",
    "(Windows",
    "NT",
    "10.0;",
    "Win64)",
    "id=",
    "user",
    "ERROR",
    "timeout",
    "ok",
    "200",
    "404",
    "example.com",
]
VOWELS = str.maketrans("aeiou", "12345")

Fields = dict[str, list[str]]
Loop = Callable[[Fields], list[object]]

CASES: list[tuple[str, Loop]] = [
    ('str_lower(v("line"))', lambda logs: [text.lower() for text in logs["line"]]),
    ('str_strip(v("line"))', lambda logs: [text.strip() for text in logs["line"]]),
    ('str_replace(v("line"), " ", "_")', lambda logs: [text.replace(" ", "_") for text in logs["line"]]),
    ('str_startswith(v("line"), "  GET")', lambda logs: [text.startswith("  GET") for text in logs["line"]]),
    ('str_find(v("line"), "ERROR")', lambda logs: [text.find("ERROR") for text in logs["line"]]),
    ('str_count(v("line"), "o")', lambda logs: [text.count("o") for text in logs["line"]]),
    ('str_isdigit(v("number"))', lambda logs: [text.isdigit() for text in logs["number"]]),
    ('str_join("|", v("line"), v("verb"))', lambda logs: ["|".join(pair) for pair in zip(logs["line"], logs["verb"], strict=True)]),
    (
        'str_format("{}:{}", v("verb"), v("line"))',
        lambda logs: ["{}:{}".format(*pair) for pair in zip(logs["verb"], logs["line"], strict=True)],
    ),
    ('str_translate(v("line"), "aeiou", "12345")', lambda logs: [text.translate(VOWELS) for text in logs["line"]]),
    ('md5_encoding(v("line"))', lambda logs: [hashlib.md5(text.encode()).hexdigest() for text in logs["line"]]),
    ('crc32_encoding(v("line"))', lambda logs: [zlib.crc32(text.encode()) for text in logs["line"]]),
    ('base64_encoding(v("line"))', lambda logs: [base64.b64encode(text.encode()).decode() for text in logs["line"]]),
    ('base64_decoding(v("digits"))', lambda logs: [base64.b64decode(text).decode() for text in logs["digits"]]),
    ('url_encoding(v("line"))', lambda logs: [quote(text, safe="") for text in logs["line"]]),
    ('url_decoding(v("url"))', lambda logs: [unquote(text) for text in logs["url"]]),
    ('html_encoding(v("line"))', lambda logs: [html.escape(text) for text in logs["line"]]),
]


def make_logs() -> Fields:
    """Fields of the same logs in each run; one URL in four holds sequences to decode."""
    seeded = random.Random(1)
    lines = [f"  {' '.join(seeded.choices(WORDS, k=8))} {number}-{seeded.random()} " for number in range(LOGS)]
    return {
        "line": lines,
        "verb": seeded.choices(["GET", "POST", "PUT"], k=LOGS),
        "number": [str(number) if number % 3 else f"x{number}" for number in range(LOGS)],
        "digits": [base64.b64encode(line.encode()).decode() for line in lines],
        "url": [quote(line) if number % 4 == 0 else line for number, line in enumerate(lines)],
    }


def processor_time(work: Callable[[], object]) -> float:
    """Microseconds per log, the best of three."""
    times = []
    for _ in range(3):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times) / LOGS * 1e6


def main() -> None:
    """Prints a line for each call."""
    logs = make_logs()
    columns = {name: pl.Series(name, texts) for name, texts in logs.items()}
    sys.stdout.write(f"{'':44}{'columns':>9}{'plain':>9}{'engine':>9}   plain/columns  engine/columns\n")
    for text, plain in CASES:
        pairs = bind(f'e_set("result", {text})').steps[0].arguments["pairs"]
        assert isinstance(pairs, tuple) and isinstance(pairs[1], BoundCall)
        call = build(pairs[1])
        assert isinstance(call, CallExpression)
        form = call.function.column_form

        def run(call: CallExpression = call) -> object:
            return call.column(Frame.of(dict(columns), LOGS, State(Context())))

        by_columns, by_loop = processor_time(run), processor_time(lambda plain=plain: plain(logs))  # type: ignore[misc]
        call.function.column_form = None
        by_engine = processor_time(run)
        call.function.column_form = form
        ratios = f"{by_loop / by_columns:16.1f}{by_engine / by_columns:16.1f}"
        sys.stdout.write(f"{text:44}{by_columns:9.3f}{by_loop:9.3f}{by_engine:9.3f}{ratios}\n")


if __name__ == "__main__":
    main()
