"""`logsluice check` and `logsluice functions`, and the reference page that is kept beside the functions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.cli.main import main
from tests.conftest import ROOT
from transforms.rules.constants import CONSTANTS
from transforms.rules.library import all_functions, families, function_named, function_names
from transforms.rules.reference import CHAPTERS, page, whole

Run = Callable[..., tuple[int, str, str]]

NAMES = {
    "addresses": """
        geo_parse ip2long ip_cidrmatch ip_makenet ip_overlaps ip_to_format ip_type ip_version long2ip
    """,
    "arithmetic": """
        mat_acos mat_asin mat_atan mat_atan2 mat_atanh mat_ceil mat_cos mat_degrees mat_exp mat_fabs mat_floor mat_hypot
        mat_log mat_log10 mat_radians mat_sin mat_sqrt mat_tan op_abs op_div_floor op_div_true op_mod op_mul op_neg
        op_pow op_round op_sub op_sum
    """,
    "checks": """
        e_has e_match e_match_all e_match_any e_not_has e_search v
    """,
    "compression": """
        gzip_compress gzip_decompress zlib_compress zlib_decompress
    """,
    "conversion": """
        bin2hex bin2oct ct_bin ct_bool ct_chr ct_float ct_hex ct_int ct_oct ct_ord ct_str
    """,
    "dictionaries": """
        dct_delete dct_get dct_keys dct_make dct_update dct_values
    """,
    "documents": """
        json_parse json_select pb_to_json xml_to_json
    """,
    "encoding": """
        aes_decrypt aes_encrypt base64_decoding base64_encoding crc32_encoding hashids_decoding hashids_encoding
        html_decoding html_encoding jwt_decoding jwt_encoding md5_encoding protobuf_decoding sha1_encoding url_decoding
        url_encoding
    """,
    "events": """
        e_coutput e_drop e_keep e_output e_split e_to_metric
    """,
    "extraction": """
        e_anchor e_csv e_json e_kv e_kv_delimit e_psv e_regex e_syslogrfc e_tsv
    """,
    "fields": """
        e_drop_fields e_keep_fields e_pack_fields e_rename e_set
    """,
    "flow": """
        e_compose e_if e_if_else e_switch
    """,
    "lists": """
        lst_append lst_delete_at lst_get lst_insert lst_make lst_reverse lst_sort
    """,
    "mapping": """
        e_dict_map e_search_dict_map e_search_table_map e_table_map e_threat_intelligence
    """,
    "operators": """
        op_add op_and op_coalesce op_eq op_ge op_gt op_if op_ifnull op_in op_index op_le op_len op_lt op_max op_min
        op_ne op_not op_not_in op_nullif op_or op_slice
    """,
    "parsing": """
        ua_parse_agent ua_parse_all ua_parse_device ua_parse_os url_parse url_parse_qs
    """,
    "patterns": """
        grok regex_findall regex_match regex_replace regex_select regex_split
    """,
    "resources": """
        res_local res_log_logstore_pull res_oss_file res_rds_mysql
    """,
    "strings": """
        str_capitalize str_center str_count str_decode str_encode str_endswith str_expandtabs str_find str_format
        str_hex_escape_encode str_isalnum str_isalpha str_isascii str_isdecimal str_isdigit str_isidentifier str_islower
        str_isnumeric str_isprintable str_isspace str_istitle str_isupper str_join str_ljust
        str_logstash_config_normalize str_lower str_lstrip str_partition str_regex_escape str_replace str_reverse
        str_rfind str_rjust str_rpartition str_rstrip str_sort str_split str_splitlines str_startswith str_strip
        str_swapcase str_title str_translate str_upper str_uuid str_zfill str_zip
    """,
    "tables": """
        tab_parse_csv tab_to_dict
    """,
    "times": """
        dt_FR dt_MO dt_SA dt_SU dt_TH dt_TU dt_WE dt_add dt_astimezone dt_currentstamp dt_diff dt_fromtimestamp dt_now
        dt_parse dt_parsetimestamp dt_prop dt_str dt_strftime dt_strftimestamp dt_strptime dt_today dt_totimestamp
        dt_truncate dt_utcfromtimestamp dt_utcnow
    """,
}
"""Every function that the log service knows, by chapter of its reference."""
STEPS = {"flow": 4, "events": 6, "fields": 5, "extraction": 9, "mapping": 5}
EXPRESSIONS = {
    "checks": 7, "operators": 21, "arithmetic": 28, "conversion": 11, "strings": 47, "times": 25, "patterns": 6, "documents": 4,
    "compression": 4, "addresses": 9, "encoding": 16, "parsing": 6, "lists": 7, "dictionaries": 6, "tables": 2, "resources": 4,
}  # fmt: skip
OTHER_NAMES = {"reg_match": "regex_match", "str_logtash_config_normalize": "str_logstash_config_normalize"}


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(list(arguments))
        out, err = capsys.readouterr()
        return code, out, err

    return call


# ── the functions that there are ─────────────────────────────────────────


def test_every_function_of_the_log_service_is_there() -> None:
    expected = {family: set(names.split()) for family, names in NAMES.items()}
    assert {family: len(names) for family, names in expected.items()} == STEPS | EXPRESSIONS
    found: dict[str, set[str]] = {}
    for function in all_functions():
        found.setdefault(function.family, set()).add(function.name)
    assert found == expected
    assert sum(EXPRESSIONS.values()) == 203
    # Of the 35 global functions six are checks, which are expressions as well.
    checks = {name for name in expected["checks"] if name.startswith("e_")}
    assert sum(STEPS.values()) + len(checks) == 35
    assert set(function_names()) - {name for names in expected.values() for name in names} == set(OTHER_NAMES)
    assert {name: function_named(name).name for name in OTHER_NAMES} == OTHER_NAMES


def test_steps_are_steps_and_expressions_are_not() -> None:
    for function in all_functions():
        assert function.is_step == (function.family in STEPS), function.name


def test_the_constants_are_there() -> None:
    names = {"true", "false", "null", "F_TAGS", "F_META", "F_TIME", "F_PACK_META", "F_RECEIVE_TIME", "MATH_PI", "MATCH_E"}
    assert names <= set(CONSTANTS)


# ── the reference ────────────────────────────────────────────────────────


@pytest.mark.parametrize("function", all_functions(), ids=lambda function: function.name)
def test_every_function_has_a_page(function) -> None:  # type: ignore[no-untyped-def]
    text = page(function)
    assert text.startswith(f"## {function.name}\n\n{function.summary}\n") and f"    {function.name}(" in text
    assert function.summary.endswith(".") and len(function.summary) < 140 and "\n" not in function.summary
    assert all(f"- `{parameter.name}" in text for parameter in function.parameters)
    assert text.count("\n- ") >= len(function.parameters) + len(function.examples)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text), "a control character would not be seen"
    assert ("later editions" in text) == (function.status == "newer") and ("without details" in text) == (function.status == "presumed")


def test_the_reference_is_what_the_files_say() -> None:
    """`logsluice functions --markdown > transforms/rules/FUNCTIONS.md` writes it anew."""
    kept = (ROOT / "transforms" / "rules" / "FUNCTIONS.md").read_text(encoding="utf-8")
    assert kept == whole(), "written before a function's file was changed: logsluice functions --markdown > transforms/rules/FUNCTIONS.md"


def test_the_reference_has_chapters_in_order_and_no_broken_link() -> None:
    text = whole()
    assert set(CHAPTERS) == set(families())
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [*CHAPTERS.values(), "Constants"]
    names = re.findall(r"^### (.*)$", text, re.MULTILINE)
    assert names == [function.name for family in CHAPTERS for function in all_functions() if function.family == family]
    anchors = {name.lower() for name in names} | {"constants", "functions-of-the-rule-language"}
    assert set(re.findall(r"\]\(#(.*?)\)", text)) == anchors
    assert "Also called `reg_match`." in text


def test_functions_shows_one_some_all(run: Run) -> None:
    code, out, _ = run("functions", "e_regex")
    assert code == 0 and out.startswith("## e_regex\n") and "- `field` (" in out
    assert run("functions", "reg_match")[1] == run("functions", "regex_match")[1]
    code, out, _ = run("functions", "--search", "USER agent")
    assert code == 0 and {"ua_parse_all", "ua_parse_device"} <= set(out.split()) and "e_set" not in out.split()
    code, out, _ = run("functions", "--family", "lists")
    assert code == 0 and set(NAMES["lists"].split()) <= set(out.split()) and "str_lower" not in out.split()
    code, out, _ = run("functions")
    assert code == 0 and len(out.splitlines()) == 2 + len(all_functions())
    code, out, _ = run("functions", "--search", "no such text anywhere")
    assert code == 0
    assert run("functions", "--markdown")[1] == whole()


def test_functions_as_json(run: Run) -> None:
    (code, out, _) = run("functions", "str_replace", "--format", "json")
    told = json.loads(out)
    assert code == 0 and told["name"] == "str_replace" and told["family"] == "strings" and told["kind"] == "expression"
    first = told["parameters"][0]
    assert first["required"] and first["description"].endswith(".") and first["takes"] == "text" and not first["variadic"]
    assert all({"rule", "log", "result", "error", "title"} <= set(example) for example in told["examples"])
    everything = json.loads(run("functions", "--format", "json")[1])
    assert [one["name"] for one in everything] == [function.name for function in all_functions()]


@pytest.mark.parametrize(
    ("arguments", "nearest"), [(["e_regx"], "'e_regex'"), (["strlower"], "'str_lower'"), (["--family", "string"], "'strings'")]
)
def test_unknown_names_are_met_with_the_nearest(run: Run, arguments: list[str], nearest: str) -> None:
    code, out, err = run("functions", *arguments)
    assert code == 2 and out == "" and f"did you mean {nearest}" in err


# ── check ────────────────────────────────────────────────────────────────

FAULTY = """\
e_set("a", str_lowr(v("b")))
e_regex("c", "(open")
e_if(e_search("a: ("), DROP)
e_set("t", dt_parse(v("t"), tz="Mars/Olympus"), mode="overwrit")
e_json("d", jmes="a[")
e_output("erors")
"""


def test_all_problems_are_shown_each_with_its_place(run: Run) -> None:
    Path("faulty.etl").write_text(FAULTY)
    code, out, err = run("check", "faulty.etl", "--target", "errors")
    assert code == 2
    places = re.findall(r"^ *--> faulty\.etl:(\d+):(\d+)$", out, re.MULTILINE)
    assert {int(line) for line, _ in places} >= {1, 2, 3, 4, 5, 6} and places == sorted(
        places, key=lambda place: (int(place[0]), int(place[1]))
    )
    for said in (
        "did you mean 'str_lower'",
        "invalid regular expression",
        "Mars/Olympus",
        "did you mean 'overwrite'",
        "JMESPath",
        "did you mean 'errors'",
    ):
        assert said in out, (said, out)
    assert f"1 rule checked, {len(places)} problems" in err


def test_problems_as_json_for_editors(run: Run) -> None:
    Path("faulty.etl").write_text(FAULTY)
    Path("good.etl").write_text('e_set("a", "b")\n')
    code, out, err = run("check", "good.etl", "faulty.etl", "--format", "json")
    told = json.loads(out)
    assert code == 2 and err == "" and {problem["file"] for problem in told} == {"faulty.etl"}
    first = told[0]
    assert (first["line"], first["column"], FAULTY[first["start"] : first["end"]]) == (1, 12, "str_lowr")
    assert "did you mean" in first["hint"] and first["message"]
    # Without --target the names of targets are the job's business.
    assert 6 not in {problem["line"] for problem in told}


def test_good_rules_pass(run: Run) -> None:
    Path("good.etl").write_text('# nothing but a comment\ne_set("ä", "ü"); DROP\n')
    Path("empty.etl").write_text("")
    code, out, err = run("check", "good.etl", "empty.etl")
    assert (code, out) == (0, "") and "2 rules checked, 0 problems" in err
    assert run("check", "good.etl", "--format", "json") == (0, "[]\n", "")


def test_what_is_no_rule_is_said(run: Run) -> None:
    Path("bytes.etl").write_bytes(b"e_set('a', '\xff')")
    Path("python.etl").write_text("import os\nx = 1\ne_set('a', os.environ['HOME'])\n")
    code, _, err = run("check", "none.etl")
    assert code == 2 and "there is no file none.etl" in err
    code, _, err = run("check", "bytes.etl")
    assert code == 2 and "UTF-8" in err
    code, out, _ = run("check", "python.etl")
    assert code == 2 and out.count("--> python.etl:") >= 2
    assert run("check")[0] == 2


def test_every_rule_of_the_stories_passes(run: Run) -> None:
    rules = sorted(str(path) for path in (ROOT / "configs").glob("*/*/rule.etl"))
    assert len(rules) > 5
    code, out, _ = run("check", *rules)
    assert code == 0, out
