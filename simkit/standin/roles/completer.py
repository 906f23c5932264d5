"""The scripted completer of function definitions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from simkit.standin.roles.language import words


def complete_functions(functions: list[dict[str, Any]]) -> dict[str, Any]:
    """An answer for each function (name, inputs, outputs, what is missing), by its names."""
    return {"functions": [_completed(function) for function in functions]}


def _completed(function: dict[str, Any]) -> dict[str, Any]:
    label, missing = words(str(function["name"])), function["missing"]
    given = function.get("outputs", {})
    if missing["outputs"] == "all":
        outputs = _made_up(label)
    else:
        outputs = [{**field, "fields": []} for field in _described(missing["outputs"], given)]
    return {
        "name": function["name"],
        "description": f"Use it to {label}." if missing["description"] else "",
        "inputs": list(_described(missing["inputs"], function["inputs"])),
        "outputs": outputs,
    }


def _described(names: Iterable[str], fields: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for name in names:
        yield _field(name, f"The {words(name)}.", fields.get(name, {}).get("type"))


def _made_up(label: str) -> list[dict[str, Any]]:
    """What a function called *label* gives: its object, with an identifier."""
    noun = label.split(" ", 1)[-1]
    name = noun.replace(" ", "_")
    identifier = _field(f"{name}_id", f"Identifier of the {noun}.", "string")
    thing = _field(name, f"The {noun}.", "object")
    state = _field("status", f"State of the {noun}.", "string")
    return [{**identifier, "fields": []}, {**thing, "fields": [state]}]


def _field(name: str, description: str, kind: Any) -> dict[str, Any]:
    known = kind if kind in ("integer", "number", "boolean", "object") else "string"
    return {"name": name, "type": known, "is_list": False, "description": description}
