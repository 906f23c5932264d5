"""A rehearsal takes the time that limits, latencies and the machine make it take."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace

import pytest

from simkit.config import RunConfig
from simkit.tuning.rehearsal import rehearse
from simkit.tuning.rehearsed import Rehearsed
from simkit.tuning.terms import ProviderTerms, TermsError
from simkit.tuning.workload import Workload

AWorkload = Callable[..., Workload]
AConfig = Callable[..., RunConfig]


def rehearsed(
    config: RunConfig, workload: Workload, conversations: int, **terms: object
) -> Rehearsed:
    enforced = {"default": ProviderTerms(**terms)}  # type: ignore[arg-type]
    return rehearse(config, workload, enforced, conversations=conversations)


def test_without_limits_the_time_is_that_of_the_latencies(
    a_workload: AWorkload, a_config: AConfig
) -> None:
    config = a_config(run__concurrency=10, provider__max_calls_in_flight=1_000)
    found = rehearsed(config, a_workload(pause_seconds=0.5), 100)
    # 10 waves of 8 rounds of a pause and a call; the judges of the last wave come after it.
    assert found.seconds == pytest.approx(10 * 8 * 1.5 + 1, rel=0.02)
    assert found.finished == found.conversations == 100
    assert found.calls == 1_000
    assert next(iter(found.limiting)) == "provider latency"
    assert found.peak_calls_in_flight <= 10 + 2 * config.filter_workers


def test_a_provider_that_takes_no_time_is_not_said_to_set_the_pace(
    a_workload: AWorkload, a_config: AConfig
) -> None:
    config = a_config(run__concurrency=10, provider__max_calls_in_flight=1_000)
    found = rehearsed(config, a_workload(pause_seconds=0.5), 100, latency_factor=1e-9)
    assert found.seconds == pytest.approx(10 * 8 * 0.5, rel=0.02)
    assert next(iter(found.limiting)) == "work between calls"


@pytest.mark.parametrize(
    ("limit", "per_minute", "cause", "demand"),
    [
        ("requests_per_minute", 600, "requests", 1),
        ("tokens_per_minute", 330_000, "tokens", 1_100),
        ("input_tokens_per_minute", 300_000, "input tokens", 1_000),
        ("output_tokens_per_minute", 30_000, "output tokens", 100),
    ],
)
@pytest.mark.parametrize("told", [True, False])
def test_a_limit_per_minute_sets_the_time(
    a_workload: AWorkload,
    a_config: AConfig,
    limit: str,
    per_minute: int,
    cause: str,
    demand: int,
    told: bool,
) -> None:
    options = {f"provider__{limit}": float(per_minute)} if told else {}
    config = a_config(run__concurrency=64, **options)
    found = rehearsed(config, a_workload(spread=0.5), 200, **{limit: per_minute})
    # The burst at the start, and the end, when few are left, are about a second each.
    assert found.seconds == pytest.approx(2_000 * demand / per_minute * 60, rel=0.06, abs=3)
    assert next(iter(found.limiting)) == cause
    [used] = found.quota_used.values()
    assert used == pytest.approx(1, abs=0.04)


def test_a_cap_on_calls_in_flight_sets_the_time_by_littles_law(
    a_workload: AWorkload, a_config: AConfig
) -> None:
    found = rehearsed(a_config(run__concurrency=50), a_workload(), 200, max_calls_in_flight=20)
    assert found.steady_calls_per_second == pytest.approx(20, rel=0.08)
    assert next(iter(found.limiting)) == "calls in flight"
    assert found.refused < 0.05 * found.calls


def test_latency_that_grows_with_load_is_felt(a_workload: AWorkload, a_config: AConfig) -> None:
    config = a_config(run__concurrency=40, provider__max_calls_in_flight=1_000)
    workload = a_workload(judging=0, doubled_at=40)
    # 40 in flight double every latency: 1 s becomes 2.
    assert rehearsed(config, workload, 400).seconds == pytest.approx(10 * 8 * 2, rel=0.03)
    assert rehearsed(config, workload, 400, doubled_at=20).seconds > 10 * 8 * 2.9
    assert rehearsed(config, workload, 400, latency_factor=0.5).seconds < 10 * 8 * 1.03


def test_one_core_does_all_the_work(a_workload: AWorkload, a_config: AConfig) -> None:
    found = rehearsed(a_config(run__concurrency=100), a_workload(cpu_seconds=0.05), 200)
    assert found.steady_calls_per_second == pytest.approx(20, rel=0.02)
    assert next(iter(found.limiting)) == "CPU"


def test_filters_with_too_few_workers_hold_everything_up(
    a_workload: AWorkload, a_config: AConfig
) -> None:
    config = a_config(run__concurrency=50, filters__workers=1)
    found = rehearsed(config, a_workload(judging_seconds=(5.0,)), 100)
    assert found.seconds == pytest.approx(100 * 5, rel=0.05)
    assert next(iter(found.limiting)) == "filters"


def test_without_judges_in_the_configuration_nothing_is_judged(
    a_workload: AWorkload, a_config: AConfig
) -> None:
    found = rehearsed(a_config(filters__judge=False), a_workload(), 40)
    assert found.calls == 40 * 8


def test_failures_are_retried_and_cost_time(a_workload: AWorkload, a_config: AConfig) -> None:
    config = a_config(run__concurrency=20)
    sound = rehearsed(config, a_workload(), 100)
    shaky = rehearsed(config, a_workload(failure_share=0.1), 100)
    assert shaky.finished == 100
    assert shaky.failed == pytest.approx(shaky.calls / 9, rel=0.25)
    assert shaky.seconds > 1.1 * sound.seconds
    assert rehearsed(config, a_workload(failure_share=0.1), 100, failure_share=0).failed == 0


def test_two_keys_are_two_accounts(a_workload: AWorkload, a_config: AConfig) -> None:
    terms = {"requests_per_minute": 600}
    one = rehearsed(a_config(run__concurrency=64), a_workload(), 200, **terms)
    keys = a_config(run__concurrency=64, provider__api_key_env=("FIRST_KEY", "SECOND_KEY"))
    two = rehearsed(keys, a_workload(), 200, **terms)
    assert two.seconds == pytest.approx(one.seconds / 2, rel=0.1)


def test_equal_arguments_give_equal_results_and_another_seed_others(
    a_workload: AWorkload, a_config: AConfig
) -> None:
    workload = a_workload(seconds=(0.5, 0.8, 1.1, 1.9), failure_share=0.05)
    config, terms = a_config(), {"default": ProviderTerms(max_calls_in_flight=30, hints="none")}
    first = rehearse(config, workload, terms, conversations=60)
    assert rehearse(config, workload, terms, conversations=60) == first
    assert rehearse(config, workload, terms, conversations=60, seed=1) != first
    assert pickle.loads(pickle.dumps(first)) == first


def test_every_conversation_is_played_equally_often(
    a_workload: AWorkload, a_config: AConfig
) -> None:
    large, small = a_workload(1, input_tokens=9_000), a_workload(1)
    workload = replace(small, conversations=large.conversations + small.conversations)
    assert rehearsed(a_config(), workload, 30).input_tokens == 15 * 100_000


def test_the_time_line_accounts_for_every_call(a_workload: AWorkload, a_config: AConfig) -> None:
    found = rehearsed(
        a_config(run__concurrency=8), a_workload(failure_share=0.1), 400, requests_per_minute=300
    )
    line = found.timeline
    assert sum(line.answered) == found.calls
    assert sum(line.refused) == found.refused
    assert sum(line.failed) == found.failed
    assert sum(line.input_tokens) == found.input_tokens
    assert len(line.answered) < 480
    assert len(line.answered) * line.step_seconds >= found.seconds - 1e-6
    assert max(line.conversations_in_flight) <= 8
    assert all(sum(shares.values()) <= 1.001 for shares in line.limiting)


def test_a_provider_that_only_fails_gets_a_verdict_soon(
    a_workload: AWorkload, a_config: AConfig
) -> None:
    found = rehearsed(a_config(), a_workload(failure_share=0.9999), 100)
    assert found.stopped_by is not None
    assert found.calls == 0
    assert found.calls_per_second == found.steady_calls_per_second == 0


def test_a_limit_that_lets_nothing_through_for_hours_gets_a_verdict(
    a_workload: AWorkload, a_config: AConfig
) -> None:
    found = rehearsed(a_config(), a_workload(), 100, input_tokens_per_minute=0.01)
    assert found.stopped_by is not None
    assert "answered nothing for 6 hours" in found.stopped_by
    assert found.finished == 0


def test_no_latency_at_all_is_no_endless_loop(a_workload: AWorkload, a_config: AConfig) -> None:
    found = rehearsed(a_config(), a_workload(seconds=(0.0,), judging_seconds=(0.0,)), 50)
    assert found.finished == 50
    assert found.seconds == pytest.approx(0, abs=0.01)


def test_windows_that_permit_nothing_are_refused(a_workload: AWorkload, a_config: AConfig) -> None:
    with pytest.raises(TermsError, match="permit at least 1 in a window"):
        rehearsed(a_config(), a_workload(), 5, requests_per_minute=6, window_seconds=1)
