"""What the scripted assistant understands of a conversation so far."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from simkit.standin.roles.language import (
    AND_ALSO,
    BY_THE_WAY,
    CHANGED,
    DETAILS,
    DONT_KNOW,
    I_WANT,
    IT_MATTERS,
    NOT_ABLE,
    asked_again,
    content_words,
    hear_details,
    item_label,
    json_object,
    phrase,
    result_labels,
    words,
)

RECOGNISED = 0.5
"""Share of a tool's own words (by weight) that a sentence must hold to mean that tool."""
_DEEPEST = 4


@dataclass(slots=True)
class Wish:
    """One thing the user asked for, and the tool that serves it."""

    sentence: str
    tool: dict[str, Any]
    done: bool = False
    declined: bool = False
    failures: int = 0

    @property
    def name(self) -> str:
        return str(self.tool["name"])


@dataclass(slots=True)
class Dialogue:
    """Read from the messages of one request; see `read_dialogue`."""

    wishes: list[Wish] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)
    """Label of a value to what the user said it is."""
    not_known: set[str] = field(default_factory=set)
    learnt: dict[str, Any] = field(default_factory=dict)
    """Label of a value to what a function returned; the latest wins."""
    calls: list[dict[str, Any]] = field(default_factory=list)
    """Successful calls: name, arguments, result."""
    fresh: list[dict[str, Any]] = field(default_factory=list)
    """Those of them that the user has not been told about."""
    tried: set[str] = field(default_factory=set)
    """Names of the functions that have been called."""
    not_served: list[str] = field(default_factory=list)
    """What the user has asked for in vain: no tool does it, and they have not been told."""
    changed: list[str] = field(default_factory=list)
    """Labels of what the user has just said otherwise than before."""
    asked_again: list[str] = field(default_factory=list)
    """Labels of what the user has just asked about though they were told."""
    small_talk: bool = False
    """Whether the user has just talked of something else."""
    own: list[str] = field(default_factory=list)
    """What the assistant has said."""

    @property
    def open(self) -> list[Wish]:
        return [wish for wish in self.wishes if not wish.done and not wish.declined]


def read_dialogue(messages: list[dict[str, Any]], tools: list[dict[str, Any]]) -> Dialogue:
    """Go through *messages* in order; *tools* are function definitions."""
    dialogue = Dialogue()
    recogniser = _Recogniser(tools)
    pending: dict[str, dict[str, Any]] = {}
    for message in messages:
        content = str(message.get("content") or "")
        if message["role"] == "user":
            _hear_user(dialogue, recogniser, content)
        elif message["role"] == "assistant":
            for call in message.get("tool_calls") or ():
                pending[call["id"]] = call["function"]
                dialogue.tried.add(call["function"]["name"])
            _hear_self(dialogue, content, speaking=not message.get("tool_calls"))
        elif message["role"] == "tool":
            _hear_tool(dialogue, pending.pop(message["tool_call_id"]), content)
    return dialogue


def _hear_user(dialogue: Dialogue, recogniser: _Recogniser, content: str) -> None:
    for line in content.splitlines():
        if line.startswith(DETAILS):
            dialogue.told |= hear_details(line)
        elif line.startswith(CHANGED):
            label = words(line.removeprefix(CHANGED))
            dialogue.changed.append(label)
            _forget(dialogue, label)
        elif (label_again := asked_again(line)) is not None:
            dialogue.asked_again.append(label_again)
        elif line.startswith(BY_THE_WAY):
            dialogue.small_talk = True
        elif line.startswith(IT_MATTERS):
            continue  # it is of a kind that is met anyway
        elif line.startswith(DONT_KNOW):
            names = line.removeprefix(DONT_KNOW).rstrip(".").split(";")
            dialogue.not_known |= {words(name) for name in names}
        else:
            tools, rest = recogniser.tools_for(line)
            dialogue.wishes += [Wish(sentence=line, tool=tool) for tool in tools]
            dialogue.not_served += rest


