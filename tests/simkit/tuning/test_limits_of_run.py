"""The limits that are assumed, and where each is known from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simkit.config import ConfigError, RunConfig
from simkit.session import AccountSession, Session
from simkit.tuning.limits_of_run import Assumed, Given, assumed_limits
from simkit.tuning.terms import ProviderTerms, TermsError

NOTHING = Given(limits={})
AConfig = Callable[..., RunConfig]


def account(**changes: Any) -> AccountSession:
    fields: dict[str, Any] = {
        "provider": "default",
        "model": "m",
        "told_per_minute": {},
        "per_minute": {},
        "max_in_flight": 40,
        "peak_in_flight": 40,
        "answered": 100,
        "refused": {},
        "failed": 0,
        "failed_seconds": 0.0,
        "seconds_waited": {},
    }
    return AccountSession(**(fields | changes))


def session(*accounts: AccountSession) -> Session:
    return Session(
        started_at=1.0,
        seconds=100.0,
        concurrency=8,
        filter_workers=4,
        peak_conversations=8,
        conversations=40,
        calls=400,
        loop_cpu_seconds=1.0,
        memory_bytes_before=1,
        memory_bytes_peak=2,
        disk_bytes=3,
        accounts=accounts,
    )


def found(assumed: Assumed) -> dict[str, tuple[float, str, bool]]:
    return {one.name: (one.value, one.origin, one.is_told) for one in assumed.limits}


def test_flags_go_before_the_last_session_and_that_before_the_configuration(a_config: AConfig):
    config = a_config(
        provider__requests_per_minute=600.0,
        provider__tokens_per_minute=1e6,
        provider__input_tokens_per_minute=5e5,
    )
    ended = session(account(per_minute={"requests": 300.0, "tokens": 4e5}))

    assumed = assumed_limits(
        config, Given(limits={"requests_per_minute": 900.0}), sessions=[session(), ended]
    )

    assert found(assumed) == {
        "requests_per_minute": (900, "given", True),
        "tokens_per_minute": (4e5, "in force when the run ended", True),
        "input_tokens_per_minute": (5e5, "run.toml", True),
    }
    assert assumed.terms["default"] == ProviderTerms(
        requests_per_minute=900, tokens_per_minute=4e5, input_tokens_per_minute=5e5
    )
    told = assumed.config.providers["default"]
    assert (told.requests_per_minute, told.tokens_per_minute) == (900, 1e6)


def test_what_a_run_has_learned_is_assumed_but_not_told(a_config: AConfig):
    ended = session(account(per_minute={"requests": 287.5}))

    assumed = assumed_limits(a_config(), NOTHING, sessions=[ended])

    assert found(assumed) == {"requests_per_minute": (287.5, "in force when the run ended", False)}
    assert assumed.config.providers["default"].requests_per_minute is None


def test_a_limit_that_was_kept_to_is_the_one_that_was_told(a_config: AConfig):
    ended = session(
        account(told_per_minute={"requests": 600.0}, per_minute={"requests": 0.995 * 600})
    )

    assumed = assumed_limits(a_config(), NOTHING, sessions=[ended])

    assert assumed.terms["default"].requests_per_minute == 600


@pytest.mark.parametrize(("refused", "limit"), [({"concurrency": 3}, 40), ({"requests": 3}, None)])
def test_calls_at_once_are_a_limit_only_where_they_were_refused(
    a_config: AConfig, refused: dict[str, int], limit: int | None
):
    assumed = assumed_limits(a_config(), NOTHING, sessions=[session(account(refused=refused))])

    assert assumed.terms["default"].max_calls_in_flight == limit


def test_clients_that_are_told_nothing_have_the_same_providers(a_config: AConfig):
    config = a_config(provider__requests_per_minute=600.0, provider__max_calls_in_flight=9)

    assumed = assumed_limits(config, Given(limits={"tokens_per_minute": 5e4}, untold=True))

    told = assumed.config.providers["default"]
    assert (told.requests_per_minute, told.tokens_per_minute, told.max_calls_in_flight) == (
        None,
        None,
        None,
    )
    assert assumed.terms["default"] == ProviderTerms(
        requests_per_minute=600, tokens_per_minute=5e4, max_calls_in_flight=9
    )
    assert not any(one.is_told for one in assumed.limits)


def test_what_is_stated_is_kept_but_for_what_is_given(a_config: AConfig):
    stated = ProviderTerms(requests_per_minute=60, window_seconds=60, hints="none")
    given = Given(limits={"max_calls_in_flight": 7}, hints="all", failure_share=0.1)

    assumed = assumed_limits(a_config(), given, stated={"default": stated})

    assert assumed.terms["default"] == ProviderTerms(
        requests_per_minute=60,
        window_seconds=60,
        max_calls_in_flight=7,
        hints="all",
        failure_share=0.1,
    )
    assert [one.origin for one in assumed.limits] == ["the example", "given"]


def test_accounts_that_differ_are_told_of_and_the_busiest_counts(a_config: AConfig):
    ended = session(
        account(per_minute={"requests": 100.0}, answered=10),
        account(per_minute={"requests": 300.0}, answered=900),
        account(per_minute={"requests": 900.0}, provider="other"),
    )

    assumed = assumed_limits(a_config(), NOTHING, sessions=[ended])

    assert assumed.terms["default"].requests_per_minute == 300
    (doubt,) = assumed.doubts
    assert "100 to 300" in doubt


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        ({"requests_per_minute": 0.0}, "providers.default.requests_per_minute: expected more than"),
        ({"tokens_per_minute": float("inf")}, "expected a finite number"),
        ({"max_calls_in_flight": 0}, "max_calls_in_flight: expected at least 1"),
    ],
)
def test_what_can_be_no_limit_is_refused(a_config: AConfig, limits: dict[str, float], problem: str):
    with pytest.raises(ConfigError, match=problem) as refused:
        assumed_limits(a_config(), Given(limits=limits))
    assert str(refused.value).startswith("command line: ")


def test_a_factor_of_nothing_is_refused(a_config: AConfig):
    with pytest.raises(TermsError, match="latency_factor must be above 0"):
        assumed_limits(a_config(), Given(limits={}, latency_factor=0.0))


def test_limits_without_a_provider_that_they_are_about_are_refused(a_config: AConfig):
    config = a_config()
    other = config.providers["default"]
    config = config.model_copy(
        update={
            "providers": {"one": other, "two": other},
            "model": config.model.model_copy(update={"provider": ("missing",)}),
        }
    )

    assert not assumed_limits(config, NOTHING).limits
    with pytest.raises(ConfigError, match="names none of one, two"):
        assumed_limits(config, Given(limits={"requests_per_minute": 5.0}))
