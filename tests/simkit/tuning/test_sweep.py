"""A sweep finds the best setting in few and short rehearsals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from simkit.config import RunConfig
from simkit.tuning.grid import MOST_IN_FLIGHT, Ways
from simkit.tuning.rehearsal import rehearse
from simkit.tuning.rehearsed import Setting
from simkit.tuning.sweep import Progress, Sweep, derived_workers, sweep, with_setting
from simkit.tuning.terms import ProviderTerms
from simkit.tuning.workload import Workload
from tests.simkit.tuning.planning import conversation, workload
from tests.simkit.tuning.sweeping import ByLaw, InOneProcess, Law

AConfig = Callable[..., RunConfig]
AWorkload = Callable[..., Workload]
TEN_CALLS = workload([conversation(10)] * 20)


@pytest.fixture
def a_sweep(a_config: AConfig) -> Callable[..., Sweep]:
    """Build one; by default over 10,000 conversations of ten calls."""

    def build(conversations: int = 10_000, **changes: Any) -> Sweep:
        config = a_config()
        fields: dict[str, Any] = {
            "config": config,
            "workload": TEN_CALLS,
            "terms": {},
            "conversations": conversations,
            "ways": Ways(
                most=min(conversations, MOST_IN_FLIGHT), derived=partial(derived_workers, config)
            ),
        }
        return Sweep(**(fields | changes))

    return build


ASweep = Callable[..., Sweep]
LAWS: dict[str, Law] = {
    "bound by a rate": lambda size, _: min(0.1 * size, 5.0),
    "bound by calls at once": lambda size, _: min(0.1 * size, 0.7),
    "slowing under load": lambda size, _: 0.1 * size / (1 + size / 60),
    "worse beyond its best": lambda size, _: 0.1 * size / (1 + 0.02 * size + 2e-4 * size**2),
    "without any limit": lambda size, _: 0.1 * size,
    "bound by filters": lambda size, workers: min(0.1 * size, 0.15 * workers, 40.0),
}


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
@pytest.mark.parametrize("noise", [0.0, 0.005])
def test_what_is_recommended_is_nearly_as_fast_as_the_best_of_all(
    a_sweep: ASweep, law: Law, noise: float
):
    asked = a_sweep()

    found = sweep(asked, ByLaw(law, noise), InOneProcess())

    knee = found.knee.setting
    assert knee is not None
    best = max(
        law(size, derived_workers(asked.config, size)) for size in range(1, MOST_IN_FLIGHT + 1)
    )
    assert law(knee.concurrency, knee.filter_workers) >= 0.95 * best


def test_a_sweep_takes_few_calls(a_sweep: ASweep):
    rehearsal = ByLaw(LAWS["bound by a rate"])

    found = sweep(a_sweep(160_000), rehearsal, InOneProcess())

    assert len(found.tried) <= 15
    assert sum(10 * conversations for _, conversations in rehearsal.played) < 250_000
    assert found.is_extrapolated


@pytest.mark.parametrize(
    ("concurrency", "pace", "conversations"),
    [
        (1, 0.0, 200),  # 2,000 calls
        (200, 0.0, 800),  # four for each in flight
        (1, 50.0, 600),  # two minutes
        (1, 5_000.0, 2_000),  # no more than 20,000 calls
        (2_000, 0.0, 3_000),  # but one and a half for each in flight
        (4_096, 0.0, 6_144),
    ],
)
def test_rehearsals_are_as_long_as_a_steady_pace_needs(
    a_sweep: ASweep, concurrency: int, pace: float, conversations: int
):
    asked = a_sweep()
    found = sweep(
        replace(asked, ways=replace(asked.ways, concurrency=(3,))),
        ByLaw(lambda *_: pace / 10 or 0.001),
        InOneProcess(),
    )

    size = asked.size(Setting(concurrency=concurrency, filter_workers=4), found.tried)

    assert size == conversations


def test_few_conversations_are_all_rehearsed(a_sweep: ASweep):
    rehearsal = ByLaw(LAWS["bound by a rate"])

    found = sweep(a_sweep(1_000), rehearsal, InOneProcess())

    assert {conversations for _, conversations in rehearsal.played} == {1_000}
    assert not found.is_extrapolated


def test_all_are_rehearsed_where_that_is_asked_for(a_sweep: ASweep):
    asked = a_sweep(50_000, full=True)
    asked = replace(asked, ways=replace(asked.ways, concurrency=(4, 8)))
    rehearsal = ByLaw(LAWS["bound by a rate"])

    sweep(asked, rehearsal, InOneProcess())

    assert rehearsal.played == [(4, 50_000), (8, 50_000)]


def test_results_are_in_order_whatever_order_they_came_in(a_sweep: ASweep):
    asked = a_sweep()
    asked = replace(asked, ways=replace(asked.ways, concurrency=(8, 4), filter_workers=(9, 3)))

    found = sweep(asked, ByLaw(LAWS["bound by a rate"]), InOneProcess())

    settings = [(one.setting.concurrency, one.setting.filter_workers) for one in found.tried]
    assert settings == [(4, 3), (4, 9), (8, 3), (8, 9)]


def test_progress_never_ends_before_the_work(a_sweep: ASweep):
    heard: list[Progress] = []

    found = sweep(a_sweep(), ByLaw(LAWS["bound by a rate"]), InOneProcess(), heard.append)

    assert heard[0].settings == 0
    assert heard[0].calls_at_most > 0
    assert heard[-1].settings == len(found.tried)
    assert all(one.calls <= one.calls_at_most for one in heard)
    assert [one.calls for one in heard] == sorted(one.calls for one in heard)


def test_a_provider_that_refuses_everything_ends_the_sweep(a_sweep: ASweep):
    found = sweep(a_sweep(), ByLaw(lambda *_: 0.0), InOneProcess())

    assert len(found.tried) == 2
    assert found.recommended is None
    assert "answered nothing" in found.knee.why


def test_a_setting_says_no_more_than_the_configuration_does_itself(a_config: AConfig):
    config = a_config()

    derived = with_setting(config, Setting(concurrency=64, filter_workers=16))
    other = with_setting(config, Setting(concurrency=64, filter_workers=5))

    assert (derived.run.concurrency, derived.filters.workers) == (64, 0)
    assert (other.run.concurrency, other.filters.workers) == (64, 5)


def test_a_real_rehearsal_has_its_knee_where_a_rate_is_used_up(
    a_sweep: ASweep, a_config: AConfig, a_workload: AWorkload
):
    config = a_config(provider__requests_per_minute=300.0)
    asked = a_sweep(
        50,
        config=config,
        workload=a_workload(calls=4, judging=1),
        terms={"default": ProviderTerms(requests_per_minute=300)},
    )

    found = sweep(asked, rehearse, InOneProcess())

    # 5 calls a second of 1 s each: 5 calls at once, some more because they come in waves.
    knee = found.knee.setting
    assert knee is not None
    assert 5 <= knee.concurrency <= 14
    assert "requests" in found.knee.why
    assert found.recommended is not None
    assert found.recommended.seconds == pytest.approx(50, rel=0.1)
