"""The same question to a tool, answered differently."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from simkit.filters.actions import only_looks
from simkit.filters.filter import Objection
from simkit.filters.grounding.normal_text import name_words
from simkit.filters.tool_results import error_in, results_by_call
from simkit.traces.one_line import one_line
from simkit.traces.records import Message, ToolCall, Trajectory
from simkit.traces.shallow_json import parse_json

_Path = tuple[str, ...]
_Leaves = dict[_Path, str]

_BY_CHANCE = re.compile(
    r"any|facts|fact|generate|headlines|joke|jokes|latest|live|news|next|password|quote|"
    r"quotes|random|recommend|recommendation|recommendations|shuffle|suggest|suggestion|"
    r"tip|trending|trivia"
)
"""Words of functions that owe nobody the same answer twice."""

_NAMES = re.compile(
    r"artist|author|brand|director|email|firstname|fullname|lastname|mail|manufacturer|"
    r"name|owner|phone|surname|title|username"
)
_EVENTS = re.compile(
    r"arrival|birth|birthday|born|check|created|creation|delivery|departure|dob|due|end|"
    r"established|expiration|expires|expiry|founded|hire|hired|issue|issued|joined|"
    r"publication|published|purchase|purchased|release|released|start"
)
_DATES = re.compile(r"at|birth|birthday|born|date|day|dob|on|year")
_IDS = re.compile(r"code|iban|id|identifier|isbn|number|sku|uuid")
_PASSING = re.compile(
    r"access|calculation|check|checked|confirmation|correlation|current|estimated|expected|"
    r"fetched|generated|job|last|latest|log|message|next|now|offer|page|query|quote|"
    r"reference|report|request|response|result|retrieved|search|searched|session|status|"
    r"trace|track|tracking|transaction|updated"
)
"""Words of keys whose values belong to the answer and not to the record."""
_LONGEST = 200
"""Longer texts are descriptions, not names."""


class ContradictoryRepeats:
    """What rests on a tool that contradicts itself is masked, or objects to the whole.

    A call that only looks something up (by its name) and is made again with the same
    arguments must give the same record, unless a call that may have changed it came in
    between. Compared are only values which do not change by themselves: identifiers, names,
    titles, addresses of people, and dates such as of birth, issue or departure, under the same
    key of the same record. Items of lists are paired by their ids; lists of things without ids
    only where they are part of a record and as long as before. An answer with less or
    more in it, another spelling of case and space, a value that contains the other, prices,
    amounts, states, counters, times of asking, errors before or after, and functions that
    choose by chance are let pass. So are two of the same calls in one message, which are
    `DuplicateCalls`' business, and what the assistant says itself: its mistakes in retelling
    are `MisreportedResults`'.

    The tool is at fault and not the caller, so the call stays trained on; the assistant's
    messages from the contradiction up to its answer are masked, as they must believe one of
    two worlds. Where one id has two names there is more at stake than one answer: everybody
    whom the conversation is about may be another, and every later turn reads both. That
    objects to the whole.

    False alarms: it masks none of 494 turns of tau-bench's passing airline conversations, none
    of 463 of glaive, both at even rows, and none of the 1,802 sound turns of the stand-in. Of
    the 829 at odd rows, which were held out, it masks none.
    """

    name = "contradictory_repeats"

    def check(self, trajectory: Trajectory) -> Iterator[Objection]:
        messages = trajectory.messages
        answers: dict[bytes, tuple[int, _Leaves]] = {}
        objected: set[int] = set()
        for index, message in enumerate(messages):
            if message.role != "assistant" or not message.tool_calls:
                continue
            for found in _contradictions(messages, index, answers):
                if found.of_identity:
                    yield Objection(check=self.name, message=found.told, turn=None)
                    continue
                for turn in _turns_up_to_the_answer(messages, index):
                    if turn not in objected:
                        objected.add(turn)
                        yield Objection(check=self.name, message=found.told, turn=turn)


class _Contradiction(NamedTuple):
    told: str
    of_identity: bool


def _contradictions(
    messages: tuple[Message, ...], index: int, answers: dict[bytes, tuple[int, _Leaves]]
) -> Iterator[_Contradiction]:
    """Those in the results of message *index*; keeps *answers*, which is by call.

    Of calls made at once any may have come first, so one that acts clears all.
    """
    calls = messages[index].tool_calls
    if not all(only_looks(call.name) for call in calls):
        answers.clear()
        return
    results = results_by_call(messages, index)
    for call in calls:
        key = None if _any(_BY_CHANCE, name_words(call.name)) else _key(call)
        leaves = _record(results[call.id]) if call.id in results else {}
        if key is None or not leaves:
            continue
        before, known = answers.setdefault(key, (index, leaves))
        path = next((path for path in leaves if _differ(leaves[path], known.get(path))), None)
        if path is not None and before < index:
            told = (
                f"{call.name!r} in message {index} is answered with {_shown(path, leaves)}, and "
                f"the same call in message {before} with {_shown(path, known)}, though nothing "
                "has changed it"
            )
            yield _Contradiction(one_line(told), _is_identity(path, leaves, known, call))


def _key(call: ToolCall) -> bytes | None:
    try:
        arguments = call.parsed_arguments()
        return orjson.dumps([call.name, arguments], option=orjson.OPT_SORT_KEYS)
    except (ValueError, orjson.JSONEncodeError):  # the second for half of a surrogate pair
        return None


def _record(result: Message) -> _Leaves:
    """The lasting values of a result, by where they stand in it."""
    if error_in(result) is not None:
        return {}
    try:
        return dict(_lasting(parse_json(result.content), ()))
    except ValueError:
        return {}


def _lasting(value: Any, path: _Path) -> Iterator[tuple[_Path, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, (dict, list)):
                yield from _lasting(item, (*path, key))
            elif (text := _text(item)) and _is_lasting(key):
                yield (*path, key), text
    elif isinstance(value, list):
        yield from _lasting_of_items(value, path)


def _lasting_of_items(items: list[Any], path: _Path) -> Iterator[tuple[_Path, str]]:
    """By the id of each; without ids by the place in an order that is the same for the same."""
    nameless: list[_Leaves] = []
    for item in items:
        own = _own_id(item) if isinstance(item, dict) else None
        if own is not None:
            yield from _lasting(item, (*path, own))
        elif path and (leaves := dict(_lasting(item, ()))):
            nameless.append(leaves)
    nameless.sort(key=lambda leaves: sorted(leaves.items()))
    for place, leaves in enumerate(nameless):
        for at, text in leaves.items():
            yield (*path, f"{place + 1} of {len(nameless)}", *at), text


def _own_id(record: Mapping[str, Any]) -> str | None:
    for key, value in record.items():
        if name_words(key)[-1:] == ("id",) and (text := _text(value)):
            return f"{key}={text}"
    return None


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    text = str(value)
    return " ".join(text.casefold().split()) if len(text) <= _LONGEST else ""


def _is_lasting(key: str) -> bool:
    words = name_words(key)
    if not words or (words != ("last", "name") and _any(_PASSING, words)):
        return False
    last = words[-1]
    is_event = _DATES.fullmatch(last) is not None and _any(_EVENTS, words)
    return is_event or _any(_NAMES, [last]) or _any(_IDS, [last])


def _any(wanted: re.Pattern[str], words: Iterable[str]) -> bool:
    return any(map(wanted.fullmatch, words))


def _differ(one: str, other: str | None) -> bool:
    """Whether both are told and neither is a part of the other, as a first name is."""
    return other is not None and one not in other and other not in one


def _is_identity(path: _Path, leaves: _Leaves, known: _Leaves, call: ToolCall) -> bool:
    """Whether something that is known by one id has two names."""
    if _any(_IDS, name_words(path[-1])[-1:]):
        return False
    same = {at for at in leaves if leaves[at] == known.get(at)}
    ids = {at[-1] for at in same if at[:-1] == path[:-1]} | set(call.parsed_arguments())
    return any("=" in step for step in path) or any(
        name_words(name)[-1:] == ("id",) for name in ids
    )


def _shown(path: _Path, leaves: _Leaves) -> str:
    return f"{'.'.join(path)[:60]} {leaves[path][:60]!r}"


def _turns_up_to_the_answer(messages: tuple[Message, ...], index: int) -> Iterator[int]:
    for turn in range(index + 1, len(messages)):
        if messages[turn].role == "user":
            return
        if messages[turn].role == "assistant":
            yield turn
