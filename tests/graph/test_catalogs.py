"""Reading function catalogs of every format from files."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from simkit.graph.catalog import Catalog, CatalogError, demo_catalog, read_catalogs
from simkit.graph.catalogs import FORMATS
from simkit.graph.catalogs.documents import documents
from simkit.graph.catalogs.entry import Fault
from simkit.graph.catalogs.names import words_of
from simkit.traces.functions import LEGAL_NAME

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CELSIUS = {"type": "object", "properties": {"celsius": {"type": "number"}}, "required": []}


def function(name: str = "get_weather", **changes: Any) -> dict[str, Any]:
    return {"name": name, "description": "Get the weather.", "parameters": CITY} | changes


def saved(path: Path, content: Any) -> Path:
    """*content* as a JSON file."""
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def saved_lines(path: Path, *lines: Any) -> Path:
    """*lines* as a JSON Lines file; text and bytes as they are."""
    encoded = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    path.write_bytes(b"\n".join(encoded) + b"\n")
    return path


def read(tmp_path: Path, content: Any, name: str = "weather.json") -> Catalog:
    return read_catalogs([saved(tmp_path / name, content)])


def names(catalog: Catalog) -> list[str]:
    return [function.name for function in catalog.functions]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param([{"type": "function", "function": function()}], id="chat completions"),
        pytest.param([{"type": "function", **function()}], id="responses"),
        pytest.param({"tools": [{"type": "function", "function": function()}]}, id="request"),
        pytest.param([{"id": "case_0", "question": [], "function": [function()]}], id="bfcl case"),
        pytest.param({"id": "case_0", "function": function()}, id="bfcl case, no list"),
        pytest.param([function()], id="bfcl function documents"),
        pytest.param(
            {"tools": [function(inputSchema=CITY, parameters=None)]},
            id="mcp tools/list",
        ),
        pytest.param(
            {"jsonrpc": "2.0", "id": 1, "result": {"tools": [function(inputSchema=CITY)]}},
            id="mcp over JSON-RPC",
        ),
        pytest.param([function(input_schema=CITY)], id="snake-case tools"),
    ],
)
def test_each_format_is_found_by_its_content(tmp_path: Path, content: Any) -> None:
    catalog = read(tmp_path, content, "anything.json")
    (found,) = catalog.functions
    assert (found.name, found.description) == ("get_weather", "Get the weather.")
    assert found.parameters == CITY
    assert (found.source, found.domain, found.licence) == ("anything", "", None)
    assert (found.outputs, found.outputs_origin) == (None, "absent")
    assert (catalog.rejected, catalog.repaired, catalog.merged) == ((), {}, 0)


def test_bfcl_documents_give_outputs_and_domain(tmp_path: Path) -> None:
    document = function(response={"type": "dict", "properties": {"celsius": {"type": "float"}}})
    (found,) = read(tmp_path, [document | {"class": "Meteo"}]).functions
    assert (found.outputs, found.outputs_origin) == (CELSIUS, "declared")
    assert found.domain == "Meteo"


def test_arguments_and_results_are_read_as_parameters_and_outputs(tmp_path: Path) -> None:
    document = {"name": "f", "description": "d", "arguments": CITY, "results": CELSIUS}
    (found,) = read(tmp_path, [{"function": [document]}]).functions
    assert (found.parameters, found.outputs) == (CITY, CELSIUS)


def test_mcp_servers_give_outputs_domain_and_licence(tmp_path: Path) -> None:
    tool = {"name": "get_weather", "input_schema": CITY, "output_schema": CELSIUS}
    lines = [
        {"server": "meteo", "label": "Weather", "license": "MIT", "tools": [tool]},
        {"server": "other", "tools": [tool | {"description": "Another."}]},
    ]
    first, second = read_catalogs([saved_lines(tmp_path / "s.jsonl", *lines)]).functions
    assert (first.outputs, first.outputs_origin) == (CELSIUS, "declared")
    assert (first.domain, first.licence) == ("meteo", "MIT")
    assert (second.domain, second.licence) == ("other", None)


def test_outputs_that_nobody_can_read_leave_the_function(tmp_path: Path) -> None:
    catalog = read(tmp_path, [function(response="a number")])
    assert catalog.functions[0].outputs_origin == "absent"
    assert catalog.repaired == {"unreadable outputs": 1}


def test_a_bad_function_is_rejected_and_the_rest_goes_on(tmp_path: Path) -> None:
    tools = [
        {"inputSchema": CITY},
        function("", inputSchema=CITY),
        "text",
        function("good", inputSchema=CITY),
        function("bad", inputSchema={"type": "array"}),
        function("x" * 1_001, inputSchema=CITY),
    ]
    catalog = read(tmp_path, {"tools": tools})
    assert names(catalog) == ["good"]
    assert [(each.position, each.name, each.reason) for each in catalog.rejected[:4]] == [
        ("tools[0]", None, "has no name"),
        ("tools[1]", None, "has no name"),
        ("tools[2]", None, "is a string, not a function"),
        ("tools[4]", "bad", "declares parameters that are of type 'array', not an object"),
    ]
    assert catalog.rejected[4].reason == "has a name of over 1,000 characters"
    assert {each.source for each in catalog.rejected} == {"weather"}


def test_a_tool_of_the_provider_is_not_a_function(tmp_path: Path) -> None:
    tools = [{"type": "web_search"}, {"type": "function", **function()}]
    catalog = read(tmp_path, {"tools": tools})
    assert names(catalog) == ["get_weather"]
    assert catalog.rejected[0].reason == 'is not of type "function"'


def test_a_broken_line_is_rejected_with_its_number(tmp_path: Path) -> None:
    path = saved_lines(
        tmp_path / "weather.jsonl",
        b'{"name": ',
        b"",
        function("a"),
        b'{"name": "\xff"}',
        {"name": "no function", "version": "1"},
        {"tools": [function("b")]},
        {"function": [3]},
    )
    catalog = read_catalogs([path])
    assert names(catalog) == ["a", "b"]
    assert [(each.position, each.reason.partition(" (")[0]) for each in catalog.rejected] == [
        ("line 1", "is not valid JSON"),
        ("line 4", "is not UTF-8 text"),
        ("line 5", "is in no format that simkit reads"),
        ("line 7, function[0]", "is a number, not a function"),
    ]


def test_lines_are_read_whatever_the_file_is_called(tmp_path: Path) -> None:
    path = saved_lines(tmp_path / "BFCL_v3_simple.json", function("a"), function("b"))
    assert names(read_catalogs([path])) == ["a", "b"]


def test_gzip_and_a_byte_order_mark_make_no_difference(tmp_path: Path) -> None:
    text = b"\xef\xbb\xbf" + json.dumps([function()], indent=2).encode()
    (tmp_path / "weather.json.gz").write_bytes(gzip.compress(text))
    (found,) = read_catalogs([tmp_path / "weather.json.gz"]).functions
    assert (found.name, found.source) == ("get_weather", "weather")


def test_illegal_names_are_repaired_and_kept(tmp_path: Path) -> None:
    catalog = read(tmp_path, [function("math.sum"), function("é" + "x" * 70), function("ok-1")])
    assert names(catalog) == ["math_sum", "_" + "x" * 63, "ok-1"]
    originals = [each.original_name for each in catalog.functions]
    assert originals == ["math.sum", "é" + "x" * 70, ""]
    assert catalog.repaired == {"illegal name": 2}


def test_different_functions_of_one_name_are_numbered_in_reading_order(tmp_path: Path) -> None:
    long = "x" * 64
    given = ["f", "f", "f_2", "f"]
    content = [function(name, description=f"{at}.") for at, name in enumerate(given)]
    content += [function(long, description="a."), function(long, description="b.")]
    catalog = read(tmp_path, content)
    assert names(catalog) == ["f", "f_2", "f_2_2", "f_3", long, "x" * 62 + "_2"]
    assert [each.original_name for each in catalog.functions] == ["", "f", "f_2", "f", "", long]
    assert catalog.repaired == {"name clash": 4}


def test_exact_duplicates_are_merged_over_all_files(tmp_path: Path) -> None:
    one = saved(tmp_path / "one.json", [function(), function(description="Other.")])
    reordered = {key: CITY[key] for key in reversed(CITY)}
    two = saved(tmp_path / "two.json", {"tools": [function(inputSchema=reordered)]})
    catalog = read_catalogs([one, two])
    assert names(catalog) == ["get_weather", "get_weather_2"]
    assert catalog.merged == 1


def test_a_missing_description_becomes_the_words_of_the_name(tmp_path: Path) -> None:
    content = [function("db.getUserById", description=None), function("a", description="x" * 5_000)]
    catalog = read(tmp_path, content)
    assert catalog.functions[0].description == "Db get user by id."
    assert len(catalog.functions[1].description) == 4_000
    assert catalog.repaired["missing description"] == 1
    assert catalog.repaired["description cut"] == 1


def test_repairs_of_rejected_and_merged_functions_are_not_counted(tmp_path: Path) -> None:
    broken = {"type": "dict", "properties": {"a": {"type": "int"}, "b": {"$ref": "http://x"}}}
    catalog = read(tmp_path, [function(parameters=broken), function("a.b"), function("a.b")])
    assert catalog.repaired == {"illegal name": 1}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("get_current_weather", "get current weather"),
        ("parseJSONFile2", "parse json file 2"),
        ("list-devices", "list devices"),
        ("天気", "天気"),
        ("!!", "!!"),
    ],
)
def test_the_words_of_a_name(name: str, words: str) -> None:
    assert words_of(name) == words


def test_a_folder_is_read_in_the_order_of_names_and_other_files_ignored(tmp_path: Path) -> None:
    saved(tmp_path / "b.json", [function("b")])
    saved_lines(tmp_path / "a.jsonl", function("a"))
    (tmp_path / "README.md").write_text("# Not a catalog")
    (tmp_path / "folder.json").mkdir()
    assert names(read_catalogs([tmp_path])) == ["a", "b"]


def complaint(path: Path) -> str:
    with pytest.raises(CatalogError) as error:
        read_catalogs([path])
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)
    return str(error.value).replace(str(path), "FILE")


KNOWN = f"simkit reads {FORMATS}, as JSON, JSON Lines, YAML or CSV."


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    message = complaint(tmp_path / "gone.json")
    assert message == "FILE does not exist; name a catalog file or a folder of them."


def test_a_folder_without_catalogs_is_named(tmp_path: Path) -> None:
    assert complaint(tmp_path) == (
        "FILE holds no catalog: none of its files ends in .json, .jsonl, .yaml, .yml, .csv, "
        "plain or with .gz."
    )


def test_no_catalog_at_all_is_an_error() -> None:
    with pytest.raises(CatalogError, match="no catalog is given"):
        read_catalogs([])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "FILE is empty; save it"),
        (b"# A list\n[]\n", "FILE is not valid JSON ("),
        (b'[{"name": "\xe9"}]', "FILE is not UTF-8 text (byte 12); save it as JSON"),
        (b"[]", f"FILE holds no function; {KNOWN}"),
        (
            b'{"name": "app", "version": "1"}',
            "FILE holds no function that can be used (1 refused); the first, the whole file, is",
        ),
        (b"\x1f\x8b\x08broken", "FILE is cut off or damaged gzip data"),
    ],
)
def test_a_file_without_functions_is_an_error_that_says_why(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "catalog.json"
    path.write_bytes(content)
    assert complaint(path).startswith(message)


def test_one_useless_file_of_many_is_an_error(tmp_path: Path) -> None:
    good = saved(tmp_path / "good.json", [function()])
    bad = saved_lines(tmp_path / "bad.jsonl", b"{", b"[")
    with pytest.raises(CatalogError, match=r"\(2 refused\); the first, line 1, is not valid JSON"):
        read_catalogs([good, bad])


def test_gzip_data_that_is_cut_off_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(gzip.compress(b"\n".join([json.dumps(function()).encode()] * 500))[:-20])
    assert "cut off or damaged gzip data" in complaint(path)


def test_an_endless_line_is_refused_while_it_is_unpacked(tmp_path: Path) -> None:
    """A small file cannot fill the memory: at most one line of the limit is unpacked."""
    path = tmp_path / "bomb.jsonl.gz"
    path.write_bytes(gzip.compress(b"{}\n" + b" " * 100_000))
    found = documents(path, max_line=10_000)
    assert not isinstance(next(found), Fault)
    with pytest.raises(CatalogError, match=r"over 10,000 bytes in line 2; put one function"):
        next(found)


def test_an_endless_value_is_refused_while_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.json.gz"
    path.write_bytes(gzip.compress(b"[" + b" " * 100_000))
    with pytest.raises(CatalogError, match=r"one JSON value of over 50,000 bytes; save it as"):
        next(documents(path, max_line=10_000, max_file=50_000))


def test_a_list_on_one_line_may_be_longer_than_a_line_of_json_lines(tmp_path: Path) -> None:
    path = saved(tmp_path / "long.json", [function(f"f{n}") for n in range(200)])
    assert len(list(documents(path, max_line=10_000, max_file=50_000))) == 200


@pytest.mark.parametrize(
    ("folder", "functions", "exact", "near"),
    [("bfcl", 1304, 561, 276), ("mcp_servers", 6346, 769, 31)],
)
def test_real_catalogs_are_read_whole(
    shared_data: Path, folder: str, functions: int, exact: int, near: int
) -> None:
    """Each entry is a function, merged or rejected; all schemas pass the metaschema."""
    catalog = read_catalogs([shared_data / folder])
    assert (len(catalog.functions), catalog.rejected) == (functions, ())
    assert (catalog.merged_exact, len(catalog.merges)) == (exact, near)
    assert len(set(names(catalog))) == functions
    assert all(LEGAL_NAME.fullmatch(name) for name in names(catalog))
    for each in catalog.functions[:: functions // 400]:
        Draft202012Validator.check_schema(each.parameters)
        assert set(each.parameters["required"]) <= set(each.parameters["properties"])


def test_the_functions_that_come_along_need_no_repair() -> None:
    catalog = demo_catalog()
    assert len(catalog.functions) > 100
    assert (catalog.rejected, catalog.repaired, catalog.merged) == ((), {}, 0)
    assert {each.source for each in catalog.functions} == {"demo"}
    assert {each.licence for each in catalog.functions} == {"Apache-2.0"}
    assert {each.outputs_origin for each in catalog.functions} == {"declared"}
    assert {"weather", "travel"} <= {each.domain for each in catalog.functions}


def test_the_functions_that_come_along_follow_those_of_the_user(tmp_path: Path) -> None:
    path = saved(tmp_path / "own.json", [function("get_current_weather")])
    catalog = read_catalogs([path], demo=True)
    assert catalog.functions[0].name == "get_current_weather"
    assert catalog.functions[0].source == "own"
    assert "get_current_weather_2" in names(catalog)
