"""What searches find, example by example."""

from __future__ import annotations

import pytest

from tests.sql.search_table import SearchTable
from transforms.core.errors import SearchError
from transforms.stores.index import FieldIndex, FullTextIndex, Index

AGENT = "Mozilla/5.0 (X11; Linux) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/90.0"
LOGS = [
    {"id": "1", "__time__": 100, "__topic__": "shop", "__source__": "192.0.2.1", "__tag__:__path__": "/var/log/a b", "method": "GET",
     "zone": "eu-north", "status": "200", "took": "60", "agent": AGENT, "uri": "/shop/cart-2", "user": "ann", "node": 'web"01"',
     "body": "and so on", "info": '{"ok": true, "ms": 75.5, "n": 3, "who": {"name": "ann lee"}}'},
    {"id": "2", "__time__": 130, "__topic__": "shop_2", "__source__": "192.0.2.10", "method": "POST", "zone": "eu*", "status": "201",
     "took": "100.5", "agent": "like a Gecko Firefox/88.0", "uri": "/shop/cart-2/item?x=1", "user": "", "node": "web02",
     "body": "payment Error: refused", "info": '{"ok": false, "ms": 61, "n": 3.5, "who": {"name": "bob"}}'},
    {"id": "3", "__time__": 160, "__topic__": "", "__source__": "10.0.0.1", "method": "get", "zone": "us-west", "status": "404",
     "took": "n/a", "agent": "curl/7.68.0", "uri": "/index.html", "node": "web03", "body": "limit reached", "info": "[1, 2]"},
    {"id": "4", "__time__": 190, "method": "PUT", "status": "abc", "took": "-1e2", "uri": "/shop", "info": '{"ok": tr'},
]  # fmt: skip
FIELDS = {
    **{name: FieldIndex() for name in ("method", "zone", "agent", "uri", "user", "node", "body", "owner")},
    "status": FieldIndex("long"),
    "took": FieldIndex("double"),
    "info": FieldIndex(
        "json",
        leaves={"ok": FieldIndex(), "ms": FieldIndex("double"), "n": FieldIndex("long"), "who.name": FieldIndex()},
    ),
}
KEYS = Index(None, FIELDS)
BOTH = Index(FullTextIndex(), FIELDS)
LINE = Index(FullTextIndex(), {})


