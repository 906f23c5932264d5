"""Whether a provider is slowing down under load."""

from __future__ import annotations

from simkit.limits.recent import RecentMax

_WEIGHT = 0.05
_MEMORY_SECONDS = 60.0
_TOLERATED = 1.5
_ALARMING = 2.5
_SLOWEST = 0.1


class LatencyGauge:
    """Compares how long calls take now with how long they have taken at best.

    Each role has a baseline of its own, as calls of one role are alike: the lowest running
    mean of the last minute or two. (The gradient of delay-based congestion control, as in
    TCP Vegas.)
    """

    def __init__(self) -> None:
        self._means: dict[str, float] = {}
        self._baselines: dict[str, RecentMax] = {}
        self._inflation = 1.0

    def answered(self, role: str, seconds: float, now: float) -> None:
        """A call of *role* took *seconds*."""
        mean = self._means.get(role, seconds)
        mean += _WEIGHT * (seconds - mean)
        self._means[role] = mean
        baseline = self._baselines.setdefault(role, RecentMax(_MEMORY_SECONDS))
        baseline.add(-mean, now)
        lowest = -baseline.get(now)
        if lowest > 0:
            self._inflation += _WEIGHT * (mean / lowest - self._inflation)

    @property
    def speed(self) -> float:
        """How fast limits should grow: 1 while latency is about its baseline, down to 0.1."""
        excess = (self._inflation - _TOLERATED) / (_ALARMING - _TOLERATED)
        return max(_SLOWEST, 1.0 - max(0.0, excess))
