"""Plays a stored run again with no network, and says where it comes out otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import anyio.lowlevel

from simkit.config_file import load_config
from simkit.divergence import Divergence
from simkit.prompts import own_prompts
from simkit.recording import RecordedConversation, Recording
from simkit.replayer import Replayed, Replayer, Sameness
from simkit.traces.run_directory import RunDirectory

DIVERGENCES_KEPT = 20
"""Divergences that a report names; the others are counted."""


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
    made_by: Counter[str] = field(default_factory=Counter)
    """Version of simkit to the conversations that it made."""
    changed_prompts: set[str] = field(default_factory=set)
    """Prompts that are not those of the run."""

    @property
    def is_identical(self) -> bool:
        """Whether nothing diverged."""
        return not (self.conversations["diverged"] or self.verdicts["diverged"])

    def add(self, recorded: RecordedConversation, replayed: Replayed) -> None:
        """Count one conversation."""
        self.conversations[replayed.conversation] += 1
        if replayed.judgement is not None:
            self.verdicts[replayed.judgement] += 1
        _keep(self.divergences, replayed.divergence)
        _keep(self.verdict_divergences, replayed.verdict_divergence)
        self.made_by[recorded.stored.trajectory.provenance.simkit] += 1
        self.changed_prompts |= replayed.changed_prompts


def _keep(kept: list[Divergence], found: Divergence | None) -> None:
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
    in memory at a time.

    Args:
        prompts: A folder of other prompts; see `prompts_from`. None: the run's own, if it has
            some, else simkit's.
        on_progress: Told how many are done, of how many, after each.

    Raises:
        RunDirectoryError, StoreError, ConfigError: The run cannot be read.
        PromptsError: The prompts cannot be used.
    """
    run = RunDirectory.open(directory)
    replayer = Replayer(load_config(run.config_path, {}), prompts or own_prompts(run.path))
    report = ReplayReport(directory=run.path)
    started = anyio.current_time()
    with Recording(run.database_path) as recording:
        total = len(recording)
        for done, recorded in enumerate(recording.conversations(), start=1):
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
    run = RunDirectory.open(directory)
    replayer = Replayer(load_config(run.config_path, {}), prompts or own_prompts(run.path))
    with Recording(run.database_path) as recording:
        recorded = recording.conversation(number)
        return None if recorded is None else await replayer.replay(recorded)
