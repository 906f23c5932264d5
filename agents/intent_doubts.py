"""Rules of thumb about intents: what a person would hardly say, know, or leave out.

All are generous, as each complaint costs a call: what a good model writes should pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from simkit.agents.known_values import value_problem
from simkit.agents.supplied import Needed, Words, functions_of, steps_of, supplied_by_user, words_of
from simkit.graph.parameters import outputs_of
from simkit.traces.functions import Function
from simkit.traces.records import Intent, Scenario

_SHORTEST_SECRET = 3
"""Characters of a value below which a text may hold it by chance."""
_ONE_WORD = re.compile(r"[a-z]+")
"""A value like "approve", which "I want to approve or reject it" does not give away."""
_IDS = frozenset({"id", "identifier", "uuid"})
_SNAKE_OR_CAMEL = re.compile(r"\w+_\w|[a-z0-9]+[A-Z]")


def doubts(intent: Intent, scenario: Scenario) -> Iterator[str]:
    """What may be wrong with *intent*, of which nothing is certainly wrong.

    Where the scenario has no plan, only wordings are looked at.
    """
    yield from _of_names(intent, scenario)
    yield from _of_secrets(intent)
    if scenario.plan:
        yield from _of_values(intent, scenario)
        yield from _of_claims(intent, scenario)
        yield from _of_gaps(intent, scenario)


def _of_names(intent: Intent, scenario: Scenario) -> Iterator[str]:
    names = _technical_names(scenario)
    for number, goal in enumerate(intent.goals, start=1):
        if (name := next((name for name in names if _holds(goal.text, name)), None)) is not None:
            yield f"goal {number} names {name!r}; people do not know the names in definitions"


def _of_secrets(intent: Intent) -> Iterator[str]:
    for number, goal in enumerate(intent.goals, start=1):
        for fact in goal.known:
            if fact.when_asked and _gives_away(goal.text, fact.value):
                yield (
                    f"the text of goal {number} gives away {fact.value[:50]!r}, which the person "
                    "keeps until asked"
                )


def _of_values(intent: Intent, scenario: Scenario) -> Iterator[str]:
    for number, (goal, step) in enumerate(
        zip(intent.goals, steps_of(scenario), strict=False), start=1
    ):
        functions = functions_of(scenario, step)
        values = [(fact.name, fact.value) for fact in goal.known]
        if (change := intent.change) is not None and change.goal == number:
            values.append((change.name, change.first))
        for name, value in values:
            if (problem := _value_problem(name, value, functions)) is not None:
                yield f"goal {number}: {name} {value[:50]!r} {problem}"


def _of_claims(intent: Intent, scenario: Scenario) -> Iterator[str]:
    """Of ids that people claim to know, and that only an earlier result can tell."""
    known: set[Words] = set()
    returned: dict[Words, str] = {}
    for number, (goal, step) in enumerate(
        zip(intent.goals, steps_of(scenario), strict=False), start=1
    ):
        claimed = {words_of(fact.name) for fact in goal.known}
        for function in functions_of(scenario, step):
            for name, schema in _properties(function).items():
                words = words_of(name)
                if _is_list(schema):  # of ids: people may well have one of their own
                    continue
                if words in claimed - known and words in returned and not _IDS.isdisjoint(words):
                    yield (
                        f"goal {number} has {name} among the known values, but the person learns "
                        f"it only from the result of {returned[words]}"
                    )
                known.add(words)
            for output in outputs_of([function]):
                returned.setdefault(words_of(output.name), function.name)
        known |= claimed


def _of_gaps(intent: Intent, scenario: Scenario) -> Iterator[str]:
    """Of required values that nobody has.

    A known value that goes by the name of no parameter may stand for any one of them.
    """
    named = {
        words_of(name)
        for step in steps_of(scenario)
        for function in functions_of(scenario, step)
        for name in _properties(function)
    }
    unknown = frozenset(chain.from_iterable(map(words_of, intent.unknown)))
    known: set[str] = set()
    spare = 0
    for number, (goal, needed) in enumerate(
        zip(intent.goals, supplied_by_user(scenario), strict=False), start=1
    ):
        labels = [words_of(fact.name) for fact in goal.known]
        known |= words_of(goal.text).union(*labels)
        spare += sum(label not in named for label in labels)
        missing = [one for one in needed if _all_words(one).isdisjoint(known | unknown)]
        for one in missing[spare:]:
            yield (
                f"goal {number} needs a known value for {one.name} of {one.function.name}, "
                "which only the person can supply"
            )
        spare -= min(spare, len(missing))


def _technical_names(scenario: Scenario) -> list[str]:
    """Names of functions and parameters that nobody uses in talk."""
    by_name = {function.name: function for function in scenario.functions}
    names: dict[str, None] = {}
    for name in scenario.chain:
        names |= dict.fromkeys((name, *_properties(by_name[name])))
    return [name for name in names if _SNAKE_OR_CAMEL.match(name)]


def _holds(text: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def _gives_away(text: str, value: str) -> bool:
    if len(value) < _SHORTEST_SECRET or _ONE_WORD.fullmatch(value):
        return False
    return _holds(text.casefold(), value.casefold())


def _value_problem(name: str, value: str, functions: list[Function]) -> str | None:
    """What is wrong with *value* for each parameter that is called *name*."""
    words = words_of(name)
    problems = [
        value_problem(value, _rooted(schema, function))
        for function in functions
        for parameter, schema in _properties(function).items()
        if words_of(parameter) == words
    ]
    return None if None in problems else next(iter(problems), None)


def _rooted(schema: Any, function: Function) -> Mapping[str, Any]:
    """A parameter's schema with the definitions that its references need."""
    if not isinstance(schema, Mapping):
        return {}
    definitions = function.parameters.get("$defs")
    return schema if definitions is None else {**schema, "$defs": definitions}


def _is_list(schema: Any) -> bool:
    return isinstance(schema, Mapping) and schema.get("type") == "array"


def _properties(function: Function) -> Mapping[str, Any]:
    properties = function.parameters.get("properties")
    return properties if isinstance(properties, Mapping) else {}


def _all_words(needed: Needed) -> Words:
    """The words of a parameter's name, and of what is inside it."""
    inside = needed.schema.get("items", needed.schema)
    properties = inside.get("properties", {}) if isinstance(inside, Mapping) else {}
    return words_of(needed.name).union(*map(words_of, properties))
