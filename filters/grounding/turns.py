"""Walks a conversation with what its sources have given before each assistant message."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

import orjson

from simkit.filters.grounding.known_values import KnownValues
from simkit.filters.grounding.relative_dates import (
    RelativeDate,
    clock_at,
    clocks_in,
    is_clock,
    relative_dates_in,
)
from simkit.filters.grounding.spoken_language import SpokenLanguage
from simkit.traces.functions import Function
from simkit.traces.records import Message, ToolCall, Trajectory
from simkit.traces.shallow_json import parse_json

_AGREES = re.compile(
    r"\s*\W{0,3}(?:yes|yeah|yep|yup|sure|ok|okay|correct|right|exactly|confirm|confirmed|perfect|great|"
    r"sounds good|that works|go ahead|please (?:do|proceed|go)|proceed|absolutely|definitely|"
    r"fine|agreed|i confirm|i agree|that(?:'s| is) (?:right|correct|fine|good))\b",
    re.IGNORECASE,
)


class Offered:
    """What the definitions of the functions on offer say: names, examples, defaults, limits."""

    def __init__(self, functions: Iterable[Function]) -> None:
        self._functions = [_definition(function.tool_json) for function in functions]

    def has_word(self, word: str) -> bool:
        """See `KnownValues.has_word`."""
        return any(known.has_word(word) for known in self._functions)

    def has_run(self, text: str) -> bool:
        """See `KnownValues.has_run`."""
        return any(known.has_run(text) for known in self._functions)

    def has_number(self, number: float) -> bool:
        """See `KnownValues.has_number`."""
        return any(known.has_number(number) for known in self._functions)

    @property
    def years(self) -> set[int]:
        """Every year that some definition names."""
        return set().union(*(known.years for known in self._functions))


@lru_cache(maxsize=2048)  # the conversations of a run share their functions
def _definition(tool: bytes) -> KnownValues:
    known = KnownValues()
    known.add_value(orjson.loads(tool))
    return known


@dataclass(slots=True)
class Sources:
    """What has been given up to some message; grows with the conversation."""

    offered: Offered
    said: KnownValues = field(default_factory=KnownValues)
    """By users, results and system messages, and what users agreed to."""
    spoken: SpokenLanguage = field(default_factory=SpokenLanguage)
    """By users: which language it is."""
    relative: list[RelativeDate] = field(default_factory=list)
    """Dates that users gave relative to the day of speaking."""
    clocks: list[date | None] = field(default_factory=list)
    """Current dates that were stated; None for one that could not be read."""

    def hear(self, message: Message, called: str | None) -> None:
        """Learn from a *message* that is not the assistant's.

        Args:
            message: The next message.
            called: The function whose result it is, if it is one.
        """
        if self.said.is_full:
            return
        if message.role == "tool":
            self.said.add_result(message.content)
            self.clocks += _clocks_of_result(message.content, called or "")
            return
        self.said.add_text(message.content)
        self.clocks += clocks_in(message.content)
        if message.role == "user":
            self.relative += relative_dates_in(message.content)
            self.spoken.add(message.content)


@dataclass(frozen=True, slots=True)
class Turn:
    """An assistant message with what was known before it."""

    index: int
    message: Message
    sources: Sources
    """As of this message while it is the latest that was walked to; it grows afterwards."""

    def calls(self) -> Iterator[tuple[ToolCall, dict[str, Any]]]:
        """The calls whose arguments are a JSON object; others are another check's business."""
        for call in self.message.tool_calls:
            try:
                yield call, call.parsed_arguments()
            except ValueError:
                continue


def turns(trajectory: Trajectory) -> Iterator[Turn]:
    """Each assistant message in order, until more was said than is indexed.

    The assistant's own words are no source, except where the user's next message agrees to
    them. Time and memory grow in proportion to the text.
    """
    tools = trajectory.scenario.tools
    sources = Sources(Offered(tools))
    for tool in tools:
        sources.clocks += clocks_in(tool.description)
    called: dict[str, str] = {}
    proposal = ""
    for index, message in enumerate(trajectory.messages):
        if sources.said.is_full:
            return
        if message.role == "assistant":
            yield Turn(index, message, sources)
            called |= {call.id: call.name for call in message.tool_calls}
            proposal = message.content
            continue
        if message.role == "user" and _AGREES.match(message.content):
            sources.said.add_text(proposal)
        sources.hear(message, called.get(message.tool_call_id or ""))


def _clocks_of_result(text: str, function: str) -> Iterator[date | None]:
    try:
        value = parse_json(text)
    except ValueError:
        yield from clocks_in(text)
        if is_clock(function):
            yield None
        return
    found = list(_clocks_within(value))
    yield from found
    if not found and is_clock(function):
        yield None


def _clocks_within(value: Any) -> Iterator[date]:
    if isinstance(value, list):
        for item in value:
            yield from _clocks_within(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            stated = clock_at(key, item)
            if stated is not None:
                yield stated
            yield from _clocks_within(item)
