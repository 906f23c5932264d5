"""The scripted judges: strict, binary, and by rule."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

import orjson

from simkit.standin.roles.language import I_WANT, NOT_ABLE, asked_for, json_object, words
from simkit.traces.arguments import argument_problem
from simkit.traces.functions import Function

Verdict = dict[str, Any]

FAILED_CALLS = 4
"""Failed calls beyond which a conversation counts as lost."""
SHORT = 3
"""Values of at most this many characters are too common to be traced."""


class Conduct(NamedTuple):
    """How judges misbehave."""

    faults: float = 0.0
    """Share of replies that are no ruling: nonsense, no JSON, or at odds with themselves."""
    always: int | None = None
    """What they rule whatever they are shown; None: what is right."""

    def spoken(self, verdict: Verdict, draw: random.Random) -> str:
        """*verdict* as a judge of this conduct says it."""
        if self.always is not None:
            verdict = _verdict(self.always, "it is like all the others")
        said = orjson.dumps(verdict).decode()
        if not self.faults or draw.random() >= self.faults:
            return said
        ruled = int(verdict.get("verdict") == 1)
        against = _verdict(ruled, f"so the verdict is {1 - ruled}")
        return draw.choice(
            ("The weather is lovely today.", said[:-1], orjson.dumps(against).decode())
        )


def judge_trajectory(
    intent: dict[str, Any],
    conversation: list[dict[str, Any]],
    by_design: dict[str, list[int]] | None = None,
) -> Verdict:
    """1 when every goal was brought up and the assistant got somewhere with them.

    Args:
        by_design: What is missing on purpose, as the judge's prompt has it.
    """
    said = " ".join(_text(m) for m in conversation if m["role"] == "user")
    for goal in intent.get("goals", []):
        if goal["text"] not in said:
            return _verdict(0, f"the goal was never brought up: {goal['text']}")
    answers = [_text(m) for m in conversation if m["role"] == "assistant"]
    asked = {name for answer in answers for name in asked_for(answer)}
    goals, missing = intent.get("goals", []), by_design or {}
    vain = [goals[number - 1] for number in missing.get("cannot_be_served", ())]
    for goal in vain:
        wanted = goal["text"].removeprefix(I_WANT)
        if not any(f"{NOT_ABLE}{wanted}" in answer for answer in answers):
            return _verdict(
                0, f"no function on offer does it, and this was not said: {goal['text']}"
            )
    for goal in (goals[number - 1] for number in missing.get("told_when_asked", ())):
        if not _held_back(goal) & asked:
            return _verdict(0, f"a value that was needed was not asked for: {goal['text']}")
    if vain and len(vain) == len(goals):
        return _verdict(1, "nothing could be done with what is on offer, and the user was told")
    results = [json_object(_text(m)) for m in conversation if m["role"] == "tool"]
    failed = sum("error" in result for result in results)
    if failed > FAILED_CALLS:
        return _verdict(0, f"{failed} calls failed: the assistant is lost")
    if len(results) == failed:
        return _verdict(0, "no call succeeded, so nothing was done for the user")
    return _verdict(1, "every goal was brought up and dealt with")


def _held_back(goal: dict[str, Any]) -> set[str]:
    return {words(fact["name"]) for fact in goal["known"] if fact.get("when_asked")}


def judge_turn(
    tools: list[dict[str, Any]], history: list[dict[str, Any]], turn: dict[str, Any]
) -> Verdict:
    """1 when the calls of *turn* fit their definitions and use only values that were given."""
    definitions = {tool["name"]: tool for tool in tools}
    known = " ".join(_text(message) for message in history)
    seen = set()
    for call in turn.get("tool_calls") or ():
        name, arguments = call["name"], _arguments(call["arguments"])
        if (name, orjson.dumps(arguments, option=orjson.OPT_SORT_KEYS)) in seen:
            return _verdict(0, f"{name} is called twice with the same arguments")
        seen.add((name, orjson.dumps(arguments, option=orjson.OPT_SORT_KEYS)))
        objection = _objection(definitions.get(name), name, arguments, known)
        if objection is not None:
            return _verdict(0, objection)
    if not turn.get("tool_calls") and not _text(turn).strip():
        return _verdict(0, "the turn is empty")
    return _verdict(1, "the turn fits the dialogue and the definitions")


def _objection(
    tool: dict[str, Any] | None, name: str, arguments: dict[str, Any], known: str
) -> str | None:
    if tool is None:
        return f"there is no function {name}"
    parameters = tool.get("parameters") or {"type": "object"}
    problem = argument_problem(
        Function(name=name, description="", parameters=parameters), arguments
    )
    if problem is not None:
        return problem.message
    for key, value in arguments.items():
        default = parameters.get("properties", {}).get(key, {}).get("default")
        if value != default and (lost := _untraced(value, known)) is not None:
            return f"{words(key)} {lost!r} was neither said nor returned before"
    return None


def _untraced(value: Any, known: str) -> str | None:
    """The first plain value inside *value* that stands nowhere in *known*."""
    if isinstance(value, dict):
        inside = list(value.values())
    elif isinstance(value, list):
        inside = value
    elif isinstance(value, bool) or value is None:
        return None
    else:
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        return None if len(text) <= SHORT or text in known else text
    return next((lost for item in inside if (lost := _untraced(item, known))), None)


def _text(message: dict[str, Any]) -> str:
    return str(message.get("content") or "")


def _arguments(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else json_object(str(value))


def _verdict(verdict: int, reason: str) -> Verdict:
    return {"reason": reason, "verdict": verdict}
