"""Who the user of a scenario is and how they go about it, drawn by rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from simkit.agents.personas import persona
from simkit.agents.supplied import Needed, functions_of, steps_of, supplied_by_user
from simkit.config_dialogue import DialogueSection
from simkit.traces.plans import DialogueKind
from simkit.traces.records import Scenario
from simkit.traces.seeds import stream

_MOST_AT_ONCE = 8
"""Steps beyond which nobody would tell all in one message."""


class DialoguePlanner:
    """Gives each scenario its persona and its kind of dialogue.

    Both are a pure function of the scenario's seed and the configuration.
    """

    def __init__(self, config: DialogueSection) -> None:
        self._config = config
        self._rates: Mapping[DialogueKind, float] = {
            "single": config.single_rate,
            "change_of_mind": config.change_of_mind_rate,
            "chit_chat": config.chit_chat_rate,
            "follow_up": config.follow_up_rate,
        }

    def planned(self, scenario: Scenario) -> Scenario:
        """*scenario* with a user; one that cannot have the kind that was drawn is gradual."""
        kind = self._drawn(scenario.seed)
        return replace(
            scenario,
            dialogue=kind if _can_be(kind, scenario) else "gradual",
            persona=persona(scenario.seed) if self._config.personas else None,
        )

    def _drawn(self, seed: int) -> DialogueKind:
        point = stream(seed, "dialogue").random()
        for kind, rate in self._rates.items():
            if point < rate:
                return kind
            point -= rate
        return "gradual"


def _can_be(kind: DialogueKind, scenario: Scenario) -> bool:
    if scenario.kind == "irrelevance":  # nothing is done for them that they could come back to
        return False
    if kind == "single":
        return len(steps_of(scenario)) <= _MOST_AT_ONCE
    return kind != "change_of_mind" or _has_value_to_change(scenario)


def _has_value_to_change(scenario: Scenario) -> bool:
    """Whether there is a value that the user must give, for something that can be done."""
    withheld = {function.name for function in scenario.withheld}
    return any(
        one.name not in step.when_asked and _has_choice(one)
        for step, needed in zip(steps_of(scenario), supplied_by_user(scenario), strict=True)
        if withheld.isdisjoint(one.name for one in functions_of(scenario, step))
        for one in needed
    )


def _has_choice(needed: Needed) -> bool:
    """Whether there is another value that a person would say in its place."""
    choices = needed.schema.get("enum")
    if isinstance(choices, list) and len(choices) < 2:
        return False
    return needed.schema.get("type") not in ("array", "object")
