"""Mistakes made on purpose, each with a label that travels beside the reply."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Call = tuple[str, dict[str, Any]]


class Mistaken:
    """The labels."""

    WRONG_TYPE = "wrong_type"
    INVENTED_ID = "invented_id"
    SKIPPED_QUESTION = "skipped_question"
    DUPLICATE_CALL = "duplicate_call"
    MISSING_ARGUMENT = "missing_argument"
    UNKNOWN_FUNCTION = "unknown_function"


@dataclass(frozen=True, slots=True)
class Made:
    """The calls as they are made, and what is wrong with them, if anything."""

    calls: list[Call]
    label: str | None = None


def maybe_err(
    calls: list[Call],
    tools: list[dict[str, Any]],
    draw: random.Random,
    rate: float,
) -> Made:
    """With probability *rate*, spoil the first of *calls* in a way that applies to it."""
    if draw.random() >= rate:
        return Made(calls)
    kinds = list(_KINDS)
    draw.shuffle(kinds)
    schema = next(t.get("parameters", {}) for t in tools if t["name"] == calls[0][0])
    for kind in kinds:
        spoiled = _KINDS[kind](calls[0], schema, draw)
        if spoiled is not None:
            return Made([*spoiled, *calls[1:]], kind)
    return Made(calls)


def _wrong_type(call: Call, schema: dict[str, Any], draw: random.Random) -> list[Call] | None:
    name, arguments = call
    wrong: dict[str, Any] = {"string": 12345, "integer": "seven", "number": "a lot"}
    wrong |= {"boolean": "maybe", "array": "none", "object": "none"}
    properties = schema.get("properties", {})
    typed = [key for key in arguments if str(properties.get(key, {}).get("type")) in wrong]
    if not typed:
        return None
    key = draw.choice(typed)
    return [(name, arguments | {key: wrong[properties[key]["type"]]})]


def _invented_id(call: Call, schema: dict[str, Any], draw: random.Random) -> list[Call] | None:
    name, arguments = call
    properties = schema.get("properties", {})
    free = [
        key
        for key, value in arguments.items()
        if isinstance(value, str)
        and not properties.get(key, {}).keys() & {"enum", "const", "format", "pattern"}
    ]
    if not free:
        return None
    return [(name, arguments | {draw.choice(free): f"INV-{draw.randint(100_000, 999_999)}"})]


def _duplicate_call(call: Call, schema: dict[str, Any], draw: random.Random) -> list[Call] | None:
    # Twice in one message is a duplicate wherever it happens.
    return [call, call]


def _missing_argument(call: Call, schema: dict[str, Any], draw: random.Random) -> list[Call] | None:
    name, arguments = call
    required = [key for key in schema.get("required", []) if key in arguments]
    if not required:
        return None
    left_out = draw.choice(required)
    return [(name, {key: value for key, value in arguments.items() if key != left_out})]


def _unknown_function(call: Call, schema: dict[str, Any], draw: random.Random) -> list[Call] | None:
    name, arguments = call
    return [(f"{name[:60]}_v2", arguments)]


_Spoil = Callable[[Call, dict[str, Any], random.Random], list[Call] | None]
_KINDS: dict[str, _Spoil] = {
    Mistaken.WRONG_TYPE: _wrong_type,
    Mistaken.INVENTED_ID: _invented_id,
    Mistaken.DUPLICATE_CALL: _duplicate_call,
    Mistaken.MISSING_ARGUMENT: _missing_argument,
    Mistaken.UNKNOWN_FUNCTION: _unknown_function,
}
