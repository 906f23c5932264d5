"""The scripted intent writer, and the completion of function definitions."""

from __future__ import annotations

import json
import random
from typing import Any

from simkit.standin.roles.language import phrase, read_value, result_labels, say_value, words
from simkit.standin.values import make_value
from simkit.traces.arguments import schema_problem

_PEOPLE = (
    "a student planning a trip",
    "a small shop owner",
    "an office manager",
    "a parent with little time",
    "a warehouse lead",
    "a retired teacher",
    "a nurse between shifts",
    "a project coordinator",
    "a field engineer",
    "a freelance writer",
)
_STYLES = ("brief", "friendly and talkative", "polite and exact", "hurried", "a little unsure")

WITHHELD = 0.06
"""Share of needed values that the person turns out not to know."""
OPTIONAL = 0.3
"""Share of optional parameters that the person cares about."""


def write_intent(functions: list[dict[str, Any]], draw: random.Random) -> dict[str, Any]:
    """An intent for a chain of function definitions (name, description, parameters, outputs)."""
    learnt: set[str] = set()
    told: dict[str, str] = {}
    unknown: list[str] = []
    goals = []
    for function in functions:
        known = []
        parameters = function.get("parameters", {})
        required = parameters.get("required", [])
        for name, schema in parameters.get("properties", {}).items():
            label = words(name)
            if name not in required and draw.random() > OPTIONAL:
                continue
            if label in learnt or (label not in told and draw.random() < WITHHELD):
                unknown.append(label)
            else:
                # The same word means the same thing for the whole of a conversation.
                whole = _rooted(schema, parameters)
                if label not in told or not _fits(told[label], whole):
                    told[label] = say_value(make_value(whole, name, draw))
                known.append({"name": label, "value": told[label]})
        goals.append({"text": phrase(function), "known": known})
        for name in (function.get("outputs") or {}).get("properties", {}):
            learnt.update(result_labels(name))
    return {
        "role": draw.choice(_PEOPLE),
        "style": draw.choice(_STYLES),
        "goals": goals,
        "unknown": sorted(set(unknown) - told.keys()),
    }


def _fits(value: str, schema: Any) -> bool:
    """Whether what was said for one parameter can be said for another of the same name."""
    return isinstance(schema, dict) and schema_problem(schema, read_value(value, schema)) is None


def _rooted(schema: Any, parameters: dict[str, Any]) -> Any:
    """A parameter's schema with the definitions that its references need."""
    if isinstance(schema, dict) and "$defs" in parameters:
        return schema | {"$defs": parameters["$defs"]}
    return schema


def complete_function(function: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    """A definition with what its catalog left out: a description and the outputs."""
    label = words(str(function.get("name", "result")))
    noun = label.split(" ", 1)[-1]
    names = function.get("parameters", {}).get("properties", {})
    outputs: dict[str, Any] = {
        noun.replace(" ", "_"): {"type": "object", "description": f"The {noun}."},
        f"{noun.replace(' ', '_')}_id": {
            "type": "string",
            "description": f"Identifier of the {noun}.",
        },
    }
    return {
        "description": function.get("description") or f"{label.capitalize()}.",
        "parameters": json.dumps(
            {name: _described(name, schema) for name, schema in names.items()}
        ),
        "outputs": json.dumps(
            {"type": "object", "properties": outputs, "required": draw.sample(list(outputs), 1)}
        ),
    }


def _described(name: str, schema: Any) -> str:
    described = schema.get("description") if isinstance(schema, dict) else None
    return str(described or f"The {words(name)}.")