def _hear_self(dialogue: Dialogue, content: str, *, speaking: bool) -> None:
    if speaking:
        dialogue.fresh, dialogue.changed, dialogue.asked_again = [], [], []
        dialogue.small_talk = False
        dialogue.own.append(content)
    for line in content.splitlines():
        if line.startswith(NOT_ABLE):
            dialogue.not_served = [wanted for wanted in dialogue.not_served if wanted not in line]
            for wish in dialogue.wishes:
                wish.declined = wish.declined or phrase(wish.tool) in line


def _hear_tool(dialogue: Dialogue, call: dict[str, Any], content: str) -> None:
    result = json_object(content)
    wish = next((w for w in dialogue.open if w.name == call["name"]), None)
    if "error" in result:
        if wish is not None:
            wish.failures += 1
        return
    if wish is not None:
        wish.done = True
    done = {"name": call["name"], "arguments": json_object(call["arguments"]), "result": result}
    dialogue.calls.append(done)
    dialogue.fresh.append(done)
    dialogue.learnt |= _learnt(result)


def _learnt(result: dict[str, Any], depth: int = 0) -> dict[str, Any]:
    """Label to value of every field, also of those inside: outer ones and first ones win."""
    found: dict[str, Any] = {}
    for value in reversed(result.values()):
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, dict) and depth < _DEEPEST:
            found |= _learnt(first, depth + 1)
    for name, value in result.items():
        if isinstance(value, list) and value and (one := item_label(words(name))) is not None:
            found.setdefault(one, value[0])
    for name, value in result.items():
        found |= dict.fromkeys(result_labels(name), value)
    return found


def _forget(dialogue: Dialogue, label: str) -> None:
    """Take back every call that used the value called *label*, or what only such a call gave."""
    stale: dict[str, list[Any]] = {}
    calls, dialogue.calls, dialogue.learnt = dialogue.calls, [], {}
    for call in calls:
        used = {words(name): value for name, value in call["arguments"].items()}
        if label not in used and not any(used.get(one) in stale[one] for one in stale):
            dialogue.calls.append(call)
            dialogue.learnt |= _learnt(call["result"])
            continue
        for one, value in _learnt(call["result"]).items():
            if one not in dialogue.told and dialogue.learnt.get(one) != value:
                stale.setdefault(one, []).append(value)
        dialogue.tried.discard(call["name"])
        wish = next((w for w in dialogue.wishes if w.done and w.name == call["name"]), None)
        if wish is not None:
            wish.done = False


class _Recogniser:
    """Finds the tool that a sentence asks for, by the words they share."""

    def __init__(self, tools: list[dict[str, Any]]) -> None:
        self._tools = tools
        self._phrases = [phrase(tool) for tool in tools]
        self._words = [content_words(text) for text in self._phrases]
        frequency = Counter(word for found in self._words for word in found)
        self._weight = {word: math.log(1 + len(tools) / count) for word, count in frequency.items()}

    def tools_for(self, line: str) -> tuple[list[dict[str, Any]], list[str]]:
        """The tools that a line asks for, in order; and what it asks for that none does."""
        asks = line.startswith(I_WANT)
        parts = line.removeprefix(I_WANT).rstrip(".").split(AND_ALSO) if asks else [line]
        tools: list[dict[str, Any]] = []
        not_served: list[str] = []
        for part in parts:
            if (tool := self._tool_for(part)) is not None:
                tools.append(tool)
            elif asks:
                not_served.append(part)
        return tools, not_served

    def _tool_for(self, sentence: str) -> dict[str, Any] | None:
        """The tool whose own words the sentence holds most fully; None below `RECOGNISED`."""
        heard = content_words(sentence)
        best, best_score = None, RECOGNISED
        for tool, text, own in zip(self._tools, self._phrases, self._words, strict=True):
            score = 2.0 if text in sentence else self._share(own, heard)
            if score > best_score:
                best, best_score = tool, score
        return best

    def _share(self, own: frozenset[str], heard: frozenset[str]) -> float:
        whole = sum(self._weight[word] for word in own)
        return sum(self._weight[word] for word in own & heard) / whole if whole else 0.0
