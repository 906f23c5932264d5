"""What a model answers about incomplete functions: the schema of the reply, and its checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from simkit.graph.completion.batches import Incomplete
from simkit.graph.completion.gaps import lacks_description, lacks_type
from simkit.graph.normal_form import UnusableSchema, normal_outputs, normal_parameters
from simkit.graph.parameters import said_by
from simkit.traces.calls import ReplySchema
from simkit.traces.functions import Function, Schema
from simkit.traces.one_line import one_line
from simkit.traces.voice import ReplyRejected

MOST_FIELDS = 30
"""Outputs, and fields of each, that a model may make up."""
MOST_SAID = 600
"""Characters of a description that a model writes."""
_MOST_NAME = 100
_MOST_ITEMS = 1_000
_NAMED = 5
"""Names that a complaint quotes."""

_KINDS = ("string", "integer", "number", "boolean", "object")

_Said = Annotated[str, Field(max_length=MOST_SAID)]
_Name = Annotated[str, Field(min_length=1, max_length=_MOST_NAME)]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class InputAnswer(_Answer):
    """What the model says about an input, or about a field inside an output."""

    name: str
    type: Literal["string", "integer", "number", "boolean", "object"]
    is_list: bool
    description: _Said

    def as_schema(self) -> dict[str, Any]:
        """The description and type as JSON Schema."""
        one: dict[str, Any] = {"type": self.type}
        kind = {"type": "array", "items": one} if self.is_list else one
        return kind | {"description": " ".join(self.description.split())}


class InnerAnswer(InputAnswer):
    """What the model says about a field inside an output."""

    name: _Name


class OutputAnswer(InnerAnswer):
    """What the model says about an output."""

    fields: Annotated[tuple[InnerAnswer, ...], Field(max_length=MOST_FIELDS, strict=False)]

    def as_schema(self) -> dict[str, Any]:
        """Likewise, with the fields of an object, or of the objects in a list."""
        schema = super().as_schema()
        if self.type == "object" and self.fields:
            inside = schema["items"] if self.is_list else schema
            inside["properties"] = {field.name: field.as_schema() for field in self.fields}
        return schema


class FunctionAnswer(_Answer):
    """What the model says about one function."""

    name: str
    description: _Said
    inputs: Annotated[tuple[InputAnswer, ...], Field(max_length=_MOST_ITEMS, strict=False)]
    outputs: Annotated[tuple[OutputAnswer, ...], Field(max_length=_MOST_ITEMS, strict=False)]


def completed(one: Incomplete, answer: FunctionAnswer) -> Function:
    """The function with what *answer* says in its gaps, and nowhere else.

    Raises:
        ReplyRejected: A gap is left open, a parameter goes by another name, or an output
            cannot be used.
    """
    function, gaps = one.function, one.gaps
    try:
        if gaps.description:
            function = replace(function, description=_sentence(answer))
        if gaps.inputs:
            filled = _filled(function.parameters, gaps.inputs, answer.inputs, "input")
            function = replace(function, parameters=normal_parameters(filled, Counter()))
        if gaps.outputs:
            outputs = normal_outputs(_made_up(answer.outputs), Counter())
            function = replace(function, outputs=outputs, outputs_origin="inferred")
        elif gaps.output_fields:
            filled = _filled(function.outputs or {}, gaps.output_fields, answer.outputs, "output")
            function = replace(function, outputs=normal_outputs(filled, Counter()))
    except UnusableSchema as error:
        raise ReplyRejected(f"its fields {error}") from error
    return function


def _sentence(answer: FunctionAnswer) -> str:
    said = said_by(answer.description)
    if not said:
        raise ReplyRejected("its description is missing")
    return said


def _filled(
    schema: Schema, gaps: Iterable[str], answers: Iterable[InputAnswer], what: str
) -> dict[str, Any]:
    """*schema* with the descriptions and types that its *gaps* have in *answers*."""
    properties = dict(schema["properties"])
    said = {answer.name: answer for answer in answers}
    if unknown := said.keys() - properties.keys():
        raise ReplyRejected(
            f"it has no {what} called {_named(unknown)}; names must stay exactly as they are"
        )
    if missing := [name for name in gaps if name not in said]:
        raise ReplyRejected(f"nothing is said about its {what} {_named(missing)}")
    for name in gaps:
        properties[name] = _merged(properties[name], said[name], what)
    return {**schema, "properties": properties}


def _merged(field: Any, answer: InputAnswer, what: str) -> dict[str, Any]:
    told = answer.as_schema()
    merged = dict(field) if isinstance(field, Mapping) else {}
    if lacks_description(field):
        if not said_by(told["description"]):
            raise ReplyRejected(f"its {what} {_named([answer.name])} has no description")
        merged["description"] = told["description"]
    if lacks_type(field):
        merged |= {key: told[key] for key in ("type", "items") if key in told}
    return merged


def _made_up(answers: tuple[OutputAnswer, ...]) -> dict[str, Any]:
    if not 1 <= len(answers) <= MOST_FIELDS:
        raise ReplyRejected(f"it has {len(answers)} outputs; it needs 1 to {MOST_FIELDS}")
    for fields in (answers, *(answer.fields for answer in answers)):
        names = [field.name for field in fields]
        if len(set(names)) < len(names):
            raise ReplyRejected("two of its outputs have one name")
        if silent := [field.name for field in fields if not said_by(field.description)]:
            raise ReplyRejected(f"its output {_named(silent)} has no description")
    return {
        "type": "object",
        "properties": {answer.name: answer.as_schema() for answer in answers},
        "required": [],
    }


def _named(names: Iterable[str]) -> str:
    shown = sorted(names)
    more = f" and {len(shown) - _NAMED} more" if len(shown) > _NAMED else ""
    return ", ".join(one_line(name, limit=60) for name in shown[:_NAMED]) + more


def _strict_object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list_of(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


_TEXT = {"type": "string"}
_FIELD: dict[str, Any] = {
    "name": _TEXT,
    "type": {"type": "string", "enum": list(_KINDS)},
    "is_list": {"type": "boolean"},
    "description": _TEXT,
}
# Two levels and no recursion: providers differ in which schemas they take.
REPLY = ReplySchema(
    name="function_completions",
    schema=_strict_object(
        functions=_list_of(
            _strict_object(
                name=_TEXT,
                description=_TEXT,
                inputs=_list_of(_strict_object(**_FIELD)),
                outputs=_list_of(
                    _strict_object(**_FIELD, fields=_list_of(_strict_object(**_FIELD)))
                ),
            )
        )
    ),
)
