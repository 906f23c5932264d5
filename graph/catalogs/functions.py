"""One function as catalogs write it down, whatever is wrapped around it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from simkit.graph.catalogs.entry import Entry, Fault, kind
from simkit.graph.catalogs.spellings import from_text

MAX_ENVELOPES = 5
"""Levels of ``{"type": "function", "function": ...}`` that are opened."""

_DESCRIPTIONS = ("description", "functionality", "desc")
_PARAMETERS = ("inputSchema", "input_schema", "parameters", "arguments")
_OF_A_FUNCTION = ("description", "parameters", "inputSchema", "input_schema")
"""What a function has and a call has not; both may have arguments."""
_OUTPUTS = (
    *("outputSchema", "output_schema", "response", "results", "outputs", "returns"),
    *("output_structure", "output_parameters", "responses"),
)
_OUTPUT_DESCRIPTIONS = ("output_description", "outputs_description", "output_desc")


def function_entry(
    value: Any, position: str, *, domain: Any = None, licence: Any = None
) -> Entry | Fault:
    """The entry of a function: an object, a JSON text of one, or one in envelopes.

    What stands beside an inner function (a name, a description, outputs) holds where the
    function itself says nothing.
    """
    repairs: Counter[str] = Counter()
    function = _opened(value, repairs)
    if not isinstance(function, dict):
        return Fault(position=position, reason=f"is {kind(function)}, not a function")
    return Entry(
        position=position,
        name=function.get("name"),
        description=_first(function, _DESCRIPTIONS),
        parameters=_parameters(function, repairs),
        outputs=_outputs(function, repairs),
        domain=domain,
        licence=function.get("license") or licence,
        repairs=tuple(repairs.elements()),
    )


def looks_like_function(value: Any) -> bool:
    """Whether *value* is a function or an envelope of one, and not a call or something else."""
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("function"), dict):
        return True
    if not isinstance(value.get("name"), str):
        return False
    return not value.keys().isdisjoint(_OF_A_FUNCTION) or _is_schema(value.get("arguments"))


def _is_schema(arguments: Any) -> bool:
    """Whether these are declared, and not the values of a call."""
    return (
        isinstance(arguments, dict)
        and arguments.get("type") in ("object", "dict")
        and isinstance(arguments.get("properties"), dict)
    )


def _opened(value: Any, repairs: Counter[str]) -> Any:
    function = from_text(value, repairs)
    for level in range(MAX_ENVELOPES):
        inner = from_text(function.get("function"), repairs) if isinstance(function, dict) else None
        if not isinstance(inner, dict):
            break
        if level:
            repairs["function wrapped twice"] += 1
        beside = {key: part for key, part in function.items() if key not in ("type", "function")}
        function = beside | {key: part for key, part in inner.items() if part is not None}
    return function


def _parameters(function: dict[str, Any], repairs: Counter[str]) -> Any:
    """The parameters, with the names of required ones that stand beside them."""
    parameters = from_text(_first(function, _PARAMETERS), repairs)
    required = function.get("required")
    if not isinstance(required, list) or not isinstance(parameters, dict):
        return parameters
    if parameters.get("required") not in (None, []):
        return parameters
    if required:
        repairs["required beside the parameters"] += 1
    return parameters | {"required": required}


def _outputs(function: dict[str, Any], repairs: Counter[str]) -> Any:
    outputs = _first(function, _OUTPUTS)
    said = _first(function, _OUTPUT_DESCRIPTIONS)
    if outputs is not None or not isinstance(said, str):
        return outputs
    repairs["outputs from a description"] += 1
    return {"type": "object", "properties": {"result": {"description": said}}}


def _first(function: dict[str, Any], keys: tuple[str, ...]) -> Any:
    return next((function[key] for key in keys if function.get(key) is not None), None)