@pytest.fixture(scope="module")
def table() -> SearchTable:
    return SearchTable(LOGS)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", "1234"), ("*", "1234"), ("(*)", "1234"), ("* not method:GET", "24"),
        # words of a field, without letter case; juxtaposition, and, or
        ("method:GET", "13"), ("METHOD:get", "13"), ("method : put", "4"), ("method:GET or method:PUT", "134"),
        ("method:GET status:200", "1"), ("method:GET AND status:200", "1"), ("method:PUT or method:GET status:404", "34"),
        # difference keeps logs without the field; not is weaker than and, stronger than or
        ("not method:GET", "24"), ("not user:ann", "234"), ("not method:GET not method:POST", "4"),
        ("method:PUT or method:GET not zone:us-west", "14"), ("method:GET not zone:us-west and status:404", "1"),
        ("not method:GET and status:404", "124"), ("(not method:GET) and status:201", "2"), ("method:POST or not zone:*", "24"),
        # numbers
        ("took=60", "1"), ("took:60", "1"), ("took:6e1", "1"), ("took >= 60 and took<101", "12"), ("took in (60 200]", "2"),
        ("took in [60 100.5)", "1"), ("took < 0", "4"), ("took = -100", "4"), ("status<=201", "12"), ("status > 200.5", "23"),
        ("status >= 200.5", "23"), ("status < 200.5", "1"), ("status <= 200.5", "1"), ("status = 200.5", ""), ("status:2e2", "1"),
        ("status in [200 404)", "12"), ("not status > -1000000", "4"), ("status > 99999999999999999999", ""),
        ("status < 99999999999999999999", "123"), ("status >= -9223372036854775808", "123"), ("status < -9223372036854775808", ""),
        ("status > -99999999999999999999", "123"), ("took < 1e999", "124"), ("took > -1e999", "124"), ("status:*", "1234"),
        ('status:"200"', "1"), ("took > +60", "2"),
        # wildcards inside a token; literal in quotes; a question mark is one character
        ("zone:eu*", "12"), ('zone:"eu*"', "2"), ("zone:e?-n*h", "1"), ("zone:eu?north", "1"), ("zone:eu??north", ""), ("zone:north*", ""),
        ("method:?ET or method:G*", None), ("uri:/shop/*", "124"), ("uri:/shop/c*t-?", "12"), ("agent:moz*", "1"),
        # pieces at the delimiters, in any order; a whole value without delimiters is another index
        ("uri:/shop/cart-2", "12"), ("uri:cart-2/shop", "12"), ("uri:cart", ""), ("agent:Firefox", "2"), ("agent:chrome", "1"),
        ('agent:"Gecko like"', "12"), ('agent:#"like Gecko"', "1"), ('agent:#"Gecko, (like"', ""), ('uri:#"item?x"', "2"),
        ("node:web", "1"), ("node:web02", "2"), ('node:web\\"01\\"', "1"), ('body:"and"', "1"), ("body:error", "2"),
        # present, absent, empty
        ("user:*", "12"), ("not user:*", "34"), ('user:""', "2"), ('not user:""', "134"), ('user:* not user:""', "1"), ("owner:*", ""),
        ("not owner:x", "1234"),
        # topic, source, tags: whole values
        ("__topic__:shop", "1"), ("__topic__:shop*", "12"), ("__topic__:SHOP_?", "2"), ('__topic__:""', "3"), ("source:192.0.2.1", "1"),
        ("__source__:192.0.2.1*", "12"), ('__tag__:__path__:"/var/log/a b"', "1"), ("__tag__:__path__:/var/log/a*", "1"),
        ("__tag__:__path__:log", ""), ("__tag__:__path__:*", "1"), ("__tag__:other:x", ""), ("not __tag__:other:*", "1234"),
        # leaves of JSON
        ("info.ms > 61", "1"), ("info.ms >= 61", "12"), ("info.ok : true", "1"), ("info.who.name:ann", "1"), ("info.N:3", "1"),
        ("info.ms > 60 not info.who.name : ann", "2"), ("not info.ok:*", "34"), ("info:tr", "4"),
        # = on text
        ("method = GET", "13"), ("method=G*", "13"), ("user = *", "12"),
    ],
)  # fmt: skip
def test_field_searches(table: SearchTable, text: str, ids: str | None) -> None:
    if ids is None:
        with pytest.raises(SearchError, match="wildcard"):
            table.find(text, KEYS)
        return
    assert "".join(table.find(text, KEYS)) == ids
    assert "".join(table.find(text, BOTH)) == ids


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("PUT", "4"), ("get", "13"), ("gecko and firefox", "2"), ('"firefox gecko"', "2"), ("firefox GET", ""),
        ('"and"', "1"), ('"limit"', "3"),
        ("moz* or curl", "13"), ("cart", ""), ("cart-2", "12"), ("cart-?", "12"), ("not shop", "3"), ("shop", "124"), ("zone", "123"),
        ("user", "12"), ('#"like gecko"', "1"), ('#"cart-2/item"', "2"), ('#"cart-2 get"', ""), ("192.0.2.1", "1"), ("192.0.2.1*", "12"),
        ("__topic__", "123"), ("__path__", "1"), ("404", "3"), ("/*", "1234"), ("00*", ""), ("shop/cart-2", "12"), ("name", "12"),
    ],
)  # fmt: skip
def test_bare_words(table: SearchTable, text: str, ids: str) -> None:
    assert "".join(table.find(text, BOTH)) == ids
    assert "".join(table.find(text, LINE)) == ids
    assert "".join(table.find(text, None)) == ids


def test_a_window_of_time_goes_with_the_search(table: SearchTable) -> None:
    assert table.find("method:GET", KEYS, 100, 160) == ["1"]


