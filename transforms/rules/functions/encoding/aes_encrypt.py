"""aes_encrypt"""

from __future__ import annotations

from typing import Annotated, Any

from transforms.rules.byte_formats import Encoding, read_bytes, written
from transforms.rules.function import Example, expression
from transforms.rules.functions.encoding._ciphers import Mode, PadStyle, encrypted, mode_problems
from transforms.rules.functions.encoding._kinds import AesKey, InitialBlock, Padding
from transforms.rules.kinds import AnyValue, Choice


@expression(
    "encoding",
    parameters={
        "data": "Text or bytes.",
        "key": "The key, 16, 24 or 32 bytes; text stands for its UTF-8 form.",
        "mode": "`CBC`, `ECB`, `CFB` (of 8 bits), `OFB`, `CTR` or `OPENPGP`.",
        "pad_style": "How the data is filled up to a multiple of a block: `pkcs7`, `iso7816` or `x923`; `none`: not at all.",
        "pad_block": "The size of that block in bytes.",
        "input_format": "What the data is written as: `raw` (as it is), `hex` or `base64`.",
        "input_encoding": "The encoding in which text becomes bytes.",
        "output_format": "What the result is written as: `hex`, `base64` or `raw` (bytes).",
        "iv": "The initial block, 16 bytes; text stands for its UTF-8 form. All modes but `ECB` need it; for `CTR` it is the first counter.",
    },
    examples=[
        Example(
            'aes_encrypt(v("a"), "aoielscshgdhhhsj", iv=b"owpejskdnhtesyun", output_format="base64")',
            {"a": "029-8873145*"},
            "1Om5HaeQHAi9f8i3Msj6fw==",
        ),
        Example('aes_encrypt("", "0123456789abcdef", mode="ECB")', {}, "377222e061a924c591cd9c27ea163ed4", title="ECB needs no iv"),
        Example('aes_encrypt("abc", "0123456789abcdef", mode="CTR", pad_style="none", iv="0000000000000000")', {}, "760e4a"),
        Example('aes_encrypt("a", "0123456789abcdef")', {}, error="CBC needs an iv of 16 bytes"),
        Example('aes_encrypt("a", "short", mode="ECB")', {}, error="a key of 16, 24 or 32 bytes is needed, not one of 5"),
    ],
    status="newer",
)
def aes_encrypt(
    data: AnyValue,
    key: AesKey,
    mode: Mode = "CBC",
    pad_style: PadStyle = "pkcs7",
    pad_block: Padding = 16,
    input_format: Annotated[str, Choice("raw", "hex", "base64")] = "raw",
    input_encoding: Encoding = "utf-8",
    output_format: Annotated[str, Choice("hex", "base64", "raw")] = "hex",
    iv: InitialBlock | None = None,
) -> str | bytes:
    """Enciphers text or bytes with AES.

    Keep keys out of rules: `res_local("NAME")` reads one from the job's parameters. The data is padded in all modes, unless
    `pad_style` is `none`. An iv that stays the same makes equal data equal when enciphered, which joins need and an eavesdropper likes;
    none of the modes protects against forgery. In `OPENPGP` the result begins with the enciphered iv.
    """
    return written(encrypted(read_bytes(data, input_format, input_encoding), key, mode, pad_style, pad_block, iv), output_format)


@aes_encrypt.at_load
def _check(known: dict[str, Any]) -> list[tuple[str, str]]:
    problems = []
    if "mode" in known and "iv" in known:
        if known["mode"] == "ECB" and known["iv"] is not None:
            problems.append(("ECB takes no iv", "iv"))
        if known["mode"] != "ECB" and known["iv"] is None:
            problems.append((f"{known['mode']} needs an iv of 16 bytes", "iv"))
    if {"mode", "pad_style", "pad_block"} <= known.keys():
        problems += mode_problems(known["mode"], known["pad_style"], known["pad_block"])
    return problems
