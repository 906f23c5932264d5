"""Limits found in logs of attempts."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from simkit.standin.limits import ProviderLimits
from simkit.standin.settings import StandinSettings
from simkit.traces.calls import LimitKind
from simkit.tuning.probe.attempts import Attempt
from simkit.tuning.probe.limits_found import find_limits
from simkit.tuning.probe.refusals import FoundLimit


def pushed(
    settings: StandinSettings,
    *,
    per_second: Callable[[float], float],
    seconds: float = 120.0,
    takes: Callable[[float], float] = lambda _: 1.0,
    named: bool = False,
) -> list[Attempt]:
    """Attempts that come at random, so many a second, at what *settings* limit."""
    draw, limits = random.Random(1), ProviderLimits(settings, 0.0)
    now, number = 0.0, 0
    leaving: list[float] = []
    underway: list[float] = []
    attempts: list[Attempt] = []
    while now < seconds:
        now += draw.expovariate(per_second(now))
        for moment in [moment for moment in leaving if moment <= now]:
            leaving.remove(moment)
            limits.leave()
        underway = [moment for moment in underway if moment > now]
        number += 1
        tokens = draw.randint(200, 2_000)
        output = round(150 * draw.lognormvariate(0, 0.5))
        exceeded = limits.admit(tokens, now)
        took = 0.05 if exceeded else takes(now) * draw.lognormvariate(0, 0.3)
        if exceeded is None:
            limits.take_output(output, now)
            leaving.append(now + took)
        underway.append(now + took)
        attempts.append(
            Attempt(
                sent_at=now,
                ended_at=now + took,
                role="assistant",
                number=number,
                in_flight=len(underway),
                outcome="refused" if exceeded else "answered",
                input_tokens=tokens,
                output_tokens=0 if exceeded else output,
                limit=exceeded.kind if exceeded and named else None,
            )
        )
    return attempts


def bursts(low: float, high: float) -> Callable[[float], float]:
    """*low* a second, and *high* for one second in seven."""
    return lambda now: high if now % 7 < 1 else low


def met(attempts: list[Attempt], **announced: float) -> dict[LimitKind, FoundLimit]:
    found = find_limits(attempts, announced)  # type: ignore[arg-type]
    return {limit.kind: limit for limit in found if limit.binds}


@pytest.mark.parametrize(
    ("settings", "kind", "value", "rates"),
    [
        (StandinSettings(rpm=300), "requests", 300, bursts(4.5, 12)),
        (StandinSettings(rpm=60), "requests", 60, bursts(0.9, 3)),
        (StandinSettings(rpm=300, refused_requests_cost=False), "requests", 300, bursts(4.5, 12)),
        (StandinSettings(tpm=300_000), "tokens", 300_000, bursts(3.8, 10)),
        (StandinSettings(itpm=300_000), "input_tokens", 300_000, bursts(4.2, 10)),
        (StandinSettings(otpm=40_000), "output_tokens", 40_000, bursts(3.8, 10)),
        (StandinSettings(concurrency=8), "concurrency", 8, bursts(5, 16)),
    ],
)
def test_refusals_that_tell_nothing_still_show_which_limit_and_how_high(
    settings: StandinSettings, kind: LimitKind, value: float, rates: Callable[[float], float]
) -> None:
    found = met(pushed(settings, per_second=rates))
    assert list(found) == [kind]
    assert found[kind].value == pytest.approx(value, rel=0.05)


def test_two_limits_are_told_apart() -> None:
    """While calls take long those at once are limited, and else the rate is."""
    attempts = pushed(
        StandinSettings(rpm=240, concurrency=8),
        per_second=bursts(3.6, 8),
        seconds=160,
        takes=lambda now: 4.0 if now % 40 < 20 else 0.6,
    )
    found = met(attempts)
    assert found["requests"].value == pytest.approx(240, rel=0.1)
    assert found["concurrency"].value == pytest.approx(8, abs=1)


def test_what_answers_announce_is_believed_where_refusals_agree() -> None:
    attempts = pushed(StandinSettings(rpm=300), per_second=bursts(4.5, 12), named=True)
    limit = met(attempts, requests=300)["requests"]
    assert (limit.source, limit.value) == ("announced", 300)
    assert "refusals agree" in limit.evidence


def test_an_announced_limit_that_refusals_contradict_is_not_believed() -> None:
    attempts = pushed(StandinSettings(rpm=300), per_second=bursts(4.5, 12), named=True)
    limit = met(attempts, requests=3_000)["requests"]
    assert limit.source == "refusals"
    assert limit.value == pytest.approx(300, rel=0.05)
    assert "announces 3,000" in limit.evidence


def test_without_a_refusal_limits_are_only_bounded_from_below() -> None:
    attempts = pushed(StandinSettings(), per_second=lambda _: 5.0)
    assert not met(attempts)
    limits = {limit.kind: limit for limit in find_limits(attempts, {})}
    assert limits["requests"].value == pytest.approx(300, rel=0.4)
    assert limits["requests"].high == float("inf")
    assert set(limits) == {"requests", "tokens", "concurrency"}


def test_refusals_at_random_are_no_limit() -> None:
    draw, now = random.Random(2), 0.0
    attempts = [
        Attempt(
            sent_at=(now := now + draw.expovariate(5)),
            ended_at=now + 1,
            role="assistant",
            number=n,
            in_flight=5,
            outcome="refused" if draw.random() < 0.05 else "answered",
            input_tokens=draw.randint(200, 2_000),
            output_tokens=100,
        )
        for n in range(400)
    ]
    assert not met(attempts)


def test_two_refusals_are_too_few_to_conclude_from() -> None:
    attempts = pushed(StandinSettings(rpm=300), per_second=bursts(4.5, 12))
    refused = [attempt.number for attempt in attempts if attempt.outcome == "refused"]
    few = [a for a in attempts if a.outcome != "refused" or a.number in refused[:2]]
    assert not met(few)


def test_no_attempt_shows_no_limit() -> None:
    assert find_limits([], {}) == ()


def crowded(at_the_most: int) -> list[Attempt]:
    """Calls one after the other while 19 others are in flight, and two refusals of a 21st."""
    in_flight = [20] * at_the_most + [21] + [15] * 100 + [21] + [15] * 100
    return [
        Attempt(
            sent_at=float(number),
            ended_at=number + 0.5,
            role="assistant",
            number=number,
            in_flight=at_once,
            outcome="refused" if at_once > 20 else "answered",
            input_tokens=1_000,
            output_tokens=0 if at_once > 20 else 100,
        )
        for number, at_once in enumerate(in_flight)
    ]


def test_two_refusals_tell_of_calls_at_once_where_very_many_were_admitted_just_below() -> None:
    assert met(crowded(60))["concurrency"].value == 20
    assert not met(crowded(10))
