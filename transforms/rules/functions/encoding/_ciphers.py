"""AES in the modes that rules can ask for."""

from __future__ import annotations

from typing import Annotated, Any

from transforms.rules.kinds import Choice

__all__ = ["Mode", "PadStyle", "decrypted", "encrypted", "mode_problems"]

_BLOCK = 16

Mode = Annotated[str, Choice("CBC", "ECB", "CFB", "OFB", "CTR", "OPENPGP")]
PadStyle = Annotated[str, Choice("pkcs7", "iso7816", "x923", "none")]


def encrypted(data: bytes, key: bytes, mode: str, pad_style: str, pad_block: int, iv: bytes | None) -> bytes:
    """The data, padded, enciphered. Raises ValueError with a sentence that shows neither key nor data."""
    from Crypto.Util.Padding import pad

    for message, _ in mode_problems(mode, pad_style, pad_block):
        raise ValueError(message)
    padded = data if pad_style == "none" else pad(data, pad_block, style=pad_style)
    if mode in ("CBC", "ECB") and len(padded) % _BLOCK:
        raise ValueError(f"without padding {mode} takes a multiple of 16 bytes, not {len(data)}")
    return bytes(_cipher(key, mode, _needed(mode, iv)).encrypt(padded))


def decrypted(data: bytes, key: bytes, mode: str, pad_style: str, pad_block: int, iv: bytes | None) -> bytes:
    """The inverse of `encrypted`. Raises ValueError as well where key, iv, mode and padding do not fit the data."""
    from Crypto.Util.Padding import unpad

    for message, _ in mode_problems(mode, pad_style, pad_block):
        raise ValueError(message)
    if mode in ("CBC", "ECB") and len(data) % _BLOCK:
        raise ValueError(f"data enciphered with {mode} has a multiple of 16 bytes, not {len(data)}")
    if mode == "OPENPGP":
        padded = _openpgp_decrypted(data, key, iv)
    else:
        padded = bytes(_cipher(key, mode, _needed(mode, iv)).decrypt(data))
    if pad_style == "none":
        return padded
    try:
        return bytes(unpad(padded, pad_block, style=pad_style))
    except ValueError:
        raise ValueError("the data cannot be deciphered: the key, the iv, the mode or the padding is another") from None


def mode_problems(mode: str, pad_style: str, pad_block: int) -> list[tuple[str, str]]:
    """(message, parameter) for what does not go together."""
    if pad_style != "none" and mode in ("CBC", "ECB") and pad_block % _BLOCK:
        return [(f"{mode} works on blocks of 16 bytes: pad_block must be a multiple of 16, not {pad_block}", "pad_block")]
    return []


def _needed(mode: str, iv: bytes | None) -> bytes | None:
    if mode == "ECB":
        if iv is not None:
            raise ValueError("ECB takes no iv")
    elif iv is None:
        raise ValueError(f"{mode} needs an iv of 16 bytes")
    return iv


def _cipher(key: bytes, mode: str, iv: bytes | None) -> Any:
    from Crypto.Cipher import AES

    new: Any = AES.new  # its annotations want the mode as a literal
    if mode == "ECB":
        return new(key, AES.MODE_ECB)
    if mode == "CTR":
        # The whole initial block counts up, as OpenSSL does it.
        return new(key, AES.MODE_CTR, nonce=b"", initial_value=iv)
    modes = {"CBC": AES.MODE_CBC, "CFB": AES.MODE_CFB, "OFB": AES.MODE_OFB, "OPENPGP": AES.MODE_OPENPGP}
    return new(key, modes[mode], iv=iv)


def _openpgp_decrypted(data: bytes, key: bytes, iv: bytes | None) -> bytes:
    """OpenPGP's mode puts the enciphered iv and two bytes of it in front of the data."""
    head = _BLOCK + 2
    if len(data) < head:
        raise ValueError(f"data enciphered with OPENPGP has at least {head} bytes, not {len(data)}")
    try:
        cipher = _cipher(key, "OPENPGP", data[:head])
    except ValueError:
        raise ValueError("the data cannot be deciphered: the key or the mode is another") from None
    if iv is not None and cipher.iv != iv:
        raise ValueError("the data was enciphered with another iv")
    return bytes(cipher.decrypt(data[head:]))
