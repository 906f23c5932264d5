"""How long the stand-in takes to answer."""

from __future__ import annotations

import math
import random

SIGMA = 0.4
"""Spread of the logarithm of the latency: about one request in 24 takes over twice the median."""

_TOKENS_THAT_DOUBLE = 1000


def draw_latency(median_seconds: float, output_tokens: int, draw: random.Random) -> float:
    """Seconds to an answer of *output_tokens*: lognormal, and a little longer for longer ones."""
    size = 1 + output_tokens / _TOKENS_THAT_DOUBLE
    return median_seconds * size * math.exp(draw.gauss(0, SIGMA))


def slowed(seconds: float, in_flight: int, slowdown_at: float | None) -> float:
    """*seconds* under load: doubled with *slowdown_at* requests in flight; None is no load."""
    return seconds if slowdown_at is None else seconds * (1 + in_flight / slowdown_at)
