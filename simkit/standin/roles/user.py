"""The scripted user: brings up its goals, answers questions, stops - each kind in its own way."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from simkit.standin.roles.language import (
    BY_THE_WAY,
    CHANGED,
    DETAILS,
    DONT_KNOW,
    HAND_OVER,
    IT_MATTERS,
    NOT_ABLE,
    ask_again,
    asked_for,
    hear_details,
    hear_results,
    say_details,
    words,
)
from simkit.traces.plans import DialogueKind

_OPENERS = ("Hello.", "Hi there.", "Good morning.", "Hi, I hope you can help.")
_NEXT = ("Thank you.", "Great, thanks.", "All right.", "Good.", "Okay, one more thing.")
_ANSWERS = ("Sure.", "Of course.", "Here you are.", "Let me look... yes.")
_CLOSING = ("Thanks, that was all I needed.", "Perfect, goodbye.", "That is everything, thank you.")
_SMALL_TALK = (
    "it has not stopped raining here for days.",
    "my neighbour has started to learn the trumpet, so forgive me if I am slow.",
    "the coffee machine has broken down again, of all mornings.",
    "my cat is sitting on the keyboard as we speak.",
    "we had the first strawberries of the year yesterday.",
    "I have not had a day off in a while, but I do not complain.",
    "my daughter says that nobody talks like this any more.",
    "there is a street fair outside and it smells of roasted almonds.",
)
_BY_INSTRUCTION: dict[str, DialogueKind] = {
    "Say all that you want in your first message": "single",
    "You change your mind once": "change_of_mind",
    "make a little small talk": "chit_chat",
    "come back once to something that you were told": "follow_up",
}

_REFUSAL = "That reply cannot be used: "
"""How the project tells a model that it must say it otherwise."""
STOP = "###STOP###"
TRANSFER = "###TRANSFER###"
OUT_OF_SCOPE = "###OUT-OF-SCOPE###"
TWO_AT_ONCE = 0.3
"""Share of turns in which two goals are brought up together."""
HOLDS_BACK = 0.3
"""Share of goals whose values are given only when asked for."""
GIVES_UP = 0.1
"""Share of last turns, after something failed for want of a value, that end out of scope."""
_MOST_SMALL_TALK = 2


def dialogue_kind(instructions: str) -> DialogueKind:
    """What the project's own prompt asks of the user."""
    return next((kind for said, kind in _BY_INSTRUCTION.items() if said in instructions), "gradual")


def play_user(
    intent: dict[str, Any],
    dialogue: list[dict[str, Any]],
    draw: random.Random,
    kind: DialogueKind = "gradual",
) -> str:
    """The next message; *dialogue* is the user's own view, without the system message.

    Own messages have the role ``assistant`` in it, and the first message is a cue.
    """
    said = _without_refused(dialogue)
    own = "\n".join(_contents(said, "assistant"))
    goals = _as_told_now(intent, own)
    stated = [goal for goal in goals if _sentence(goal) in own]
    waiting = [goal for goal in goals if _sentence(goal) not in own]
    if not own:
        at_most = 1 if len(said) < len(dialogue) else 2  # it may have been too much
        return _open(intent, waiting[:at_most] if kind != "single" else waiting, draw, kind)
    asked = asked_for(str(said[-1].get("content")))
    if asked:
        return _answer(asked, stated, draw)
    if (taken_back := _take_back(intent, own)) is not None:
        return taken_back
    if kind == "chit_chat" and _wants_to_talk(own, draw, is_last=not waiting):
        fresh = [line for line in _SMALL_TALK if line not in own]
        return f"{BY_THE_WAY}{draw.choice(fresh)}"
    if waiting:
        return _bring_up(waiting, draw, _NEXT)
    if kind == "follow_up" and (question := _question(said, own, draw)) is not None:
        return question
    return _close(str(said[-1].get("content")), draw)


