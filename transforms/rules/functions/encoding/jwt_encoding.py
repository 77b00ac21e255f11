"""jwt_encoding"""

from __future__ import annotations

from transforms.rules.function import Example, expression
from transforms.rules.functions.encoding._kinds import Algorithm, Key
from transforms.rules.functions.encoding._tokens import prepared
from transforms.rules.kinds import ObjectValue
from transforms.rules.limits import within_limit


@expression(
    "encoding",
    parameters={
        "payload": "The claims.",
        "key": "The secret for `HS…`, else a private key in PEM form.",
        "algorithm": "`HS256`, `HS384`, `HS512`, the same with `RS`, `ES` and `PS`, or `EdDSA`.",
        "headers": "Fields of the header beside `typ` and `alg`.",
    },
    examples=[
        Example(
            'jwt_encoding({"user": v("u")}, "secret")',
            {"u": "ann"},
            "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJ1c2VyIjoiYW5uIn0.UaWRCQFAzYxnvnjDcwnGktWA1OMJUK5V6ROenDQJxP0",
        ),
        Example(
            'jwt_decoding(jwt_encoding({"n": 1}, "k", "HS512", {"kid": "7"}), "k", "HS512")', {}, {"n": 1}, title="With a further header"
        ),
        Example('jwt_encoding({}, "secret", "RS256")', {}, error="the key is none for RS256: a private RSA key in PEM form is needed"),
        Example('jwt_encoding(v("a"), "secret")', {"a": "[]"}, error="a dictionary is needed"),
    ],
    status="newer",
)
def jwt_encoding(payload: ObjectValue, key: Key, algorithm: Algorithm = "HS256", headers: ObjectValue | None = None) -> str:
    """Makes a signed JSON Web Token.

    Keep keys out of rules: `res_local("NAME")` reads one from the job's parameters. A secret should be as long as its digest: 32 bytes
    for `HS256`. `iss` must be text.
    """
    import jwt

    if headers and "alg" in headers:
        raise ValueError("the header's alg follows from the algorithm: leave it out of headers")
    made = prepared(key, algorithm, private=True)
    try:
        token = jwt.encode(dict(payload), made, algorithm, dict(headers) if headers else None, sort_headers=False)
    except (AttributeError, jwt.InvalidKeyError):
        raise ValueError(f"the key is none to sign with by {algorithm}: a private key is needed") from None
    within_limit(len(token))
    return token
