"""Makes verdicts final in scenario order, so that of two conversations alike the earlier stays.

Conversations are judged in any order. Whether one is a near duplicate can be told only when the
verdicts on all earlier ones are final, since it is compared with those that are kept. So a
verdict is held back until then, and only what is final is stored, announced and learned from:
nothing that is stored is taken back, and neither timing nor concurrency shows in it. A process
that is killed loses the verdicts that it held. When the run goes on, the trajectories are judged
again, which costs nothing, as the judge's replies are recorded, and the signatures of what is
kept are made again from the trajectories that are stored.

What is held is small, a verdict and a signature, and is bounded: a conversation that takes very
long holds back the start of new ones once a window of later ones is under way or waits for it.

Duplicates cost what any conversation costs: to leave out their judging, each would have to wait
for all earlier ones before it is judged, and judging a few in vain is cheaper than that.

A conversation that a provider made fail is played again when the run goes on, after later ones
have become final: they stay, and it is dropped where it is like one of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.lowlevel

from simkit.filters.near_duplicates import NearDuplicates, signature_of
from simkit.filters.signature_index import Signature
from simkit.filters.sole_error import sole_error_raised
from simkit.traces.records import Trajectory, Verdict
from simkit.traces.run_reader import RunReader

_WAITING = 4_096
"""Conversations that may be under way, or wait for an earlier one, beyond those in flight."""
_AT_ONCE = 200
"""Stored conversations that are compared before other tasks get a turn."""


@dataclass(frozen=True, slots=True)
class _Held:
    verdict: Verdict
    signature: Signature | None


class FinalVerdicts:
    """Takes verdicts in any order, and hands them on in the order in which scenarios began.

    Args:
        accept: Takes a scenario and its final verdict; several at a time.
        near_duplicates: Likeness from which on conversations are dropped; 0: they are not
            compared, and nothing is held back.
        in_flight: How many conversations are played or judged at a time.
    """

    def __init__(
        self,
        accept: Callable[[int, Verdict], Coroutine[Any, Any, None]],
        *,
        near_duplicates: float,
        in_flight: int,
    ) -> None:
        self._accept = accept
        self._known = NearDuplicates(near_duplicates) if near_duplicates else None
        self._window = in_flight + _WAITING
        self._open: deque[int] = deque()
        """Scenarios that began and have no final verdict, in order."""
        self._held: dict[int, _Held] = {}
        self._held_back = 0
        self._some_final = anyio.Event()

    def expect(self, in_flight: int) -> None:
        """So many conversations are played or judged at a time from now on."""
        self._window = in_flight + _WAITING
        self._wake()

    @property
    def waiting(self) -> int:
        """Verdicts that wait for those on earlier scenarios."""
        return len(self._held)

    @property
    def is_holding_back(self) -> bool:
        """Whether a conversation that could start waits for the oldest one to end."""
        return self._held_back > 0

    async def remember(self, reader: RunReader, on_progress: Callable[[int], None]) -> None:
        """Compare with what *reader* holds, too: the conversations that are kept already.

        Args:
            on_progress: Told from time to time how many are read.

        Raises:
            StoreError: One of them cannot be read.
        """
        if self._known is None:
            return
        for number, stored in enumerate(reader.trajectories("kept")):
            if number % _AT_ONCE == 0:
                on_progress(number)
                await anyio.lowlevel.checkpoint()
            signature = signature_of(stored.trajectory)
            if signature is not None:
                self._known.add(stored.trajectory.scenario.number, signature)

    async def may_start(self, may_otherwise: Callable[[], Awaitable[bool]]) -> bool:
        """Whether to start another conversation: when the oldest one is not too far behind and
        *may_otherwise* says yes, which is asked last, and again after each wait.

        Safe to cancel.
        """
        while await may_otherwise():
            if len(self._open) < self._window:
                return True
            self._held_back += 1
            try:
                await self._some_final.wait()
            finally:
                self._held_back -= 1
        return False

    def begin(self, scenario: int) -> None:
        """*scenario* begins; its verdict will come, and is final before those of later ones."""
        if self._known is not None:
            self._open.append(scenario)

    async def take(self, trajectory: Trajectory, verdict: Verdict) -> None:
        """Take the *verdict* of the filters; returns when all that is final by it is accepted."""
        scenario = trajectory.scenario.number
        if self._known is None:
            await self._accept(scenario, verdict)
            return
        kept = verdict.outcome == "kept"
        self._held[scenario] = _Held(verdict, signature_of(trajectory) if kept else None)
        await self._accept_all(self._final(self._known))

    def _final(self, known: NearDuplicates) -> list[tuple[int, Verdict]]:
        """What is final now; no other task runs meanwhile, so all is compared in order."""
        final = []
        while self._open and self._open[0] in self._held:
            scenario = self._open.popleft()
            held = self._held.pop(scenario)
            final.append((scenario, known.verdict(scenario, held.signature, held.verdict)))
        if final:
            self._wake()
        return final

    def _wake(self) -> None:
        """Have those who are held back look again."""
        self._some_final.set()
        self._some_final = anyio.Event()

    async def _accept_all(self, final: Iterable[tuple[int, Verdict]]) -> None:
        # All at once: they share a commit then, and thousands may have waited for one.
        with sole_error_raised():
            async with anyio.create_task_group() as group:
                for scenario, verdict in final:
                    group.start_soon(self._accept, scenario, verdict)
