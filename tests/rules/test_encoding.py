"""Functions that encode, encipher and sign: what their examples cannot say."""

from __future__ import annotations

import base64
import random
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.rules.evaluation import columnar, scalar
from transforms.core.clock import FixedClock
from transforms.rules.context import Context
from transforms.rules.event import EventFailed
from transforms.rules.functions.encoding._hashids import ALPHABET, Hashids
from transforms.rules.problems import RuleInvalid
from transforms.rules.rule import compile_rule

KEY, IV = "0123456789abcdef", "0000000000000000"


@pytest.mark.parametrize(
    ("arguments", "made"),
    [  # what openssl gives for "hello"
        (f'"{KEY}", mode="CFB", pad_style="none", iv="{IV}"', "7fb4ec209b"),
        (f'"{KEY}{KEY}", mode="ofb", pad_style="none", iv="{IV}"', "3670b97784"),
    ],
)
def test_ciphers_are_those_of_openssl(arguments: str, made: str) -> None:
    assert scalar(f'aes_encrypt("hello", {arguments})', {}) == made
    assert scalar(f'aes_decrypt("{made}", {arguments})', {}) == b"hello"


@pytest.mark.parametrize("mode", ["CBC", "ECB", "CFB", "OFB", "CTR", "OPENPGP"])
@pytest.mark.parametrize("pad_style", ["pkcs7", "iso7816", "x923"])
@pytest.mark.parametrize("form", ["hex", "base64", "raw"])
def test_what_is_enciphered_can_be_deciphered(mode: str, pad_style: str, form: str) -> None:
    iv = "" if mode == "ECB" else f', iv="{IV}"'
    for key in (KEY, KEY + KEY[:8], KEY + KEY):
        for text in ("", "x", "y" * 16, "žluťoučký 🙂"):
            arguments = f'"{key}", "{mode}", "{pad_style}", 32'
            rule = f'aes_decrypt(aes_encrypt(v("a"), {arguments}, output_format="{form}"{iv}), {arguments}, "{form}"{iv})'
            assert scalar(rule, {"a": text}) == text.encode()


def test_openpgp_mode_is_that_of_rfc_4880() -> None:
    block = Cipher(algorithms.AES(KEY.encode()), modes.ECB()).encryptor().update

    def feedback(data: bytes, register: bytes) -> bytes:
        made = b""
        while data:
            part, data = data[:16], data[16:]
            register = bytes(a ^ b for a, b in zip(part, block(register), strict=False))
            made += register
        return made

    random_block = IV.encode()
    head = feedback(random_block + random_block[-2:], bytes(16))
    want = head + feedback(b"sixteen letters and more", head[2:])
    rule = f'aes_encrypt("sixteen letters and more", "{KEY}", "OPENPGP", "none", iv="{IV}")'
    assert scalar(rule, {}) == want.hex()


SECRETS = [
    'aes_encrypt(v("a"), "topsecret", mode="ECB")',
    'aes_encrypt(v("a"), v("k"), mode="ECB")',
    'aes_encrypt(v("a"), "0123456789topsecret12345", iv=v("k"))',
    'aes_decrypt(v("a"), "0123456789topsecret12345", mode="ECB", input_format="raw")',
    'jwt_encoding({"a": 1}, "topsecret", "RS256")',
    'jwt_encoding({"a": 1}, v("k"), "ES256")',
    'jwt_encoding({"a": 1}, v("k"), "EdDSA")',
    'jwt_encoding({"a": 1}, "-----BEGIN PRIVATE KEY-----\\ntopsecret\\n-----END PRIVATE KEY-----", "PS256")',
    'jwt_encoding({"a": 1}, {"topsecret": 1})',
    'jwt_decoding(jwt_encoding({"a": 1}, "one"), "topsecret")',
    'jwt_decoding(v("a"), "topsecret")',
    'hashids_decoding(v("a"), "topsecret")',
]


@pytest.mark.parametrize("call", SECRETS)
def test_no_error_shows_a_key(call: str) -> None:
    with pytest.raises((EventFailed, RuleInvalid)) as caught:
        scalar(call, {"a": "x" * 32, "k": "topsecret"})
    assert "topsecret" not in str(caught.value)
    if isinstance(caught.value, RuleInvalid):
        assert "topsecret" not in str([problem.message for problem in caught.value.problems])
    else:
        (failed,) = columnar(call, [{"a": "x" * 32, "k": "topsecret"}])
        assert "topsecret" not in failed.reason


