"""What the assistant does in a turn, told by rule from the messages alone.

A model learns what it sees, so a run must hold enough of each: asking, declining, several calls at
once, mending a call that failed, and answering without a call. Wordings are English.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import orjson

from simkit.traces.counts import Query
from simkit.traces.records import Message, ToolCall

TurnKind = Literal["clarifying", "declining", "parallel", "repairing", "no_call"]
"""A turn is one assistant message, and may be of several kinds, or of none.
``clarifying``: makes no call, and asks the user for something; to ask whether there is anything
else does not count. ``declining``: makes no call, and says that something cannot be done.
``parallel``: makes two different calls or more. ``repairing``: makes a call that works, to a
function whose last call failed, or right after a call to a function that is not there.
``no_call``: makes no call, and answers a user for whom none was made in the turns before."""

_BETWEEN_SENTENCES = re.compile(r"(?<=[.!?])\s+|\n")
_ASKS = re.compile(
    r"\?[\"')*\s]*$|\bplease (?:also )?(?:provide|tell me|share|give me|specify|confirm)\b",
    re.IGNORECASE,
)
_OFFERS = re.compile(
    r"\b(?:anything|something|what) else\b|\bany (?:other|further|more)\b"
    r"|\b(?:how|what) (?:can|may|could) I (?:help|assist|do)\b|\bhelp you (?:today|with)\b",
    re.IGNORECASE,
)
_DECLINES = re.compile(
    r"\bI(?:'m| am) (?:\w+ ){0,2}(?:not able|unable)\b"
    r"|\bI (?:\w+ )?(?:cannot|can't|can not|could not|couldn't|won't be able)\b"
    r"|\bI (?:have no|(?:do not|don't) have (?:a|any|the|access)\b) ?(?:function|tool|way|means"
    r"|ability|access|to)?\b"
    r"|\bthere is no (?:function|tool|way)\b|\b(?:is|are) not something I can\b",
    re.IGNORECASE,
)
_UNKNOWN = "unknown_function"
"""Type of the error that answers a call to a function that is not there."""


def turn_kinds(messages: Sequence[Message]) -> dict[int, frozenset[TurnKind]]:
    """Index of each assistant message to its kinds."""
    kinds: dict[int, frozenset[TurnKind]] = {}
    errors = _errors(messages)
    failed: set[str] = set()
    was_lost = has_called = False
    for index, message in enumerate(messages):
        if message.role == "user":
            has_called = False
        elif message.role == "assistant" and message.tool_calls:
            has_called = True
            works = [call.name for call in message.tool_calls if errors.get(call.id) is None]
            repairs = bool(works) and (was_lost or not failed.isdisjoint(works))
            kinds[index] = _calling(message.tool_calls, repairs=repairs)
            failed -= set(works)
            failed |= {call.name for call in message.tool_calls if errors.get(call.id) is not None}
            was_lost = any(errors.get(call.id) == _UNKNOWN for call in message.tool_calls)
        elif message.role == "assistant":
            kinds[index] = _speaking(message.content, has_called=has_called)
            was_lost = False
    return kinds


def _calling(calls: Iterable[ToolCall], *, repairs: bool) -> frozenset[TurnKind]:
    found: set[TurnKind] = {"repairing"} if repairs else set()
    if len({(call.name, call.arguments) for call in calls}) > 1:
        found.add("parallel")
    return frozenset(found)


def _speaking(text: str, *, has_called: bool) -> frozenset[TurnKind]:
    found: set[TurnKind] = set() if has_called else {"no_call"}
    sentences = [one for one in _BETWEEN_SENTENCES.split(text) if not _OFFERS.search(one)]
    if any(_ASKS.search(sentence) for sentence in sentences):
        found.add("clarifying")
    if any(_DECLINES.search(sentence) for sentence in sentences):
        found.add("declining")
    return frozenset(found)


def _errors(messages: Iterable[Message]) -> dict[str, str]:
    """Id of each call that failed, or was never answered, to the type of its error."""
    found: dict[str, str] = {}
    for message in messages:
        found |= dict.fromkeys((call.id for call in message.tool_calls), "no result")
        if message.role == "tool" and message.tool_call_id is not None:
            error = _error_in(message.content)
            if error is None:
                found.pop(message.tool_call_id, None)
            else:
                found[message.tool_call_id] = error
    return found


def _error_in(content: str) -> str | None:
    try:
        result = orjson.loads(content)
    except ValueError:
        return None
    if not isinstance(result, dict) or "error" not in result:
        return None
    error = result["error"]
    return str(error.get("type", "")) if isinstance(error, dict) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnKindCounts:
    """How often the assistant of kept conversations does what; masked turns do not count."""

    turns: int
    """Assistant messages that are trained on."""
    conversations: int
    """Kept conversations."""
    of_turns: Mapping[str, int]
    """Kind to those turns that are of it."""
    of_conversations: Mapping[str, int]
    """Kind to the conversations with at least one such turn."""
    without_calls: int
    """Kept conversations in which no call is made at all."""


def count_turn_kinds(query: Query, verdicts: str) -> TurnKindCounts:
    """Count what *query* sees, by the verdicts of that set; reads each kept conversation once.

    One that is damaged counts as a conversation without turns.
    """
    of_turns: Counter[str] = Counter()
    of_conversations: Counter[str] = Counter()
    turns = conversations = without_calls = 0
    select = (
        "SELECT CAST(t.body AS BLOB), CAST(v.body AS BLOB) FROM trajectories AS t"
        " JOIN verdicts AS v ON v.scenario = t.scenario"
        " WHERE v.filter_set = ? AND v.outcome = 'kept'"
    )
    for body, verdict in query(select, verdicts):
        conversations += 1
        messages, trained = _read(body, verdict)
        kinds = turn_kinds(messages)
        here = [kinds[index] for index in trained if index in kinds]
        turns += len(here)
        of_turns.update(kind for found in here for kind in found)
        of_conversations.update(frozenset().union(*here))
        without_calls += bool(messages) and not any(one.tool_calls for one in messages)
    names = get_args(TurnKind)
    return TurnKindCounts(
        turns=turns,
        conversations=conversations,
        of_turns={name: of_turns[name] for name in names},
        of_conversations={name: of_conversations[name] for name in names},
        without_calls=without_calls,
    )


def _read(body: bytes, verdict: bytes) -> tuple[list[Message], list[int]]:
    """The messages, and the indexes of those that are trained on; nothing of damaged rows."""
    # Not validated: that takes most of the time, and here nothing hangs on it.
    try:
        messages = [_message(**one) for one in orjson.loads(body)["messages"]]
        trained = [int(turn["index"]) for turn in orjson.loads(verdict)["turns"] if turn["ok"]]
    except (ValueError, TypeError, KeyError):
        return [], []
    return messages, trained


def _message(*, tool_calls: Iterable[Mapping[str, str]] = (), **fields: str) -> Message:
    calls = tuple(ToolCall(**call) for call in tool_calls)
    return Message(tool_calls=calls, **fields)  # type: ignore[arg-type]  # the role is a str
