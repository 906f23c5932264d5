"""The limits of an account, as far as its answers tell and its refusals show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simkit.traces.calls import LimitKind
from simkit.tuning.probe.attempts import Attempt
from simkit.tuning.probe.refusals import (
    FoundLimit,
    figure,
    limit_of_kind,
    refused_only,
    untold_limits,
)

_WINDOW_SECONDS = 20.0
_AGREES = 0.2
"""Share by which what is announced may lie beside what refusals show."""

_Row = NDArray[np.float64]


def find_limits(
    attempts: Sequence[Attempt], announced: Mapping[LimitKind, float]
) -> tuple[FoundLimit, ...]:
    """Every limit that *attempts* show, those met first; any order of attempts will do.

    Args:
        announced: What the provider's answers tell; believed unless refusals contradict.
    """
    ordered = sorted(_sized(attempts), key=lambda attempt: attempt.number)
    met = {limit.kind: limit for limit in _from_refusals(ordered)}
    told = [_believed(kind, value, met.get(kind)) for kind, value in announced.items()]
    others = [limit for kind, limit in met.items() if kind not in announced]
    # Tokens that are limited together bound those of input and output too.
    known = {limit.kind for limit in (*told, *others)}
    return (*told, *others, *_not_reached(ordered, known))


def _sized(attempts: Sequence[Attempt]) -> Iterator[Attempt]:
    """*attempts* with the true size of those that were refused, where a later one has told it."""
    sizes = {
        attempt.question: attempt.input_tokens
        for attempt in attempts
        if attempt.outcome == "answered" and attempt.question is not None
    }
    for attempt in attempts:
        size = sizes.get(attempt.question, attempt.input_tokens)
        yield attempt if size == attempt.input_tokens else replace(attempt, input_tokens=size)


def _from_refusals(attempts: Sequence[Attempt]) -> Iterator[FoundLimit]:
    named = {attempt.limit for attempt in attempts if attempt.limit is not None}
    for kind in sorted(named):
        of_kind = refused_only(attempts, lambda a, kind=kind: a.limit == kind)  # type: ignore[misc]
        found = limit_of_kind(of_kind, kind)
        if found is not None:
            yield found
    unnamed = refused_only(attempts, lambda attempt: attempt.limit is None)
    yield from (limit for limit in untold_limits(unnamed) if limit.kind not in named)


def _believed(kind: LimitKind, value: float, met: FoundLimit | None) -> FoundLimit:
    """An announced limit, unless the refusals that name it lie elsewhere."""
    if met is not None and not met.low * (1 - _AGREES) <= value <= met.high * (1 + _AGREES):
        return FoundLimit(
            kind=kind,
            value=met.value,
            low=met.low,
            high=met.high,
            source="refusals",
            evidence=f"it announces {figure(value)}, but {met.evidence}",
        )
    agree = "" if met is None else ", and refusals agree"
    return FoundLimit(
        kind=kind,
        value=value,
        low=value,
        high=value,
        source="announced",
        evidence=f"its answers announce it{agree}",
    )


def _not_reached(attempts: Sequence[Attempt], known: set[LimitKind]) -> Iterator[FoundLimit]:
    """The most that was admitted, of what no limit was met of."""
    admitted = [attempt for attempt in attempts if attempt.outcome != "refused"]
    if not admitted:
        return
    times = np.array([attempt.sent_at for attempt in admitted])
    amounts: dict[LimitKind, Sequence[int]] = {
        "requests": [1] * len(admitted),
        "tokens": [attempt.input_tokens + attempt.output_tokens for attempt in admitted],
    }
    for kind, each in amounts.items():
        if kind not in known and not (kind == "tokens" and "input_tokens" in known):
            most = _most_a_minute(times, np.array(each, dtype=float))
            yield _at_least(
                kind, most, f"so much was admitted in the busiest {_WINDOW_SECONDS:.0f} seconds"
            )
    if "concurrency" not in known:
        most = max(attempt.in_flight for attempt in admitted)
        yield _at_least("concurrency", most, "so many were admitted at once")


def _at_least(kind: LimitKind, value: float, why: str) -> FoundLimit:
    return FoundLimit(
        kind=kind, value=value, low=value, high=np.inf, source="not reached", evidence=why
    )


def _most_a_minute(times: _Row, amounts: _Row) -> float:
    """The most of *amounts* in `_WINDOW_SECONDS`, as a rate a minute."""
    total = np.concatenate([[0.0], np.cumsum(amounts)])
    first = np.searchsorted(times, times - _WINDOW_SECONDS, side="right")
    return float(np.max(total[1:] - total[first])) * 60 / _WINDOW_SECONDS