def test_delimiters_and_case_of_the_index() -> None:
    table = SearchTable([{"id": "1", "a": "/x/Y.z", "b": "Ä-ö"}, {"id": "2", "a": "/x/Y.z/q", "b": "ä"}])
    whole = Index(None, {"a": FieldIndex(delimiters="")})
    assert table.find("a:/x/y.z", whole) == ["1"]
    assert table.find("a:/x/y*", whole) == ["1", "2"]
    assert table.find("a:/x/*q", whole) == ["2"]
    assert table.find("a:y.z", whole) == []
    dotted = Index(FullTextIndex(delimiters="/."), {})
    assert table.find("z", dotted) == ["1", "2"]
    assert table.find("q z x", dotted) == ["2"]
    exact = Index(FullTextIndex(case_sensitive=True), {"b": FieldIndex(case_sensitive=True)})
    assert table.find("y.z", exact) == []
    assert table.find("Y.z", exact) == ["1", "2"]
    assert table.find("b:ä*", exact) == ["2"]
    folded = Index(None, {"b": FieldIndex()})
    assert table.find("b:Ä", folded) == ["2"]
    assert table.find("b:ä-Ö", folded) == ["1"]


def test_a_letter_as_delimiter_cuts_only_in_its_own_case() -> None:
    table = SearchTable([{"id": "1", "a": "x"}, {"id": "2", "a": "X"}, {"id": "3", "a": "BxB"}, {"id": "4", "a": "bXb"}])
    index = Index(None, {"a": FieldIndex(delimiters="x")})
    assert table.find("a:X", index) == ["2"]
    assert table.find("a:b", index) == ["3"]
    assert table.find("a:bXB", index) == ["4"]
    assert table.find("a:bX*", index) == ["4"]


def test_a_phrase_can_be_a_whole_value() -> None:
    table = SearchTable([{"id": "1", "a": "x y"}, {"id": "2", "a": "xy"}, {"id": "3", "b": "x, y"}])
    assert table.find('#"x y"', Index(FullTextIndex(), {"a": FieldIndex(delimiters="")})) == ["1", "3"]


def test_bare_words_and_fields_with_their_own_index() -> None:
    table = SearchTable([{"id": "1", "message": "this is", "other": "plain"}, {"id": "2", "message": "none", "other": "this too"}])
    fields = {"message": FieldIndex()}
    assert table.find("this", Index(FullTextIndex(), fields)) == ["1", "2"]
    assert table.find("this", Index(FullTextIndex(exclude_indexed=True), fields)) == ["2"]
    assert table.find("this", Index(FullTextIndex(include=("message",)), {})) == ["1"]
    assert table.find("this", Index(FullTextIndex(exclude=("Message",)), {})) == ["2"]
    assert table.find("other", Index(FullTextIndex(include=("message",)), {})) == []
    assert table.find("this", Index(FullTextIndex(include=("nothing",)), {})) == []


def test_chinese_words() -> None:
    rows = [{"id": "1", "a": "用户登录失败error"}, {"id": "2", "a": "登录 ok"}, {"id": "3", "a": "errors"}]
    table = SearchTable(rows)
    cut = Index(FullTextIndex(chn=True), {"a": FieldIndex(chn=True)})
    uncut = Index(FullTextIndex(), {"a": FieldIndex()})
    for prefix in ("a:", ""):
        assert table.find(f"{prefix}登录", cut) == ["1", "2"]
        assert table.find(f"{prefix}登录", uncut) == ["2"]
        assert table.find(f"{prefix}error", cut) == ["1"]
        assert table.find(f"{prefix}error", uncut) == []
        assert table.find(f"{prefix}失败error", cut) == ["1"]
        assert table.find(f"{prefix}登*", cut) == ["1", "2"]
        assert table.find(f'{prefix}#"登录失败 error"', cut) == ["1"]
        assert table.find(f'{prefix}#"失败登录"', cut) == []


