"""The provider's limits: what is admitted over time, and what the headers say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simkit.standin.durations import decimal_seconds, duration
from simkit.standin.limits import ProviderLimits
from simkit.standin.openai_style import OPENAI
from simkit.standin.settings import StandinSettings


def limits(**settings: Any) -> ProviderLimits:
    return ProviderLimits(StandinSettings(**settings), 0.0)


def headers(account: ProviderLimits, now: float) -> dict[str, str]:
    return OPENAI.limit_headers(account.levels(now))


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


@given(
    rpm=st.floats(60, 6000),
    tpm=st.floats(60, 1e6),
    tokens=st.integers(1, 10**5),
    window=st.none() | st.floats(1, 90),
    now=st.floats(0, 1e6),
)
def test_the_advised_wait_is_enough(
    rpm: float, tpm: float, tokens: int, window: float | None, now: float
) -> None:
    account = limits(rpm=rpm, tpm=tpm, window_seconds=window, refused_requests_cost=False)
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
    account.take_output(29, 0.0)
    assert headers(account, 0.0)["x-ratelimit-remaining-tokens"] == "0"
    assert headers(account, 0.0)["x-ratelimit-reset-tokens"] == "3s"


def test_input_and_output_tokens_are_limited_apart() -> None:
    account = limits(itpm=600, otpm=60)
    assert account.admit(10, 0.0) is None
    account.take_output(3, 0.0)  # 2 more than there were
    exceeded = account.admit(1, 1.0)
    assert exceeded is not None
    assert (exceeded.kind, exceeded.limit) == ("output_tokens", 60)
    assert exceeded.retry_after_seconds == pytest.approx(2.0)
    assert account.admit(10, 3.0) is None
    account.take_output(0, 3.0)
    exceeded = account.admit(10, 3.5)
    assert exceeded is not None
    assert exceeded.kind == "input_tokens"


def test_a_request_is_admitted_only_if_every_limit_has_room_and_then_counts_in_each() -> None:
    account = limits(rpm=120, tpm=600, itpm=300, otpm=60)
    assert account.admit(4, 0.0) is None
    account.take_output(1, 0.0)
    remaining = {level.kind: level.remaining for level in account.levels(0.0)}
    assert remaining == {"requests": 1, "tokens": 5, "input_tokens": 1, "output_tokens": 0}


def test_a_changed_limit_keeps_its_level_down_to_the_new_capacity() -> None:
    account = limits(rpm=600, tpm=600)
    assert account.admit(3, 0.0) is None  # leaves 9 requests and 7 tokens
    account.change(StandinSettings(rpm=6000, tpm=300), 0.0)
    assert [(level.per_minute, level.remaining) for level in account.levels(0.0)] == [
        (6000, 9),
        (300, 5),
    ]
    assert [level.remaining for level in account.levels(0.5)] == [59, 5]


def test_a_limit_can_be_lifted_and_a_new_one_begins_whole() -> None:
    account = limits(rpm=60, concurrency=1)
    assert account.admit(1, 0.0) is None
    account.change(StandinSettings(tpm=600), 0.0)
    assert account.in_flight == 1
    assert account.admit(1, 0.0) is None
    assert [(level.kind, level.remaining) for level in account.levels(0.0)] == [("tokens", 9)]


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
    assert headers(limits(), 0.0) == {}


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
