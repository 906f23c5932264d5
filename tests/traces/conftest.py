"""What the tests of the store may use."""

from __future__ import annotations

import resource
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from simkit.traces.records import Trajectory, TurnVerdict, Verdict
from simkit.traces.store import Store


@pytest.fixture
def a_kept_run(tmp_path: Path) -> Callable[[Iterable[Trajectory]], Awaitable[Path]]:
    """Store trajectories, all kept, with every turn passed; gives the path of the database."""

    async def build(trajectories: Iterable[Trajectory]) -> Path:
        async with Store.open(tmp_path / "run.db") as store:
            for trajectory in trajectories:
                turns = tuple(
                    TurnVerdict(index=index, ok=True)
                    for index, message in enumerate(trajectory.messages)
                    if message.role == "assistant"
                )
                await store.save_trajectory(trajectory, seconds=1.0)
                verdict = Verdict(outcome="kept", turns=turns)
                await store.save_verdict(trajectory.scenario.number, verdict)
        return tmp_path / "run.db"

    return build


@pytest.fixture
def little_disk() -> Callable[[int], AbstractContextManager[None]]:
    """Inside ``with little_disk(n)``, every file that this process writes fails beyond n bytes.

    As a full disk does. Not for longer than that: the file that pytest's own output may go
    to is one of them.
    """

    @contextmanager
    def limit(file_bytes: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limit
