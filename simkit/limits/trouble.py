"""How much of what an account is asked fails, at present."""

from __future__ import annotations

_WEIGHT = 0.05
_STOPS_GROWTH = 0.25


class Trouble:
    """A running share of calls that failed otherwise than by a refusal.

    A provider that fails much has troubles of its own, and asking for more would add to
    them; one that fails now and then, as many do, is not to be left half used.
    """

    def __init__(self) -> None:
        self._share = 0.0

    def note(self, *, failed: bool) -> None:
        """A call has ended."""
        self._share += _WEIGHT * (failed - self._share)

    @property
    def speed(self) -> float:
        """How fast limits should grow: 1 while nothing fails, 0 from a quarter on."""
        return max(0.0, 1.0 - self._share / _STOPS_GROWTH)
