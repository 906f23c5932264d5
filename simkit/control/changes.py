"""Options that may change while a run is played, checked as those of its configuration are."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from simkit.config import ConfigError, RunConfig, quoted
from simkit.config_problems import Origin, problem_lines
from simkit.control.messages import Value
from simkit.limit_options import OPTIONS as LIMIT_OPTIONS

_OF_THE_RUN: Mapping[str, tuple[str, str]] = {
    "concurrency": ("run", "concurrency"),
    "filter_workers": ("filters", "workers"),
}
LIMITS = tuple(LIMIT_OPTIONS.values())
OPTIONS = (*_OF_THE_RUN, *LIMITS)
"""Limits are those of all providers; ``NAME.`` before one makes it that of one."""
_CALLED: Mapping[str, str] = {
    "rpm": "requests_per_minute",
    "tpm": "tokens_per_minute",
    "itpm": "input_tokens_per_minute",
    "otpm": "output_tokens_per_minute",
    "calls_in_flight": "max_calls_in_flight",
}
"""What the flags of `simkit tune` and `simkit plan` call options."""


def changed(config: RunConfig, changes: Mapping[str, Value], providers: Iterable[str]) -> RunConfig:
    """*config* with *changes*, by option; None unsets a limit.

    Args:
        providers: NAMEs of the ``[providers.NAME]`` tables that are asked.

    What is said of one provider goes before what is said of all.

    Raises:
        ConfigError: An option is unknown, or a value is wrong; all of them are told.
    """
    asked = tuple(providers)
    problems = [problem for option in changes if (problem := _problem(option, asked))]
    if problems:
        raise ConfigError(*problems)
    tables = config.model_dump(exclude_unset=True)
    for option in sorted(changes, key=lambda option: "." in option):
        for *path, name in _places(option, asked):
            table = _table(tables, path)
            table[name] = changes[option]
    try:
        return RunConfig.model_validate(tables)
    except ValidationError as error:
        raise ConfigError(*problem_lines(error, Origin("set", frozenset()))) from None


def _problem(option: str, providers: tuple[str, ...]) -> str | None:
    """What is wrong with the name of *option*."""
    provider, dot, limit = option.rpartition(".")
    if not dot:
        return None if option in OPTIONS else f"set: {_unknown(option, OPTIONS)}"
    if provider not in providers:
        return (
            f"set: {quoted(option)}: no provider {quoted(provider)} is asked by this run; "
            f"known: {', '.join(providers)}"
        )
    return None if limit in LIMITS else f"set: {provider}: {_unknown(limit, LIMITS)}"


def _unknown(option: str, known: tuple[str, ...]) -> str:
    plain = option.strip("-").replace("-", "_")
    near = [_CALLED[plain]] if plain in _CALLED else difflib.get_close_matches(plain, known, n=1)
    mend = f"did you mean {near[0]}? " if near else ""
    return f"unknown option {quoted(option)}; {mend}known: {', '.join(known)}"


def _places(option: str, providers: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Tables and name of every option of the configuration that *option* stands for."""
    provider, _, name = option.rpartition(".")
    if provider:
        return [("providers", provider, name)]
    if name in _OF_THE_RUN:
        return [_OF_THE_RUN[name]]
    return [("providers", asked, name) for asked in providers]


def _table(tables: dict[str, Any], path: list[str]) -> dict[str, Any]:
    table = tables
    for step in path:
        table = table.setdefault(step, {})
    return table
