"""What only the user can supply: required values that nothing in the chain returns before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from simkit.graph.naming import is_setting, singular_words
from simkit.graph.parameters import outputs_of
from simkit.traces.functions import Function
from simkit.traces.plans import Step
from simkit.traces.records import Scenario

Words = frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """A required parameter of a function of the chain."""

    function: Function
    name: str
    schema: Mapping[str, Any]


def steps_of(scenario: Scenario) -> tuple[Step, ...]:
    """The plan; where there is none, a step for each function of the chain."""
    return scenario.plan or tuple(Step(functions=(name,)) for name in scenario.chain)


def functions_of(scenario: Scenario, step: Step) -> list[Function]:
    """The functions of *step* in the order of their calls, those that nobody asks for first."""
    by_name = {function.name: function for function in scenario.functions}
    return [by_name[name] for name in (*step.implicit, *step.functions)]


def supplied_by_user(scenario: Scenario) -> list[list[Needed]]:
    """For each step, what the user must supply for it.

    By names alone, and generous: whatever an earlier result could stand for is not counted, nor
    is what has a default, or says only how a result is wanted.
    """
    returned: list[Words] = []
    found: list[list[Needed]] = []
    for step in steps_of(scenario):
        needed: list[Needed] = []
        for function in functions_of(scenario, step):
            needed += [one for one in _required(function) if not _returns(returned, one.name)]
            returned += [words_of(one.name) for one in outputs_of([function]) if one.path]
        found.append(needed)
    return found


def words_of(name: str) -> Words:
    """The words of a name or a phrase, in the singular."""
    return frozenset(singular_words(name))


def _required(function: Function) -> list[Needed]:
    properties = function.parameters.get("properties", {})
    needed = []
    for name in function.parameters.get("required", ()):
        schema = properties.get(name)
        schema = schema if isinstance(schema, Mapping) else {}
        if not schema.keys() & {"default", "const"} and not is_setting(name):
            needed.append(Needed(function=function, name=name, schema=schema))
    return needed


def _returns(returned: Iterable[Words], name: str) -> bool:
    words = words_of(name)
    last = singular_words(name)[-1:]
    # "id" may be the playlist's, and "best_flight_id" is a flight_id.
    return any(
        output <= words or words <= output or (set(last) == {"id"} and "id" in output)
        for output in returned
        if output
    )
