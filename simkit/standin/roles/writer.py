"""The scripted intent writer."""

from __future__ import annotations

import random
from typing import Any

from simkit.standin.roles.language import (
    AND_ALSO,
    phrase,
    read_value,
    result_labels,
    say_value,
    words,
)
from simkit.standin.values import make_value
from simkit.traces.arguments import schema_problem

_PEOPLE = (
    "a student planning a trip",
    "a small shop owner",
    "an office manager",
    "a parent with little time",
    "a warehouse lead",
    "a retired teacher",
    "a nurse between shifts",
    "a project coordinator",
    "a field engineer",
    "a freelance writer",
)
_STYLES = ("brief", "friendly and talkative", "polite and exact", "hurried", "a little unsure")

WITHHELD = 0.06
"""Share of needed values that the person turns out not to know."""
OPTIONAL = 0.3
"""Share of optional parameters that the person cares about."""


def write_intent(
    functions: list[dict[str, Any]],
    draw: random.Random,
    steps: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """An intent for a chain of function definitions (name, description, parameters, outputs).

    Args:
        steps: What to make one goal of each, as the writer's prompt has it; None: a goal for
            each function.
    """
    by_name = {str(function.get("name", "")): function for function in functions}
    knowledge = _Knowledge(draw)
    goals: list[dict[str, Any]] = []
    for step in steps or [{"asks_for": [name]} for name in by_name]:
        wanted = [by_name[name] for name in step["asks_for"]]
        when_asked = {words(name) for name in step.get("when_asked", ())}
        known: dict[str, dict[str, Any]] = {}
        for function in [*(by_name[name] for name in step.get("never_asks_for", ())), *wanted]:
            known |= knowledge.facts(function, when_asked)
            knowledge.learn(function)
        goals.append({"text": AND_ALSO.join(map(phrase, wanted)), "known": [*known.values()]})
    if any(step.get("when_asked") for step in steps or ()):
        for fact in (fact for goal in goals for fact in goal["known"]):
            fact.setdefault("when_asked", False)
    return {
        "role": draw.choice(_PEOPLE),
        "style": draw.choice(_STYLES),
        "goals": goals,
        "unknown": sorted(knowledge.unknown - knowledge.told.keys()),
    }


class _Knowledge:
    """What the person knows by now, and what they will learn."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._learnt: set[str] = set()
        self.told: dict[str, str] = {}
        self.unknown: set[str] = set()

    def facts(self, function: dict[str, Any], when_asked: set[str]) -> dict[str, dict[str, Any]]:
        """Label to fact of what the person knows for a call of *function*.

        Args:
            when_asked: Labels of what they keep until asked; they know it in any case.
        """
        facts: dict[str, dict[str, Any]] = {}
        parameters = function.get("parameters", {})
        required = parameters.get("required", [])
        for name, schema in parameters.get("properties", {}).items():
            label = words(name)
            if name not in required and self._draw.random() > OPTIONAL:
                continue
            if label not in when_asked and self._is_unknown(label):
                self.unknown.add(label)
            else:
                facts[label] = {
                    "name": label,
                    "value": self._value(label, name, schema, parameters),
                }
                if label in when_asked:
                    facts[label]["when_asked"] = True
        return facts

    def learn(self, function: dict[str, Any]) -> None:
        """From here on a call of *function* has told what it returns."""
        for name in (function.get("outputs") or {}).get("properties", {}):
            self._learnt.update(result_labels(name))

    def _is_unknown(self, label: str) -> bool:
        return label in self._learnt or (label not in self.told and self._draw.random() < WITHHELD)

    def _value(self, label: str, name: str, schema: Any, parameters: dict[str, Any]) -> str:
        # The same word means the same thing for the whole of a conversation.
        whole = _rooted(schema, parameters)
        if label not in self.told or not _fits(self.told[label], whole):
            self.told[label] = say_value(make_value(whole, name, self._draw))
        return self.told[label]


def _fits(value: str, schema: Any) -> bool:
    """Whether what was said for one parameter can be said for another of the same name."""
    return isinstance(schema, dict) and schema_problem(schema, read_value(value, schema)) is None


def _rooted(schema: Any, parameters: dict[str, Any]) -> Any:
    """A parameter's schema with the definitions that its references need."""
    if isinstance(schema, dict) and "$defs" in parameters:
        return schema | {"$defs": parameters["$defs"]}
    return schema
