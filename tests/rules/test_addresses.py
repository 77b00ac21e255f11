"""Addresses against the standard library and IPy, databases of places against their makers' readers and damaged ones."""

from __future__ import annotations

import ipaddress
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.evaluation import scalar
from tests.rules.ip_databases import bin_file, ipdb, mmdb
from tests.rules.stand_in_resources import context_of
from transforms.rules.event import EventFailed
from transforms.rules.functions.addresses._databases import opened
from transforms.rules.functions.addresses._networks import address_of, network_of
from transforms.rules.rule import compile_rule

V4 = st.integers(0, 2**32 - 1).map(ipaddress.IPv4Address)
V6 = st.integers(0, 2**128 - 1).map(ipaddress.IPv6Address)


def value(text: str, resources: Any = None, **log: str) -> Any:
    return scalar(text, log, resources or {})


@given(V4 | V6, st.integers(0, 32), V4 | V6)
def test_networks_are_those_of_the_standard_library(base: Any, prefix: int, other: Any) -> None:
    network = ipaddress.ip_network(f"{base}/{prefix}", strict=False)
    text = str(network)
    assert value('ip_cidrmatch(v("n"), v("a"), "?")', n=f"{base}/{prefix}", a=str(other)) == (other in network)
    assert value('ip_to_format(v("n"), 1)', n=f"{base}/{prefix}") == text
    assert value('ip_to_format(v("n"), 2)', n=text) == network.with_netmask
    assert value('ip_to_format(v("n"), 3)', n=text) == f"{network[0]}-{network[-1]}"
    assert value('ip_makenet(v("n"))', n=f"{network[0]} - {network[-1]}") == text
    assert value('ip_makenet(v("n"), v("m"))', n=str(base), m=str(network.netmask)) == text


@given(V4)
def test_numbers_and_addresses(address: ipaddress.IPv4Address) -> None:
    assert value('ip2long(v("a"))', a=str(address)) == int(address)
    assert value('long2ip(v("n"))', n=str(int(address))) == str(address)


@given(st.text("0123456789.:af/ -%", max_size=20))
def test_what_is_an_address_the_standard_library_takes_too(text: str) -> None:
    try:
        wanted: Any = ipaddress.ip_address(text.strip())
    except ValueError:
        wanted = None
    assert address_of(text) == (None if wanted is None else (wanted.version, int(wanted)))


@given(V4 | V6)
def test_types_are_those_of_ipy(address: Any) -> None:
    from IPy import IP

    assert value('ip_type(v("a"))', a=str(address)) == IP(str(address)).iptype().lower()


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("0.1.2.3", "private"), ("10.0.0.1", "private"), ("172.31.0.1", "private"), ("224.0.0.1", "reserved"), ("255.255.255.255", "reserved"),
        ("fe80::1", "linklocal"), ("2001:db8::1", "documentation"), ("::ffff:1.2.3.4", "ipv4map"), ("fe80::1%eth0", "linklocal"),
    ],
)  # fmt: skip
def test_some_types(address: str, kind: str) -> None:
    assert value('ip_type(v("a"))', a=address) == kind


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1.2.3",
        "1.2.3.4.5",
        "01.2.3.4",
        "1.2.3.256",
        "١.2.3.4",
        "1.2.3.4/",
        "1.2.3.4/33",
        "1.2.3.4/0.0.0.255",
        "b-a",
        "1.2.3.4-::1",
        "2.0.0.0-1.0.0.0",
        ":::",
    ],
)
def test_what_is_no_network(text: str) -> None:
    assert network_of(text) is None
    for call in (
        'ip_version(v("n"), "?")',
        'ip_type(v("n"), "?")',
        'ip_makenet(v("n"), default="?")',
        'ip_to_format(v("n"), 3, "?")',
        'ip_cidrmatch(v("n"), "1.2.3.4", "?")',
        'ip_overlaps(v("n"), "1.2.3.4", "?")',
    ):
        assert value(call, n=text) == "?", call


