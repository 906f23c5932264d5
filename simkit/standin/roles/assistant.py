"""The scripted assistant: understands, asks, calls, reports - and errs on purpose."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import orjson

from simkit.standin.brain_contract import Reply
from simkit.standin.roles.dialogue import Dialogue, Wish, read_dialogue
from simkit.standin.roles.language import (
    HAND_OVER,
    NOT_ABLE,
    ask_for,
    phrase,
    read_value,
    say_results,
    words,
)
from simkit.standin.roles.mistakes import Mistaken, maybe_err
from simkit.standin.values import make_value
from simkit.traces.arguments import argument_problem
from simkit.traces.functions import Function

CALLS_AT_ONCE = 3
_LOOKS = frozenset(["check", "fetch", "find", "get", "look", "read", "search", "show"])
"""How names of functions begin that only look something up."""
_SMALL_TALK = (
    "I can well imagine that.",
    "That sounds like quite a day.",
    "Ha, that made me smile.",
    "I hope it gets better soon.",
    "Thank you for telling me.",
)
_HANDS_OVER = 0.15
"""Share of conversations in which nothing can be done that are handed over to a person."""
TRIES = 2
"""Failed calls after which a wish is given up."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A call that could be made for a wish, and what it still lacks."""

    wish: Wish
    arguments: dict[str, Any]
    missing: tuple[str, ...]


def play_assistant(
    messages: list[dict[str, Any]],
    tools: list[dict[str, Any]],
    draw: random.Random,
    *,
    mistakes: float,
) -> Reply:
    """The assistant's next message; *tools* are function definitions.

    With probability *mistakes* a call or a question goes wrong in one of the labelled
    ways of `mistakes`.
    """
    dialogue = read_dialogue(messages, tools)
    declined = [wish for wish in dialogue.open if wish.failures >= TRIES]
    plans = [_plan(dialogue, wish) for wish in dialogue.open if wish.failures < TRIES]
    plans = [*_means(dialogue, plans, tools), *plans]
    ready = _independent([plan for plan in plans if not plan.missing])
    if ready:
        return _call(ready[:CALLS_AT_ONCE], tools, draw, mistakes)
    askable = [
        label
        for plan in plans
        for label in map(words, plan.missing)
        if label not in dialogue.not_known and label not in dialogue.told
    ]
    if askable:
        return _ask(plans, list(dict.fromkeys(askable)), draw, mistakes)
    return _report(dialogue, plans, declined, draw)


def _plan(dialogue: Dialogue, wish: Wish) -> Plan:
    parameters = wish.tool.get("parameters", {})
    required = parameters.get("required", [])
    arguments: dict[str, Any] = {}
    missing = []
    for name, schema in parameters.get("properties", {}).items():
        label = words(name)
        if label in dialogue.told:
            arguments[name] = read_value(dialogue.told[label], schema)
        elif label in dialogue.learnt and name in required:
            arguments[name] = dialogue.learnt[label]
        elif name in required:
            missing.append(name)
    if not missing and (wrong := _wrong_argument(wish.tool, arguments)) in required:
        missing.append(str(wrong))  # what was heard does not fit: better to ask than to err
    return Plan(wish, arguments, tuple(missing))


def _means(dialogue: Dialogue, plans: list[Plan], tools: list[dict[str, Any]]) -> list[Plan]:
    """Calls that nobody asked for, to get what *plans* lack and the user does not know.

    Only such as change nothing, and each is made once: a function that does not give what its
    name promises is no help.
    """
    lacking = {words(name) for plan in plans for name in plan.missing} & dialogue.not_known
    wished = {plan.wish.name for plan in plans}
    plans_of_means = [
        _plan(dialogue, Wish(sentence="", tool=tool))
        for tool in tools
        if tool["name"] not in dialogue.tried | wished
        and words(tool["name"]).split(" ", 1)[0] in _LOOKS
        and _returned_labels(tool) & lacking
    ]
    return [plan for plan in plans_of_means if not set(map(words, plan.missing)) & lacking]


def _wrong_argument(tool: dict[str, Any], arguments: dict[str, Any]) -> str | None:
    """The name of the first argument that does not fit; optional ones are just left out."""
    function = Function(
        name=tool["name"], description="", parameters=tool.get("parameters") or {"type": "object"}
    )
    while (problem := argument_problem(function, arguments)) is not None:
        name = problem.path.split(".")[0].split("[")[0]
        if name not in arguments or name in function.parameters.get("required", ()):
            return name
        del arguments[name]
    return None


