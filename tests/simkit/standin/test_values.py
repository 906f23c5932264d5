"""Made-up values are valid under their schema, plausible, and the same for the same seed."""

from __future__ import annotations

import random
import re
import socket
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import simkit.graph
from simkit.graph.catalog import read_catalogs
from simkit.standin import words
from simkit.standin.keywords import LARGEST_COUNT
from simkit.standin.patterns import matching_text
from simkit.standin.values import make_value

NAMES = st.sampled_from(
    ["city", "order_id", "customerEmail", "amount", "start_date", "tags", "rating", "x", ""]
)


def fault(schema: dict[str, Any], value: Any) -> str | None:
    """Why *value* is not valid, if it is not."""
    error = next(Draft202012Validator(schema).iter_errors(value), None)
    return error and f"{error.json_path}: {error.message}"


def _bounds(kind: str, low: float, width: float, exclusive: bool, both: bool) -> dict[str, Any]:
    words = ("exclusiveMinimum", "exclusiveMaximum") if exclusive else ("minimum", "maximum")
    bounds = dict(zip(words, (low, low + width), strict=True))
    return {"type": kind} | (bounds if both else {words[0]: low})


# An exclusive range of integers needs a number between its ends: hence 2.
INTEGERS = st.builds(
    _bounds,
    st.just("integer"),
    st.integers(-(10**6), 10**6),
    st.integers(2, 10**6),
    st.booleans(),
    st.booleans(),
)
NUMBERS = st.builds(
    _bounds,
    st.just("number"),
    st.floats(-1e6, 1e6),
    st.floats(0.001, 1e6),
    st.booleans(),
    st.booleans(),
)
MULTIPLES = st.builds(
    lambda kind, step, low: {"type": kind, "multipleOf": step, "minimum": low},
    st.sampled_from(["integer", "number"]),
    st.sampled_from([1, 2, 5, 0.5, 0.1, 0.01, 2.5, 100]),
    st.integers(-1000, 1000),
)
LENGTHS = st.builds(
    lambda least, more: {"type": "string", "minLength": least, "maxLength": least + more},
    st.integers(0, 60),
    st.integers(0, 20),
)
PATTERNS = st.sampled_from(
    [
        "^[A-Z]{3}$",
        "^[A-Z]{2}[0-9]{3,4}$",
        "^[0-9a-f]{40}$",
        r"^\d{4}-\d{2}-\d{2}$",
        "^#([A-Fa-f0-9]{6}|[A-Fa-f0-9]{3})$",
        "^([0-1]?[0-9]|2[0-3]):[0-5][0-9]$",
        r"^\+?[1-9]\d{1,14}$",
        "^(high|medium|low)$",
        "^https?://.*",
        r"^[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}$",
        r"^[a-zA-Z]+(?: [a-zA-Z]+)*$",
        "^[^@]+$",
        "^$",
    ]
).map(lambda pattern: {"type": "string", "pattern": pattern})
FORMATS = st.sampled_from(
    ["date", "date-time", "time", "email", "uri", "uuid", "ipv4", "unheard-of"]
).map(lambda kind: {"type": "string", "format": kind})
CHOICES = st.lists(
    st.one_of(st.integers(-9, 9), st.text(max_size=5), st.booleans(), st.none()), min_size=1
).map(lambda choices: {"enum": choices})
LEAVES = st.one_of(
    INTEGERS,
    NUMBERS,
    MULTIPLES,
    LENGTHS,
    PATTERNS,
    FORMATS,
    CHOICES,
    st.sampled_from(
        [
            {},
            {"type": "boolean"},
            {"type": "null"},
            {"type": "string"},
            {"type": ["string", "null"]},
            {"type": ["integer", "string"]},
            {"const": {"a": [1]}},
            {"$ref": "#/$defs/person"},
            {"anyOf": [{"type": "string"}, {"type": "null"}]},
            {"oneOf": [{"type": "integer"}, {"type": "boolean"}]},
            {"oneOf": [{"type": "string", "maxLength": 3}, {"type": "string", "minLength": 2}]},
            {"allOf": [{"minimum": 3}, {"type": "integer", "maximum": 9}]},
        ]
    ),
)
DEFINITIONS = {
    "person": {
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 1},
            "friends": {"type": "array", "items": {"$ref": "#/$defs/person"}},
        },
        "required": ["name", "friends"],
        "additionalProperties": False,
    }
}


