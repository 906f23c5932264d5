"""Which users scenarios get."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simkit.config import ConfigError
from simkit.config_dialogue import DialogueSection
from simkit.config_file import load_config
from simkit.dialogue_plans import DialoguePlanner
from simkit.same_data import check_same_data
from simkit.traces.functions import Function
from simkit.traces.plans import Step
from simkit.traces.records import Scenario

NONE = {
    "single_rate": 0.0,
    "change_of_mind_rate": 0.0,
    "chit_chat_rate": 0.0,
    "follow_up_rate": 0.0,
}


def only(kind: str) -> DialoguePlanner:
    return DialoguePlanner(DialogueSection(**(NONE | {f"{kind}_rate": 1.0})))


def test_kinds_come_at_their_rates_and_each_scenario_has_its_own(
    a_scenario: Callable[..., Scenario],
) -> None:
    planner = DialoguePlanner(DialogueSection())
    planned = [planner.planned(a_scenario(0, seed=seed)) for seed in range(2000)]
    counted = Counter(one.dialogue for one in planned)
    expected = {"single": 300, "change_of_mind": 200, "chit_chat": 200, "follow_up": 200}
    assert counted.keys() == {"gradual", *expected}
    assert all(abs(counted[kind] - number) < 60 for kind, number in expected.items())  # type: ignore[index]
    assert planner.planned(a_scenario(5, seed=3)) == replace(planned[3], number=5)


def test_people_are_drawn_only_where_wanted(a_scenario: Callable[..., Scenario]) -> None:
    assert only("single").planned(a_scenario()).persona is not None
    without = DialoguePlanner(DialogueSection(personas=False, **NONE))
    assert without.planned(a_scenario()) == a_scenario()


@pytest.mark.parametrize("kind", ["single", "change_of_mind", "chit_chat", "follow_up"])
def test_where_nothing_can_be_done_the_dialogue_is_gradual(
    a_scenario: Callable[..., Scenario], kind: str
) -> None:
    assert only(kind).planned(a_scenario()).dialogue == kind
    vain = replace(a_scenario(), kind="irrelevance")
    assert only(kind).planned(vain).dialogue == "gradual"


def test_nobody_tells_twenty_things_in_one_message(a_scenario: Callable[..., Scenario]) -> None:
    step = Step(functions=("get_temperature",))
    few, many = (replace(a_scenario(), plan=(step,) * number) for number in (8, 9))
    assert only("single").planned(few).dialogue == "single"
    assert only("single").planned(many).dialogue == "gradual"


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({"parameters": {"type": "object", "properties": {}}}, {}),
        ({"parameters": {"properties": {"city": {"enum": ["Oslo"]}}, "required": ["city"]}}, {}),
        ({"parameters": {"properties": {"city": {"type": "object"}}, "required": ["city"]}}, {}),
        ({}, {"when_asked": ("city",)}),
    ],
)
def test_a_mind_is_changed_only_about_a_value_that_the_user_gives(
    a_scenario: Callable[..., Scenario],
    a_function: Callable[..., Function],
    changes: dict[str, Any],
    step: dict[str, Any],
) -> None:
    scenario = a_scenario(0, a_function(**changes))
    planned = replace(scenario, plan=(Step(functions=scenario.chain, **step),))
    assert only("change_of_mind").planned(planned).dialogue == "gradual"


def test_rates_above_one_together_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"must not be above 1 together.*they are 1\.1"):
        load_config(None, {"dialogue.single_rate": 0.9, "dialogue.follow_up_rate": 0.0})


def test_a_run_goes_on_only_with_the_same_dialogues() -> None:
    options = {"model.name": "m", "providers.default.base_url": "http://localhost:1/v1"}
    before = load_config(None, options)
    now = load_config(None, options | {"dialogue.single_rate": 0.2})
    with pytest.raises(ConfigError, match=r"dialogue\.single_rate"):
        check_same_data(before, now, Path("run"))
