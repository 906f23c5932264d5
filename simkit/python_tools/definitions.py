"""From the functions of a file to what simkit says of them; used in the worker only."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ArgsKwargs, to_json

_KINDS: Mapping[Any, str] = {
    inspect.Parameter.POSITIONAL_ONLY: "can be given by position only",
    inspect.Parameter.VAR_POSITIONAL: "stands for any number of values",
    inspect.Parameter.VAR_KEYWORD: "stands for any names",
}
_DATA = frozenset({"const", "default", "enum", "examples"})
"""Keywords whose values are no schemas."""
_ARGS = re.compile(r"(?:Args|Arguments|Parameters):\s*")
_ARG = re.compile(r"(\s+)\*{0,2}(\w+)\s*(?:\([^)]*\))?:\s*(.*)")


class UnusableFile(Exception):
    """The functions of a file cannot be offered; the message says why, without the file's name."""


class WrongArguments(Exception):
    """Arguments that the hints of a function do not allow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A function that may be called."""

    definition: Mapping[str, Any]
    """``name``, ``description``, ``parameters`` and, where known, ``outputs``, as JSON values."""
    call: Callable[[dict[str, Any]], Any]
    """Runs it; raises `WrongArguments`, and whatever the function raises."""


def tools_of(listed: object) -> dict[str, Tool]:
    """The functions in a file's ``TOOLS``, by name.

    Raises:
        UnusableFile: Some cannot be offered.
    """
    if not isinstance(listed, list | tuple) or not listed:
        raise UnusableFile(
            "it has no list TOOLS; name there the functions to offer, as in TOOLS = [find_order]"
        )
    tools: dict[str, Tool] = {}
    for index, function in enumerate(listed):
        if not callable(function) or not str(getattr(function, "__name__", "")).isidentifier():
            kind = type(function).__name__
            raise UnusableFile(f"TOOLS[{index}] is no function defined with def, but of {kind}")
        tool = _tool(function)
        name = tool.definition["name"]
        if name in tools:
            raise UnusableFile(f"TOOLS[{index}]: {name} is there before; leave one out")
        tools[name] = tool
    return tools


def _tool(function: Callable[..., Any]) -> Tool:
    name = function.__name__
    if inspect.iscoroutinefunction(function) or isinstance(function, type):
        raise UnusableFile(f"{name}: it is no plain function; wrap it in one")
    declared = getattr(function, "schema", None)
    if declared is not None:
        definition = {"name": name, "description": "", **_checked(name, declared)}
        return Tool(definition=definition, call=lambda arguments: function(**arguments))
    hints = _hints(function)
    about, arguments = _described(inspect.getdoc(function) or "")
    adapter = _adapter(function, name, "its parameters")
    parameters = _untitled(adapter.json_schema())
    for parameter, text in arguments.items():
        if parameter in parameters.get("properties", {}):
            parameters["properties"][parameter].setdefault("description", text)
    definition = {"name": name, "description": about, "parameters": parameters}
    outputs = _outputs(name, hints.get("return"))
    if outputs is not None:
        definition["outputs"] = outputs
    return Tool(definition=definition, call=_checking(function, name))


def _checked(name: str, declared: object) -> Mapping[str, Any]:
    known = {"name", "description", "parameters", "outputs"}
    if not isinstance(declared, dict) or not isinstance(declared.get("parameters"), dict):
        raise UnusableFile(f"{name}.schema must be a dict with a JSON Schema under 'parameters'")
    unknown = sorted(map(str, declared.keys() - known))
    if unknown:
        raise UnusableFile(
            f"{name}.schema: there is no {unknown[0]!r}; it may have {sorted(known)}"
        )
    try:
        to_json(declared)
    except ValueError as error:
        raise UnusableFile(f"{name}.schema: it holds what JSON cannot: {error}") from error
    return declared


def _hints(function: Callable[..., Any]) -> Mapping[str, Any]:
    """The hints of *function*, of which each parameter has one.

    Raises:
        UnusableFile: One has none, or they cannot be read.
    """
    name = function.__name__
    try:
        hints = typing.get_type_hints(function, include_extras=True)
        parameters = inspect.signature(function).parameters.values()
    except Exception as error:
        raise UnusableFile(f"{name}: its type hints cannot be read: {error}") from error
    for parameter in parameters:
        if (kind := _KINDS.get(parameter.kind)) is not None:
            raise UnusableFile(
                f"{name}: the parameter {parameter.name} {kind}; calls give each by its name"
            )
        if parameter.name not in hints:
            raise UnusableFile(
                f"{name}: the parameter {parameter.name} has no type hint; say what it is, as in "
                f"{parameter.name}: str"
            )
    return hints


def _adapter(annotation: Any, name: str, what: str) -> TypeAdapter[Any]:
    try:
        adapter = TypeAdapter(annotation)
        adapter.json_schema()
    except Exception as error:  # of pydantic, or of code that annotations run
        why = str(error).partition("\n")[0]
        raise UnusableFile(f"{name}: {what} cannot be described by a schema: {why}") from error
    return adapter


def _checking(function: Callable[..., Any], name: str) -> Callable[[dict[str, Any]], Any]:
    """*function*, given what its hints make of arguments: a date of a text, and so on."""
    begun = False

    @wraps(function)
    def begin(**arguments: Any) -> Any:
        nonlocal begun
        begun = True
        return function(**arguments)

    adapter = _adapter(begin, name, "its parameters")

    def call(arguments: dict[str, Any]) -> Any:
        nonlocal begun
        begun = False
        try:
            return adapter.validate_python(ArgsKwargs((), arguments))
        except ValidationError as error:
            if begun:  # it is the function's own
                raise
            first = error.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise WrongArguments(f"{place}: {first['msg']}") from error

    return call


def _outputs(name: str, hint: Any) -> dict[str, Any] | None:
    """The schema of the JSON object that a call gives, as far as *hint* tells; see `as_object`."""
    if hint in (None, type(None), Any):
        return None
    adapter = _adapter(hint, name, "what it returns")
    schema = _untitled(adapter.json_schema(mode="serialization"))
    if schema.get("type") == "object":
        return schema if schema.get("properties") else None
    if not isinstance(schema.get("type"), str):
        return None
    inner = {key: part for key, part in schema.items() if key != "$defs"}
    outputs = {"type": "object", "properties": {"result": inner}, "required": ["result"]}
    return outputs | ({"$defs": schema["$defs"]} if "$defs" in schema else {})


def _untitled(schema: Any) -> Any:
    """*schema* without the titles that pydantic makes of names."""
    if isinstance(schema, list):
        return [_untitled(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: part if key in _DATA else _untitled(part)
        for key, part in schema.items()
        if not (key == "title" and isinstance(part, str))
    }


def _described(text: str) -> tuple[str, dict[str, str]]:
    """The first paragraph of a docstring, and what its ``Args:`` say of each parameter."""
    first, _, _ = text.partition("\n\n")
    return " ".join(first.split()), _arguments(text.splitlines())


def _arguments(lines: list[str]) -> dict[str, str]:
    start = next((at for at, line in enumerate(lines) if _ARGS.fullmatch(line)), len(lines))
    found: dict[str, str] = {}
    name, indent = "", ""
    for line in lines[start + 1 :]:
        if not line.startswith((" ", "\t")):
            break
        entry = _ARG.fullmatch(line)
        if entry is not None and entry[1] == (indent or entry[1]):
            indent, name = entry[1], entry[2]
            found[name] = entry[3].strip()
        elif name:
            found[name] = f"{found[name]} {line.strip()}".strip()
    return {name: text for name, text in found.items() if text}
