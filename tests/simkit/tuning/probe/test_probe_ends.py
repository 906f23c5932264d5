"""How probes end that get nowhere: a provider that refuses, dies or hangs, or a person."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import anyio
import pytest

from simkit.bus import Bus
from simkit.drain import Drain
from simkit.traces.calls import Answer, ChatRequest
from simkit.traces.provider_errors import ProviderUnavailable
from simkit.tuning.probe.allowed import Allowed
from simkit.tuning.probe.attempts import Attempt
from simkit.tuning.probe.limits_found import find_limits
from simkit.tuning.probe.live import Probe, Probed
from simkit.tuning.probe.probe_text import Told, picture, probed_json, verdict
from simkit.tuning.probe.recommended import NothingRecommended, Recommended, recommend
from simkit.tuning.probe.silence import silence
from simkit.tuning.terms import ProviderTerms
from simkit.tuning.virtual_time import run_virtually
from tests.simkit.tuning.probe.light_run import LightRun, LightTransport
from tests.simkit.tuning.probe.probing import BUDGET, a_config, probed


class _Dying(LightTransport):
    """Fails or hangs from the moment *dies_at* to the moment *lives_at*."""

    def __init__(
        self, dies_at: float, lives_at: float, *, hangs: bool = False, **_: object
    ) -> None:
        super().__init__(ProviderTerms(hints="none"), 1.0, 0.0)
        self._between = dies_at, lives_at
        self._hangs = hangs

    async def complete(self, request: ChatRequest) -> Answer:
        if self._between[0] <= anyio.current_time() < self._between[1]:
            if self._hangs:
                await anyio.sleep_forever()
            await anyio.sleep(0.01)
            raise ProviderUnavailable("connection refused")
        return await super().complete(request)


def probe_of(
    dies_after: float = 1e9,
    lives_after: float = 1e9,
    *,
    hangs: bool = False,
    stopped_after: float = 1e9,
) -> Probed:
    """What a probe found of a provider that is not there for a while, after so many seconds."""
    config = a_config()

    async def main() -> Probed:
        began = anyio.current_time()
        dying = partial(_Dying, began + dies_after, began + lives_after, hangs=hangs)
        transports: Callable[[object], Callable[..., LightTransport]] = lambda _: dying  # noqa: E731
        allowed = Allowed(tokens=BUDGET, unit="tokens")
        probe = Probe(config, allowed, transports, runs=LightRun())
        with anyio.move_on_after(stopped_after):
            await probe.play(config, Path("nowhere"), Bus(), Drain())
        assert probe.probed is not None
        return probe.probed

    return run_virtually(main)


def told(result: Probed) -> Told:
    recommended = recommend(a_config(), result)
    return Told(
        probed=result, recommended=recommended, allowed=Allowed(tokens=BUDGET, unit="tokens")
    )


@pytest.mark.parametrize("hangs", [False, True])
def test_a_provider_that_dies_later_is_told_and_the_whole_stages_before_it_count(
    hangs: bool,
) -> None:
    result = probe_of(dies_after=80, hangs=hangs)
    assert result.stop.ending == "died"
    *before, last = result.stages
    assert last.has_died
    assert not last.is_whole
    assert before
    assert not any(stage.has_died for stage in before)
    recommended = recommend(a_config(), result)
    assert isinstance(recommended, Recommended)
    assert recommended.concurrency in {stage.concurrency for stage in before}
    assert any(f"rests on the {len(before)} whole stages" in note for note in recommended.notes)
    assert "the provider stopped answering" in verdict(told(result))
    assert len(picture(told(result)).points) == len(before)
    (limits,) = result.limits.values()
    assert not any(limit.binds for limit in limits)


def test_a_provider_that_dies_in_the_first_stage_leaves_nothing_to_recommend() -> None:
    result = probe_of(dies_after=20)
    assert result.stop.ending == "died"
    assert isinstance(recommend(a_config(), result), NothingRecommended)
    assert verdict(told(result)).startswith("Nothing is recommended: no stage was over")
    assert probed_json(told(result))["concurrency"] is None
    assert result.ended - result.began < 120


def test_a_provider_that_is_away_for_a_moment_has_not_died() -> None:
    result = probe_of(dies_after=35, lives_after=40)
    assert not any(stage.has_died for stage in result.stages)
    assert result.stop.ending != "died"


def test_failures_of_a_half_of_the_calls_are_no_death() -> None:
    result, _ = probed(ProviderTerms(failure_share=0.5, hints="none"))
    assert result.stop.ending == "harm" or not any(stage.has_died for stage in result.stages)


def test_a_probe_that_is_cancelled_keeps_what_it_has_found() -> None:
    result = probe_of(stopped_after=70)
    assert result.stop.ending == "interrupted"
    *whole, last = result.stages
    assert len(whole) >= 2
    assert not last.is_whole
    recommended = recommend(a_config(), result)
    assert isinstance(recommended, Recommended)
    assert recommended.concurrency in {stage.concurrency for stage in whole}
    assert "it was interrupted" in verdict(told(result))


def test_a_probe_that_is_cancelled_in_its_first_stage_recommends_nothing() -> None:
    result = probe_of(stopped_after=10)
    assert isinstance(recommend(a_config(), result), NothingRecommended)


def test_of_a_provider_that_announces_a_hopeless_rate_that_is_what_is_told() -> None:
    result, _ = probed(ProviderTerms(requests_per_minute=0.01, hints="all"))
    assert result.stop.ending == "rest"
    assert "asks for a rest of 6,000 s" in result.stop.why
    (limits,) = result.limits.values()
    (met,) = [limit for limit in limits if limit.binds]
    assert (met.source, met.value) == ("announced", 0.01)
    said = verdict(told(result))
    assert said.startswith("Nothing is recommended: ")
    assert "its answers announce 0.01 requests a minute" in said


def an_attempt(number: int, *, refused: bool = False, named: bool = True) -> Attempt:
    return Attempt(
        sent_at=2.0 * number,
        ended_at=2.0 * number + 1,
        role="user",
        number=number,
        in_flight=1,
        outcome="refused" if refused else "answered",
        input_tokens=100,
        limit="requests" if refused and named else None,
    )


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("refused", [{2}, {9, 10}, {10, 11, 12, 13, 14}])
def test_refusals_without_answers_between_them_fit_no_rate(refused: set[int], named: bool) -> None:
    attempts = [an_attempt(n, refused=n in refused, named=named) for n in range(1, 15)]
    assert not any(limit.binds for limit in find_limits(attempts, {}))


def test_who_never_answered_has_not_stopped_to() -> None:
    assert silence([], 100.0, in_flight=3) is None
    assert silence([an_attempt(1, refused=True)], 500.0, in_flight=1) is None
