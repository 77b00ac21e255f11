"""str_zip"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.functions.strings._kinds import RowFormat, Separator
from transforms.rules.kinds import Text
from transforms.rules.limits import within_limit


@expression(
    "strings",
    parameters={
        "value1": 'A row of values, such as `a,b,"c,d"`.',
        "value2": "A second row.",
        "combine_sep": "The text between the two values of a pair, by default `#`.",
        "sep": "The text between the pairs of the result, by default a comma.",
        "quote": 'What stands around pairs that hold the separator, the quote or a line break, by default `"`.',
        "lparse": 'A tuple of the separator and the quote of the first row, by default a comma and `"`.',
        "rparse": 'A tuple of the separator and the quote of the second row, by default a comma and `"`.',
    },
    examples=[
        Example('str_zip(v("a"), v("b"))', {"a": "1,2,3", "b": "x, y"}, "1#x,2#y", title="As many pairs as the shorter row has values"),
        Example('str_zip(v("a"), v("b"), combine_sep="@")', {"a": "site", "b": "o"}, "site@o"),
        Example('str_zip(v("a"), v("b"), quote="|")', {"a": '"a,a", b', "b": "x, y"}, "|a,a#x|,b#y", title="A pair that needs quotes"),
        Example('str_zip(v("a"), v("b"), lparse=("#", \'"\'), rparse=("|", \'"\'))', {"a": "a#b", "b": "x|y"}, "a#x,b#y"),
        Example('str_zip("a", "b", lparse=("", ""))', {}, error="the separator is one character"),
    ],
)
def str_zip(
    value1: Text,
    value2: Text,
    combine_sep: Text | None = None,
    sep: Separator | None = None,
    quote: Text | None = None,
    lparse: RowFormat | None = None,
    rparse: RowFormat | None = None,
) -> str:
    """Pairs the values of two rows up and gives the pairs as one row.

    Rows are read as CSV: blanks after a separator are skipped, values may stand in quotes, a doubled quote in quotes is one quote.
    An empty text has no values. Only pairs that need them get quotes; an empty `quote` never puts any.
    """
    left, right = _row(value1, lparse), _row(value2, rparse)
    between, separator, mark = "#" if combine_sep is None else combine_sep, sep or ",", '"' if quote is None else quote
    within_limit(2 * (len(value1) + len(value2)) + (len(between) + len(separator) + 2 * len(mark)) * min(len(left), len(right)))
    pairs = [f"{one}{between}{other}" for one, other in zip(left, right, strict=False)]
    return separator.join(_quoted(pair, separator, mark) for pair in pairs)


def _row(text: str, form: tuple[str, str] | None) -> list[str]:
    """The values of a row. The csv module would read it as well, but its limit on a value belongs to the whole process."""
    separator, quote = form or (",", '"')
    text = text.rstrip("\r\n")
    if text and " " not in text and quote not in text and "\n" not in text and "\r" not in text:
        return text.split(separator)
    values: list[str] = []
    place = 0
    while text:
        while separator != " " and text.startswith(" ", place):
            place += 1
        value = ""
        if text.startswith(quote, place):
            value, place = _unquoted(text, place + 1, quote)
        end = text.find(separator, place)
        rest = text[place:] if end < 0 else text[place:end]
        if "\n" in rest or "\r" in rest:
            raise ValueError("the row cannot be read: it holds a line break outside quotes")
        values.append(value + rest)
        if end < 0:
            break
        place = end + 1
    return values


def _unquoted(text: str, place: int, quote: str) -> tuple[str, int]:
    """What stands between a quote before ``place`` and the next single one, and where the text goes on."""
    parts: list[str] = []
    while True:
        end = text.find(quote, place)
        if end < 0:
            return "".join((*parts, text[place:])), len(text)
        parts.append(text[place:end])
        place = end + 1
        if not text.startswith(quote, place):
            return "".join(parts), place
        parts.append(quote)
        place += 1


def _quoted(pair: str, separator: str, quote: str) -> str:
    if not quote or not (separator in pair or quote in pair or "\n" in pair or "\r" in pair):
        return pair
    within_limit(len(pair) + pair.count(quote) * len(quote))
    return f"{quote}{pair.replace(quote, quote * 2)}{quote}"