def _pem(key: Any) -> tuple[str, str]:
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("RS256", lambda: rsa.generate_private_key(65537, 2048)),
        ("PS256", lambda: rsa.generate_private_key(65537, 2048)),
        ("ES256", lambda: ec.generate_private_key(ec.SECP256R1())),
        ("EdDSA", ed25519.Ed25519PrivateKey.generate),
    ],
)
def test_tokens_signed_with_a_pair_of_keys(algorithm: str, key: Any) -> None:
    private, public = _pem(key())
    log = {"private": private, "public": public}
    token = scalar(f'jwt_encoding({{"n": 1}}, v("private"), "{algorithm}")', log)
    assert jwt.decode(token, public, [algorithm]) == {"n": 1}
    assert scalar(f'jwt_decoding(v("t"), v("public"), ["HS256", "{algorithm}"])', log | {"t": token}) == {"n": 1}
    with pytest.raises(EventFailed, match="signed with another algorithm"):
        scalar('jwt_decoding(v("t"), v("public"))', log | {"t": token})
    with pytest.raises(EventFailed, match="private"):
        scalar(f'jwt_encoding({{"n": 1}}, v("public"), "{algorithm}")', log)
    # A secret that is somebody's public key would let everybody sign.
    with pytest.raises(EventFailed, match="a secret that is no PEM"):
        scalar('jwt_encoding({"n": 1}, v("public"), "HS256")', log)


def test_tokens_that_are_not_signed_are_refused() -> None:
    unsigned = jwt.encode({"n": 1}, "", algorithm="none")
    with pytest.raises(EventFailed, match="another algorithm"):
        scalar('jwt_decoding(v("t"), "k")', {"t": unsigned})
    with pytest.raises(RuleInvalid):
        compile_rule('e_set("x", jwt_decoding(v("t"), "k", "none"))')


def test_a_token_is_good_for_its_time() -> None:
    token = scalar('jwt_encoding({"exp": 1000, "nbf": 500.5}, "k")', {})
    call = f'jwt_decoding("{token}", "k")'

    def at(seconds: float) -> Context:
        return Context(clock=FixedClock(int(seconds * 1_000_000)))

    assert scalar(call, {}, at(999.9)) == {"exp": 1000, "nbf": 500.5}
    with pytest.raises(EventFailed, match="has expired"):
        scalar(call, {}, at(1000))
    with pytest.raises(EventFailed, match="not valid yet"):
        scalar(call, {}, at(500))
    assert scalar(call[:-1] + ", leeway=1)", {}, at(1000.5)) == {"exp": 1000, "nbf": 500.5}
    # The clock moves on between batches: a constant token is looked at again.
    rule = compile_rule(f'e_set("x", {call})')
    assert not rule.run_logs([{}], at(999)).failures
    assert rule.run_logs([{}], at(1001)).failures
    late = scalar('jwt_encoding({"exp": "soon"}, "k")', {})
    with pytest.raises(EventFailed, match="no number of seconds"):
        scalar(f'jwt_decoding("{late}", "k")', {})


def test_the_header_cannot_change_the_algorithm() -> None:
    with pytest.raises(EventFailed, match="follows from the algorithm"):
        scalar('jwt_encoding({"a": 1}, "k", "HS256", {"alg": "none"})', {})
    token = scalar('jwt_encoding({"a": 1}, "k", headers={"kid": "7"})', {})
    assert jwt.get_unverified_header(token) == {"typ": "JWT", "alg": "HS256", "kid": "7"}


def test_audience_and_issuer_of_a_token() -> None:
    token = scalar('jwt_encoding({"aud": ["a", "b"], "iss": "i"}, "k")', {})
    assert scalar(f'jwt_decoding("{token}", "k", audience="b", issuer="i")', {})["iss"] == "i"
    assert scalar(f'jwt_decoding("{token}", "k")', {})["iss"] == "i"
    with pytest.raises(EventFailed, match="another audience"):
        scalar(f'jwt_decoding("{token}", "k", audience="c")', {})
    with pytest.raises(EventFailed, match="another issuer"):
        scalar(f'jwt_decoding("{token}", "k", issuer="j")', {})


