"""The normal form of parameter and result schemas."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from simkit.graph.normal_form import UnusableSchema, normal_outputs, normal_parameters


def normal(value: Any, **options: Any) -> tuple[dict[str, Any], dict[str, int]]:
    repairs: Counter[str] = Counter()
    return normal_parameters(value, repairs, **options), dict(repairs)


def of_properties(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": []}


def refusal(value: Any) -> str:
    with pytest.raises(UnusableSchema) as refused:
        normal(value)
    return str(refused.value)


def test_a_schema_in_normal_form_stays_as_it_is() -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string", "minLength": 1, "x-note": "kept"}},
        "required": ["city"],
        "additionalProperties": False,
    }
    assert normal(schema) == (schema, {})


@pytest.mark.parametrize(
    ("spelling", "type_name"),
    [
        *[("dict", "object"), ("HashMap", "object"), ("Hashtable", "object")],
        *[("float", "number"), ("double", "number")],
        *[("int", "integer"), ("long", "integer"), ("Integer", "integer")],
        *[("str", "string"), ("String", "string"), ("char", "string")],
        *[("bool", "boolean"), ("Boolean", "boolean")],
    ],
)
def test_types_of_programming_languages_become_json_types(spelling: str, type_name: str) -> None:
    schema, repairs = normal(of_properties(a={"type": spelling}))
    assert schema["properties"]["a"] == {"type": type_name}
    assert repairs == {"type name": 1}


@pytest.mark.parametrize("spelling", ["tuple", "list", "ArrayList", "Array"])
def test_lists_of_programming_languages_become_arrays_with_items(spelling: str) -> None:
    schema, repairs = normal(of_properties(a={"type": spelling}))
    assert schema["properties"]["a"] == {"type": "array", "items": {}}
    assert repairs == {"type name": 1, "array without items": 1}


@pytest.mark.parametrize(
    ("given_type", "repair"),
    [("any", "type any"), ("Queue", "type unknown"), (["string", "Queue"], "type unknown")],
)
def test_a_type_that_nobody_knows_allows_anything(given_type: Any, repair: str) -> None:
    schema, repairs = normal(of_properties(a={"type": given_type, "description": "d"}))
    assert schema["properties"]["a"] == {"description": "d"}
    assert repairs == {repair: 1}


def test_types_are_repaired_at_every_depth() -> None:
    inner = {"type": "dict", "properties": {"b": {"type": "float"}}}
    schema, _ = normal(of_properties(a={"type": "list", "items": {"anyOf": [inner]}}))
    assert schema["properties"]["a"]["items"]["anyOf"] == [
        {"type": "object", "properties": {"b": {"type": "number"}}}
    ]


def test_items_as_a_list_become_prefix_items() -> None:
    pair = {
        "type": "array",
        "items": [{"type": "float"}, {"type": "str"}],
        "additionalItems": False,
    }
    schema, repairs = normal(of_properties(a=pair))
    assert schema["properties"]["a"] == {
        "type": "array",
        "prefixItems": [{"type": "number"}, {"type": "string"}],
        "items": False,
    }
    assert repairs == {"items as a list": 1, "type name": 2}


def test_required_keeps_only_properties_and_each_once() -> None:
    schema, repairs = normal(of_properties(a={}) | {"required": ["a", "ghost", "a"]})
    assert schema["required"] == ["a"]
    assert repairs == {"required but not a property": 1}


def test_required_inside_alternatives_keeps_its_meaning() -> None:
    either = {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}
    schema, repairs = normal(of_properties(a={}, b={}) | either)
    assert schema["anyOf"] == either["anyOf"]
    assert repairs == {}


def test_flags_on_properties_move_to_the_list_of_required_ones() -> None:
    flagged = {
        "a": {"type": "string", "required": True},
        "b": {"type": "string", "optional": "true"},
        "c": {"type": "string", "optional": False},
    }
    schema, repairs = normal({"type": "object", "properties": flagged})
    assert schema == of_properties(**{key: {"type": "string"} for key in "abc"}) | {
        "required": ["a", "c"]
    }
    assert repairs == {"required flag": 3}


def test_null_where_a_keyword_stands_says_nothing() -> None:
    schema, repairs = normal({"type": "object", "properties": None, "required": None})
    assert (schema, repairs) == (of_properties(), {})


def test_missing_parameters_are_an_empty_object() -> None:
    assert normal(None) == (of_properties(), {"missing parameters": 1})


def test_a_list_of_parameters_becomes_a_schema() -> None:
    parameters = [
        {"name": "a", "type": "string", "desc": "What."},
        {"name": "b", "type": "array", "items": {"type": "int"}, "optional": True},
        {"name": "c", "type": "string", "required": False},
    ]
    schema, repairs = normal(parameters)
    assert schema == {
        "type": "object",
        "properties": {
            "a": {"type": "string", "description": "What."},
            "b": {"type": "array", "items": {"type": "integer"}},
            "c": {"type": "string"},
        },
        "required": ["a"],
    }
    assert repairs == {"parameter list": 1, "type name": 1}


def test_a_heading_scraped_as_a_parameter_is_left_out() -> None:
    parameters = [
        {"name": "get_page", "type": "string", "required": False},
        {"name": "id", "type": "string", "required": True},
    ]
    schema, repairs = normal(parameters, function_name="get_page")
    assert list(schema["properties"]) == ["id"]
    assert repairs["heading among the parameters"] == 1


def test_a_documented_parameter_may_have_the_name_of_its_function() -> None:
    parameters = [{"name": "query", "type": "string", "required": False, "desc": "The query."}]
    assert list(normal(parameters, function_name="query")[0]["properties"]) == ["query"]


def test_properties_without_a_schema_get_one() -> None:
    schema, repairs = normal({"city": {"type": "str", "required": True}})
    assert schema == of_properties(city={"type": "string"}) | {"required": ["city"]}
    assert repairs["properties without a schema"] == 1


@pytest.mark.parametrize(
    ("given", "required"),
    [
        ({"a": {"type": "str"}, "b": {"type": "int", "default": 1}}, ["a"]),
        ({"a": "string", "b": "int, optional"}, ["a"]),
        ({"a": {"type": "str"}, "b": {"type": "Optional[str]"}}, ["a"]),
        ({"a": {"type": "str"}, "b": {"type": "str", "description": "Optional. A b."}}, ["a"]),
        ({"a": {"type": "str", "required": True}, "b": {"type": "str"}}, ["a"]),
        ({"a": {"type": "str"}, "b": {"type": "str", "required": False}}, ["a"]),
        ({"a": {"description": "An a."}, "b": {"description": "A b."}}, ["a", "b"]),
        ({"type": "dict", "a": {"type": "str"}, "b": {"type": "str"}, "required": ["b"]}, ["b"]),
    ],
)
def test_plain_properties_are_required_unless_they_say_otherwise(
    given: Any, required: list[str]
) -> None:
    schema, repairs = normal(given)
    assert list(schema["properties"]) == ["a", "b"]
    assert schema["required"] == required
    assert repairs["properties without a schema"] == 1


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "object", "title": "string", "description": "string"},
        {"type": "object", "properties": {"type": {"type": "string"}}},
        {"properties": {"properties": {"type": "string"}}},
    ],
)
def test_a_schema_is_not_taken_for_plain_properties(schema: dict[str, Any]) -> None:
    assert "properties without a schema" not in normal(schema)[1]


def test_a_schema_in_a_text_is_read() -> None:
    text = json.dumps(json.dumps(of_properties(a={"type": "string"})))
    assert normal(text) == (of_properties(a={"type": "string"}), {"JSON in a text": 2})


def test_properties_as_a_list_become_properties_by_name() -> None:
    schema, repairs = normal({"type": "object", "properties": [{"name": "a", "type": "string"}]})
    assert schema == of_properties(a={"type": "string"}) | {"required": ["a"]}
    assert repairs == {"parameter list": 1}


def test_required_names_in_a_text_become_a_list() -> None:
    schema, repairs = normal(of_properties(a={}, b={}, c={}) | {"required": "a, c"})
    assert schema["required"] == ["a", "c"]
    assert repairs == {"required as a text": 1}


def test_a_text_in_place_of_a_schema_is_a_type_or_a_description() -> None:
    schema, repairs = normal(of_properties(a="List[int]", b="The name of a city."))
    assert schema["properties"] == {
        "a": {"type": "array", "items": {"type": "integer"}},
        "b": {"description": "The name of a city."},
    }
    assert repairs["description as a schema"] == 1


def test_a_type_expression_adds_what_the_schema_does_not_say_itself() -> None:
    mine = {"type": "List[str]", "items": {"type": "string", "maxLength": 3}, "description": "d"}
    schema, repairs = normal(of_properties(a=mine, b={"type": "date"}, c={"type": "int | None"}))
    assert schema["properties"]["a"] == mine | {"type": "array"}
    assert schema["properties"]["b"] == {"type": "string", "format": "date"}
    assert schema["properties"]["c"] == {"type": "integer"}
    assert repairs == {"type expression": 2, "type name": 1}


def test_several_types_keep_null_among_them() -> None:
    schema, repairs = normal(of_properties(a={"type": ["string", "null"]}))
    assert schema["properties"]["a"] == {"type": ["string", "null"]}
    assert repairs == {}


@pytest.mark.parametrize(
    ("given", "expected", "repair"),
    [
        ({"type": "integer", "default": "5"}, 5, "default cast to its type"),
        ({"type": "boolean", "default": "True"}, True, "default cast to its type"),
        ({"type": "array", "items": {}, "default": "[1]"}, [1], "default cast to its type"),
        ({"type": "string", "default": 7}, "7", "default cast to its type"),
        ({"type": "integer", "default": "soon"}, None, "default of another type dropped"),
        ({"type": "number", "default": "1e999"}, None, "default of another type dropped"),
        ({"type": "string", "default": None}, None, "default of another type dropped"),
        ({"type": "number", "default": 5}, 5, None),
    ],
)
def test_a_default_fits_its_type_or_goes(
    given: dict[str, Any], expected: Any, repair: str | None
) -> None:
    schema, repairs = normal(of_properties(a=given))
    assert schema["properties"]["a"].get("default") == expected
    assert list(repairs) == ([repair] if repair else [])


@pytest.mark.parametrize(
    ("given", "expected", "repair"),
    [
        (
            {"type": "string", "enum": [1, "two"]},
            {"type": "string", "enum": ["1", "two"]},
            "enum cast to its type",
        ),
        (
            {"type": "integer", "enum": ["low", 1, None]},
            {"type": ["integer", "string", "null"], "enum": ["low", 1, None]},
            "type widened to its enum",
        ),
        (
            {"type": "array", "items": {"type": "string"}, "enum": ["a", "b"]},
            {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}},
            "enum moved to the items",
        ),
        ({"enum": ["a", 1, "a"]}, {"enum": ["a", 1]}, "repeated enum value"),
    ],
)
def test_an_enum_and_its_type_agree(
    given: dict[str, Any], expected: dict[str, Any], repair: str
) -> None:
    schema, repairs = normal(of_properties(a=given))
    assert schema["properties"]["a"] == expected
    assert repairs == {repair: 1}


def test_an_enum_of_the_whole_does_not_make_it_something_else() -> None:
    schema, repairs = normal({"type": "object", "enum": [None]})
    assert (schema, repairs) == (of_properties(), {"enum of the whole dropped": 1})


def test_an_outer_reference_is_replaced_by_what_it_means() -> None:
    schema, _ = normal({"$ref": "#/$defs/Args", "$defs": {"Args": of_properties(a={})}})
    assert schema["properties"] == {"a": {}}
    assert "$ref" not in schema


def test_keywords_with_forbidden_values_are_dropped_one_by_one() -> None:
    broken = {
        "type": "string",
        "description": 5,
        "minLength": -1,
        "pattern": "(",
        "enum": "ab",
        "maxLength": 9,
        "anyOf": [],
        "not": 7,
    }
    schema, repairs = normal(of_properties(a=broken))
    assert schema["properties"]["a"] == {"type": "string", "maxLength": 9}
    assert repairs == {"unreadable keyword": 6}


def test_keywords_that_say_which_draft_it_is_are_dropped() -> None:
    foreign = {"$schema": "http://json-schema.org/draft-07/schema#", "$id": "https://x.test/y"}
    schema, repairs = normal(of_properties() | foreign)
    assert schema == of_properties()
    assert repairs == {"$schema dropped": 1, "$id dropped": 1}


def test_a_long_description_is_cut() -> None:
    schema, repairs = normal(of_properties(a={"description": "x" * 4_001}))
    assert len(schema["properties"]["a"]["description"]) == 4_000
    assert repairs == {"description cut": 1}


def test_local_references_stay() -> None:
    tree = {"type": "object", "properties": {"children": {"items": {"$ref": "#/$defs/a~1b"}}}}
    schema = of_properties(root={"$ref": "#/$defs/a~1b"}) | {"$defs": {"a/b": tree}}
    assert normal(schema) == (schema, {})


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        *(
            (remote, "outside of the schema; remote references are never fetched")
            for remote in ("https://example.test/schema", "file:///etc/passwd", "/$defs/a")
        ),
        ("#/$defs/gone", "which is not in the schema"),
        ("#a", "which is not in the schema"),
    ],
)
def test_a_reference_out_of_the_schema_is_refused(reference: str, why: str) -> None:
    reason = refusal(of_properties(a={"$ref": reference}) | {"$defs": {"a": {}}})
    assert reason == f"refer to '{reference}', {why}"


def test_references_that_never_end_are_refused() -> None:
    loop = {"a": {"$ref": "#/$defs/b"}, "b": {"allOf": [{"$ref": "#/$defs/a"}]}}
    reason = refusal(of_properties(x={"$ref": "#/$defs/a"}) | {"$defs": loop})
    assert reason == "refer to themselves without end"


def test_references_that_multiply_are_refused() -> None:
    laughs: dict[str, Any] = {
        f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 10} for n in range(6)
    }
    reason = refusal(of_properties() | {"$defs": laughs | {"d6": {}}})
    assert reason == "expand to over 10,000 schemas for one value"


def test_references_in_a_long_row_are_refused() -> None:
    row: dict[str, Any] = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(30)}
    reason = refusal(of_properties() | {"$defs": row | {"d30": {}}})
    assert reason == "follow over 20 references in a row"


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


def test_twenty_levels_are_read_and_more_refused() -> None:
    schema, _ = normal(nested(20))
    Draft202012Validator.check_schema(schema)
    assert refusal(nested(21)) == "are nested deeper than 20 levels"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("text", "are a string, not a JSON Schema"),
        ('{"type": ', "are a string, not a JSON Schema"),
        (3, "are a number, not a JSON Schema"),
        ({"type": "array"}, "are of type 'array', not an object"),
        ({"city": "Rome"}, "are no JSON Schema: they have neither type nor properties"),
        ({"properties": ["city"]}, "have a list for properties"),
        (["city"], "are a list whose item 0 has no name"),
        ({"$ref": "https://example.test"}, "are only a reference, to 'https://example.test'"),
        ({"$dynamicRef": "#a", "type": "object"}, "use $dynamicRef"),
        (of_properties(**{f"p{n}": {} for n in range(201)}), "number 201, over the limit of 200"),
        (
            of_properties(a={"enum": ["x" * 200_000]}),
            "take 200,064 bytes, over the limit of 200,000",
        ),
    ],
)
def test_a_refusal_says_why(value: Any, reason: str) -> None:
    assert refusal(value) == reason


def test_a_value_nested_without_end_is_refused() -> None:
    endless: Any = 1
    for _ in range(250):  # can be written as it is, but not inside a request
        endless = [endless]
    for keyword in ("default", "minimum"):
        reason = refusal(of_properties(a={keyword: endless}))
        assert reason == "are nested too deeply to be written as JSON"


def test_a_result_that_is_no_object_becomes_a_field() -> None:
    repairs: Counter[str] = Counter()
    outputs = normal_outputs({"type": "list", "items": {"type": "int"}}, repairs)
    assert outputs == {
        "type": "object",
        "properties": {"result": {"type": "array", "items": {"type": "integer"}}},
        "required": ["result"],
    }
    assert repairs["result wrapped in an object"] == 1


def test_result_fields_without_a_schema_get_one() -> None:
    outputs = normal_outputs({"items": {"type": "List[str]"}, "total": {"type": "int"}}, Counter())
    assert outputs["properties"] == {
        "items": {"type": "array", "items": {"type": "string"}},
        "total": {"type": "integer"},
    }


texts = st.sampled_from(["a", "b", "a/b", "~", "%41", "type", "properties", "", "é"])
scalars = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from([0.5, -1.5]) | texts
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
references = st.sampled_from(["#", "", "#/$defs/a", "#/properties/a", "#/$defs/~0", "http://x"])
types = st.sampled_from(
    [
        *("dict", "string", "list", "any", "null", "Boolean", "integer", "object", "array"),
        *("List[int]", "str, optional", "int | None", "'a' or 'b'", "Tuple[int, str]", "date"),
    ]
)


def schema_like(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Schemas as people get them wrong: real keywords, with right and wrong values."""
    named = st.dictionaries(texts, inner, max_size=3)
    right = {
        **dict.fromkeys(["properties", "$defs", "patternProperties", "dependentSchemas"], named),
        **dict.fromkeys(["anyOf", "allOf", "prefixItems"], st.lists(inner, max_size=3)),
        **dict.fromkeys(["items", "not", "if", "additionalProperties"], inner),
        "type": types | st.lists(types, max_size=3),
        "$ref": references,
        "required": st.lists(texts, max_size=3) | st.booleans() | texts,
        "enum": st.lists(scalars, max_size=3),
        "default": json_values,
    }
    others = ["description", "minimum", "pattern", "$id", "$anchor", "dependencies"]
    wrong = dict.fromkeys(others, json_values)
    return st.fixed_dictionaries({}, optional={**right, **wrong}) | inner


