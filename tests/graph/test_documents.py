"""Files as streams of documents: YAML and CSV, and telling kinds of files apart."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from simkit.graph.catalogs.documents import documents
from simkit.graph.catalogs.entry import CatalogError, Document, Fault


def saved(tmp_path: Path, name: str, content: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(path: Path, **limits: int) -> list[Any]:
    """Position and value of each document; of a fault, its reason."""
    return [
        (each.position, each.value if isinstance(each, Document) else each.reason)
        for each in documents(path, **limits)
    ]


def complaint(path: Path, **limits: int) -> str:
    with pytest.raises(CatalogError) as error:
        list(documents(path, **limits))
    assert "\n" not in str(error.value)
    return str(error.value).replace(str(path), "FILE")


@pytest.mark.parametrize(
    "name", ["api.yaml", "api.yml", "api.json", "api", "api.yaml.gz", "api.jsonld"]
)
def test_yaml_is_told_by_its_content(tmp_path: Path, name: str) -> None:
    text = b"\xef\xbb\xbf\n# An API.\n\nopenapi: 3.0.3\npaths:\n  /a: {get: {}}\n"
    path = saved(tmp_path, name, gzip.compress(text) if name.endswith(".gz") else text)
    assert read(path) == [("", {"openapi": "3.0.3", "paths": {"/a": {"get": {}}}})]


@pytest.mark.parametrize("name", ["a.yaml", "a.csv", "a.json"])
def test_json_is_told_by_its_content(tmp_path: Path, name: str) -> None:
    path = saved(tmp_path, name, json.dumps({"a": [1]}, indent=1))
    assert read(path) == [("", {"a": [1]})]


def test_a_yaml_list_gives_its_items_and_several_documents_each_their_own(tmp_path: Path) -> None:
    path = saved(tmp_path, "a.yaml", "- 1\n- b: 2\n---\nc: 3\n---\n- 4\n")
    assert read(path) == [
        ("[0]", 1),
        ("[1]", {"b": 2}),
        ("document 2", {"c": 3}),
        ("document 3, [0]", 4),
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("true", True),
        ("~", None),
        ("", None),
        ("2024-01-31", "2024-01-31"),
        (".nan", ".nan"),
        ("-.inf", "-.inf"),
        ("12", 12),
        ("0x1F", 31),
        ("1e3", 1000.0),
        ("1.2.3", "1.2.3"),
        ("1" * 400, "1" * 400),
        ("'12'", "12"),
        ("!!str 12", "12"),
        ("!!python/object/apply:os.system [echo]", ["echo"]),
        ("!!binary aGk=", "aGk="),
        ("|-\n  two\n  lines", "two\nlines"),
    ],
)
def test_yaml_scalars_are_what_json_can_say(tmp_path: Path, text: str, value: Any) -> None:
    assert read(saved(tmp_path, "a.yaml", f"a: {text}\n")) == [("", {"a": value})]


def test_yaml_keys_are_texts(tmp_path: Path) -> None:
    path = saved(tmp_path, "a.yaml", "200: ok\ntrue: 1\nnull: 2\n")
    assert read(path) == [("", {"200": "ok", "true": 1, "null": 2})]


def test_yaml_aliases_and_merge_keys_are_followed(tmp_path: Path) -> None:
    text = "a: &a {x: 1, y: 2}\nb: *a\nc:\n  <<: [*a, {z: 3}]\n  y: 4\n&k d: &v e\n*v : 5\n"
    one = {"x": 1, "y": 2}
    (found,) = read(saved(tmp_path, "a.yaml", text))
    assert found[1] == {"a": one, "b": one, "c": {"x": 1, "y": 4, "z": 3}, "d": "e", "e": 5}


LAUGHS = "a0: &a0 [x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "FILE has the key 'a' twice, line 3 column 1; mend it there."),
        ("a:\n\tb: 1\n", "FILE is not valid YAML (found character that cannot start any token, "),
        ("a: [1\nb: 2", "FILE is not valid YAML ("),
        ("a: *b\n", "FILE uses *b before its value is complete, line 1 column 4"),
        ("a: &a [*a]\n", "FILE uses *a before its value is complete"),
        ("? [a]\n: b\n", "FILE has a key that is no text, line 1 column 3"),
        ("a: &a [1]\n*a : 2\n", "FILE has a key that is no text, line 2"),
        (b"a: \xff\n", "FILE is not valid YAML ("),
        ("a: \x01\n", "FILE is not valid YAML ("),
        ("a: " + "[" * 100_000, "FILE is nested over 200 levels, line 1 column 203"),
        ("- " * 100_000, "FILE is nested over 200 levels, line 1 column 401"),
        (LAUGHS, "FILE stands for over 5,000,000 values, line 8"),
    ],
)
def test_yaml_that_cannot_be_read_is_an_error_that_says_where(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    assert complaint(saved(tmp_path, "a.yaml", text)).startswith(message)


def test_yaml_documents_before_a_broken_one_are_read(tmp_path: Path) -> None:
    path = saved(tmp_path, "a.yaml", "a: 1\n---\na: 1\na: 2\n")
    assert read(path) == [("", {"a": 1}), ("document 2", "has the key 'a' twice, line 4 column 1")]


def test_yaml_is_bounded_after_unpacking(tmp_path: Path) -> None:
    path = saved(tmp_path, "a.yaml.gz", gzip.compress(b"a: 1\n" + b"#" * 100_000))
    assert complaint(path, max_file=10_000) == (
        "FILE is YAML of over 10,000 bytes, which is slow to read; convert it to JSON."
    )


def test_a_json_object_has_a_lower_limit_than_a_list(tmp_path: Path) -> None:
    """An OpenAPI document of 200 MB is refused before it is parsed."""
    path = saved(tmp_path, "a.json.gz", gzip.compress(b'{"paths":' + b" " * 70_000_000))
    told = complaint(path)
    assert told.startswith("FILE is one JSON value of over 67,108,864 bytes; save it")
    assert told.endswith("if it is an OpenAPI document, split the document.")


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (r'{"a": "\ud800"}', "is not valid JSON ("),
        ('{"a":\n NaN}', "is not valid JSON ("),
        ("-Infinity", "is not valid JSON ("),
        ("1e400", "is not valid JSON ("),
        ("[" * 3_000 + "]" * 3_000, "is nested too deeply"),
        ('{"a": [1, "]" "b"]}', "is not valid JSON ("),
        ("", "is empty"),
    ],
)
def test_an_item_that_is_no_json_costs_no_other_item_of_its_list(
    tmp_path: Path, item: str, reason: str
) -> None:
    text = f'[{{"b": [1, ",]"]}},\n {item} , "a\\"]b", 2]\n'
    first, broken, *others = read(saved(tmp_path, "a.json", text))
    assert [first, *others] == [("[0]", {"b": [1, ",]"]}), ("[2]", 'a"]b'), ("[3]", 2)]
    assert broken[0] == "[1]"
    assert broken[1].startswith(reason)


@pytest.mark.parametrize(
    "text", ['[{"a": 1}, NaN', "[NaN] 2", '[{"a]: NaN}]', '{"a": [NaN]}', "[NaN}]", "[[NaN]"]
)
def test_json_that_is_no_whole_list_is_an_error(tmp_path: Path, text: str) -> None:
    assert complaint(saved(tmp_path, "a.json", text)).startswith("FILE is not valid JSON (")


def test_an_object_nested_too_deeply_is_said_to_be_so(tmp_path: Path) -> None:
    path = saved(tmp_path, "a.json", '{"a":' * 3_000 + "1" + "}" * 3_000)
    assert complaint(path) == "FILE is nested too deeply; take out what nests so deeply."


def test_csv_rows_are_objects(tmp_path: Path) -> None:
    text = '\ufeffname,api_info\r\na,"{""x"": 1}"\r\n\r\nb,"two\nlines"\r\nc,\r\nd\r\n'
    path = saved(tmp_path, "a.csv", text)
    assert read(path) == [
        ("line 2", {"name": "a", "api_info": '{"x": 1}'}),
        ("line 5", {"name": "b", "api_info": "two\nlines"}),
        ("line 6", {"name": "c", "api_info": ""}),
        ("line 7", "has 1 cells where the first line names 2"),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_cells_may_be_parted_in_other_ways(tmp_path: Path, delimiter: str) -> None:
    path = saved(tmp_path, "a.csv.gz", gzip.compress(f"a{delimiter}b\n1{delimiter}2\n".encode()))
    assert read(path) == [("line 2", {"a": "1", "b": "2"})]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "FILE is empty; its first line must name the columns."),
        (b"a,b,a\n1,2,3\n", "FILE names the column 'a' twice in its first line; rename one."),
        (b"a,b\n\xff,2\n", "FILE is not UTF-8 text (line 2); save it in UTF-8."),
        (b"a,b\n" + b"x" * 200 + b",1\n", "FILE has over 100 bytes in line 2; save it as JSON"),
        (b'a,b\n"' + b"x" * 60 + b"\n" + b"x" * 60, "FILE is not valid CSV (line 3: field larger"),
    ],
)
def test_csv_that_cannot_be_read_is_an_error_that_says_where(
    tmp_path: Path, content: bytes, message: str
) -> None:
    assert complaint(saved(tmp_path, "a.csv", content), max_line=100).startswith(message)


def test_csv_is_streamed(tmp_path: Path) -> None:
    path = saved(tmp_path, "a.csv", b"a\n" + b"1\n" * 1_000 + b"\xff\n")
    found = documents(path)
    assert not isinstance(next(found), Fault)
    with pytest.raises(CatalogError, match="line 1002"):
        list(found)
