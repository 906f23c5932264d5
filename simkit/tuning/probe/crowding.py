"""Tells a limit of calls at once by how many were in flight at what was refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simkit.tuning.probe.attempts import Attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowding:
    """The number of calls at once that separates refused from admitted ones best."""

    most: int
    """Calls at once that are still admitted."""
    low: int
    high: int
    loss: float
    """Share of the refused calls that were below it, and of the admitted ones that were above."""


def calls_at_once(attempts: Sequence[Attempt]) -> NDArray[np.float64]:
    """For each of *attempts*, in order of sending, the calls at the provider, itself included.

    A refused call takes no place there, though it is in flight until the refusal is back.
    """
    sent = np.array([attempt.sent_at for attempt in attempts])
    counted = np.array([attempt.in_flight for attempt in attempts], dtype=float)
    refused = [attempt for attempt in attempts if attempt.outcome == "refused"]
    began = np.sort([attempt.sent_at for attempt in refused])
    ended = np.sort([attempt.ended_at for attempt in refused])
    # Both strictly before: an attempt is not taken off itself.
    underway = np.searchsorted(began, sent, side="left") - np.searchsorted(ended, sent, side="left")
    at_once: NDArray[np.float64] = counted - np.maximum(underway, 0)
    return at_once


def separate(attempts: Sequence[Attempt]) -> Crowding | None:
    """The best separation of *attempts*, in order of sending; None without a refusal."""
    at_once = calls_at_once(attempts)
    is_refused = np.array([attempt.outcome == "refused" for attempt in attempts])
    refused, admitted = np.sort(at_once[is_refused]), np.sort(at_once[~is_refused])
    if not len(refused) or not len(admitted):
        return None
    limits = np.arange(1, int(at_once.max()) + 1)
    below = np.searchsorted(refused, limits, side="right") / len(refused)
    above = 1 - np.searchsorted(admitted, limits, side="right") / len(admitted)
    losses = below + above
    good = limits[losses <= losses.min() + 1e-9]
    near = limits[losses <= losses.min() + 0.02]
    # No call was seen between the good ones; the lowest has been admitted for sure.
    return Crowding(
        most=int(good[0]), low=int(near[0]), high=int(near[-1]), loss=float(losses.min())
    )