def _independent(plans: list[Plan]) -> list[Plan]:
    """The leading plans that do not need what another one of them will return."""
    chosen: list[Plan] = []
    coming: set[str] = set()
    for plan in plans:
        needed = {words(name) for name in plan.arguments}
        if any(plan.wish.name == other.wish.name for other in chosen) or needed & coming:
            break
        chosen.append(plan)
        coming |= _returned_labels(plan.wish.tool)
    return chosen


def _returned_labels(tool: dict[str, Any]) -> set[str]:
    # A request carries no output schemas, so what a call will return can only be guessed
    # from its name: "create_order" returns an order.
    noun = words(str(tool["name"])).split(" ", 1)[-1]
    return {noun, f"{noun} id", f"{noun} number"}


def _call(
    plans: list[Plan],
    tools: list[dict[str, Any]],
    draw: random.Random,
    mistakes: float,
) -> Reply:
    calls = [(plan.wish.name, plan.arguments) for plan in plans]
    made = maybe_err(calls, tools, draw, mistakes)
    purpose = " and ".join(phrase(plan.wish.tool) for plan in plans)
    return Reply(
        content=None,
        tool_calls=tuple((name, orjson.dumps(args).decode()) for name, args in made.calls),
        reasoning=f"The user wants me to {purpose}. I have every value that is required, "
        f"so I call {' and '.join(name for name, _ in made.calls)}.",
        mistake=made.label,
    )


def _ask(plans: list[Plan], labels: list[str], draw: random.Random, mistakes: float) -> Reply:
    if draw.random() < mistakes:
        return _guess(plans[0], draw)
    return Reply(
        content=ask_for(labels),
        tool_calls=(),
        reasoning=f"I still need {', '.join(labels)}; no function gives it, so I ask.",
        mistake=None,
    )


def _guess(plan: Plan, draw: random.Random) -> Reply:
    """The mistake of calling with values that nobody gave instead of asking for them."""
    properties = plan.wish.tool["parameters"]["properties"]
    arguments = plan.arguments | {
        name: make_value(properties[name], name, draw) for name in plan.missing
    }
    return Reply(
        content=None,
        tool_calls=((plan.wish.name, orjson.dumps(arguments).decode()),),
        reasoning="I fill in what is missing.",
        mistake=Mistaken.SKIPPED_QUESTION,
    )


def _report(
    dialogue: Dialogue, plans: list[Plan], declined: list[Wish], draw: random.Random
) -> Reply:
    lines = _asides(dialogue, draw)
    lines += [_summary(call) for call in dialogue.fresh]
    lines += [
        f"{NOT_ABLE}{phrase(plan.wish.tool)}, without the {' and '.join(map(words, plan.missing))}."
        for plan in plans
    ]
    lines += [f"{NOT_ABLE}{phrase(wish.tool)}; the function keeps failing." for wish in declined]
    lines += [f"{NOT_ABLE}{wanted}; I have no function for it." for wanted in dialogue.not_served]
    if dialogue.not_served and not dialogue.calls and draw.random() < _HANDS_OVER:
        lines.append(HAND_OVER)
    if not lines:
        lines = ["How can I help you? Please tell me what you need."]
    return Reply(
        content="\n".join(lines),
        tool_calls=(),
        reasoning="Nothing is left that I can do now, so I report to the user.",
        mistake=None,
    )


def _asides(dialogue: Dialogue, draw: random.Random) -> list[str]:
    """What is to be said to small talk, questions about earlier results, and corrections."""
    lines = []
    if dialogue.small_talk:
        fresh = [line for line in _SMALL_TALK if line not in dialogue.own] or _SMALL_TALK
        lines.append(draw.choice(fresh))
    for label in dialogue.asked_again:
        if label in dialogue.learnt:
            lines.append(f"The {label} is {_shown(dialogue.learnt[label])}.")
        else:
            lines.append(f"Nothing that I found says what the {label} is.")
    if not dialogue.fresh:
        lines += [
            f"All right, the {label} is {dialogue.told[label]} now."
            for label in dialogue.changed
            if label in dialogue.told
        ]
    return lines


def _summary(call: dict[str, Any]) -> str:
    found = [(words(name), _shown(value)) for name, value in call["result"].items()]
    return say_results(words(call["name"]), found[:4])


def _shown(value: Any, limit: int = 80) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