schemas = st.recursive(json_values, schema_like, max_leaves=10)
rooted = st.builds(
    lambda schema, defs: {"type": "object", "properties": {"a": schema}, "$defs": defs},
    schemas,
    st.dictionaries(texts, schemas, max_size=3),
)


@settings(max_examples=150, deadline=None)
@given(json_values | schemas | rooted)
def test_any_json_gets_a_valid_normal_form_or_a_named_refusal(value: Any) -> None:
    """
    A normal form passes the metaschema, can be used on a value without a failure of its
    own, and is its own normal form.
    """
    try:
        schema, _ = normal(value)
    except UnusableSchema:
        return
    Draft202012Validator.check_schema(schema)
    assert list(schema)[:3] == ["type", "properties", "required"]
    assert schema["type"] == "object"
    assert set(schema["required"]) <= set(schema["properties"])
    validator = Draft202012Validator(schema)
    for instance in ({}, {"a": 1}, {"a": {"a": [1]}, "b": "b"}):
        validator.is_valid(instance)
    assert normal(schema) == (schema, {})


@settings(max_examples=50, deadline=None)
@given(json_values | schemas)
def test_any_json_as_a_result_gets_a_valid_normal_form_or_a_refusal(value: Any) -> None:
    repairs: Counter[str] = Counter()
    try:
        outputs = normal_outputs(value, repairs)
    except UnusableSchema:
        return
    Draft202012Validator.check_schema(outputs)
    assert outputs["type"] == "object"
