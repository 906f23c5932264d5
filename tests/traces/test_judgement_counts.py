"""What verdicts tell of stages, judges and panels, counted."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from simkit.traces.agreement import Agreement
from simkit.traces.database import Place
from simkit.traces.filter_stages import passage
from simkit.traces.records import Reason, TurnVerdict, Verdict, Vote
from simkit.traces.rows import as_stored, verdict_body, verdict_of
from simkit.traces.rulings import ENOUGH, Rulings

PROMPTS = {"trajectory_judge": "a", "turn_judge": "b"}
GOOD = TurnVerdict(index=1, ok=True)


def because(check: str) -> tuple[Reason, ...]:
    return (Reason(check=check, message="x"),)


MASKED = TurnVerdict(index=3, ok=False, reasons=because("turn_judge"))
BY_RULE = TurnVerdict(index=5, ok=False, reasons=because("duplicate_calls"))


def by_judge(outcome: Any, check: str | None = None, *turns: TurnVerdict, **more: Any) -> Verdict:
    reasons = because(check) if check else ()
    return Verdict(
        outcome=outcome, reasons=reasons, turns=turns, judge="m", prompts=PROMPTS, **more
    )


@pytest.mark.parametrize(
    ("verdict", "passed", "stopped"),
    [
        (Verdict(outcome="failed", reasons=because("provider_unavailable")), "", None),
        (Verdict(outcome="dropped", reasons=because("unfinished")), "", "user"),
        (Verdict(outcome="dropped", reasons=because("role_order")), "user", "rules"),
        (Verdict(outcome="kept", turns=(GOOD,)), "user rules", None),
        (by_judge("dropped", "trajectory_judge"), "user rules", "trajectory_judge"),
        (by_judge("undecided", "judge_unusable"), "user rules", "trajectory_judge"),
        (
            by_judge("undecided", "judge_unusable", GOOD),
            "user rules trajectory_judge",
            "turn_judge",
        ),
        (
            by_judge("dropped", "no_trainable_turn", MASKED),
            "user rules trajectory_judge",
            "turn_judge",
        ),
        (by_judge("kept", None, GOOD), "user rules trajectory_judge turn_judge", None),
        (
            by_judge("dropped", "near_duplicate", GOOD),
            "user rules trajectory_judge turn_judge",
            "near_duplicates",
        ),
    ],
)
def test_a_verdict_tells_how_far_its_conversation_came(
    verdict: Verdict, passed: str, stopped: str | None
) -> None:
    assert passage(as_stored(verdict), compared=False) == (tuple(passed.split()), stopped)


def test_what_was_compared_and_kept_passed_the_comparison_and_nothing_else_came_to_it() -> None:
    kept, stopped = by_judge("kept", None, GOOD), by_judge("dropped", "near_duplicate", GOOD)
    assert passage(as_stored(kept), compared=True).passed[-1] == "near_duplicates"
    for verdict in (stopped, by_judge("dropped", "trajectory_judge"), by_judge("undecided", "x")):
        assert "near_duplicates" not in passage(as_stored(verdict), compared=True).passed


def test_a_verdict_without_votes_is_stored_as_it_was_before_there_were_panels() -> None:
    verdict = by_judge("kept", None, GOOD)
    assert b"votes" not in verdict_body(verdict)
    voted = by_judge("kept", None, GOOD, votes=(Vote(model="m", ok=True), Vote(model="n", ok=None)))
    for one in (verdict, voted):
        assert verdict_of(verdict_body(one), Place("a verdict", Path("run.db"))) == one


def test_only_rulings_of_judges_are_counted_as_such() -> None:
    rulings = Rulings()
    for verdict in (
        by_judge("kept", None, GOOD, MASKED, BY_RULE),
        by_judge("dropped", "trajectory_judge"),
        by_judge("undecided", "judge_unusable"),
        Verdict(outcome="kept", turns=(GOOD,)),
    ):
        rulings.add(as_stored(verdict))
    whole, turns = rulings.by_judge()
    assert (whole.stage, whole.kept, whole.not_kept) == ("trajectory_judge", 1, 1)
    assert (turns.stage, turns.kept, turns.not_kept) == ("turn_judge", 1, 1)


def test_a_judge_that_rules_alike_on_hundreds_is_told_of_and_one_exception_clears_it() -> None:
    rulings = Rulings()
    for _ in range(ENOUGH["trajectory_judge"] - 1):
        rulings.add(as_stored(by_judge("dropped", "trajectory_judge")))
    assert rulings.by_judge()[0].one_sided is None
    rulings.add(as_stored(by_judge("dropped", "trajectory_judge")))
    told = rulings.by_judge()[0].one_sided
    assert told is not None
    assert "trajectory judge m has ruled 0 on each of 200 trajectories" in told
    rulings.add(as_stored(by_judge("kept", None, GOOD)))
    assert rulings.by_judge()[0].one_sided is None


def test_each_judge_of_a_panel_is_counted_by_its_own_votes() -> None:
    rulings = Rulings()
    votes = (Vote(model="a", ok=True), Vote(model="b", ok=False), Vote(model="c", ok=None))
    rulings.add(as_stored(by_judge("undecided", "no_majority", votes=votes)))
    assert [(r.model, r.kept, r.not_kept) for r in rulings.by_judge()] == [
        ("a", 1, 0),
        ("b", 0, 1),
    ]


def test_agreement_is_fleiss_kappa() -> None:
    """Two judges, worked out by hand: they agree on 3 of 4, and 5 of 8 votes are for keeping."""
    agreement = Agreement()
    for votes in ((True, True), (True, True), (False, False), (True, False)):
        agreement.add(votes)
    by_chance = (5 / 8) ** 2 + (3 / 8) ** 2
    assert agreement.unanimous_share == 0.75
    assert agreement.kappa == pytest.approx((0.75 - by_chance) / (1 - by_chance))


def test_judges_that_throw_coins_agree_no_more_than_chance() -> None:
    draw, agreement = random.Random(1), Agreement()
    for _ in range(4_000):
        agreement.add(draw.choice((True, False, None)) for _ in range(3))
    assert agreement.kappa == pytest.approx(0.0, abs=0.05)


def test_where_all_rulings_are_the_same_agreement_says_nothing() -> None:
    agreement = Agreement()
    assert (agreement.unanimous_share, agreement.kappa) == (None, None)
    agreement.add((True, True, None))
    agreement.add((True, None))
    assert (agreement.trajectories, agreement.unanimous_share, agreement.kappa) == (1, 1.0, None)
