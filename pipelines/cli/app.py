"""What every verb is handed: the home, the project, and the two streams."""

from __future__ import annotations

import math
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pipelines.home import Home

__all__ = ["App", "Progress"]

_FIRST_AFTER = 0.5
_TERMINAL_EVERY = 0.1
_PLAIN_EVERY = 5.0


class App:
    """The command's surroundings. stdout carries data and nothing else, stderr carries words."""

    def __init__(self, home_path: Path | None = None, project: str = "default", catalogue_url: str | None = None) -> None:
        self._home_path = home_path
        self._catalogue_url = catalogue_url
        self._home: Home | None = None
        self.project = project

    @property
    def home(self) -> Home:
        """The home, made when it is first asked for."""
        if self._home is None:
            from pipelines.home import Home, default_path

            self._home = Home.create(self._home_path or default_path(), self._catalogue_url)
        return self._home

    @property
    def stdout_is_terminal(self) -> bool:
        return sys.stdout.isatty()

    def say(self, text: str) -> None:
        """Words for people, on stderr."""
        click.echo(text, err=True)

    def emit(self, text: str) -> None:
        """One line of data, on stdout."""
        click.echo(text)

    @contextmanager
    def progress(self, label: str, total: int | None = None) -> Iterator[Progress]:
        """Show on stderr how far a long work is; nothing is shown when it is done within half a second."""
        progress = Progress(label, total)
        try:
            yield progress
        finally:
            progress.close()

    def close(self) -> None:
        """Let go of the home."""
        if self._home is not None:
            self._home.close()


class Progress:
    """One line that is drawn anew on a terminal, and a plain line every five seconds elsewhere."""

    def __init__(self, label: str, total: int | None = None) -> None:
        self._label = label
        self._total = total
        self._done = 0
        self._note = ""
        self._terminal = sys.stderr.isatty()
        self._started = time.monotonic()
        quiet = os.environ.get("LOGSLUICE_PROGRESS") == "off"
        self._next = math.inf if quiet else self._started + (_FIRST_AFTER if self._terminal else _PLAIN_EVERY)
        self._drawn = False

    def advance(self, count: int = 1) -> None:
        """``count`` more are done."""
        self._done += count
        self._draw()

    def note(self, text: str) -> None:
        """Say what is being worked on."""
        self._note = text
        self._draw()

    def close(self) -> None:
        """Take the line away."""
        if self._drawn and self._terminal:
            click.echo("\r\x1b[K", err=True, nl=False)

    def _draw(self) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        seconds = now - self._started
        if self._done or self._total:
            done = f"{self._done:,}" + (f" of {self._total:,} ({100 * self._done // self._total} %)" if self._total else "")
            done += f", {self._done / seconds:,.0f}/s"
            if self._total and 0 < self._done < self._total:
                done += f", {_span(seconds * (self._total - self._done) / self._done)} left"
        else:  # a work whose parts are not counted
            done = f"{seconds:.0f} s"
        text = f"{self._label}: {done}" + (f", {self._note}" if self._note else "")
        if self._terminal:
            click.echo("\r\x1b[K" + text[: shutil.get_terminal_size().columns - 1], err=True, nl=False)
            self._drawn = True
            self._next = now + _TERMINAL_EVERY
        else:
            click.echo(text, err=True)
            self._next = now + _PLAIN_EVERY


def _span(seconds: float) -> str:
    """A time as people say it: ``40 s``, ``3 min``, ``2 h 5 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