@pytest.mark.parametrize(
    ("salt", "length", "alphabet", "numbers", "text"),
    [  # published with the algorithm
        ("this is my salt", 0, ALPHABET, [12345], "NkK9"),
        ("this is my salt", 0, ALPHABET, [683, 94108, 123, 5], "aBMswoO2UB3Sj"),
        ("this is my salt", 8, ALPHABET, [1], "gB0NV05e"),
        ("this is my salt", 0, "0123456789abcdef", [1234567], "b332db5"),
        ("this is my salt", 0, ALPHABET, [5, 5, 5, 5], "1Wc8cwcE"),
        ("this is my salt", 0, ALPHABET, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], "kRHnurhptKcjIDTWC3sx"),
    ],
)
def test_published_hashids(salt: str, length: int, alphabet: str, numbers: list[int], text: str) -> None:
    made = Hashids(salt, length, alphabet)
    assert made.encode(numbers) == text
    assert made.decode(text) == numbers


def test_hashids_turn_back_and_refuse_what_they_did_not_make() -> None:
    seeded = random.Random(5)
    for _ in range(300):
        salt = "".join(seeded.choices("abc é☃", k=seeded.randrange(8)))
        alphabet = seeded.choice([ALPHABET, "cfhistuCFHISTU01", "0123456789abcdef", "cfhistuCFHISTU01abcdefgx", "☃éüöäñßabcdefghijkl"])
        made = Hashids(salt, seeded.choice([0, 7, 40]), alphabet)
        numbers = [seeded.choice([0, seeded.randrange(100), seeded.randrange(2**64)]) for _ in range(seeded.randrange(1, 6))]
        assert made.decode(made.encode(numbers)) == numbers
        noise = "".join(seeded.choices(alphabet + "!", k=seeded.randrange(9)))
        try:
            assert made.encode(made.decode(noise)) == noise
        except ValueError as error:
            assert "this is no text that was made" in str(error)


SCHEMA = """
// What a server saw.
syntax = "proto3";
package demo;
import "google/protobuf/timestamp.proto";
message Hit {
  message Part { Kind kind = 1; google.protobuf.Timestamp at = 2; optional int32 count = 3; }
  enum Kind { NONE = 0; GET = 1; FETCH = 1; }
  int64 id = 1;
  repeated string tags = 2;
  map<string, int64> by_name = 3;
  oneof what { string text = 4; Part part = 5; }
  repeated Hit children = 6;
  demo.Hit.Part whole_name = 7;
  bytes raw = 8;
  reserved 9, 20 to 30;
}
"""
MESSAGE = b"\x08\x05\x12\x01x\x1a\x05\x0a\x01k\x10\x07\x2a\x08\x08\x01\x12\x02\x08\x05\x18\x00\x32\x02\x08\x06\x42\x01\xff"
FIELDS = {
    "id": "5",
    "tags": ["x"],
    "by_name": {"k": "7"},
    "part": {"kind": "GET", "at": "1970-01-01T00:00:05Z", "count": 0},
    "children": [{"id": "6"}],
    "raw": "/w==",
}


def test_a_message_by_all_kinds_of_schemas() -> None:
    from transforms.rules.functions.encoding._schemas import descriptors

    compiled = descriptors(SCHEMA)
    message = base64.b64encode(MESSAGE).decode()
    for schema in (SCHEMA, base64.b64encode(compiled).decode()):
        assert scalar('protobuf_decoding(v("m"), v("s"), "demo.Hit", "base64")', {"m": message, "s": schema}) == FIELDS
    for content in (compiled, SCHEMA.encode()):
        assert descriptors(content) == compiled


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("message A { int32 }", "line 1, column 19"),
        ("message A { foo.Bar x = 1; }", "foo.Bar"),
        ('import "other.proto"; message A {}', "--include_imports"),
        ('syntax = "proto9"; message A {}', "proto9"),
        ('edition = "1"; message A {}', "edition 1 is not known"),
        ("message A {" * 3000, "nested too deeply"),
        ("message A {}" + " " * 300_000, "may have 200,000 characters"),
        ("message A { int32 x = 99999999999999999999; }", "out of range"),
        ("*", "no Base64 text"),
        ("AAAA", "descriptors"),
    ],
)
def test_schemas_that_are_refused(schema: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(EventFailed, match=message):
        scalar('protobuf_decoding("", v("s"), "A")', {"s": schema})
    assert capsys.readouterr() == ("", "")


def test_results_that_would_grow_from_call_to_call_are_limited() -> None:
    log = {"a": "%" * 3_000_000}
    for call in (
        'url_encoding(url_encoding(v("a")))',
        'base64_encoding(base64_encoding(base64_encoding(base64_encoding(base64_encoding(v("a"))))))',
    ):
        with pytest.raises(EventFailed, match="the most that one value may have"):
            scalar(call, log)
        (value,) = columnar(call, [log])
        assert isinstance(value, EventFailed)
