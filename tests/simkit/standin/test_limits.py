"""The provider's limits: what is admitted over time, and what the headers say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simkit.standin.limits import ProviderLimits, decimal_seconds, duration
from simkit.standin.settings import StandinSettings


def limits(**settings: Any) -> ProviderLimits:
    return ProviderLimits(StandinSettings(**settings))


@given(
    rpm=st.floats(1, 600),
    waits=st.lists(st.floats(0, 5), min_size=1, max_size=200),
    refused_cost=st.booleans(),
)
def test_no_minute_admits_more_than_the_limit_and_one_second_of_it(
    rpm: float, waits: list[float], refused_cost: bool
) -> None:
    account = limits(rpm=rpm, refused_requests_cost=refused_cost)
    now, admitted = 0.0, []
    for wait in waits:
        now += wait
        if account.admit(1, now) is None:
            admitted.append(now)
    most = rpm + max(1, rpm / 60) + 1e-6
    for start in admitted:
        assert sum(start <= at < start + 60 for at in admitted) <= most


@given(rpm=st.floats(1, 6000), tpm=st.floats(1, 1e6), tokens=st.integers(1, 10**5))
def test_the_advised_wait_is_enough(rpm: float, tpm: float, tokens: int) -> None:
    account = limits(rpm=rpm, tpm=tpm, refused_requests_cost=False)
    now = 0.0
    while (exceeded := account.admit(tokens, now)) is None:
        pass
    now += float(decimal_seconds(exceeded.retry_after_seconds))
    assert account.admit(tokens, now) is None


def test_a_request_larger_than_the_bucket_is_admitted_when_it_is_full() -> None:
    account = limits(tpm=600)
    assert account.admit(100, 0.0) is None
    exceeded = account.admit(100, 9.0)
    assert exceeded is not None
    assert exceeded.kind == "tokens"
    assert exceeded.retry_after_seconds == pytest.approx(1.0)
    assert account.admit(100, 10.0) is None


def test_replies_are_charged_when_they_are_made() -> None:
    account = limits(tpm=600)
    assert account.admit(1, 0.0) is None
    account.take_tokens(29, 0.0)
    assert account.headers(0.0)["x-ratelimit-remaining-tokens"] == "0"
    assert account.headers(0.0)["x-ratelimit-reset-tokens"] == "3s"


def test_hammering_a_spent_limit_keeps_the_hammerer_out() -> None:
    polite, strict = limits(rpm=60, refused_requests_cost=False), limits(rpm=60)
    moments = [step / 10 for step in range(100)]
    assert sum(polite.admit(1, now) is None for now in moments) == 10
    assert sum(strict.admit(1, now) is None for now in moments) == 1


def test_a_place_in_flight_is_free_again_after_leaving() -> None:
    account = limits(concurrency=2)
    assert account.admit(1, 0.0) is None
    assert account.admit(1, 0.0) is None
    exceeded = account.admit(1, 0.0)
    assert exceeded is not None
    assert exceeded.kind == "concurrency"
    account.leave()
    assert account.admit(1, 0.0) is None
    assert account.peak_in_flight == 2


def test_an_account_without_limits_sends_no_limit_headers() -> None:
    assert limits().headers(0.0) == {}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0ms"),
        (0.0121, "13ms"),
        (1.2, "1.2s"),
        (59.9999, "1m0s"),
        (360, "6m0s"),
        (90.5, "1m30.5s"),
    ],
)
def test_durations_are_written_as_openai_writes_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_an_advised_wait_is_rounded_up() -> None:
    assert decimal_seconds(0.1201) == "0.121"
    assert decimal_seconds(2) == "2.000"
