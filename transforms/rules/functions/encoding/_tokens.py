"""JSON Web Tokens by PyJWT, with errors that show no key."""

from __future__ import annotations

import warnings
from typing import Any

__all__ = ["prepared", "refused"]


def prepared(key: bytes, algorithm: str, *, private: bool) -> Any:
    """The key as the algorithm takes it. Raises ValueError for a key of another kind."""
    import jwt
    from jwt.warnings import InsecureKeyLengthWarning

    # A key that is short is the rule author's choice; it is said in the reference, not to the standard error of each worker.
    warnings.filterwarnings("ignore", category=InsecureKeyLengthWarning)
    try:
        found = jwt.get_algorithm_by_name(algorithm).prepare_key(key)
    except Exception:  # noqa: BLE001 - the libraries raise many kinds of errors for keys; their texts may quote what was given
        found = None
    if found is None:
        raise ValueError(f"the key is none for {algorithm}: {_WANTED[algorithm[:2]].format('private' if private else 'public')} is needed")
    return found


_WANTED = {
    "HS": "a secret that is no PEM or SSH key",
    "RS": "a {} RSA key in PEM form",
    "PS": "a {} RSA key in PEM form",
    "ES": "a {} key of an elliptic curve in PEM form",
    "Ed": "a {} Ed25519 or Ed448 key in PEM form",
}


def refused(error: Exception) -> ValueError:
    """An error of PyJWT's in our words."""
    import jwt

    for kind, message in (
        (jwt.InvalidAlgorithmError, "the token is signed with another algorithm than those that are allowed"),
        (jwt.InvalidSignatureError, "the token's signature is not the key's"),
        (jwt.InvalidAudienceError, "the token is for another audience"),
        (jwt.InvalidIssuerError, "the token is from another issuer"),
        (jwt.MissingRequiredClaimError, "the token lacks a claim that is asked for"),
    ):
        if isinstance(error, kind):
            return ValueError(message)
    return ValueError("this is no JSON Web Token that can be read")