def test_missing_fields_give_the_default() -> None:
    for call in (
        'ip_version(v("n"), "?")',
        'ip_type(v("n"), "?")',
        'ip2long(v("n"), "?")',
        'long2ip(v("n"), "?")',
        'ip_cidrmatch("0.0.0.0/0", v("n"), "?")',
    ):
        assert value(call) == "?", call


FIELDS = ["country_name", "region_name", "city_name", "isp_domain", "latitude", "longitude", "line"]
IPDB = ipdb(
    {
        "1.2.0.0/16": [
            "中国",
            "浙江",
            "杭州",
            "阿里云",
            "30.25",
            "120.5",
            "",
            "China",
            "Zhejiang",
            "Hangzhou",
            "Alibaba",
            "30.25",
            "120.5",
            "",
        ],
        "9.9.9.9/32": ["瑞士", "", "", "", "", "", "", "Switzerland", "", "", "", "", "", ""],
        "2001:db8::/32": ["挪威", "", "", "", "60", "5", "x", "Norway", "", "", "", "60", "5", "x"],
    },
    FIELDS,
    ["CN", "EN"],
)


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("1.2.3.4", {"country": "中国", "province": "浙江", "city": "杭州", "isp": "阿里云", "lat": 30.25, "lon": 120.5, "line": "", "country_en": "China", "province_en": "Zhejiang", "city_en": "Hangzhou"}),
        ("1.3.0.0", None),
        ("0.0.0.0", None),
        ("255.255.255.255", None),
        ("2001:db9::", None),
    ],
)  # fmt: skip
def test_ipdb(address: str, found: Any) -> None:
    assert value('geo_parse(v("a"))', {"ip_database": {"SLS-GeoIP": IPDB}}, a=address) == found


def test_ipdb_of_one_address_and_of_ipv6() -> None:
    database = opened(IPDB, "ipip")
    assert database.find(4, int(ipaddress.ip_address("9.9.9.9")))["country_en"] == "Switzerland"  # type: ignore[index]
    assert database.find(4, int(ipaddress.ip_address("9.9.9.8"))) is None
    assert database.find(6, int(ipaddress.ip_address("2001:db8::1")))["lat"] == 60.0  # type: ignore[index]


def _row(number: int) -> list[Any]:
    return [
        (f"C{number % 90:02}"[:2], f"Country {number}"),
        f"Région {number}",
        f"City {number}",
        1.5 * number,
        -0.25 * number,
        *(f"v{number}.{place}" for place in range(18)),
    ]


ROWS4 = [(str(ipaddress.ip_address(number * 40_000_000)), _row(number)) for number in range(100)]
ROWS6 = [("::", _row(0)), ("2001:db8::", _row(7)), ("2001:db9::", _row(8)), ("fe80::", _row(9))]


@pytest.mark.parametrize("index", [False, True])
def test_bin_files_are_read_as_their_maker_reads_them(index: bool, tmp_path: Path) -> None:
    """District and what follows stand in the last kind only; the rows here have the columns of the kind before."""
    import IP2Location

    data = bin_file(ROWS4, ROWS6, kind=25, index=index)
    path = tmp_path / "places.bin"
    path.write_bytes(data)
    theirs = IP2Location.IP2Location(str(path))
    ours = opened(data, "ip2location")
    addresses = [
        "0.0.0.0",
        "1.2.3.4",
        "200.7.7.7",
        "255.255.255.255",
        "2.98.90.0",
        "2.98.89.255",
        "::1",
        "2001:db8::5",
        "2001:db8:ffff::",
        "ffff::",
        "::ffff:1.2.3.4",
        "2002:102:304::",
        "2001:0:ffff::fefd:fcfb",
    ]
    for address in addresses:
        record = theirs.get_all(address)
        found = ours.find(*address_of(address))  # type: ignore[misc]
        assert found is not None
        for name, known in found.items():
            if name not in ("country", "province"):
                wanted = getattr(record, name)
                assert (f"{known:.6f}" if isinstance(known, float) else known) == wanted, (address, name)
    theirs.close()


