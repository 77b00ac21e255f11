"""JSON, XML and Protocol Buffers: what is refused, what is bounded, odd documents; user agents and query strings that are hostile."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, struct_pb2, timestamp_pb2

from tests.rules.evaluation import scalar
from transforms.rules.event import EventFailed

DEEP_JSON = "[" * 100_000


def value(text: str, **log: str) -> Any:
    return scalar(text, log)


@pytest.mark.parametrize("text", ["", " ", "abc", "{'a': 1}", "[1,]", DEEP_JSON, "1" * 5000, '{"a": 1} x', "\ufeff{}"])
def test_what_is_not_json(text: str) -> None:
    for call in ('json_parse(v("c"), default="?")', 'json_select(v("c"), "a", default="?")'):
        assert value(call, c=text) == "?"
    for call in ('json_parse(v("c"), restrict=true)', 'json_select(v("c"), "a", restrict=true)'):
        with pytest.raises(EventFailed, match="JSON text"):
            value(call, c=text)


def test_a_missing_field_is_not_json() -> None:
    assert value('json_parse(v("c"))') is None
    assert value('json_select(v("c"), "a", default=1)') == 1
    with pytest.raises(EventFailed, match="the field is missing"):
        value('json_parse(v("c"), restrict=true)')


@pytest.mark.parametrize("text", ['{"b": 1, "a": {"z": [1.0, 1, true, null, "é", 123456789012345678901]}}', "[]", "1.50", '"x"', "true"])
def test_values_keep_their_types_and_order(text: str) -> None:
    import json

    found = value('json_parse(v("c"))', c=text)
    assert repr(found) == repr(json.loads(text))


def test_a_document_may_be_a_value_already() -> None:
    assert value('json_select(json_parse(v("c")), "a[0]")', c='{"a": [7]}') == 7
    assert value('json_select(json_select(v("c"), "a"), "[1]")', c='{"a": [7, 8]}') == 8


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("<a/>", {"a": None}),
        ("<a x='1'/>", {"a": {"@x": "1"}}),
        ("<a x='1'>t</a>", {"a": {"@x": "1", "#text": "t"}}),
        ("<a> <![CDATA[<x> ]]>&amp;&#228; </a>", {"a": "<x> &ä"}),
        ("<n:a xmlns:n='u'><n:b/></n:a>", {"n:a": {"@xmlns:n": "u", "n:b": None}}),
        ("<a><b>1</b><c/><b>2</b><b/></a>", {"a": {"b": ["1", "2", None], "c": None}}),
        ("\n<?xml version='1.0' encoding='gbk'?><!-- c --><?p i?><a>中</a>\n", {"a": "中"}),
        ("<!DOCTYPE a SYSTEM 'http://h/x.dtd'><a>1</a>", {"a": "1"}),
        ("<a>x<b>1</b>y</a>", {"a": {"b": "1", "#text": "xy"}}),
    ],
)
def test_xml(text: str, wanted: Any) -> None:
    assert value('xml_to_json(v("x"))', x=text) == wanted


LAUGHS = (
    "<!DOCTYPE a [<!ENTITY a 'ha'>"
    + "".join(f"<!ENTITY a{n} '{'&a' + (str(n - 1) if n else '') + ';'}&a;'>" for n in range(9))
    + "]><a>&a8;</a>"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no element found"),
        ("<a>", "no element found"),
        ("<a></b>", "mismatched tag"),
        ("<a/><b/>", "junk after document"),
        ("a", "syntax error"),
        ("<a>&nbsp;</a>", "undefined entity"),
        ("<a>\ud800</a>", "not well-formed"),
        ("<a>" * 201 + "</a>" * 201, "more than 200 elements"),
        (LAUGHS, "declarations of entities"),
        ("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>", "declarations of entities"),
        ("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a>&x;</a>", "refers to the entity 'x'"),
        ("<a>" + "x" * 10_000_000 + "</a>", "more than 10,000,000 characters"),
    ],
)
def test_xml_that_is_refused(text: str, message: str) -> None:
    with pytest.raises(EventFailed, match="Detail: .*" + message):
        value('xml_to_json(v("x"))', x=text)


def test_a_protobuf_message_with_well_known_types() -> None:
    file = descriptor_pb2.FileDescriptorProto(
        name="log.proto", package="demo", syntax="proto3", dependency=["google/protobuf/timestamp.proto", "google/protobuf/struct.proto"]
    )
    message = file.message_type.add(name="Log")
    message.field.add(name="at", number=1, type=11, label=1, type_name=".google.protobuf.Timestamp")
    message.field.add(name="extra", number=2, type=11, label=1, type_name=".google.protobuf.Struct")
    message.field.add(name="codes", number=3, type=5, label=3)
    given = base64.b64encode(descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString()).decode()
    at = timestamp_pb2.Timestamp(seconds=1559500886).SerializeToString()
    extra = struct_pb2.Struct(fields={"k": struct_pb2.Value(string_value="v")}).SerializeToString()
    data = b"\x0a" + bytes([len(at)]) + at + b"\x12" + bytes([len(extra)]) + extra + b"\x1a\x02\x01\x02"
    found = value(f'pb_to_json(v("m"), "{given}", "demo.Log")', m=base64.b64encode(data).decode())
    assert found == {"at": "2019-06-02T18:41:26Z", "extra": {"k": "v"}, "codes": [1, 2]}


@pytest.mark.parametrize("given", ["", "AAAA", "//8="])
def test_what_is_no_set_of_descriptors(given: str) -> None:
    with pytest.raises(EventFailed, match=r"Detail: .*descriptor"):
        value(f'pb_to_json(v("m"), "{given}", "demo.Log")', m="")


def test_long_user_agents_take_no_long_time() -> None:
    begun = time.process_time()
    for text in ("Mozilla/5.0 (" + "a" * 200_000, "; " * 100_000, "Android " * 20_000, "1." * 100_000):
        assert value('ua_parse_all(v("a"))', a=text)
    assert time.process_time() - begun < 20


@pytest.mark.parametrize(
    ("query", "wanted"), [("a", {}), ("=1", {"": "1"}), ("a=%ff", {"a": "\ufffd"}), ("a=1;b=2", {"a": "1;b=2"}), ("a=b=c", {"a": "b=c"})]
)
def test_query_strings(query: str, wanted: Any) -> None:
    assert value('url_parse_qs(v("q"))', q=query) == wanted


def test_query_strings_are_bounded() -> None:
    with pytest.raises(EventFailed, match="Max number of fields exceeded"):
        value('url_parse_qs(v("q"))', q="a=1&" * 10_001)
    with pytest.raises(EventFailed, match="codec can't decode"):
        value('url_parse_qs(v("q"), errors="strict")', q="a=%ff")
