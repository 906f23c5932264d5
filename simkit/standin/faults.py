"""Which attempts fail, and how: a function of the request and the seed, not of time."""

from __future__ import annotations

import random
from typing import Literal, get_args

from simkit.standin.recently_used import RecentlyUsed
from simkit.standin.settings import StandinSettings
from simkit.traces.seeds import stream

FaultKind = Literal[
    "server_error",
    "unavailable",
    "dropped_connection",
    "truncated_body",
    "html_page",
    "empty_choices",
    "bad_gateway",
    "hang",
]

_REMEMBERED_BODIES = 100_000


class FaultMix:
    """Draws a fault, or none, for each admitted attempt of a request.

    Attempt *k* of a body counts the attempts of it that were made to fail before; refusals
    by a rate limit do not count. So a body meets the same faults in the same order whatever
    the timing, and once answered it is always answered.
    """

    def __init__(self, settings: StandinSettings) -> None:
        self._seed = settings.seed
        self._share = settings.faults
        self._hang_share = settings.hang_share
        kinds: tuple[FaultKind, ...] = get_args(FaultKind)
        self._kinds = [kind for kind in kinds if settings.hangs or kind != "hang"]
        self._failed: RecentlyUsed[int] = RecentlyUsed(_REMEMBERED_BODIES)

    def next_attempt(self, body_hash: bytes) -> tuple[FaultKind | None, random.Random]:
        """The fault of this attempt, and the stream for what else chance decides about it."""
        attempt = self._failed.get(body_hash) or 0
        draw = stream(self._seed, "attempt", body_hash.hex(), attempt)
        kind = self._kind(draw)
        if kind is not None:
            self._failed.put(body_hash, attempt + 1)
        return kind, draw

    def _kind(self, draw: random.Random) -> FaultKind | None:
        if self._hang_share and draw.random() < self._hang_share:
            return "hang"
        return draw.choice(self._kinds) if draw.random() < self._share else None