def test_bin_files_without_ipv6_know_none() -> None:
    data = bin_file([("0.0.0.0", [("NO", "Norway")]), ("9.0.0.0", [("SE", "Sweden")])], kind=1)
    resources = {"ip_database": {"mine": data}}
    assert value('geo_parse(v("a"), "mine", provider="ip2location")', resources, a="9.1.1.1") == {
        "country_short": "SE",
        "country_long": "Sweden",
        "country": "Sweden",
    }
    assert value('geo_parse(v("a"), "mine", provider="ip2location")', resources, a="2001:db8::") is None


def test_mmdb() -> None:
    data = mmdb({
        "1.2.0.0/16": {
            "city": {"names": {"en": "Hangzhou", "zh-CN": "杭州"}}, "subdivisions": [{"names": {"en": "Zhejiang"}}],
            "country": {"names": {"en": "China", "zh-CN": "中国"}}, "location": {"latitude": 30.25, "longitude": 120.5}, "isp": "A",
        },
        "2001:db8::/32": {"country": {"names": {"fr": "Norvège"}}},
    })  # fmt: skip
    resources = {"ip_database": {"mine": data}}
    assert value('geo_parse("1.2.3.4", "mine")', resources) == {
        "city": "杭州", "city_en": "Hangzhou", "province": "Zhejiang", "province_en": "Zhejiang", "country": "中国", "country_en": "China",
        "isp": "A", "lat": 30.25, "lon": 120.5,
    }  # fmt: skip
    assert value('geo_parse("2001:db8::1", "mine", keep_fields=("country",), provider="maxmind")', resources) == {"country": "Norvège"}
    assert value('geo_parse("9.9.9.9", "mine")', resources) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"abcd",
        b"\x00\x00\x00\x05{}   ",
        IPDB[:100],
        IPDB[:400],
        bin_file(ROWS4)[:20],
        b"\xff" * 200,
        mmdb({"1.2.0.0/16": {"isp": "A"}})[-140:],
    ],
)
def test_bytes_that_are_no_database(data: bytes) -> None:
    with pytest.raises(EventFailed, match="Detail: the"):
        value('geo_parse("1.2.3.4", "mine")', {"ip_database": {"mine": data}})


@pytest.mark.parametrize("data", [IPDB[:-60], bin_file(ROWS4)[:500]])
def test_databases_that_are_cut_off_fail_the_event(data: bytes) -> None:
    with pytest.raises(EventFailed, match="damaged"):
        value(
            'geo_parse("2001:db8::1", "mine")' if data[4:5] == b"{" else 'geo_parse("200.7.7.7", "mine")', {"ip_database": {"mine": data}}
        )


def test_another_provider_is_named() -> None:
    with pytest.raises(EventFailed, match="format of ipip, not of maxmind"):
        value('geo_parse("1.2.3.4", "mine", provider="maxmind")', {"ip_database": {"mine": IPDB}})


def test_a_database_is_read_once() -> None:
    context = context_of({})
    assert opened(IPDB, "ipip") is opened(IPDB, "ipip")
    with pytest.raises(EventFailed, match="no IP database 'SLS-GeoIP'"):
        scalar('geo_parse("1.2.3.4")', {}, context)


def test_addresses_by_columns() -> None:
    seeded = random.Random(4)
    logs = [{"a": ".".join(str(seeded.choice([0, 1, 9, 10, 99, 100, 199, 200, 249, 250, 255])) for _ in range(4))} for _ in range(300)]
    logs += [
        {"a": text}
        for text in ("", "1.2.3", "1.2.3.256", "01.2.3.4", "1.2.3.04", "::1", " 10.1.1.1 ", "1.2.3.4\n", "١.2.3.4", "10.0.0.1.2")
    ]
    logs.append({"b": "no address"})
    seeded.shuffle(logs)
    for call in (
        'ip_cidrmatch("10.0.0.0/9", v("a"))',
        'ip_cidrmatch("0.0.0.0/0", v("a"), 5)',
        'ip_cidrmatch("::/0", v("a"))',
        'ip_cidrmatch("x", v("a"))',
        'ip2long(v("a"))',
        'ip2long(v("a"), "none")',
    ):
        rule = compile_rule(f'e_set("x", {call})')
        assert rule.run_logs(logs).targets == rule.run_events(logs).targets, call
