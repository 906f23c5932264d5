"""What the calls of a conversation have established, and a simulated tool must not contradict.

The paper's tools are played by a model that sees the call and little else (arXiv 2511.15718), and
its release has look-ups that change their answer and orders that are gone a turn later.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from simkit.graph.inference.actions import action_of
from simkit.graph.naming import ends_things, singular_words
from simkit.traces.functions import Function

_READS = frozenset({"asks", "computes", "counts", "gets", "lists", "writes"})
"""Kinds of actions that leave the world as it is; "writes" is to write a text."""
_IDENTIFYING = frozenset({"code", "id", "identifier", "key", "number", "reference", "uuid"})
_MISSING = re.compile(
    r"not.?found|(?:does|do|did) ?n[o']t.exist|no.such|unknown"
    r"|no [\w ]{1,40} (?:with|found|exists)",
    re.IGNORECASE,
)
_SHORTEST_ID = 4
_DEEPEST = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A call that succeeded, and what it returned."""

    name: str
    arguments: dict[str, Any]
    result: dict[str, Any]


@dataclass(slots=True)
class World:
    """What has happened in one conversation so far."""

    past: list[Past] = field(default_factory=list)
    """Calls that succeeded, in order."""
    _answers: dict[bytes, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    """The latest result of each call that changed nothing, and how many changes were before."""
    _changes: int = 0
    _ids: set[str] = field(default_factory=set)
    """Identifiers that results have named, and that nothing has deleted."""
    _failed: set[bytes] = field(default_factory=set)
    """Calls that failed when they were last made."""

    def add(self, function: Function, arguments: dict[str, Any], result: dict[str, Any]) -> None:
        """Take in a call that succeeded."""
        key = call_key(function.name, arguments)
        self._failed.discard(key)
        self.past.append(Past(name=function.name, arguments=arguments, result=result))
        if changes_things(function):
            self._changes += 1
            self._answers.pop(key, None)
        else:
            self._answers[key] = (self._changes, result)
        self._ids.update(_identifiers(result))
        if ends_things(function):
            self._ids.difference_update(_values(arguments))

    def add_failure(self, name: str, arguments: dict[str, Any]) -> None:
        """Take in a call that failed."""
        self._failed.add(call_key(name, arguments))

    def failed_last(self, name: str, arguments: dict[str, Any]) -> bool:
        """Whether this very call failed when it was last made."""
        return call_key(name, arguments) in self._failed

    def known_answer(self, name: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
        """What the same call returned before, if nothing can have changed it since."""
        changes, result = self._answers.get(call_key(name, arguments), (-1, None))
        return result if changes == self._changes else None

    def contradiction(self, arguments: Mapping[str, Any], result: Mapping[str, Any]) -> str | None:
        """What in *result* cannot be, after all that was, in words for the model; None if
        nothing."""
        if "error" in result:
            return self._missing_again(arguments, str(result["error"]))
        for name, value in arguments.items():
            if _is_identifying(name) and name in result and _differs(value, result[name]):
                return f"{name} was {value!r} in the call and is {result[name]!r} in the result"
        return None

    def _missing_again(self, arguments: Mapping[str, Any], complaint: str) -> str | None:
        if not _MISSING.search(complaint):
            return None
        named = next((value for value in _values(arguments) if value in self._ids), None)
        if named is None or named not in complaint:
            return None
        return f"it says that {named!r} does not exist, but an earlier call returned it"


def changes_things(function: Function) -> bool:
    """Whether a call of *function* may change what others return; when in doubt, it may."""
    action = action_of(function)
    return action is None or action.kind not in _READS


def call_key(name: str, arguments: Mapping[str, Any]) -> bytes:
    """The same for calls of the same function with the same arguments, in any order."""
    return orjson.dumps([name, arguments], option=orjson.OPT_SORT_KEYS)


def _differs(said: Any, returned: Any) -> bool:
    plain = (str, int)
    if not (isinstance(said, plain) and isinstance(returned, plain)):
        return False
    return str(said).casefold() != str(returned).casefold()


def _is_identifying(name: str) -> bool:
    return not _IDENTIFYING.isdisjoint(singular_words(name)[-1:])


def _identifiers(value: Any, name: str = "", depth: int = 0) -> Iterator[str]:
    """The values of identifying fields anywhere in *value*, as text."""
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _identifiers(inner, key, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _identifiers(inner, name, depth + 1)
    elif isinstance(value, str | int) and _is_identifying(name) and len(str(value)) >= _SHORTEST_ID:
        yield str(value)


def _values(arguments: Mapping[str, Any]) -> Iterator[str]:
    for value in arguments.values():
        if isinstance(value, str | int):
            yield str(value)
