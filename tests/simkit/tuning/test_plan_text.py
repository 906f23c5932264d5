"""A plan reads well, whatever it holds."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console, RenderableType

from simkit.prices import Price
from simkit.tuning.limits_of_run import Assumed, AssumedLimit
from simkit.tuning.plan import Plan, make_plan
from simkit.tuning.plan_text import advice, plan_json, render_assumed, render_plan
from simkit.tuning.text_figures import duration
from tests.simkit.tuning.planning import (
    MODEL,
    conversation,
    rehearse_by_arithmetic,
    rehearsed,
    situation,
    workload,
)

PRICES = {MODEL: Price(models=(MODEL,), input=2.0, output=10.0)}
NOW = situation(workload([conversation(8, judged=4)] * 100), requests_per_minute=60)
ASSUMED = Assumed(
    config=NOW.config,
    terms=NOW.terms,
    limits=(
        AssumedLimit(
            provider="default",
            name="requests_per_minute",
            value=60.0,
            origin="given",
            is_told=True,
        ),
    ),
)


def plan(prices: dict[str, Price] | None = None) -> Plan:
    return make_plan(NOW, 10_000, PRICES if prices is None else prices, rehearse_by_arithmetic)


def endless() -> Plan:
    found = rehearsed(finished=0, stopped_by="it answers \x1b[2Jnothing")
    return make_plan(NOW, 10_000, PRICES, lambda *_, **__: found)


def shown(what: RenderableType, width: int = 100) -> str:
    console = Console(width=width)
    with console.capture() as output:
        console.print(what)
    return output.get()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.0 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (3_599.7, "1 h"),
        (9_000, "2 h 30 min"),
        (86_399, "1 day"),
        (280_000, "3 days 6 h"),
        (math.inf, "never"),
    ],
)
def test_a_duration_is_told_in_its_two_largest_units(seconds: float, text: str):
    assert duration(seconds) == text


def test_figures_are_told_with_their_intervals():
    rows = {
        line[:19].strip(): line[19:].split()
        for line in shown(render_plan(plan(), "EUR")).splitlines()
    }

    assert rows["time"][:5] == ["1", "day", "9", "h", "1"]  # 120,000 calls at one a second
    assert rows["cost, EUR"] == ["360.00", "352.94", "to", "367.20"]
    assert rows["calls"] == ["120,000", "118,000", "to", "122,000"]
    assert rows["conversations kept"][0] == "5,000"
    assert rows["disk"][:2] == ["500", "MB"]


def test_the_cheapest_change_is_told_in_a_sentence():
    assert advice(plan(), "EUR") == (
        "The cheapest change that makes it faster: rules alone judge (saves 120.00 EUR): "
        "22 h 13 min instead of 1 day 9 h, 33% less. Without judges more is kept that should "
        "not be."
    )


def test_without_prices_there_is_no_cost_and_all_the_rest():
    text = shown(render_plan(plan({}), None))

    assert "no price" in text
    assert "There is no cost without a price for made-up" in text
    assert "saves money" in text
    assert "1 day 9 h" in text


def test_a_run_that_would_not_end_is_told_to_be_one():
    text = shown(render_plan(endless(), None))

    assert "would not end" in text
    assert "never" in text
    assert "it answers" in text
    assert "\x1b" not in text


def test_where_nothing_helps_it_says_what_limits():
    stuck = replace(plan(), advised=None)

    assert advice(stuck, None).endswith("what limits is requests (90%).")


@pytest.mark.parametrize("width", [40, 80, 200])
def test_it_fits_any_terminal(width: int):
    text = shown(render_plan(plan(), "EUR"), width)

    assert max(map(len, text.splitlines())) <= width


def test_assumed_limits_are_told_with_their_origin():
    nothing = replace(ASSUMED, limits=())

    assert "60 requests a minute at default (given)" in shown(render_assumed(ASSUMED))
    assert "no limits" in shown(render_assumed(nothing))


@pytest.mark.parametrize("made", [plan, endless])
def test_json_has_all_of_it_and_nothing_infinite(made: Any):
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    found = json.loads(json.dumps(plan_json(made(), ASSUMED, "EUR")), parse_constant=refuse)

    assert found["conversations"] == 10_000
    assert found["money"]["expected"] == pytest.approx(360.0)
    assert found["assumed"][0]["origin"] == "given"
    assert {"what", "takes", "seconds", "gain", "money"} == set(found["changes"][0])
    assert (found["seconds"] is None) == (made is endless)
