"""The scripted tool: results that fit the output schema and stay consistent."""

from __future__ import annotations

import random
from typing import Any

import orjson

from simkit.standin.roles.language import read_value, words
from simkit.standin.values import make_value
from simkit.traces.arguments import schema_problem


def run_function(
    function: dict[str, Any],
    call: dict[str, Any],
    earlier: list[dict[str, Any]],
    draw: random.Random,
) -> str:
    """The result of *call* inside its tag; the same call gives the same result."""
    for past in earlier:
        if past["name"] == call["name"] and past["arguments"] == call["arguments"]:
            return _tagged(past["result"])
    outputs = function.get("outputs")
    if not isinstance(outputs, dict):
        return _tagged(_free_result(call, draw))
    result = make_value(outputs, "", draw)
    if isinstance(result, dict):
        _carry_over(result, outputs, call["arguments"], earlier)
        _echo(result, outputs, call["arguments"])
    return _tagged(result)


def _carry_over(
    result: dict[str, Any],
    outputs: dict[str, Any],
    arguments: dict[str, Any],
    earlier: list[dict[str, Any]],
) -> None:
    """Let values that were said before stand in the result under the same name."""
    said: dict[str, Any] = {}
    for past in earlier:
        said |= past["arguments"] | past["result"]
    said |= arguments
    for name, schema in outputs.get("properties", {}).items():
        if name in result and isinstance(said.get(name), str) and _free_text(schema):
            result[name] = said[name]


def _echo(result: dict[str, Any], outputs: dict[str, Any], arguments: dict[str, Any]) -> None:
    """Let what the call says stand in the result under the same name, where the schema lets it;
    else a field that need not be there is left out, rather than to say something else."""
    for name, given in arguments.items():
        if name not in result or not isinstance(given, (str, int, float)):
            continue
        schema = outputs.get("properties", {}).get(name)
        rooted = {"$defs": outputs.get("$defs", {})} | (schema if isinstance(schema, dict) else {})
        forms = (given, str(given), read_value(str(given), {"type": "integer"}))
        fitting = [form for form in forms if schema_problem(rooted, form) is None]
        if fitting:
            result[name] = fitting[0]
        elif name not in outputs.get("required", ()):
            del result[name]


def _free_text(schema: dict[str, Any]) -> bool:
    """Whether any text fits: a value from elsewhere must not break the schema."""
    return schema.get("type") == "string" and not schema.keys() & {
        "enum",
        "const",
        "pattern",
        "format",
        "maxLength",
        "minLength",
    }


def _free_result(call: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    """A result for a function that declares no outputs."""
    subject = words(call["name"]).split(" ", 1)[-1]
    echoed = {name: value for name, value in call["arguments"].items() if _short(value)}
    return {
        "success": True,
        f"{subject.replace(' ', '_')}_reference": f"REF-{draw.randint(10_000, 99_999)}",
        "summary": f"{words(call['name']).capitalize()} completed.",
        "input": echoed,
    }


def _short(value: object) -> bool:
    return isinstance(value, (bool, int, float)) or (isinstance(value, str) and len(value) < 80)


def _tagged(result: Any) -> str:
    return f"<func_return>{orjson.dumps(result).decode()}</func_return>"
