"""Steering: what the filters keep leads later walks, whatever the timing and however often a
run is stopped."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

import anyio
import pytest

from simkit.graph.walk import BLOCK, Walk, Walker
from simkit.scheduler import work_through
from simkit.standing import MARKS, Standing
from simkit.steering import Steering
from simkit.traces.database import StoreError
from simkit.traces.records import Outcome, Scenario
from tests.graph.linked import a_random_graph

GRAPH = a_random_graph(40, 500)
LAG = 100
COUNT = 3 * BLOCK + 50


@pytest.fixture
def anyio_backend(virtual_time: Any) -> Any:
    return virtual_time


def a_walker() -> Walker:
    return Walker(GRAPH, seed=1, coherence=0, yield_lag=LAG)


def fate(number: int, walk: Walk) -> Outcome:
    """Function 0 is dropped, one in seven others fails, and one in eleven is undecided."""
    if 0 in walk.functions:
        return "dropped"
    if number % 11 == 5:
        return "undecided"
    return "failed" if number % 7 == 3 else "kept"


async def at_once() -> bool:
    return True


@dataclass
class Book:
    """What is left of a run when it stops, as its database would hold it."""

    outcomes: dict[int, Outcome] = field(default_factory=dict)
    meta: dict[str, str] = field(default_factory=dict)
    walks: dict[int, Walk] = field(default_factory=dict)

    async def save(self, key: str, value: str) -> None:
        await anyio.sleep(0.5)
        self.meta[key] = value

    def standing(self) -> Standing:
        """Failed conversations are to be played again."""
        judged = {n: outcome for n, outcome in self.outcomes.items() if outcome != "failed"}
        marks = bytearray(max(judged, default=-1) + 1)
        for number, outcome in judged.items():
            marks[number] = MARKS[outcome]
        return Standing(judged=frozenset(judged), marks=bytes(marks), meta=dict(self.meta))


async def play(
    book: Book,
    a_scenario: Callable[..., Scenario],
    *,
    concurrency: int,
    timing: int = 0,
    stop_after: int | None = None,
    becomes: Callable[[int, Walk], Outcome] = fate,
    may_start: Callable[[], Any] = at_once,
) -> None:
    """Play scenarios of steered walks into *book*, each as long as chance has it."""
    walker, standing, delays = a_walker(), book.standing(), random.Random(timing)
    steering = Steering(walker.outcomes_needed, COUNT, standing)
    judged = 0

    def drawn() -> Iterator[Scenario]:
        for number, walk in enumerate(islice(walker.walks(steering.outcomes), COUNT)):
            if number not in standing.judged:
                assert book.walks.setdefault(number, walk) == walk
                yield a_scenario(number)

    async def work(scenario: Scenario) -> None:
        nonlocal judged
        await anyio.sleep(delays.expovariate(1.0))
        outcome = becomes(scenario.number, book.walks[scenario.number])
        book.outcomes[scenario.number] = outcome
        steering.learn(scenario.number, outcome)
        judged += 1
        if judged == stop_after:
            scope.cancel()

    with anyio.CancelScope() as scope:
        async with steering.settling(book.save):
            await work_through(
                steering.following(drawn()),
                work,
                concurrency=concurrency,
                may_start=partial(steering.may_start, may_start),
            )


async def test_neither_concurrency_nor_timing_changes_the_walks(
    a_scenario: Callable[..., Scenario],
) -> None:
    """
    With more room than walks may be drawn ahead, conversations wait for the outcomes of others.
    """
    books = []
    for concurrency, timing in ((3, 1), (150, 2), (2 * BLOCK, 3)):
        book = Book()
        await play(book, a_scenario, concurrency=concurrency, timing=timing)
        assert sorted(book.outcomes) == list(range(COUNT))
        books.append(book)
    assert books[0] == books[1] == books[2]
    assert [*books[0].meta] == ["yields:0", f"yields:{BLOCK - LAG}", f"yields:{2 * BLOCK - LAG}"]
    unsteered = islice(a_walker().walks(), COUNT)
    assert list(books[0].walks.values())[BLOCK:] != list(unsteered)[BLOCK:]


@pytest.mark.parametrize("concurrency", [7, 2 * BLOCK])
async def test_a_run_that_goes_on_draws_the_walks_that_it_drew(
    a_scenario: Callable[..., Scenario], concurrency: int
) -> None:
    """
    Conversations that failed are played again, and are kept now: what steered walks stays.
    """
    book = Book()
    for timing, stop_after in enumerate((30, 500, 450, 700, None)):
        await play(
            book,
            a_scenario,
            concurrency=concurrency,
            timing=timing,
            stop_after=stop_after,
            becomes=fate if timing < 4 else lambda number, walk: "kept",
        )
    assert sorted(book.outcomes) == list(range(COUNT))
    assert any("-" in settled for settled in book.meta.values())
    assert "failed" not in book.outcomes.values()


async def test_what_is_known_and_was_not_saved_is_settled_when_a_run_goes_on(
    a_scenario: Callable[..., Scenario],
) -> None:
    whole = Book()
    always_kept = partial(play, becomes=lambda number, walk: "kept", concurrency=9)
    await always_kept(whole, a_scenario)
    again = Book(outcomes=dict(list(whole.outcomes.items())[: 2 * BLOCK]))
    await always_kept(again, a_scenario)
    assert again.meta == whole.meta
    assert again.walks == {n: walk for n, walk in whole.walks.items() if n in again.walks}


async def test_a_limit_is_asked_last_and_stops_a_run_whose_walks_wait(
    a_scenario: Callable[..., Scenario],
) -> None:
    """
    Hundreds wait for the first block's outcomes; no more of them start than the limit allows.
    """
    book = Book()

    async def under_600() -> bool:
        return len(book.walks) < 600

    await play(book, a_scenario, concurrency=2 * BLOCK, may_start=under_600)
    assert sorted(book.outcomes) == list(range(600))


async def test_a_conversation_that_waits_for_others_is_told_of_and_can_be_cancelled() -> None:
    steering = Steering(a_walker().outcomes_needed, COUNT, Standing(judged=frozenset(range(BLOCK))))
    async with anyio.create_task_group() as group:
        group.start_soon(steering.may_start, at_once)
        await anyio.wait_all_tasks_blocked()
        assert steering.is_holding_back
        group.cancel_scope.cancel()
    assert not steering.is_holding_back


async def test_scenarios_that_are_not_steered_never_wait() -> None:
    steering = Steering.none()
    async with steering.settling(Book().save):
        for number in range(3 * BLOCK):
            assert await steering.may_start(at_once)
            steering.learn(number, "kept")


@pytest.mark.parametrize("damage", ["", "k" * (BLOCK - LAG - 1) + "x", "é" * (BLOCK - LAG)])
async def test_damaged_notes_stop_a_run(damage: str) -> None:
    meta: Mapping[str, str] = {"yields:0": damage}
    steering = Steering(a_walker().outcomes_needed, COUNT, Standing(meta=meta))
    with pytest.RaisesGroup(pytest.RaisesExc(StoreError, match="'yields:0' is damaged")):
        async with steering.settling(Book().save):
            await anyio.sleep_forever()
