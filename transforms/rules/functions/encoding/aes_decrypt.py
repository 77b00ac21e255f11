"""aes_decrypt"""

from __future__ import annotations

from typing import Annotated, Any

from transforms.rules.byte_formats import Encoding, read_bytes, written
from transforms.rules.function import Example, expression
from transforms.rules.functions.encoding._ciphers import Mode, PadStyle, decrypted, mode_problems
from transforms.rules.functions.encoding._kinds import AesKey, InitialBlock, Padding
from transforms.rules.kinds import AnyValue, Choice


@expression(
    "encoding",
    parameters={
        "data": "What was enciphered.",
        "key": "The key, 16, 24 or 32 bytes; text stands for its UTF-8 form.",
        "mode": "`CBC`, `ECB`, `CFB` (of 8 bits), `OFB`, `CTR` or `OPENPGP`.",
        "pad_style": "How the data was filled up to a multiple of a block: `pkcs7`, `iso7816` or `x923`; `none`: not at all.",
        "pad_block": "The size of that block in bytes.",
        "input_format": "What the data is written as: `hex`, `base64` or `raw` (as it is).",
        "input_encoding": "With `raw` the encoding in which text becomes bytes.",
        "output_format": "What the result is written as: `raw` (bytes), `hex` or `base64`.",
        "iv": "The initial block, 16 bytes; text stands for its UTF-8 form. All modes but `ECB` and `OPENPGP` need it.",
    },
    examples=[
        Example(
            'ct_str(aes_decrypt(v("a"), "aoielscshgdhhhsj", iv=b"owpejskdnhtesyun", input_format="base64"))',
            {"a": "1Om5HaeQHAi9f8i3Msj6fw=="},
            "029-8873145*",
        ),
        Example('aes_decrypt("377222e061a924c591cd9c27ea163ed4", "0123456789abcdef", mode="ECB")', {}, b""),
        Example('aes_decrypt("760e4a", "0123456789abcdef", "CTR", pad_style="none", iv="0000000000000000")', {}, b"abc"),
        Example(
            'aes_decrypt(v("a"), "another key is 1", mode="ECB")',
            {"a": "377222e061a924c591cd9c27ea163ed4"},
            error="the data cannot be deciphered",
        ),
        Example('aes_decrypt(v("a"), "0123456789abcdef", mode="ECB")', {"a": "3772"}, error="a multiple of 16 bytes, not 2"),
    ],
    status="newer",
)
def aes_decrypt(
    data: AnyValue,
    key: AesKey,
    mode: Mode = "CBC",
    pad_style: PadStyle = "pkcs7",
    pad_block: Padding = 16,
    input_format: Annotated[str, Choice("hex", "base64", "raw")] = "hex",
    input_encoding: Encoding = "utf-8",
    output_format: Annotated[str, Choice("raw", "hex", "base64")] = "raw",
    iv: InitialBlock | None = None,
) -> str | bytes:
    """Deciphers what `aes_encrypt` or another program enciphered with AES.

    Keep keys out of rules: `res_local("NAME")` reads one from the job's parameters. The result is bytes; a field holds them read as
    UTF-8, and `str_decode` reads other encodings.
    """
    return written(decrypted(read_bytes(data, input_format, input_encoding), key, mode, pad_style, pad_block, iv), output_format)


@aes_decrypt.at_load
def _check(known: dict[str, Any]) -> list[tuple[str, str]]:
    problems = []
    if "mode" in known and "iv" in known:
        if known["mode"] == "ECB" and known["iv"] is not None:
            problems.append(("ECB takes no iv", "iv"))
        if known["mode"] not in ("ECB", "OPENPGP") and known["iv"] is None:
            problems.append((f"{known['mode']} needs an iv of 16 bytes", "iv"))
    if {"mode", "pad_style", "pad_block"} <= known.keys():
        problems += mode_problems(known["mode"], known["pad_style"], known["pad_block"])
    return problems