def _without_refused(dialogue: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """*dialogue* without own messages that were refused, as nobody has heard them."""
    while len(dialogue) > 2 and str(dialogue[-1].get("content")).startswith(_REFUSAL):
        dialogue = dialogue[:-2]
    return dialogue


def _contents(dialogue: list[dict[str, Any]], role: str) -> Iterator[str]:
    return (str(message.get("content")) for message in dialogue if message["role"] == role)


def _sentence(goal: dict[str, Any]) -> str:
    return f"{goal['text']}."


def _as_told_now(intent: dict[str, Any], own: str) -> list[dict[str, Any]]:
    """The goals, with the value that will be taken back in the place of the real one."""
    goals: list[dict[str, Any]] = list(intent.get("goals", []))
    change = intent.get("change")
    if change and CHANGED not in own:
        goal = goals[change["goal"] - 1]
        known = [
            fact | ({"value": change["first"]} if fact["name"] == change["name"] else {})
            for fact in goal["known"]
        ]
        goals[change["goal"] - 1] = goal | {"known": known, "at_once": True}
    return goals


def _take_back(intent: dict[str, Any], own: str) -> str | None:
    """The change of mind, once the value that it is about has been told."""
    change = intent.get("change")
    if not change or CHANGED in own:
        return None
    told = [hear_details(line) for line in own.splitlines() if line.startswith(DETAILS)]
    if not any(words(change["name"]) in facts for facts in told):
        return None
    facts = intent["goals"][change["goal"] - 1]["known"]
    value = next(fact["value"] for fact in facts if fact["name"] == change["name"])
    return f"{CHANGED}{change['name']}.\n{say_details([(change['name'], value)])}"


def _wants_to_talk(own: str, draw: random.Random, *, is_last: bool) -> bool:
    said = own.count(BY_THE_WAY)
    if said == 0 and is_last:
        return True
    is_talking = own.rsplit("\n", 1)[-1].startswith(BY_THE_WAY)
    return said < _MOST_SMALL_TALK and not is_talking and draw.random() < 0.5


def _open(
    intent: dict[str, Any], goals: list[dict[str, Any]], draw: random.Random, kind: DialogueKind
) -> str:
    if kind == "single":
        told = [goal | {"at_once": True} for goal in goals]
        lines = [_bring_up(told, draw, _OPENERS, count=len(told))]
    else:
        lines = [_bring_up(goals, draw, _OPENERS)]
    lines += [f"{IT_MATTERS}{constraint}." for constraint in intent.get("constraints", [])[:1]]
    return "\n".join(lines)


def _bring_up(
    waiting: list[dict[str, Any]],
    draw: random.Random,
    openers: tuple[str, ...],
    count: int | None = None,
) -> str:
    if count is None:
        count = 2 if len(waiting) > 1 and draw.random() < TWO_AT_ONCE else 1
    lines = [draw.choice(openers)]
    facts: dict[str, str] = {}
    for goal in waiting[:count]:
        lines.append(_sentence(goal))
        if goal.get("at_once") or draw.random() >= HOLDS_BACK:
            facts.update(
                (fact["name"], fact["value"])
                for fact in goal["known"]
                if not fact.get("when_asked")
            )
    if facts:
        lines.append(say_details(facts.items()))
    return "\n".join(lines)


def _answer(asked: list[str], stated: list[dict[str, Any]], draw: random.Random) -> str:
    known = {words(fact["name"]): fact["value"] for goal in stated for fact in goal["known"]}
    lines = [draw.choice(_ANSWERS)]
    given = [(name, known[name]) for name in asked if name in known]
    missing = [name for name in asked if name not in known]
    if given:
        lines.append(say_details(given))
    if missing:
        lines.append(f"{DONT_KNOW}{'; '.join(missing)}.")
    return "\n".join(lines)


def _question(dialogue: list[dict[str, Any]], own: str, draw: random.Random) -> str | None:
    """A question about something that was told; None when there was one, or nothing was told."""
    heard = hear_results("\n".join(_contents(dialogue, "user")))
    told = {label: value for label, value in heard.items() if value[0] not in "[{"}
    if not told or any(ask_again(label, told[label]) in own for label in told):
        return None
    if any(ask_again(label) in own for label in told):
        return None
    label = draw.choice(list(told))
    return ask_again(label, draw.choice([None, told[label]]))


def _close(heard: str, draw: random.Random) -> str:
    if HAND_OVER in heard:
        return TRANSFER
    if NOT_ABLE in heard and ", without the " in heard and draw.random() < GIVES_UP:
        return OUT_OF_SCOPE
    return f"{draw.choice(_CLOSING)} {STOP}"
