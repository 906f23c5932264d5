"""Functions inside the rows of data sets, in the shapes that these are published in."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from simkit.graph.catalog import Catalog, read_catalogs
from simkit.graph.catalogs import recognise
from simkit.graph.catalogs.entry import Document, Entry, Fault
from simkit.graph.catalogs.system_texts import MAX_BROKEN, functions_in
from simkit.graph.entry_function import Refused, function_of
from simkit.traces.functions import Function

SAMPLES = Path(__file__).parent / "samples"


def sample(name: str) -> Catalog:
    return read_catalogs([SAMPLES / f"{name}.jsonl"])


def by_name(catalog: Catalog) -> dict[str, Function]:
    return {function.name: function for function in catalog.functions}


def rejections(catalog: Catalog) -> list[tuple[str, str]]:
    return [(each.position, each.reason) for each in catalog.rejected]


def entries(value: Any) -> list[Entry | Fault]:
    return list(recognise(Document(position="line 1", value=value))[1])


def entry(value: Any) -> Entry:
    (found,) = entries(value)
    assert isinstance(found, Entry)
    return found


def test_xlam_rows_give_typed_parameters() -> None:
    catalog = sample("xlam")
    ferry, tide = by_name(catalog)["ferry_times"], by_name(catalog)["tide_mean"]
    assert ferry.parameters["required"] == ["line"]
    assert ferry.parameters["properties"]["limit"] == {
        "type": "integer",
        "description": "How many to list.",
        "default": 5,
    }
    said = {name: {**part} for name, part in tide.parameters["properties"].items()}
    for part in said.values():
        del part["description"]
    assert said == {
        "heights": {"type": "array", "items": {"type": "number"}},
        "weights": {"type": "array", "items": {"type": "number"}},
        "span": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
        "names": {"type": "object"},
        "gauge": {"type": ["integer", "string"]},
        "kind": {"type": "string", "enum": ["high", "low"]},
        "note": {},
    }
    assert tide.parameters["required"] == ["heights", "span", "gauge", "kind", "note"]


def test_rows_that_repeat_a_function_or_have_none_add_nothing() -> None:
    catalog = sample("xlam")
    assert (len(catalog.functions), catalog.merged) == (2, 1)
    assert rejections(catalog) == [("line 4, tools", "is not valid JSON nor a Python literal")]


def test_raw_glaive_rows_list_functions_one_after_the_other() -> None:
    catalog = sample("glaive_raw")
    assert list(by_name(catalog)) == ["count_pots", "mix_glaze", "price_glaze"]
    assert rejections(catalog) == [("line 3, system", "holds a function that is not valid JSON")]


def test_toolace_rows_hold_functions_in_prose() -> None:
    hive, honey = sample("toolace").functions
    assert (hive.name, hive.original_name) == ("Hive_Find_a_Hive", "Hive.Find a Hive")
    assert hive.parameters["required"] == ["near"]
    assert hive.parameters["properties"]["radius"]["default"] == 2.5
    assert honey.parameters["required"] == ["hive", "year"]
    assert honey.outputs is not None
    assert list(honey.outputs["properties"]) == ["kilograms"]
    assert honey.outputs_origin == "declared"


@pytest.mark.parametrize("beside", ["", ', {"name": "g", "description": "G.", "parameters": {}}'])
def test_a_function_in_prose_needs_no_description_and_a_call_is_none(beside: str) -> None:
    declared = '{"type": "dict", "properties": {"near": {"type": "string"}}}'
    listed = f'[{{"name": "find_hive", "arguments": {declared}}}{beside}]'
    call = '{"name": "count_bees", "arguments": {"type": "worker", "near": "Oslo"}}'
    row = {"system": f"You may call: {listed}. An example: {call}", "conversations": []}
    found, *others = entries(row)
    assert [getattr(other, "name", None) for other in others] == (["g"] if beside else [])
    assert isinstance(found, Entry)
    repairs: Counter[str] = Counter()
    function = function_of(found, repairs, source="")
    assert (function.name, list(function.parameters["properties"])) == ("find_hive", ["near"])
    assert repairs["missing description"] == 1


def test_hermes_rows_hold_functions_between_tags_in_json_or_python() -> None:
    catalog = sample("hermes")
    assert list(by_name(catalog)) == ["locate_train", "free_seats", "stop_train", "count_cars"]
    assert {function.domain for function in catalog.functions} == {"Railway"}
    assert catalog.rejected == ()


def test_toolmind_rows_are_unwrapped_and_put_in_order() -> None:
    catalog = sample("toolmind")
    found = by_name(catalog)
    assert list(found) == ["read_bed", "water_bed", "sow", "weed", "harvest", "compost"]
    required = {name: function.parameters["required"] for name, function in found.items()}
    assert required == {
        "read_bed": ["bed"],
        "water_bed": ["bed"],
        "sow": ["seed"],
        "weed": [],
        "harvest": ["bed"],
        "compost": [],
    }
    assert found["sow"].description == "Sow a seed."
    assert found["read_bed"].outputs is not None
    assert list(found["read_bed"].outputs["properties"]) == ["plants"]
    assert found["harvest"].outputs is not None
    assert found["harvest"].outputs["properties"] == {
        "result": {"description": "What was harvested."}
    }
    assert rejections(catalog) == [("line 1, tools[6]", "is null, not a function")]


def test_readers_say_what_they_repaired() -> None:
    first, _, _ = (SAMPLES / "toolmind.jsonl").read_text().partition("\n")
    repairs = [each.repairs for each in entries(json.loads(first)) if isinstance(each, Entry)]
    assert repairs == [
        (),
        ("function wrapped twice",),
        ("required beside the parameters",),
        (),
        ("JSON in a text", "outputs from a description"),
        ("JSON in a text",),
    ]


def test_a_conversation_without_functions_is_no_fault() -> None:
    assert entries({"messages": [{"role": "user", "content": "Hello."}]}) == []
    assert entries({"system": "Be brief.", "chat": "USER: Hello."}) == []


def test_a_system_message_in_parts_is_read() -> None:
    text = 'Functions:\n{"name": "a", "description": "d", "parameters": {}}'
    parts = [{"type": "text", "text": text}, {"type": "image"}]
    found = entry({"messages": [{"role": "system", "content": parts}], "license": "MIT"})
    assert (found.name, found.licence) == ("a", "MIT")


def test_calls_and_other_json_in_a_prompt_are_no_functions() -> None:
    text = 'For example {"name": "f", "arguments": {}} or {"a": [1]} or [f(x=1)] or {"b": NaN}.'
    assert list(functions_in(text)) == []


def test_a_prompt_of_broken_functions_is_given_up_early() -> None:
    text = '{"name": "f", \n' * 10_000
    assert list(functions_in(text)) == [None] * MAX_BROKEN
    assert list(functions_in('{"name":' * 100_000)) == [None]


def test_what_is_nested_without_end_is_refused() -> None:
    deep = "[" * 100_000
    (fault,) = entries({"query": "q", "answers": "[]", "tools": deep})
    assert isinstance(fault, Fault)
    (fault,) = entries({"messages": [], "tools": "(" * 200_000})
    assert isinstance(fault, Fault)
    assert fault.reason == "is over 100,000 characters of Python text"


def test_text_is_never_evaluated() -> None:
    (fault,) = entries({"messages": [], "tools": "[__import__('os').getcwd()]"})
    assert isinstance(fault, Fault)
    assert fault.reason == "is not a Python literal that JSON can hold"


def test_seal_tools_declare_outputs_and_a_field() -> None:
    found = entry(
        {
            "api_name": "findKite",
            "api_description": "Find a kite.",
            "field": "Toys/Kites",
            "parameters": {"colour": {"type": "str"}, "size": {"type": "int"}},
            "required": ["colour"],
            "responses": {"kite": {"type": "str", "description": "Its name."}},
        }
    )
    assert (found.name, found.domain) == ("findKite", "Toys/Kites")
    assert found.parameters["required"] == ["colour"]
    assert list(found.outputs["properties"]) == ["kite"]


def test_nestful_specifications_declare_outputs() -> None:
    found = entry(
        {
            "name": "Kites_Find",
            "host": "kites.p.example.test",
            "query_parameters": {"colour": {"type": "string", "required": True}},
            "output_parameters": {"kite": {"type": "object", "properties": {"id": "string"}}},
        }
    )
    assert (found.name, found.domain) == ("Kites_Find", "kites")
    assert list(found.outputs["properties"]) == ["kite"]


def test_taskbench_nodes_have_parameters_or_kinds_of_resources() -> None:
    nodes = [
        {"id": "book", "desc": "Book.", "parameters": [{"name": "day", "type": "date"}]},
        {"id": "dub", "desc": "Dub.", "input-type": ["audio", "audio"], "output-type": ["text"]},
        7,
    ]
    book, dub, fault = entries({"nodes": nodes, "links": []})
    assert isinstance(book, Entry)
    assert isinstance(dub, Entry)
    assert (book.name, book.outputs) == ("book", None)
    assert dub.parameters["properties"]["audio"]["description"] == (
        "An audio, as a path or an address."
    )
    assert dub.parameters["required"] == ["audio", "audio_2"]
    assert list(dub.outputs["properties"]) == ["text"]
    assert fault == Fault(position="line 1, nodes[2]", reason="is a number, not a function")


ENDPOINT = {
    "category_name": "Toys",
    "tool_name": "Kite Shop",
    "api_name": "/search",
    "api_description": "",
    "required_parameters": [{"name": "q", "type": "STRING", "description": "", "default": "red"}],
    "optional_parameters": [{"name": "page", "type": "NUMBER", "default": "1"}],
}


def test_toolbench_endpoints_are_named_with_their_tool() -> None:
    found = entry(ENDPOINT)
    assert (found.name, found.domain) == ("/search for Kite Shop", "Toys")
    assert [each["required"] for each in found.parameters] == [True, False]
    assert found.outputs is None


def test_toolbench_endpoints_of_a_tool_share_its_name() -> None:
    own = {key: part for key, part in ENDPOINT.items() if key not in ("tool_name", "category_name")}
    found, fault = entries({"tool_name": "Kite Shop", "api_list": [own, None]})
    assert isinstance(found, Entry)
    assert found.name == "/search for Kite Shop"
    assert fault == Fault(position="line 1, api_list[1]", reason="is not an endpoint")


@pytest.mark.parametrize(
    ("example", "properties", "repairs"),
    [
        (
            {
                "kites": [{"id": "int", "tags": ["list of str with length 3"], "_list_length": 9}],
                "none": "NoneType",
                "empty": "empty list",
            },
            {
                "kites": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "id": {"type": "integer"},
                            "tags": {"type": "array", "items": {"type": "string"}},
                        },
                    },
                },
                "none": {},
                "empty": {"type": "array", "items": {}},
            },
            ("outputs from an example",),
        ),
        (
            '{"id": "int", "size": {"height": "float", "wid',
            {
                "id": {"type": "integer"},
                "size": {"type": "object", "properties": {"height": {"type": "number"}}},
            },
            ("outputs from an example", "example cut off"),
        ),
    ],
)
def test_toolbench_outputs_come_from_an_example_and_say_so(
    example: Any, properties: dict[str, Any], repairs: tuple[str, ...]
) -> None:
    found = entry(ENDPOINT | {"template_response": example})
    assert found.outputs["properties"] == properties
    assert found.outputs["$comment"] == "From the shape of an example."
    assert found.repairs == repairs


@pytest.mark.parametrize("example", ["Not found", {}, 5, '{"', "[" * 50_000])
def test_an_example_without_a_shape_gives_no_outputs(example: Any) -> None:
    assert entry(ENDPOINT | {"template_response": example}).outputs is None


def test_api_bank_rows_hold_assignments() -> None:
    info = (
        'description = "Buy a kite."\n'
        "input_parameters = {'colour': {'type': 'str', 'description': 'Its colour.'}}\n"
        "output_parameters = {'price': {'type': 'float'}}"
    )
    found = entry({"api_info": info, "类名": "BuyKite", "应用场景": "shopping"})
    assert (found.name, found.description, found.domain) == ("BuyKite", "Buy a kite.", "shopping")
    assert list(found.parameters) == ["colour"]
    assert found.outputs == {"type": "object", "properties": {"price": {"type": "float"}}}


def test_an_api_bank_row_without_assignments_is_read_from_its_signature() -> None:
    call = "FlyKite(kite: str, wind: List[int] = [1, 2])"
    found = entry({"api_info": ".", "expressions": call})
    assert found.name == "FlyKite"
    assert found.parameters == [
        {"name": "kite", "type": "str", "optional": False},
        {"name": "wind", "type": "List[int]", "optional": True},
    ]
    (fault,) = entries({"api_info": "import os"})
    assert fault == Fault(
        position="line 1", reason="has an api_info that is not a list of named Python literals"
    )


KEYS = (
    *("tools", "functions", "conversations", "messages", "system", "chat", "answers", "category"),
    *("function", "type", "name", "description", "parameters", "arguments", "required", "license"),
    *("api_name", "responses", "api_list", "required_parameters", "optional_parameters"),
    *("template_response", "api_info", "expressions", "query_parameters", "output_parameters"),
    *("host", "nodes", "id", "input-type", "output-type", "output_description", "outputs"),
    *("role", "content", "from", "value", "properties", "items", "enum", "default"),
)
TEXTS = (
    *("function", "system", "object", "str, optional", "name", "", "a", "[", '{"name": "f"}'),
    *("<tools>[{'name': 'f', 'description': ''}]</tools>", "f(a: int = 1)", "a = {'b': 1}"),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 5) | st.sampled_from(TEXTS),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=15,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), json_values, min_size=1, max_size=5) | json_values)
def test_any_json_is_a_function_or_refused_with_a_reason(value: Any) -> None:
    for found in entries(value):
        if isinstance(found, Fault):
            assert found.reason
            continue
        try:
            function = function_of(found, Counter(), source="any")
        except Refused:
            continue
        Draft202012Validator.check_schema(function.parameters)
        assert function.tool_json


@pytest.mark.parametrize(
    ("files", "functions", "merged", "with_outputs"),
    [
        ("acebench_normal", 1855, 769, 589),
        ("api_bank/all_apis.csv", 101, 0, 100),
        ("glaive_sharegpt/glaive_toolcall_en_demo.jsonl.gz", 177, 42, 0),
        ("glaive_sharegpt/reason_tool_use_demo_50.jsonl.gz", 104, 17, 0),
        ("nestful/executable_spec.json.gz", 39, 0, 39),
        ("seal_tools/tools.jsonl.gz", 2083, 0, 2083),
        ("taskbench/dailylifeapis_tool_desc.json", 40, 0, 0),
        ("tau_airline/tools.json", 14, 0, 0),
        ("toolbench_rapidapi/apis.jsonl.gz", 1773, 0, 1145),
    ],
)
def test_real_data_sets_are_read_whole(
    shared_data: Path, files: str, functions: int, merged: int, with_outputs: int
) -> None:
    """Nothing is refused, and what is read passes the metaschema."""
    catalog = read_catalogs([shared_data / files], near=False)
    assert (len(catalog.functions), catalog.merged, catalog.rejected) == (functions, merged, ())
    assert sum(each.outputs is not None for each in catalog.functions) == with_outputs
    for each in catalog.functions[:: functions // 200 + 1]:
        Draft202012Validator.check_schema(each.parameters)
        Draft202012Validator.check_schema(each.outputs or {})
