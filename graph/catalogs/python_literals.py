"""Python literals in text, as some data sets write their functions; read, never evaluated."""

from __future__ import annotations

import ast
from typing import Any

import orjson

MAX_TEXT = 100_000
"""Characters; the parser of Python is slow and needs much memory."""


class NotLiteral(ValueError):
    """The text is no Python literal, or holds what JSON cannot; completes "is ..."."""


def literal(text: str) -> Any:
    """The JSON value that a Python literal writes, e.g. ``{'a': True}``.

    Raises:
        NotLiteral: It is something else, too long, or nested too deeply.
    """
    return _json(_parsed(text.strip(), "eval").body)


def assignments(text: str) -> dict[str, Any]:
    """The JSON values of lines like ``name = {'a': True}``, by name; the last one counts.

    Raises:
        NotLiteral: As for `literal`; also when there is anything but such lines.
    """
    found: dict[str, Any] = {}
    for line in _parsed(text, "exec").body:
        match line:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found[name] = _json(value)
            case _:
                raise NotLiteral("not a list of named Python literals")
    return found


def _parsed(text: str, mode: str) -> Any:
    if len(text) > MAX_TEXT:
        raise NotLiteral(f"over {MAX_TEXT:,} characters of Python text")
    try:
        return ast.parse(text, mode=mode)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotLiteral("not valid JSON nor a Python literal") from error


def _json(node: ast.expr) -> Any:
    try:
        return orjson.loads(orjson.dumps(ast.literal_eval(node), default=_list_of_set))
    except (ValueError, TypeError, RecursionError, MemoryError) as error:
        raise NotLiteral("not a Python literal that JSON can hold") from error


def _list_of_set(value: Any) -> list[Any]:
    if isinstance(value, set):
        return sorted(value, key=repr)  # the order of a set differs from run to run
    raise TypeError