def test_without_an_index_everything_is_searchable(table: SearchTable) -> None:
    assert table.find("method:put", None) == ["4"]
    assert table.find("status > 200", None) == ["2", "3"]
    assert table.find("status in [200 201]", None) == ["1", "2"]
    assert table.find("status:20*", None) == ["1", "2"]
    assert table.find("info.who.name:bob", None) == ["2"]
    assert table.find("info.ms > 70", None) == ["1"]
    warned = table.compiled("methd:put", None)
    assert table.find("methd:put", None) == []
    assert warned.warnings == ("no stored log has a field 'methd'; did you mean 'method'?",)


def test_names_that_differ_in_case_are_one_field() -> None:
    table = SearchTable([{"id": "1", "Code": "5", "source": "x"}, {"id": "2", "code": "7"}, {"id": "3", "__source__": "x"}])
    index = Index(None, {"code": FieldIndex("long"), "source": FieldIndex()})
    assert table.find("CODE >= 5", index) == ["1", "2"]
    assert table.find("code:*", index) == ["1", "2"]
    assert table.find("not code:7", index) == ["1", "3"]
    assert table.find("source:x", index) == ["3"]
    assert table.find("Source:x", index) == ["1"]
    assert table.compiled("code:5", index).fields == {"Code", "code"}


def test_a_comparison_on_text_becomes_words_and_warns() -> None:
    table = SearchTable([{"id": "1", "line": "owner>100 x"}, {"id": "2", "owner": "100"}, {"id": "3", "owner": "101"}])
    for index in (LINE, Index(FullTextIndex(), {"owner": FieldIndex()})):
        for text in ("owner>100", "owner >= 100"):
            assert table.find(text, index) == ["1", "2"]
            (warning,) = table.compiled(text, index).warnings
            assert "'owner' and '100'" in warning
            assert "long or double" in warning
    assert table.find("owner in [100 x]".replace("x", "101"), LINE) == []
    assert table.find("nothing = 100", LINE) == []
    assert table.find("line = own*", LINE) == ["1"]


def test_odd_texts_as_fields_and_words() -> None:
    odd = "o'd\"d: {x}\\n [^-] \x01 😀"
    table = SearchTable([{"id": "1", odd: "v", "a": "x\x00y\x01z", "b": "a\\b$c^d.e|f+g"}, {"id": "2", "b": "a\\bXcXdXeXfXg", "": "empty"}])
    quoted = odd.replace("\\", "\\\\").replace('"', '\\"')
    assert table.find(f'"{quoted}":v', None) == ["1"]
    assert table.find("a:x\x00y\x01z", None) == ["1"]
    assert table.find('a:"x\x00*"', None) == []
    assert table.find("a:x\x00*", None) == ["1"]
    assert table.find('b:"a\\b$c^d.e|f+g"', None) == ["1"]
    assert table.find("b:a\\\\b$c*g", None) == ["1"]
    assert table.find("😀", None) == ["1"]
    assert table.find('"":empty', None) == ["2"]


def test_many_fields_are_searched_like_few() -> None:
    logs = [{"id": str(number), **{f"f{field}": f"v{field} w{number}" for field in range(number, 100 + number)}} for number in range(3)]
    logs.append({"id": "3", "f7": "v8"})
    table = SearchTable(logs)
    index = Index(FullTextIndex(), {"f5": FieldIndex(delimiters=""), "f6": FieldIndex(case_sensitive=True)})
    assert table.find("v0", index) == ["0"]
    assert table.find("V101 w2", index) == ["2"]
    assert table.find("v8", index) == ["0", "1", "2", "3"]
    assert table.find("v10?", index) == ["1", "2"]
    assert table.find('"v6"', index) == ["0", "1", "2"]
    assert table.find("V6", index) == []
    assert table.find("v5", index) == []
    assert table.find('#"v10 w1"', index) == ["1"]
    assert table.find('#"w1 v11"', index) == []
    assert table.find("f1", index) == ["0", "1"]


def test_a_store_without_fields() -> None:
    table = SearchTable([{"id": "1"}])
    assert table.find("error", None) == []
    assert table.find("not error", None) == ["1"]
    assert table.find("a:b or a > 1 or a in [1 2]", None) == []
    assert table.compiled("a:b", None).warnings == ()
