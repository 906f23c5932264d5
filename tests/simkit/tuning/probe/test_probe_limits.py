"""Probes of ten providers: limits that are not told are found, within what may be spent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from simkit.config_file import load_config, to_toml
from simkit.tuning.probe.live import Probed
from simkit.tuning.probe.recommended import NothingRecommended, recommend
from simkit.tuning.probe.refusals import FoundLimit
from simkit.tuning.terms import ProviderTerms
from tests.simkit.tuning.probe.probing import BUDGET, a_config, probed

NEAR = 0.1

TEN: dict[str, tuple[dict[str, Any], dict[str, float]]] = {
    "requests, told": (
        {"requests_per_minute": 300, "hints": "all"},
        {"requests": 300},
    ),
    "requests, bare": (
        {"requests_per_minute": 300, "hints": "none"},
        {"requests": 300},
    ),
    "tokens, told": (
        {"tokens_per_minute": 300_000, "hints": "all"},
        {"tokens": 300_000},
    ),
    "tokens, bare": (
        {"tokens_per_minute": 300_000, "hints": "none"},
        {"tokens": 300_000},
    ),
    "input tokens, a time only": (
        {"input_tokens_per_minute": 250_000, "hints": "retry_after"},
        {"input_tokens": 250_000},
    ),
    "concurrency, named": (
        {"max_calls_in_flight": 10, "hints": "all"},
        {"concurrency": 10},
    ),
    "concurrency, bare": (
        {"max_calls_in_flight": 10, "hints": "none"},
        {"concurrency": 10},
    ),
    "faulty, requests": (
        {"requests_per_minute": 300, "failure_share": 0.1, "hints": "none"},
        {"requests": 300},
    ),
    "slowing down": ({"doubled_at": 12, "hints": "none"}, {}),
    "requests and concurrency": (
        {"requests_per_minute": 400, "max_calls_in_flight": 7, "hints": "none"},
        {"concurrency": 7},
    ),
}


def met(result: Probed) -> dict[str, FoundLimit]:
    (limits,) = result.limits.values()
    return {limit.kind: limit for limit in limits if limit.binds}


@pytest.mark.parametrize("name", TEN)
def test_every_limit_that_binds_is_found_within_a_tenth(name: str) -> None:
    terms, expected = TEN[name]
    result, runs = probed(ProviderTerms(**terms))
    found = met(result)
    for kind, value in expected.items():
        assert found[kind].value == pytest.approx(value, rel=NEAR)
        assert found[kind].low <= found[kind].value <= found[kind].high
    if not expected:
        assert not found
    assert result.spent == runs.spent <= BUDGET
    assert len(result.attempts) < 2_500


@pytest.mark.parametrize(
    "name",
    ["requests, bare", "tokens, bare", "concurrency, bare", "requests and concurrency"],
)
def test_a_network_that_delays_calls_unevenly_does_not_hide_the_limits(name: str) -> None:
    terms, expected = TEN[name]
    found = met(probed(ProviderTerms(**terms), on_the_way=0.07)[0])
    for kind, value in expected.items():
        assert found[kind].value == pytest.approx(value, rel=NEAR)


def test_refusals_that_follow_no_known_rule_are_said_to_be_unexplained() -> None:
    """Such as those of a gateway that counts by the minute."""
    terms = ProviderTerms(requests_per_minute=300, window_seconds=60, hints="none")
    result, _ = probed(terms)
    assert not met(result)
    recommended = recommend(a_config(), result)
    assert any("no limit explains them" in note for note in recommended.notes)
    assert recommended.config.providers["default"].requests_per_minute is None


def test_without_any_limit_none_is_claimed_and_throughput_is_a_line() -> None:
    result, _ = probed(ProviderTerms(hints="none"), 1_000_000)
    assert not met(result)
    (limits,) = result.limits.values()
    assert {limit.source for limit in limits} == {"not reached"}
    recommended = recommend(a_config(), result)
    assert recommended.law is not None
    assert recommended.law.shape == "straight"
    assert recommended.law.peak is None


@pytest.mark.parametrize("budget", [160_000, 250_000, 400_000])
def test_the_budget_is_never_passed_and_no_conversation_fails_of_it(budget: int) -> None:
    result, runs = probed(ProviderTerms(hints="none"), budget)
    assert result.stop.ending == "budget"
    assert 0.5 * budget < runs.spent <= budget
    assert runs.failed == 0


def test_a_provider_that_slows_down_is_left_before_it_is_harmed_further() -> None:
    result, _ = probed(ProviderTerms(doubled_at=4, hints="none"))
    assert result.stop.ending in ("flat", "harm")
    assert result.stages[-1].concurrency <= 48


def test_a_provider_that_refuses_everything_gets_a_verdict_soon() -> None:
    result, _ = probed(ProviderTerms(requests_per_minute=0.01, hints="none"))
    assert result.stop.ending == "no answers"
    assert result.ended - result.began < 200
    assert len(result.attempts) < 200
    recommended = recommend(a_config(), result)
    assert isinstance(recommended, NothingRecommended)
    assert "20" in recommended.why
    assert not met(result)


def test_a_long_rest_that_is_asked_for_ends_the_probe_at_once() -> None:
    """A limit of 1 request in two minutes: the second is told to come back after that time."""
    result, _ = probed(ProviderTerms(requests_per_minute=0.5, hints="retry_after"))
    assert result.stop.ending in ("rest", "no answers")
    assert result.ended - result.began < 30


def test_what_is_recommended_can_be_read_as_a_configuration(tmp_path: Path) -> None:
    result, _ = probed(ProviderTerms(requests_per_minute=300, hints="none"))
    recommended = recommend(a_config(), result)
    (tmp_path / "found.toml").write_text(to_toml(recommended.config))
    read = load_config(tmp_path / "found.toml", {})
    assert read.providers["default"].requests_per_minute == pytest.approx(300, rel=NEAR)
    assert read.run.concurrency == recommended.concurrency
    assert read.budget.tokens is None
    # A call takes a second or so: five of them at once use up five requests a second.
    assert 5 <= recommended.concurrency <= 10
