"""The kinds of limits, the options of a provider that tell them, and what people call them."""

from __future__ import annotations

from collections.abc import Mapping

from simkit.counted import counted, figure
from simkit.limits.limiter import Metered
from simkit.traces.calls import LimitKind

RATES: tuple[Metered, ...] = ("requests", "tokens", "input_tokens", "output_tokens")
IN_FLIGHT = "max_calls_in_flight"
OPTIONS: Mapping[LimitKind, str] = {
    "requests": "requests_per_minute",
    "tokens": "tokens_per_minute",
    "input_tokens": "input_tokens_per_minute",
    "output_tokens": "output_tokens_per_minute",
    "concurrency": IN_FLIGHT,
}
PER_MINUTE: Mapping[Metered, str] = {kind: OPTIONS[kind] for kind in RATES}
KINDS: Mapping[str, LimitKind] = {option: kind for kind, option in OPTIONS.items()}
"""By option."""
NAMES: Mapping[LimitKind, str] = {
    "requests": "requests a minute",
    "tokens": "tokens a minute",
    "input_tokens": "input tokens a minute",
    "output_tokens": "output tokens a minute",
    "concurrency": "calls at once",
}


def limits_in_words(per_minute: Mapping[str, float], max_in_flight: int) -> str:
    """The limits of an account in short, e.g. ``60 requests/min, 16 calls at once``.

    Args:
        per_minute: By kind.
        max_in_flight: Calls at once.
    """
    rates = (f"{figure(rate)} {kind.replace('_', ' ')}/min" for kind, rate in per_minute.items())
    return ", ".join((*rates, f"{counted(max_in_flight, 'call')} at once"))
