"""The scripted user: brings up one goal after the other, answers questions, stops."""

from __future__ import annotations

import random
from typing import Any

from simkit.standin.roles.language import DONT_KNOW, PLEASE, asked_for, say_details, words

_OPENERS = ("Hello.", "Hi there.", "Good morning.", "Hi, I hope you can help.")
_NEXT = ("Thank you.", "Great, thanks.", "All right.", "Good.", "Okay, one more thing.")
_ANSWERS = ("Sure.", "Of course.", "Here you are.", "Let me look... yes.")
_CLOSING = ("Thanks, that was all I needed.", "Perfect, goodbye.", "That is everything, thank you.")

STOP = "###STOP###"
TWO_AT_ONCE = 0.3
"""Share of turns in which two goals are brought up together."""
HOLDS_BACK = 0.3
"""Share of goals whose values are given only when asked for."""


def play_user(intent: dict[str, Any], dialogue: list[dict[str, Any]], draw: random.Random) -> str:
    """The next message; *dialogue* is the user's own view, without the system message.

    Own messages have the role ``assistant`` in it, and the first message is a cue.
    """
    own = "\n".join(str(m.get("content")) for m in dialogue if m["role"] == "assistant")
    goals = intent.get("goals", [])
    stated = [goal for goal in goals if _sentence(goal) in own]
    waiting = [goal for goal in goals if _sentence(goal) not in own]
    asked = asked_for(str(dialogue[-1].get("content"))) if own else []
    if asked:
        return _answer(asked, stated, draw)
    if not waiting:
        return f"{draw.choice(_CLOSING)} {STOP}"
    return _bring_up(waiting, draw, first=not own)


def _sentence(goal: dict[str, Any]) -> str:
    return f"{PLEASE}{goal['text']}."


def _bring_up(waiting: list[dict[str, Any]], draw: random.Random, *, first: bool) -> str:
    count = 2 if len(waiting) > 1 and draw.random() < TWO_AT_ONCE else 1
    lines = [draw.choice(_OPENERS if first else _NEXT)]
    facts: dict[str, str] = {}
    for goal in waiting[:count]:
        lines.append(_sentence(goal))
        if draw.random() >= HOLDS_BACK:
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
