"""res_oss_file"""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Hashable, Iterable
from typing import Annotated, Any

from transforms.rules.context import Context
from transforms.rules.function import Example, expression
from transforms.rules.functions.resources._kinds import Seconds, TextOnly, not_text, text_argument
from transforms.rules.kinds import AnyValue, Text, choice_of
from transforms.stores.rule_resources import FileRequest

_MOST_BYTES = 1 << 30
_GIVEN = {"res_oss_file": {"codes.csv": "code,text\n200,OK", "raw": b"\xff\x00a"}}


@expression(
    "resources",
    parameters={
        "endpoint": "Where the bucket is.",
        "ak_id": "The access key's name; it may be left out where the job has access of its own.",
        "ak_key": "The access key; a reference such as ``env:NAME`` or ``file:PATH``, or a parameter of the job.",
        "bucket": "The bucket.",
        "file": "The file's path in the bucket, without a slash in front.",
        "format": "``text`` or ``binary``.",
        "change_detect_interval": "Seconds between two looks for a new version; 0: the file is read once.",
        "base_retry_back_off": "Seconds before a read that failed is tried again; they double each time.",
        "max_retry_back_off": "The most seconds between two tries.",
        "encoding": "The text's encoding.",
        "error": "What becomes of bytes that are no text: ``ignore``, ``replace``, ``backslashreplace``, or ``strict``, which is an error.",
        "decompress": "``gzip`` for a compressed file.",
        "fetch_interval": "Has no effect; older rules have it.",
        "refresh_retry_max": "Has no effect; older rules have it.",
    },
    examples=[
        Example(
            'tab_to_dict(tab_parse_csv(res_oss_file("http://oss", bucket="b", file="codes.csv")), "code", "text")',
            {},
            {"200": "OK"},
            resources=_GIVEN,
        ),
        Example('res_oss_file("oss", bucket="b", file="raw", format="binary")', {}, b"\xff\x00a", resources=_GIVEN),
        Example('res_oss_file("oss", bucket="b", file="raw")', {}, "\x00a", title="What is no text is left out", resources=_GIVEN),
        Example('res_oss_file("oss", "id", "key", "b")', {}, error="missing 1 required positional argument: 'file'"),
        Example('res_oss_file("oss", bucket="b", file="x", encoding="utf-9")', {}, error="unknown encoding"),
    ],
)
def res_oss_file(
    context: Context,
    endpoint: TextOnly,
    ak_id: TextOnly = None,
    ak_key: TextOnly = None,
    bucket: TextOnly = None,
    file: TextOnly = None,
    format_: Annotated[str, choice_of("format", ("text", "binary"))] = "text",
    change_detect_interval: Seconds = 0,
    base_retry_back_off: Seconds = 1,
    max_retry_back_off: Seconds = 60,
    encoding: Text = "utf8",
    error: Annotated[str, choice_of("error", ("ignore", "replace", "backslashreplace", "strict"))] = "ignore",
    decompress: Annotated[str, choice_of("decompress", ("gzip",))] | None = None,
    fetch_interval: AnyValue = None,
    refresh_retry_max: AnyValue = None,
) -> Any:
    """Gives the content of a file in an object store.

    The file is read once for the whole job, or again when it has changed, if ``change_detect_interval`` is set; while a new version cannot
    be read the last one stays. Where the job names a folder or a URL for its files, the file is BUCKET/FILE below it and never outside;
    otherwise ``endpoint`` is asked, as an object store that speaks S3. Decompressed it may have up to 1 GiB.
    """
    request = FileRequest(
        endpoint=text_argument("endpoint", endpoint),
        bucket=text_argument("bucket", bucket),
        file=text_argument("file", file),
        ak_id=None if ak_id is None else text_argument("ak_id", ak_id),
        ak_key=None if ak_key is None else text_argument("ak_key", ak_key),
        change_detect_interval=change_detect_interval,
        base_retry_back_off=base_retry_back_off,
        max_retry_back_off=max_retry_back_off,
    )
    content = context.resources.file(request)
    how = (request, format_, encoding, error, decompress)
    kept = _READ.get(how)
    if kept is None or kept[0] is not content:
        if len(_READ) >= 64:
            _READ.clear()
        kept = _READ[how] = (content, _read(content, format_, encoding, error, decompress))
    return kept[1]


_READ: dict[Hashable, tuple[bytes, Any]] = {}
"""What was made of the bytes that a request gave last: the same bytes give the same object again."""


def _read(content: bytes, form: str, encoding: str, errors: str, decompress: str | None) -> Any:
    if decompress is not None:
        content = _decompressed(content)
    return content if form == "binary" else content.decode(encoding, errors)


def _decompressed(content: bytes) -> bytes:
    """The members of a gzip file, one after the other."""
    whole: list[bytes] = []
    size = 0
    while content:
        member = zlib.decompressobj(wbits=31)
        try:
            whole.append(member.decompress(content, _MOST_BYTES - size + 1))
        except zlib.error:
            raise ValueError("the file is no gzip file, or a damaged one") from None
        size += len(whole[-1])
        if size > _MOST_BYTES:
            raise ValueError(f"the file has more than {_MOST_BYTES:,} bytes when it is decompressed")
        if not member.eof:
            raise ValueError("the gzip file ends too early")
        content = member.unused_data.lstrip(b"\0")  # some writers fill up to a block
    return b"".join(whole)


@res_oss_file.at_load
def _check(known: dict[str, Any]) -> Iterable[tuple[str, str]]:
    missing = [name for name in ("bucket", "file") if name in known and known[name] is None]
    if missing:
        names = " and ".join(f"'{name}'" for name in missing)
        yield f"res_oss_file() missing {len(missing)} required positional argument{'s' * (len(missing) > 1)}: {names}", missing[0]
    yield from not_text(known, ("endpoint", "ak_id", "ak_key", "bucket", "file"))
    try:
        codecs.lookup(known.get("encoding") or "utf8")
    except LookupError as error:
        yield str(error), "encoding"
