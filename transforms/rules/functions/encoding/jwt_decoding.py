"""jwt_decoding"""

from __future__ import annotations

from typing import Any

from transforms.rules.context import Context
from transforms.rules.function import Example, expression
from transforms.rules.functions.encoding._kinds import Algorithms, Key
from transforms.rules.functions.encoding._tokens import prepared, refused
from transforms.rules.kinds import Number, Text


@expression(
    "encoding",
    parameters={
        "token": "The token.",
        "key": "The secret for `HS…`, else a public key in PEM form.",
        "algorithms": "The algorithm that is allowed, or a list of them; whatever the token itself says is not trusted.",
        "audience": "Who the token has to be for (`aud`); without it that is not looked at.",
        "issuer": "Who it has to be from (`iss`); without it that is not looked at.",
        "leeway": "By how many seconds clocks may differ.",
    },
    examples=[
        Example(
            'jwt_decoding(v("t"), "secret")',
            {"t": "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJ1c2VyIjoiYW5uIn0.UaWRCQFAzYxnvnjDcwnGktWA1OMJUK5V6ROenDQJxP0"},
            {"user": "ann"},
        ),
        Example('jwt_decoding(jwt_encoding({"aud": "x"}, "k"), "k", audience="x")', {}, {"aud": "x"}),
        Example('jwt_decoding(jwt_encoding({"n": 1}, "k"), "other")', {}, error="the token's signature is not the key's"),
        Example('jwt_decoding(jwt_encoding({"exp": 1}, "k"), "k")', {}, error="the token has expired"),
        Example('jwt_decoding(v("t"), "k")', {"t": "a.b"}, error="this is no JSON Web Token"),
    ],
    status="presumed",
)
def jwt_decoding(
    context: Context,
    token: Text,
    key: Key,
    algorithms: Algorithms = ("HS256",),
    audience: Text | None = None,
    issuer: Text | None = None,
    leeway: Number = 0,
) -> Any:
    """Checks a signed JSON Web Token and gives its claims.

    The event fails if the signature is not the key's, if the token has expired (`exp`) or is not valid yet (`nbf`). Unsigned tokens
    are refused. Keep keys out of rules: `res_local("NAME")` reads one from the job's parameters.
    """
    import jwt

    try:
        algorithm = str(jwt.get_unverified_header(token).get("alg"))
        if algorithm not in algorithms:
            raise jwt.InvalidAlgorithmError
        claims = jwt.decode(
            token, prepared(key, algorithm, private=False), [algorithm], audience=audience, issuer=issuer,
            options={"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_sub": False, "verify_jti": False,
                     "verify_aud": audience is not None},
        )  # fmt: skip
    except (jwt.PyJWTError, RecursionError) as error:
        raise refused(error) from None
    now = context.clock.now_us() / 1_000_000
    if "exp" in claims and _seconds(claims["exp"], "exp") <= now - leeway:
        raise ValueError("the token has expired")
    if "nbf" in claims and _seconds(claims["nbf"], "nbf") > now + leeway:
        raise ValueError("the token is not valid yet")
    return claims


def _seconds(value: Any, claim: str) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise ValueError(f"the token's {claim} is no number of seconds")
