"""Whose turn it is among the calls that wait."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

ShareT = TypeVar("ShareT", bound=str)
T = TypeVar("T")

Order = tuple[int, ...]


class Turns(Generic[ShareT, T]):
    """Waiting calls: by age within a share, and shares by weight.

    Each share is a queue of its own; the head of the one that has had least of its weight is
    next (start-time fair queueing). A share that was empty starts level with the others: it
    saves nothing up. Heads are never passed over for being large, so none starves.
    """

    def __init__(self, weights: Mapping[ShareT, float]) -> None:
        self._weights = weights
        self._queues: dict[ShareT, list[tuple[Order, int, T]]] = {name: [] for name in weights}
        self._had = dict.fromkeys(weights, 0.0)
        self._level = 0.0
        """What the share that went last had had before."""
        self._arrivals = itertools.count()
        self._withdrawn: set[int] = set()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        """Everybody who waits, in no order."""
        for queue in self._queues.values():
            for _, ticket, item in queue:
                if ticket not in self._withdrawn:
                    yield item

    def add(self, share: ShareT, order: Order, item: T) -> int:
        """Wait in *share*, behind lower *order*; gives a ticket to withdraw with."""
        if not self._queues[share]:
            self._had[share] = max(self._had[share], self._level)
        ticket = next(self._arrivals)
        heapq.heappush(self._queues[share], (order, ticket, item))
        self._length += 1
        return ticket

    def withdraw(self, ticket: int) -> None:
        """Wait no longer; for one that has not been taken."""
        self._withdrawn.add(ticket)
        self._length -= 1

    def head(self) -> T | None:
        """Who is next; None when nobody waits."""
        share = self._next_share()
        return None if share is None else self._queues[share][0][2]

    def pop(self, cost: float) -> None:
        """The head goes, and has cost its share *cost*."""
        share = self._next_share()
        if share is None:
            raise IndexError("nobody waits")
        heapq.heappop(self._queues[share])
        self._level = self._had[share]
        self._had[share] += cost / self._weights[share]
        self._length -= 1

    def _next_share(self) -> ShareT | None:
        best: ShareT | None = None
        for name, queue in self._queues.items():
            while queue and queue[0][1] in self._withdrawn:
                self._withdrawn.remove(heapq.heappop(queue)[1])
            if queue and (best is None or self._had[name] < self._had[best]):
                best = name
        return best
