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
from simkit.traces.database import Place, StoreError
from simkit.traces.functions import Function
from simkit.traces.records import Provenance, Scenario, Trajectory, Verdict

Row = dict[str, Any]
"""Column to value."""

_RECORD_SCHEMA = 1
_COMPLETION = TypeAdapter(Completion)
_FUNCTION = TypeAdapter(Function)
_TRAJECTORY = TypeAdapter(Trajectory)
_VERDICT = TypeAdapter(Verdict)

# Looked up once: `fields` is slow for something done at every call.
_FIELDS: dict[type[Any], tuple[str, ...]] = {
    record: tuple(field.name for field in fields(record))
    for record in (
        CallSite,
        CallTimes,
        Completion,
        Provenance,
        Scenario,
        Trajectory,
        Usage,
        Verdict,
    )
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


def answer_of(row: Mapping[str, Any], place: Place) -> Answer:
    """The answer that `call_row` made a row of.

    This and its like raise `DamagedStore` when the row does not hold one, and another
    `StoreError` when the record is of another version; *place* is for that.
    """
    reply = _object(row["reply"], place)
    reply["usage"] = Usage(**{name: row[name] for name in _FIELDS[Usage]})
    reply["extras"] = _object(row["extras"], place)
    measured = {name: row[name] for name in _FIELDS[CallTimes]}
    for name, value in measured.items():
        if not isinstance(value, int | float):
            raise place.damaged(f"its `{name}` is no number")
    times = CallTimes(**measured)
    return Answer(completion=_validated(_COMPLETION, reply, place), times=times)


def function_row(function: Function) -> Row:
    """A row of ``functions``: the function and the hash of its content."""
    body = orjson.dumps(function)
    return {"key": hashlib.blake2b(body, digest_size=16).hexdigest(), "body": body}


def function_of(body: bytes, place: Place) -> Function:
    """The function that `function_row` made a row of."""
    return _validated(_FUNCTION, _object(body, place), place)


def trajectory_row(trajectory: Trajectory, function_keys: list[str], seconds: float) -> Row:
    """A row of ``trajectories``, with *function_keys* in the place of the scenario's functions."""
    scenario = _by_field(trajectory.scenario)
    offered = len(scenario["tools"])
    scenario |= {"tools": function_keys[:offered], "withheld": function_keys[offered:]}
    if not scenario["plan"]:  # of planned ones only: all others keep the bytes they had before
        del scenario["kind"], scenario["plan"], scenario["withheld"]
    if scenario["persona"] is None and scenario["dialogue"] == "gradual":
        del scenario["dialogue"], scenario["persona"]
    provenance = _by_field(trajectory.provenance)
    if provenance["parent"] is None:  # of forks only: all others keep the bytes they had before
        del provenance["parent"]
    intent = None if trajectory.intent is None else trajectory.intent.as_data()
    stored = {"scenario": scenario, "intent": intent, "provenance": provenance}
    return {
        "scenario": trajectory.scenario.number,
        "id": trajectory.id,
        "ended": trajectory.ended,
        "cause": trajectory.cause,
        "error": trajectory.error,
        "seconds": seconds,
        "messages": len(trajectory.messages),
        "body": orjson.dumps(_without_empty(_by_field(trajectory) | stored, "faults", "reasked")),
    }


def _without_empty(row: Row, *names: str) -> Row:
    """*row* without those of *names* that are empty: such rows keep the bytes they had before."""
    return {name: value for name, value in row.items() if value or name not in names}


def function_keys_of(body: bytes) -> list[str]:
    """What `trajectory_row` was given to make the row that holds *body*."""
    scenario = orjson.loads(body)["scenario"]
    return [*scenario["tools"], *scenario.get("withheld", ())]


def trajectory_of(body: bytes, function: Callable[[str], Function], place: Place) -> Trajectory:
    """The trajectory that `trajectory_row` made a row of; *function* looks up a key."""
    stored = _object(body, place)
    _check_schema(stored, place)
    try:
        scenario = stored["scenario"]
        for part in ("tools", "withheld") if "withheld" in scenario else ("tools",):
            scenario[part] = [function(key) for key in scenario[part]]
    except (KeyError, TypeError) as error:
        raise place.damaged("it does not say which functions it offers") from error
    return _validated(_TRAJECTORY, stored, place)


def verdict_body(verdict: Verdict) -> bytes:
    """*verdict* as it is stored."""
    return orjson.dumps(_without_empty(_by_field(verdict), "votes"))


def as_stored(verdict: Verdict) -> Row:
    """*verdict* in the form that those who count verdicts look into."""
    stored: Row = orjson.loads(verdict_body(verdict))
    return stored


def verdict_of(body: bytes, place: Place) -> Verdict:
    """The verdict whose JSON is *body*."""
    return _validated(_VERDICT, _object(body, place), place)


def _object(body: object, place: Place) -> Row:
    """The JSON object that *body* is; damage may have made anything of it."""
    if isinstance(body, str):
        body = body.encode(errors="surrogateescape")
    if not isinstance(body, bytes):
        raise place.damaged("it is no text")
    try:
        stored = orjson.loads(body.decode())
    except UnicodeDecodeError as error:
        raise place.damaged(f"it is not UTF-8 text from byte {error.start} on") from error
    except orjson.JSONDecodeError as error:
        raise place.damaged(f"it is not JSON: {error}") from error
    if not isinstance(stored, dict):
        raise place.damaged("it is not a JSON object")
    return stored


def _by_field(record: Any) -> Row:
    """The fields of *record*; unlike ``asdict`` it leaves the values as they are."""
    return {name: getattr(record, name) for name in _FIELDS[type(record)]}


def _validated(adapter: TypeAdapter[_Record], stored: Any, place: Place) -> _Record:
    _check_schema(stored, place)
    try:
        return adapter.validate_python(stored)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise place.damaged(f"its field `{field}` is unfit: {first['msg']}") from error


def _check_schema(stored: Mapping[str, Any], place: Place) -> None:
    version = stored.get("schema")
    if type(version) is not int:
        raise place.damaged("it has no record version")
    if version != _RECORD_SCHEMA:
        raise StoreError(
            f"{place} has record version {version} and this simkit works with version "
            f"{_RECORD_SCHEMA}; use the simkit release that wrote it"
        )
