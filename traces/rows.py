"""Records as rows of the store, and back.

A trajectory's row names its functions by the hash of their content, so each function is
stored once however many scenarios offer it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

from simkit.traces.calls import Answer, CallSite, CallTimes, ChatRequest, Completion, Usage
from simkit.traces.database import StoreError
from simkit.traces.functions import Function
from simkit.traces.records import Provenance, Scenario, Trajectory, Verdict

Row = dict[str, Any]
"""Column to value."""

SAVE_THE_OTHERS = "save the others: simkit recover RUN --out DIR"
"""What helps when a row does not hold what it should."""

_RECORD_SCHEMA = 1
_COMPLETION = TypeAdapter(Completion)
_FUNCTION = TypeAdapter(Function)
_TRAJECTORY = TypeAdapter(Trajectory)
_VERDICT = TypeAdapter(Verdict)

# Looked up once: `fields` is slow for something done at every call.
_FIELDS: dict[type[Any], tuple[str, ...]] = {
    record: tuple(field.name for field in fields(record))
    for record in (CallSite, CallTimes, Completion, Provenance, Scenario, Trajectory, Usage)
}

_Record = TypeVar("_Record")


def call_row(fingerprint: bytes, request: ChatRequest, model: str, answer: Answer) -> Row:
    """A row of ``calls``; site, usage and times have a column for each field."""
    reply = _by_field(answer.completion)
    usage, extras = reply.pop("usage"), reply.pop("extras")
    return {
        "fingerprint": fingerprint,
        **_by_field(request.site),
        "model": model,
        "reply": orjson.dumps(reply),
        **_by_field(usage),
        **_by_field(answer.times),
        "extras": orjson.dumps(extras),
    }


def answer_of(row: Mapping[str, Any], place: str) -> Answer:
    """The answer that `call_row` made a row of.

    This and its like raise `StoreError` when the row does not hold one; *place* is for that.
    """
    reply = _object(row["reply"], place)
    reply["usage"] = Usage(**{name: row[name] for name in _FIELDS[Usage]})
    reply["extras"] = _object(row["extras"], place)
    times = CallTimes(**{name: row[name] for name in _FIELDS[CallTimes]})
    return Answer(completion=_validated(_COMPLETION, reply, place), times=times)


def function_row(function: Function) -> Row:
    """A row of ``functions``: the function and the hash of its content."""
    body = orjson.dumps(function)
    return {"key": hashlib.blake2b(body, digest_size=16).hexdigest(), "body": body}


def function_of(body: bytes, place: str) -> Function:
    """The function that `function_row` made a row of."""
    return _validated(_FUNCTION, _object(body, place), place)


def trajectory_row(trajectory: Trajectory, function_keys: list[str], seconds: float) -> Row:
    """A row of ``trajectories``, with *function_keys* in the place of the tools."""
    scenario = _by_field(trajectory.scenario) | {"tools": function_keys}
    provenance = _by_field(trajectory.provenance)
    if provenance["parent"] is None:  # of forks only: all others keep the bytes they had before
        del provenance["parent"]
    stored = {"scenario": scenario, "provenance": provenance}
    return {
        "scenario": trajectory.scenario.number,
        "id": trajectory.id,
        "ended": trajectory.ended,
        "cause": trajectory.cause,
        "error": trajectory.error,
        "seconds": seconds,
        "messages": len(trajectory.messages),
        "body": orjson.dumps(_by_field(trajectory) | stored),
    }


def trajectory_of(body: bytes, function: Callable[[str], Function], place: str) -> Trajectory:
    """The trajectory that `trajectory_row` made a row of; *function* looks up a key."""
    stored = _object(body, place)
    _check_schema(stored, place)
    try:
        scenario = stored["scenario"]
        scenario["tools"] = [function(key) for key in scenario["tools"]]
    except (KeyError, TypeError) as error:
        raise StoreError(
            f"{place} does not say which functions it offers; {SAVE_THE_OTHERS}"
        ) from error
    return _validated(_TRAJECTORY, stored, place)


def verdict_of(body: bytes, place: str) -> Verdict:
    """The verdict whose JSON is *body*."""
    return _validated(_VERDICT, _object(body, place), place)


def _object(body: bytes, place: str) -> Row:
    """The JSON object that *body* is."""
    try:
        stored = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise StoreError(f"{place} is not JSON: {error}; {SAVE_THE_OTHERS}") from error
    if not isinstance(stored, dict):
        raise StoreError(f"{place} is not a JSON object; {SAVE_THE_OTHERS}")
    return stored


def _by_field(record: Any) -> Row:
    """The fields of *record*; unlike ``asdict`` it leaves the values as they are."""
    return {name: getattr(record, name) for name in _FIELDS[type(record)]}


def _validated(adapter: TypeAdapter[_Record], stored: Any, place: str) -> _Record:
    _check_schema(stored, place)
    try:
        return adapter.validate_python(stored)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise StoreError(
            f"{place} has an unfit field `{field}`: {first['msg']}; {SAVE_THE_OTHERS}"
        ) from error


def _check_schema(stored: Mapping[str, Any], place: str) -> None:
    version = stored.get("schema")
    if version != _RECORD_SCHEMA:
        raise StoreError(
            f"{place} has record version {version} and this simkit works with version "
            f"{_RECORD_SCHEMA}; use the simkit release that wrote it"
        )