def _objects(children: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    def build(properties: dict[str, Any], required: list[str], closed: bool) -> dict[str, Any]:
        names = [name for name in required if name in properties or not closed]
        schema = {"type": "object", "properties": properties, "required": sorted(set(names))}
        return schema | ({"additionalProperties": False} if closed else {})

    return st.builds(
        build,
        st.dictionaries(NAMES, children, max_size=4),
        st.lists(NAMES, max_size=3),
        st.booleans(),
    )


def _arrays(children: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda items, least, more: {
            "type": "array",
            "items": items,
            "minItems": least,
            "maxItems": least + more,
        },
        children,
        st.integers(0, 4),
        st.integers(0, 3),
    )


def _maps(children: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda values, least: {
            "type": "object",
            "additionalProperties": values,
            "minProperties": least,
        },
        children,
        st.integers(0, 3),
    )


SCHEMAS = st.recursive(
    LEAVES, lambda children: _objects(children) | _arrays(children) | _maps(children), max_leaves=8
)


@given(schema=SCHEMAS, name=NAMES, seed=st.integers(0, 2**32))
def test_a_value_is_valid_under_its_schema(schema: dict[str, Any], name: str, seed: int) -> None:
    whole = {**schema, "$defs": DEFINITIONS}
    value = make_value(whole, name, random.Random(seed))
    assert fault(whole, value) is None
    assert make_value(whole, name, random.Random(seed)) == value
    orjson.dumps(value)


@pytest.mark.parametrize(
    "items", [{"type": "boolean"}, {"enum": ["a", "b"]}, {"type": "integer", "maximum": 3}]
)
def test_unique_items_are_unique(items: dict[str, Any]) -> None:
    schema = {"type": "array", "items": items, "uniqueItems": True, "minItems": 2, "maxItems": 2}
    for seed in range(50):
        assert fault(schema, make_value(schema, "flags", random.Random(seed))) is None


def demo_schemas() -> list[tuple[str, dict[str, Any]]]:
    folder = Path(simkit.graph.__file__).parent / "samples" / "demo"
    return [
        (f"{path.stem}.{tool['name']}.{kind}", tool[kind])
        for path in sorted(folder.glob("*.json"))
        for tool in orjson.loads(path.read_bytes())["tools"]
        for kind in ("inputSchema", "outputSchema")
        if kind in tool
    ]


def test_every_schema_of_the_demo_catalog_gets_valid_values() -> None:
    schemas = demo_schemas()
    assert schemas
    for place, schema in schemas:
        for seed in range(3):
            assert fault(schema, make_value(schema, "", random.Random(seed))) is None, place


def test_every_schema_of_real_catalogs_gets_valid_values(shared_data: Path) -> None:
    catalog = read_catalogs([shared_data / "acebench_normal", shared_data / "mcp_servers"])
    assert len(catalog.functions) > 5000
    for number, function in enumerate(catalog.functions):
        for schema in filter(None, (function.parameters, function.outputs)):
            value = make_value(schema, "", random.Random(number))
            assert fault(dict(schema), value) is None, function.name


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("order_id", r"ORD-\d{5}"),
        ("customerEmail", r"[a-z]+\.[a-z]+@example\.com"),
        ("currency", "[A-Z]{3}"),
        ("country_code", "[A-Z]{2}"),
        ("birth_date", r"2026-\d\d-\d\d"),
        ("created_at", r"2026-\d\d-\d\dT\d\d:\d\d:00Z"),
        ("doctor_name", r"[A-Z]\w+ [A-Z]\w+"),
        ("user_first_name", r"[A-Z]\w+"),
        ("departure_city", r"[A-Z]\w+"),
        ("article_url", r"https://example\.com/\S+"),
    ],
)
def test_text_looks_like_what_its_name_says(name: str, form: str) -> None:
    for seed in range(20):
        value = make_value({"type": "string"}, name, random.Random(seed))
        assert re.fullmatch(form, value), value


def test_what_is_counted_is_whole_even_when_the_schema_says_number() -> None:
    for seed in range(20):
        assert isinstance(make_value({"type": "number"}, "page", random.Random(seed)), int)


def test_a_pattern_and_a_length_are_kept_together() -> None:
    schema = {"type": "string", "pattern": r"^\d+$", "minLength": 8, "maxLength": 8}
    for seed in range(50):
        assert fault(schema, make_value(schema, "code", random.Random(seed))) is None


def test_a_description_helps_where_the_name_says_nothing() -> None:
    schema = {"type": "string", "description": "Where to, e.g. the city of arrival"}
    assert make_value(schema, "to", random.Random(0))[0].isupper()
    schema = {"type": "string", "description": "Format: YYYY-MM-DD"}
    assert re.fullmatch(r"2026-\d\d-\d\d", make_value(schema, "when", random.Random(0)))


def test_a_fitting_name_beats_a_random_match_of_the_pattern() -> None:
    schema = {"type": "string", "pattern": "^[A-Z]{3}$"}
    assert make_value(schema, "currency", random.Random(0)) in words.CURRENCIES


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$ref": "#/$defs/missing"},
        {"$ref": "https://example.com/schema"},
        {"type": "object", "properties": {"x": {"$ref": "#"}}, "required": ["x"]},
        {
            "type": "object",
            "properties": {"x": {"$ref": "#"}, "y": {"$ref": "#"}},
            "required": ["x", "y"],
        },
        {"oneOf": [{"$ref": "#"}, {"$ref": "#"}]},
        {"type": "array", "items": {"$ref": "#"}, "minItems": 3},
        {"type": "string", "pattern": "(?=lookahead)"},
        {"type": "string", "pattern": "(((a{1000}){1000}){1000})"},
        {"type": "string", "pattern": "[z-a]("},
        {"type": "string", "minLength": 10**12},
        {"type": "array", "items": {}, "minItems": 10**12},
        {"type": "integer", "minimum": "low", "maximum": None},
        {"type": "number", "minimum": float("inf"), "multipleOf": 0},
        {"type": "integer", "minimum": 5, "maximum": 1},
        {"type": "object", "properties": [], "required": 7, "patternProperties": 1},
        {"type": "array", "items": [1], "maxItems": -1},
        {"type": 5, "enum": {}, "anyOf": 1, "allOf": [1], "format": 3, "description": []},
        {"oneOf": [{"minimum": "x"}, 3]},
        {"not": {}, "if": {}},
    ],
)
def test_a_hostile_or_broken_schema_ends_in_some_value_of_bounded_size(
    schema: dict[str, Any],
) -> None:
    value = make_value(schema, "x", random.Random(0))
    assert len(repr(value)) < 20 * LARGEST_COUNT


def test_a_remote_reference_is_never_fetched() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/schema"
        schema = {"oneOf": [{"$ref": url}, {"type": "integer"}]}
        make_value(schema, "x", random.Random(0))
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_pattern_that_is_not_understood_is_not_followed() -> None:
    assert matching_text(r"(a)\1", random.Random(0)) is None
    assert matching_text("(?i)abc", random.Random(0)) is None
    assert matching_text("a{3}b+?c", random.Random(0), spare=0) == "aaabc"
