"""The scripted intent writer."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

from simkit.standin.roles.language import (
    AND_ALSO,
    I_WANT,
    item_label,
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
_CONSTRAINTS = (
    "I do not want anything changed that I have not asked for",
    "I want to be told plainly when something cannot be done",
    "I want short answers",
    "I do not want to be sold anything",
    "I want to keep to what I have at home",
)

WITHHELD = 0.06
"""Share of needed values that the person turns out not to know."""
OPTIONAL = 0.3
"""Share of optional parameters that the person cares about."""
_DEEPEST = 4
_TRIES = 20


def write_intent(
    functions: list[dict[str, Any]],
    draw: random.Random,
    steps: list[dict[str, Any]] | None = None,
    *,
    persona: dict[str, str] | None = None,
    changes: bool = False,
) -> dict[str, Any]:
    """An intent for a chain of function definitions (name, description, parameters, outputs).

    Args:
        steps: What to make one goal of each, as the writer's prompt has it; None: a goal for
            each function.
        persona: Who the person is, likewise; None: somebody.
        changes: Whether they change their mind.
    """
    by_name = {str(function.get("name", "")): function for function in functions}
    # Who changes their mind has to know something.
    knowledge = _Knowledge(draw, withheld=0.0 if changes else WITHHELD)
    goals: list[dict[str, Any]] = []
    for step in steps or [{"asks_for": [name]} for name in by_name]:
        wanted = [by_name[name] for name in step["asks_for"]]
        when_asked = {words(name) for name in step.get("when_asked", ())}
        known: dict[str, dict[str, Any]] = {}
        for function in [*(by_name[name] for name in step.get("never_asks_for", ())), *wanted]:
            known |= knowledge.facts(function, when_asked)
            knowledge.learn(function)
        text = f"{I_WANT}{AND_ALSO.join(map(phrase, wanted))}"
        goals.append({"text": text, "known": [*known.values()]})
    if any(step.get("when_asked") for step in steps or ()):
        for fact in (fact for goal in goals for fact in goal["known"]):
            fact.setdefault("when_asked", False)
    intent: dict[str, Any] = {
        "role": draw.choice(_PEOPLE) if persona is None else persona["occupation"],
        "style": draw.choice(_STYLES) if persona is None else persona["manner"],
        "goals": goals,
        "unknown": sorted(knowledge.unknown - knowledge.told.keys()),
        "constraints": draw.sample(_CONSTRAINTS, draw.randrange(3)),
    }
    if changes and (change := knowledge.change(goals)) is not None:
        intent["change"] = change
    return intent


class _Knowledge:
    """What the person knows by now, and what they will learn."""

    def __init__(self, draw: random.Random, withheld: float) -> None:
        self._draw = draw
        self._withheld = withheld
        self._learnt: set[str] = set()
        self._schemas: dict[str, tuple[str, Any]] = {}
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
        for name in _field_names(function.get("outputs") or {}):
            self._learnt.update(result_labels(name))
            if (one := item_label(words(name))) is not None:
                self._learnt.add(one)

    def change(self, goals: list[dict[str, Any]]) -> dict[str, Any] | None:
        """Something that the person says otherwise at first; None when nothing can be.

        Best something that they say once: it is then clear what is taken back.
        """
        often = Counter(fact["name"] for goal in goals for fact in goal["known"])
        chances = [
            (often[fact["name"]] > 1, self._draw.random(), number, fact)
            for number, goal in enumerate(goals, start=1)
            for fact in goal["known"]
            if not fact.get("when_asked")
        ]
        for _, _, number, fact in sorted(chances, key=lambda chance: chance[:2]):
            if (first := self._other_value(fact)) is not None:
                return {"goal": number, "name": fact["name"], "first": first}
        return None

    def _other_value(self, fact: dict[str, Any]) -> str | None:
        name, schema = self._schemas[fact["name"]]
        made = (say_value(make_value(schema, name, self._draw)) for _ in range(_TRIES))
        return next((value for value in made if value.casefold() != fact["value"].casefold()), None)

    def _is_unknown(self, label: str) -> bool:
        if label in self._learnt or label in self.unknown:
            return True
        return label not in self.told and self._draw.random() < self._withheld

    def _value(self, label: str, name: str, schema: Any, parameters: dict[str, Any]) -> str:
        # The same word means the same thing for the whole of a conversation.
        whole = _rooted(schema, parameters)
        if label not in self.told or not _fits(self.told[label], whole):
            self.told[label] = say_value(make_value(whole, name, self._draw))
        self._schemas[label] = name, whole
        return self.told[label]


def _field_names(schema: Any, depth: int = 0) -> Iterator[str]:
    """The names of the fields of a result, also of those inside of others."""
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return
    for name, field in (schema.get("properties") or {}).items():
        yield name
        yield from _field_names(field, depth + 1)
    yield from _field_names(schema.get("items"), depth + 1)


def _fits(value: str, schema: Any) -> bool:
    """Whether what was said for one parameter can be said for another of the same name."""
    return isinstance(schema, dict) and schema_problem(schema, read_value(value, schema)) is None


def _rooted(schema: Any, parameters: dict[str, Any]) -> Any:
    """A parameter's schema with the definitions that its references need."""
    if isinstance(schema, dict) and "$defs" in parameters:
        return schema | {"$defs": parameters["$defs"]}
    return schema
