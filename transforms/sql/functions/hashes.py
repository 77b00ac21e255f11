"""Digests and encodings of bytes."""

from __future__ import annotations

from transforms.sql.functions.model import Function, scalar

__all__ = ["FUNCTIONS"]

FUNCTIONS: tuple[Function, ...] = (
    scalar("md5(varbinary) -> varbinary", "unhex(md5(_1))"),
    scalar("sha1(varbinary) -> varbinary", "unhex(sha1(_1))"),
    scalar("sha256(varbinary) -> varbinary", "unhex(sha256(_1))"),
    scalar("sha512(varbinary) -> varbinary", "sha512_bytes(_1)", uses=("sha512_bytes",)),
    scalar("crc32(varbinary) -> bigint", "crc32_bytes(_1)", uses=("crc32_bytes",)),
    scalar("xxhash64(varbinary) -> varbinary", "xxhash64_bytes(_1)", uses=("xxhash64_bytes",)),
    *(
        scalar(f"hmac_{name}(varbinary, varbinary) -> varbinary", f"hmac_{name}_bytes(_1, _2)", uses=(f"hmac_{name}_bytes",))
        for name in ("md5", "sha1", "sha256", "sha512")
    ),
    scalar("to_hex(varbinary) -> varchar", "hex(_1)"),
    scalar("from_hex(varchar) -> varbinary", "unhex(_1)"),
    scalar("to_base64(varbinary) -> varchar", "to_base64(_1)"),
    scalar("from_base64(varchar) -> varbinary", "from_base64(_1)"),
    scalar("to_base64url(varbinary) -> varchar", "replace(replace(to_base64(_1), '+', '-'), '/', '_')"),
    scalar("from_base64url(varchar) -> varbinary", "from_base64(replace(replace(_1, '-', '+'), '_', '/'))"),
)
