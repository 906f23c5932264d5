"""Plays a stored run again with no network, and says where it comes out otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import anyio.lowlevel

from simkit.divergence import Divergence
from simkit.one_run import open_run
from simkit.prompts import own_prompts
from simkit.recording import RecordedConversation, Recording, UnreadableConversation
from simkit.replayer import Replayed, Replayer, Sameness

DIVERGENCES_KEPT = 20
"""Divergences, and unreadable conversations, that a report names; the others are counted."""


_Found = TypeVar("_Found")


@dataclass(slots=True, kw_only=True)
class ReplayReport:
    """What came of a replay."""

    directory: Path
    seconds: float = 0.0
    conversations: Counter[Sameness] = field(default_factory=Counter)
    verdicts: Counter[Sameness] = field(default_factory=Counter)
    """Of the conversations that are judged."""
    divergences: list[Divergence] = field(default_factory=list)
    """Of the first conversations that diverged, in scenario order."""
    verdict_divergences: list[Divergence] = field(default_factory=list)
    """Of the first verdicts that diverged, in scenario order."""
    unreadable: int = 0
    """Conversations that are damaged, and so could not be played again."""
    unreadable_named: list[UnreadableConversation] = field(default_factory=list)
    """The first of them, in scenario order."""
    made_by: Counter[str] = field(default_factory=Counter)
    """Version of simkit to the conversations that it made."""
    changed_prompts: set[str] = field(default_factory=set)
    """Prompts that are not those of the run."""

    @property
    def is_identical(self) -> bool:
        """Whether all could be read and nothing diverged."""
        return not (self.unreadable or self.conversations["diverged"] or self.verdicts["diverged"])

    def add(self, recorded: RecordedConversation, replayed: Replayed) -> None:
        """Count one conversation."""
        self.conversations[replayed.conversation] += 1
        if replayed.judgement is not None:
            self.verdicts[replayed.judgement] += 1
        _keep(self.divergences, replayed.divergence)
        _keep(self.verdict_divergences, replayed.verdict_divergence)
        self.made_by[recorded.stored.trajectory.provenance.simkit] += 1
        self.changed_prompts |= replayed.changed_prompts

    def add_unreadable(self, found: UnreadableConversation) -> None:
        """Count one conversation that could not be played again."""
        self.unreadable += 1
        _keep(self.unreadable_named, found)


def _keep(kept: list[_Found], found: _Found | None) -> None:
    if found is not None and len(kept) < DIVERGENCES_KEPT:
        kept.append(found)


async def replay_run(
    directory: Path,
    *,
    prompts: Path | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> ReplayReport:
    """Play every stored conversation of the run in *directory* again, one after the other.

    They do not wait for anything, so several at once would be no faster. One conversation is
    in memory at a time. One that is damaged is counted and named, and the others go on.

    Args:
        prompts: A folder of other prompts; see `prompts_from`. None: the run's own, if it has
            some, else simkit's.
        on_progress: Told how many are done, of how many, after each.

    Raises:
        RunDirectoryError, StoreError, ConfigError: The run cannot be read.
        PromptsError: The prompts cannot be used.
    """
    run, config = open_run(directory)
    replayer = Replayer(config, prompts or own_prompts(run.path))
    report = ReplayReport(directory=run.path)
    started = anyio.current_time()
    with Recording(run.database_path) as recording:
        total = len(recording)
        for done, recorded in enumerate(recording.conversations(), start=1):
            if isinstance(recorded, UnreadableConversation):
                report.add_unreadable(recorded)
            else:
                replayed = await replayer.replay(
                    recorded,
                    explain=len(report.divergences) < DIVERGENCES_KEPT,
                    explain_verdict=len(report.verdict_divergences) < DIVERGENCES_KEPT,
                )
                report.add(recorded, replayed)
            on_progress(done, total)
            await anyio.lowlevel.checkpoint()  # nothing else here can be cancelled
    report.seconds = anyio.current_time() - started
    return report


async def replay_conversation(
    directory: Path, number: int, prompts: Path | None = None
) -> Replayed | None:
    """Play conversation *number* of the run in *directory* again; None when it is not stored.

    Raises as `replay_run` does.
    """
    run, config = open_run(directory)
    replayer = Replayer(config, prompts or own_prompts(run.path))
    with Recording(run.database_path) as recording:
        recorded = recording.conversation(number)
        return None if recorded is None else await replayer.replay(recorded)
