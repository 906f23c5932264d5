"""Calls and their results as JSON inside text: how they are written, and read with care."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from simkit.traces.prompts import quoted_json
from simkit.traces.shallow_json import parse_json

Call = tuple[str, str]
"""Name and arguments of a call, the arguments as text, as in a `RequestedCall`."""

_STATED_NAME = re.compile(r'\s*\{\s*"name"\s*:\s*"([^"\\]*)"')
_OPEN_RESULT, _CLOSE_RESULT = "<tool_response>", "</tool_response>"


@dataclass(frozen=True, slots=True)
class Said:
    """What an assistant has said in one message."""

    text: str
    calls: tuple[Call, ...] = ()


class Form(Protocol):
    """A way to say text and calls in the content of a message."""

    @property
    def prompt(self) -> str:
        """Name of the prompt that explains the form to a model."""
        ...

    def write(self, text: str, calls: Sequence[Call]) -> str:
        """The content that says *text* and makes *calls*, as a model should write it."""
        ...

    def read(self, content: str) -> Said | None:
        """What *content* says; None when it does not keep to the form."""
        ...


def call_json(name: str, arguments: str) -> bytes:
    """One call as JSON; arguments that are no JSON object stand in it as a string."""
    return orjson.dumps({"name": name, "arguments": _embedded(arguments)})


def _embedded(arguments: str) -> orjson.Fragment | str:
    text = arguments or "{}"
    try:
        value = parse_json(text)
    except ValueError:
        return arguments
    return orjson.Fragment(text) if isinstance(value, dict) else arguments


def read_call(raw: str) -> Call:
    """The call that *raw* makes.

    Anything but an object of ``name`` and ``arguments`` is the model's mistake and is not
    mended: it becomes a call with the whole of *raw* as arguments, of the function that it
    names, or of one without a name.
    """
    try:
        value = parse_json(without_fence(raw))
    except ValueError:
        stated = _STATED_NAME.match(raw)
        return (stated[1] if stated else "", raw)
    name = value.get("name") if isinstance(value, dict) else None
    if not isinstance(name, str):
        return ("", raw)
    if not value.keys() <= {"name", "arguments"}:
        return (name, raw)
    return (name, _arguments_text(value.get("arguments")))


def _arguments_text(arguments: Any) -> str:
    # A string is how native calls carry their arguments, and some models write it here, too.
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else orjson.dumps(arguments).decode()


def without_fence(text: str) -> str:
    """*text* without white space around it and without the code fence it may stand in."""
    text = text.strip()
    if len(text) < 6 or not (text.startswith("```") and text.endswith("```")):
        return text
    first_line, line_end, rest = text[:-3].partition("\n")
    return rest.strip() if line_end and first_line[3:].strip().isalnum() else text[3:-3].strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one call returned."""

    call: int
    """The place of the call in its message, from 1."""
    name: str
    content: str


def write_results(results: Iterable[Result]) -> str:
    """The content of a user message that brings *results*, in their order."""
    return "\n".join(_result_block(result) for result in results)


def _result_block(result: Result) -> str:
    try:
        parse_json(result.content)
        content: orjson.Fragment | str = orjson.Fragment(result.content)
    except ValueError:
        content = result.content
    encoded = orjson.dumps({"call": result.call, "name": result.name, "result": content})
    return f"{_OPEN_RESULT}{quoted_json(encoded)}{_CLOSE_RESULT}"


def read_results(content: str) -> Iterator[Result]:
    """The results that a message made by `write_results` brings; none from any other text."""
    for block in content.split(_OPEN_RESULT)[1:]:
        try:
            found = parse_json(block.partition(_CLOSE_RESULT)[0])
        except ValueError:
            continue
        match found:
            case {"call": int(call), "name": str(name), "result": result}:
                text = result if isinstance(result, str) else orjson.dumps(result).decode()
                yield Result(call=call, name=name, content=text)
