"""Formats over columns: those codes that the column engine writes and reads as the scalar forms do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from transforms.rules.function import Decline
from transforms.rules.functions.times._moment_columns import Moments, mapped, spans
from transforms.rules.functions.times._moments import zone_offset
from transforms.rules.functions.times._strftime import DAYS, MONTHS, SHORT_FORMS, split_codes

if TYPE_CHECKING:
    from transforms.rules.functions.times._strftime import TimeFormat
    from transforms.rules.functions.times._strptime import ReadFormat

__all__ = ["read", "written"]

_SAME = set("YmdHMSybBaApIje")
_WIDTHS = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2, "b": 3, "a": 3}
_SHAPES = {
    "Y": "[1-9][0-9]{3}", "m": "(?:0[1-9]|1[0-2])", "d": "(?:0[1-9]|[12][0-9]|3[01])", "H": "(?:[01][0-9]|2[0-3])", "M": "[0-5][0-9]", "S": "[0-5][0-9]",
    "b": f"(?:{'|'.join(name[:3] for name in MONTHS)})", "a": f"(?:{'|'.join(name[:3] for name in DAYS)})",
}  # fmt: skip


def written(moments: Moments, form: TimeFormat) -> pl.Series:
    """Texts in a format; Datetimes of the years 1000 to 9999. Declines for codes that engines may write differently."""
    pieces: list[str] = []
    for piece in split_codes(form.expanded):
        if piece[0] != "%" or piece == "%%" or (len(piece) == 2 and piece[1] in _SAME):
            pieces.append(piece)
        elif piece == "%f":
            pieces.append("%6f")
        elif piece in ("%z", "%Z") and moments.offset is None:
            continue
        else:
            raise Decline
    return moments.local.dt.strftime("".join(pieces))


def read(texts: pl.Series, form: ReadFormat) -> tuple[Moments, pl.Series]:
    """What texts in a format say, and for which events that holds. Declines for formats that are not of fixed width but for their end."""
    shape, position, fields, fraction, zone = "", 0, dict[str, int](), -1, False
    for piece in _expanded(form.text):
        code = piece[1:] if piece[0] == "%" and piece != "%%" else ""
        if zone or (fraction >= 0 and code != "z" and not (not code and piece.isascii() and not piece[0].isdigit())):
            raise Decline
        if code == "z":
            zone, shape = True, shape + "[+-](?:0[0-9]|1[0-4]):?[0-5][0-9]"
        elif code == "f":
            fraction, shape = position, shape + "[0-9]{1,6}"
        elif code in _WIDTHS and code not in fields:
            fields[code], shape = position, shape + _SHAPES[code]
            position += _WIDTHS[code]
        elif not code and piece.isascii():
            literal = piece.replace("%%", "%")
            shape += re.escape(literal)
            position += len(literal)
        else:
            raise Decline
    if not {"Y", "d"} <= fields.keys() or not fields.keys() & {"m", "b"} or {"m", "b"} <= fields.keys():
        raise Decline
    covered = texts.str.contains(f"^{shape}$").fill_null(True)
    if 2 * covered.sum() < len(texts):
        raise Decline
    plain = texts.zip_with(covered, pl.Series("", [None], pl.String).new_from_index(0, len(texts)))
    month = "b" if "b" in fields else "m"
    parts = [plain.str.slice(fields[code], _WIDTHS[code]) if code in fields else None for code in ("Y", month, "d", "H", "M", "S")]
    canonical = pl.select(pl.concat_str([pl.lit("00") if part is None else part for part in parts], separator=" ")).to_series()
    local = canonical.str.strptime(pl.Datetime("us"), f"%Y %{month} %d %H %M %S", strict=False)
    if fraction >= 0:
        micros = plain.str.slice(fraction).str.extract("^([0-9]{1,6})").str.pad_end(6, "0").cast(pl.Int64)
        local = local + spans(micros)
    covered = covered & (local.is_not_null() | texts.is_null())
    if not zone:
        return Moments(local), covered
    zones = plain.str.extract("([+-][0-9]{2}:?[0-9]{2})$")
    known = zones.drop_nulls().unique().to_list()
    return Moments(local, mapped(zones, known, [zone_offset(text) for text in known], pl.Int64)), covered


def _expanded(text: str) -> list[str]:
    found: list[str] = []
    for piece in split_codes(text):
        if piece[0] == "%" and len(SHORT_FORMS.get(piece[1:], "")) > 2:
            found.extend(_expanded(SHORT_FORMS[piece[1:]]))
        elif piece[0] != "%" and any(mark.isspace() for mark in piece.replace(" ", "")):
            raise Decline  # blanks of other kinds than one blank
        elif "  " in piece:
            raise Decline
        else:
            found.append(piece)
    return found
