"""What a calibration counts as found, missed and a false alarm."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from simkit.filters.calibration import (
    Calibration,
    Labelled,
    Mistake,
    RewardTally,
    objections_of,
    rulings_of,
    spoiled,
    untouched,
)
from simkit.filters.corruptions import Corrupted
from simkit.filters.filter import Objection
from simkit.filters.judges import PROMPTS, TrajectoryJudge, TurnJudge
from simkit.filters.panel import TrajectoryPanel, TurnPanel
from simkit.filters.pipeline import FilterPipeline
from simkit.traces.calls import ChatRequest
from simkit.traces.prompts import PromptSet
from simkit.traces.records import Trajectory
from simkit.traces.voice import Voice

Script = Callable[[ChatRequest], str]


def objects(check: str, turn: int | None) -> Objection:
    return Objection(check=check, message="Because.", turn=turn)


@pytest.fixture
def judges(
    scripted: Callable[[Script], Any], ruling: Callable[..., str]
) -> Callable[[int, int], FilterPipeline]:
    """Judges alone, who always say the same of the whole, and of a turn."""

    def build(whole: int, turn: int) -> FilterPipeline:
        def script(request: ChatRequest) -> str:
            is_whole = "<intent>" in request.messages[-1].content
            return ruling(whole if is_whole else turn)

        voice, prompts = Voice(role="judge", client=scripted(script)), PromptSet(PROMPTS)
        return FilterPipeline(
            (),
            TrajectoryPanel([TrajectoryJudge(voice, prompts)]),
            TurnPanel([TurnJudge(voice, prompts)]),
        )

    return build


def of(*checks: str) -> Calibration:
    return Calibration(checks=checks)


def test_an_objection_to_the_turn_or_to_the_whole_finds_a_mistake(
    a_trajectory: Callable[..., Trajectory],
) -> None:
    wrong = Labelled(
        trajectory=a_trajectory(), mistakes=(Mistake(kind="typo", turns=(1,)),), sound=(3,)
    )
    calibration = of("rule", "judge")
    calibration.add(wrong, [objects("rule", 1)])
    calibration.add(wrong, [objects("judge", None)])
    calibration.add(wrong, [objects("rule", 3)])
    calibration.add(wrong, [])
    assert (calibration.mistakes["typo"], calibration.found["typo"]) == (4, 2)
    assert calibration.finders("typo") == [("rule", 1), ("judge", 1)]
    assert calibration.recall == 0.5
    assert calibration.kept_mistakes == 2


def test_a_sound_turn_that_is_objected_to_is_one_false_alarm_for_each_check(
    a_trajectory: Callable[..., Trajectory],
) -> None:
    calibration = of("rule", "other")
    calibration.add(untouched(a_trajectory()), [objects("rule", 1), objects("rule", 1)])
    calibration.add(untouched(a_trajectory()), [objects("other", 1), objects("rule", 1)])
    assert calibration.sound_turns == 4
    assert calibration.alarms == 2
    assert calibration.alarms_by == {"rule": 2, "other": 1}
    assert calibration.false_alarm_rate == 0.5
    assert calibration.kept_turns == 2


def test_dropping_a_sound_conversation_is_an_alarm_at_each_of_its_turns(
    a_trajectory: Callable[..., Trajectory],
) -> None:
    calibration = of("rule")
    calibration.add(untouched(a_trajectory()), [objects("rule", None)])
    assert (calibration.dropped_sound, calibration.alarms, calibration.kept_turns) == (1, 2, 0)


def test_dropping_a_conversation_with_a_mistake_is_no_alarm_but_loses_its_sound_turns(
    a_trajectory: Callable[..., Trajectory],
) -> None:
    wrong = Labelled(
        trajectory=a_trajectory(), mistakes=(Mistake(kind="typo", turns=(1,)),), sound=(3,)
    )
    calibration = of("rule")
    calibration.add(wrong, [objects("rule", None)])
    assert (calibration.found["typo"], calibration.alarms, calibration.kept_turns) == (1, 0, 0)


def test_what_was_held_against_the_original_finds_nothing_and_is_no_new_alarm(
    a_trajectory: Callable[..., Trajectory],
) -> None:
    made = Corrupted(trajectory=a_trajectory(), kind="typo", turns=(3,), untouched=3, changed="?")
    old, new = objects("rule", 3), objects("rule", 1)
    calibration = of("rule")
    calibration.add(spoiled(made, [old, objects("rule", None)]), [old, objects("rule", None)])
    assert calibration.found["typo"] == 0
    calibration.add(spoiled(made, [old]), [old, new])
    assert (calibration.turns_before, calibration.alarms_before) == (2, 1)
    assert calibration.sound_turns == 0


def test_turns_after_a_mistake_that_was_put_in_count_for_nothing(
    a_trajectory: Callable[..., Trajectory],
) -> None:
    made = Corrupted(trajectory=a_trajectory(), kind="typo", turns=(1,), untouched=1, changed="?")
    assert spoiled(made, []).sound == ()


def test_shares_of_nothing_are_unknown_and_not_zero() -> None:
    figures = of("rule").as_json()
    assert figures["recall"] is figures["precision"] is figures["false_alarm_rate"] is None
    assert figures["checks"]["rule"]["precision"] is None


def test_precision_is_the_share_of_mistakes_among_what_was_objected_to(
    a_trajectory: Callable[..., Trajectory],
) -> None:
    wrong = Labelled(
        trajectory=a_trajectory(), mistakes=(Mistake(kind="typo", turns=(1,)),), sound=(3,)
    )
    calibration = of("rule")
    calibration.add(wrong, [objects("rule", 1), objects("rule", 3)])
    assert calibration.precision == 0.5
    assert calibration.as_json()["checks"]["rule"] == {
        "found": 1,
        "false_alarms": 1,
        "precision": 0.5,
        "false_alarm_rate": 1.0,
    }


@dataclass
class Objects:
    """A check that objects to one turn."""

    turn: int | None
    name: str = "objects"

    def check(self, trajectory: Trajectory) -> Iterator[Objection]:
        yield objects(self.name, self.turn)


def test_rewards_are_told_apart_by_what_is_kept_and_masked(
    a_trajectory: Callable[..., Trajectory],
) -> None:
    tally = RewardTally()
    for checks in ([], [Objects(1)], [Objects(None)], [Objects(1), Objects(3)]):
        tally.add(a_trajectory(), objections_of(checks, a_trajectory()))
    assert (tally.conversations, tally.kept, tally.flawless) == (4, 2, 1)
    assert (tally.turns, tally.masked) == (8, 3)
    assert tally.by_check == {"objects": 3}


@pytest.mark.parametrize(
    ("whole", "turn", "expected"),
    [
        (1, 1, set()),
        (0, 1, {("trajectory_judge", None)}),
        (1, 0, {("turn_judge", 1), ("turn_judge", 3)}),
    ],
)
async def test_rulings_of_judges_count_as_objections(
    a_trajectory: Callable[..., Trajectory],
    judges: Callable[[int, int], FilterPipeline],
    whole: int,
    turn: int,
    expected: set[tuple[str, int | None]],
) -> None:
    rulings = await rulings_of(judges(whole, turn), a_trajectory())
    assert {(found.check, found.turn) for found in rulings} == expected


async def test_what_a_judge_cannot_be_asked_about_is_objected_to_as_a_whole(
    a_trajectory: Callable[..., Trajectory], judges: Callable[[int, int], FilterPipeline]
) -> None:
    cut_off = replace(a_trajectory(), ended="limit", cause="message_limit")
    [objection] = await rulings_of(judges(1, 1), cut_off)
    assert (objection.check, objection.turn) == ("unfinished", None)
