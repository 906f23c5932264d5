"""The schema that replies follow in the tool mode json_schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

from simkit.clients.tool_mode_json import CallsAsJson
from simkit.clients.tool_mode_schema import calls_schema
from simkit.traces.arguments import schema_problem
from simkit.traces.functions import Function

TREE = {
    "type": "object",
    "properties": {
        "root": {"$ref": "#/$defs/node"},
        "copy": {"$ref": "#/properties/root"},
        "$ref": {"type": "string", "description": "A parameter of this name."},
    },
    "required": ["root"],
    "$defs": {
        "node": {
            "type": "object",
            "description": "A node.",
            "properties": {
                "description": {"type": "string"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            },
            "required": ["description"],
            "additionalProperties": False,
        }
    },
}


@pytest.fixture
def tools(a_function: Callable[..., Function]) -> tuple[Function, ...]:
    return (
        a_function(),
        a_function("plant_tree", parameters=TREE),
        a_function("plant_hedge", parameters=TREE),
        a_function("ping", parameters={"type": "object", "properties": {}}),
    )


def problem(tools: tuple[Function, ...], text: str, *calls: tuple[str, str]) -> str | None:
    """What the schema has against a reply."""
    reply = orjson.loads(CallsAsJson().write(text, calls))
    found = schema_problem(calls_schema(tools).schema, reply)
    return None if found is None else found.message


@pytest.mark.parametrize(
    "call",
    [
        ("get_temperature", '{"city":"Oslo"}'),
        ("plant_tree", '{"root":{"description":"a","children":[{"description":"b"}]}}'),
        ("plant_hedge", '{"root":{"description":"a"},"copy":{"description":"a"},"$ref":"x"}'),
        ("ping", "{}"),
    ],
)
def test_an_answer_and_every_right_call_fit(
    tools: tuple[Function, ...], call: tuple[str, str]
) -> None:
    assert problem(tools, "Mild.") is None
    assert problem(tools, "", call) is None
    assert problem(tools, "Wait.", call, call) is None


@pytest.mark.parametrize(
    "call",
    [
        ("get_weather", '{"city":"Oslo"}'),
        ("get_temperature", "{}"),
        ("get_temperature", '{"city":5}'),
        ("get_temperature", '{"city":"Oslo","unit":"K"}'),
        ("plant_tree", '{"root":{"description":"a","children":[{}]}}'),
        ("plant_tree", '{"root":{"description":"a"},"copy":5}'),
        ("ping", '{"host":"x"}'),
    ],
)
def test_no_wrong_call_fits(tools: tuple[Function, ...], call: tuple[str, str]) -> None:
    assert problem(tools, "", call) is not None


def test_a_reply_without_answer_or_call_does_not_fit(tools: tuple[Function, ...]) -> None:
    schema = calls_schema(tools).schema
    for reply in ({}, {"reply": {"kind": "calls", "calls": []}}, {"reply": {"kind": "answer"}}):
        assert schema_problem(schema, reply) is not None


def test_parameters_that_are_open_to_others_stay_open(
    a_function: Callable[..., Function],
) -> None:
    open_ended = {"type": "object", "properties": {}, "additionalProperties": {"type": "string"}}
    tools = (a_function("tag", parameters=open_ended),)
    assert problem(tools, "", ("tag", '{"colour":"red"}')) is None
    assert problem(tools, "", ("tag", '{"colour":5}')) is not None


def test_the_schema_is_valid_and_its_references_lead_to_definitions_at_the_top(
    tools: tuple[Function, ...],
) -> None:
    schema = calls_schema(tools).schema
    Draft202012Validator.check_schema(schema)
    assert set(schema["$defs"]) == {
        "plant_tree",
        "plant_tree.node",
        "plant_hedge",
        "plant_hedge.node",
    }
    references = set(_references(schema))
    assert {reference.split("/")[1] for reference in references} == {"$defs"}
    assert {reference.split("/")[2] for reference in references} <= set(schema["$defs"])
    assert "$defs" not in calls_schema(tools[:1]).schema


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def test_descriptions_are_left_to_the_prompt_and_parameters_of_that_name_are_not(
    tools: tuple[Function, ...],
) -> None:
    wire = calls_schema(tools).wire
    assert b"A node." not in wire
    assert b'"description":{"type":"string"}' in wire
    assert tools[1].parameters["$defs"]["node"]["description"] == "A node."  # left as it was
