"""The limits that a rehearsal or a plan assumes, and where each is known from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from simkit.config import ConfigError, ProviderConfig, RunConfig
from simkit.config_problems import Origin, problem_lines
from simkit.limit_options import IN_FLIGHT, KINDS
from simkit.session import AccountSession, Session
from simkit.tuning.terms import Hints, ProviderTerms

_PACED = 0.97
"""A client keeps a little below a limit that it knows; so much is still that limit."""
_DIFFERENT = 1.1
"""Times the lowest of several accounts' limits; what differs by less was learned alike."""
_BY_FLAG, _BY_SESSION = "given", "in force when the run ended"
_BY_CONFIG, _BY_EXAMPLE = "run.toml", "the example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the command line says."""

    limits: Mapping[str, float | int | None]
    """Options of a provider to their values; None is not said. For the provider of ``[model]``."""
    untold: bool = False
    """The clients are told no limit, and have to learn them all."""
    hints: Hints | None = None
    """What providers tell of limits; None: all, or what is stated. So for the next two."""
    latency_factor: float | None = None
    failure_share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssumedLimit:
    """One limit of each account at a provider."""

    provider: str
    """NAME of its ``[providers.NAME]`` table."""
    name: str
    """The option that tells it."""
    value: float
    origin: str
    """Who says so, in a few words."""
    is_told: bool
    """Whether the clients know it from the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumed:
    """What is assumed of the providers."""

    config: RunConfig
    """With what the clients are told."""
    terms: Mapping[str, ProviderTerms]
    """What each account of a provider enforces, by the provider's name."""
    limits: tuple[AssumedLimit, ...]
    """All of them, by provider and then by kind."""
    doubts: tuple[str, ...] = ()
    """Sentences for people."""


def assumed_limits(
    config: RunConfig,
    given: Given,
    *,
    sessions: Sequence[Session] = (),
    stated: Mapping[str, ProviderTerms] | None = None,
) -> Assumed:
    """What to assume of the providers of *config*.

    What is *given* goes first, then the limits in force at the end of the last of *sessions*,
    then what is *stated*, then the configuration. A session tells of calls at once only where
    a provider refused because of them. With several keys, each is an account of those limits.

    Raises:
        ConfigError: A value that is given can be no limit, or there are several providers and
            none that it is about.
        TermsError: The same of the latency factor or the failure share.
    """
    told = _told(config, given)
    doubts: list[str] = []
    limits = tuple(
        limit
        for name in config.providers
        for limit in _limits(name, config, told, given, _last(sessions, name, doubts), stated or {})
    )
    return Assumed(
        config=told,
        terms={name: _terms(name, limits, given, stated or {}) for name in config.providers},
        limits=limits,
        doubts=tuple(doubts),
    )


def _told(config: RunConfig, given: Given) -> RunConfig:
    """*config* with what the clients are told."""
    said = {name: value for name, value in given.limits.items() if value is not None}
    tables = config.model_dump()
    keys: set[str] = set()
    if said:
        provider = _flagged(config)
        tables["providers"][provider].update(said)
        keys = {f"providers.{provider}.{name}" for name in said}
    try:
        told = RunConfig.model_validate(tables)
    except ValidationError as error:
        raise ConfigError(*problem_lines(error, Origin("run.toml", frozenset(keys)))) from None
    if not given.untold:
        return told
    nothing = dict.fromkeys(KINDS)
    providers = {n: one.model_copy(update=nothing) for n, one in told.providers.items()}
    return told.model_copy(update={"providers": providers})


def _flagged(config: RunConfig) -> str:
    """The provider that limits on the command line are about."""
    named = next(iter(config.model.provider), None)
    if named in config.providers:
        return str(named)
    if len(config.providers) == 1:
        return next(iter(config.providers))
    raise ConfigError(
        "command line: limits given there are for the provider of [model], and it names none of "
        f"{', '.join(config.providers) or 'no providers'}; set them in the configuration instead"
    )


def _limits(
    name: str,
    config: RunConfig,
    told: RunConfig,
    given: Given,
    session: Mapping[str, float],
    stated: Mapping[str, ProviderTerms],
) -> Iterator[AssumedLimit]:
    is_flagged = any(value is not None for value in given.limits.values())
    flags = given.limits if is_flagged and name == _flagged(config) else {}
    sources = (
        (_BY_FLAG, flags),
        (_BY_SESSION, session),
        (_BY_EXAMPLE, _values(stated.get(name, ProviderTerms()))),
        (_BY_CONFIG, _values(config.providers[name])),
    )
    known = _values(told.providers[name])
    for limit in KINDS:
        for origin, values in sources:
            if (value := values.get(limit)) is not None:
                is_told = known.get(limit) is not None
                yield AssumedLimit(
                    provider=name, name=limit, value=value, origin=origin, is_told=is_told
                )
                break


def _values(source: ProviderConfig | ProviderTerms) -> dict[str, float]:
    values = {limit: getattr(source, limit) for limit in KINDS}
    return {limit: value for limit, value in values.items() if value is not None}


def _terms(
    name: str,
    limits: Sequence[AssumedLimit],
    given: Given,
    stated: Mapping[str, ProviderTerms],
) -> ProviderTerms:
    changes: dict[str, Any] = {
        limit.name: int(limit.value) if limit.name == IN_FLIGHT else limit.value
        for limit in limits
        if limit.provider == name
    }
    behaviour = {
        "hints": given.hints,
        "latency_factor": given.latency_factor,
        "failure_share": given.failure_share,
    }
    changes |= {option: value for option, value in behaviour.items() if value is not None}
    return replace(stated.get(name, ProviderTerms()), **changes)


def _last(sessions: Sequence[Session], provider: str, doubts: list[str]) -> dict[str, float]:
    """The limits of *provider* at the end of the last session that asked it."""
    for session in reversed(sessions):
        accounts = [one for one in session.accounts if one.provider == provider and one.answered]
        if accounts:
            found = [_in_force(one) for one in accounts]
            doubts += _differences(provider, found)
            most = max(range(len(accounts)), key=lambda position: accounts[position].answered)
            return found[most]
    return {}


def _in_force(account: AccountSession) -> dict[str, float]:
    limits: dict[str, float] = {}
    for limit, kind in KINDS.items():
        if kind == "concurrency":
            if account.refused.get(kind):
                limits[limit] = account.max_in_flight
        elif kind in account.per_minute:
            rate, told = account.per_minute[kind], account.told_per_minute.get(kind)
            limits[limit] = told if told is not None and rate >= _PACED * told else rate
    return limits


def _differences(provider: str, found: Sequence[Mapping[str, float]]) -> Iterator[str]:
    for limit in KINDS:
        values = [one[limit] for one in found if limit in one]
        if values and max(values) > _DIFFERENT * min(values):
            yield (
                f"The accounts at {provider} had different limits of {limit} "
                f"({min(values):,.0f} to {max(values):,.0f}); all are taken to have that of the "
                "one that answered most."
            )
