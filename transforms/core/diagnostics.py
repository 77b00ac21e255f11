"""Errors as people read them: where, what, the line with a caret under it, what to do next."""

from __future__ import annotations

from transforms.core.errors import Location, LogsluiceError

__all__ = ["render", "render_location"]

_WIDTH = 160


def render(error: LogsluiceError) -> str:
    """The whole message: ``error[Code]: what``, the place with a caret, ``hint: …``; no final newline."""
    lines = [f"error[{error.code}]: {error.message}"]
    if error.location is not None:
        lines.append(render_location(error.location))
    if error.hint:
        lines.append(f"hint: {error.hint}")
    return "\n".join(lines)


def render_location(location: Location) -> str:
    """``--> source:line:column`` and the line with carets; a long line is cut around the span."""
    begin = location.text.rfind("\n", 0, location.start) + 1
    stop = location.text.find("\n", location.start)
    line = location.text[begin : stop if stop >= 0 else len(location.text)]
    at = location.start - begin
    width = max(1, min(location.end - location.start, len(line) - at))
    if len(line) > _WIDTH:
        cut = max(0, min(at - _WIDTH // 3, len(line) - _WIDTH))
        line, at = ("…" if cut else "") + line[cut : cut + _WIDTH], at - cut + (1 if cut else 0)
        width = max(1, min(width, len(line) - at))
    # A tab moves the caret by what the terminal makes of it, so it is repeated under the line.
    pad = "".join("\t" if character == "\t" else " " for character in line[:at])
    number = str(location.line)
    gutter = " " * len(number)
    return f"{gutter}--> {location.source}:{number}:{location.column}\n{gutter} |\n{number} | {line}\n{gutter} | {pad}{'^' * width}"
