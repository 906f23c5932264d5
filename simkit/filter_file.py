"""Runs the rule checks over a file of conversations and writes their verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import anyio
import anyio.lowlevel
import orjson
from rich.console import Group, RenderableType

from simkit.benchmarks import read_benchmarks
from simkit.filters.filter import Check
from simkit.filters.pipeline import FilterPipeline
from simkit.foreign_checks import checks_for, turns_only
from simkit.foreign_tools import read_tools
from simkit.tables import share_table, value_table
from simkit.traces.exact_json import exact_json
from simkit.traces.foreign import (
    Conversation,
    ForeignFile,
    ForeignFileError,
    ForeignFormat,
    RejectedRow,
    open_foreign,
)
from simkit.traces.functions import Function
from simkit.traces.records import Verdict
from simkit.traces.whole_file import written_whole

MOST_TOLD = 20
"""Rejected rows that are told one by one; the rest are counted."""

TOOLS_UNKNOWN = "rows do not say which tools were offered, so calls were not checked against them"


@dataclass(slots=True, kw_only=True)
class FilterSummary:
    """What was found in a file."""

    form: ForeignFormat | None = None
    """None when no row could be read."""
    kept: int = 0
    dropped: int = 0
    rejected: int = 0
    trained_turns: int = 0
    """Of kept conversations; as are the masked ones."""
    masked_turns: int = 0
    dropped_by: Counter[str] = field(default_factory=Counter)
    """Check to conversations; one conversation may count for several."""
    masked_by: Counter[str] = field(default_factory=Counter)
    """Check to turns of kept conversations."""
    notes: Counter[str] = field(default_factory=Counter)
    """What was needed to read rows, to rows."""
    repeated_ids: int = 0
    """Rows whose id an earlier row has; by it alone their verdicts cannot be told apart."""
    first_rejected: list[RejectedRow] = field(default_factory=list)
    """The first `MOST_TOLD`."""

    @property
    def rows(self) -> int:
        """Rows of the file, readable or not."""
        return self.kept + self.dropped + self.rejected

    def reject(self, row: RejectedRow) -> None:
        self.rejected += 1
        if self.rejected <= MOST_TOLD:
            self.first_rejected.append(row)

    def add(self, conversation: Conversation, verdict: Verdict) -> None:
        self.notes.update(conversation.notes)
        if not conversation.offers_tools:
            self.notes[TOOLS_UNKNOWN] += 1
        if verdict.outcome != "kept":
            self.dropped += 1
            self.dropped_by.update({reason.check for reason in verdict.reasons})
            return
        self.kept += 1
        self.masked_turns += len(verdict.masked)
        self.trained_turns += len(verdict.turns) - len(verdict.masked)
        for turn in verdict.turns:
            self.masked_by.update({reason.check for reason in turn.reasons})

    def as_json(self) -> dict[str, Any]:
        """The figures by name."""
        return {
            "format": self.form,
            "rows": self.rows,
            "kept": self.kept,
            "dropped": self.dropped,
            "rejected": self.rejected,
            "trained_turns": self.trained_turns,
            "masked_turns": self.masked_turns,
            "dropped_by": _by_frequency(self.dropped_by),
            "masked_by": _by_frequency(self.masked_by),
            "notes": _by_frequency(self.notes),
            "repeated_ids": self.repeated_ids,
        }

    def as_tables(self) -> RenderableType:
        """The figures for people; tables without a row are left out."""
        read_as = "" if self.form is None else f", read as {self.form}"
        turns = self.trained_turns + self.masked_turns
        conversations = {"kept": self.kept, "dropped": self.dropped, "rejected": self.rejected}
        trained = {"trained on": self.trained_turns, "masked": self.masked_turns}
        tables = [
            share_table(f"rows{read_as}", conversations, self.rows),
            share_table("dropped because of", _by_frequency(self.dropped_by), self.rows),
            share_table("assistant turns of kept conversations", trained, turns),
            share_table("masked because of", _by_frequency(self.masked_by), self.masked_turns),
            value_table(
                "how rows were read",
                {note: f"{count:,}" for note, count in _by_frequency(self.notes).items()},
            ),
        ]
        return Group(*(table for table in tables if table.row_count))


def filter_file(
    path: Path,
    form: ForeignFormat | None,
    verdicts: Path,
    *,
    tools: Path | None = None,
    decontaminate: Sequence[Path] = (),
) -> FilterSummary:
    """Ask the rules about each conversation in *path* and write a line for it to *verdicts*.

    A line is ``{"id", "kept", "reasons", "turns"}``, in the order of the file; ``turns`` has
    ``{"index", "ok", "reasons"}`` for each assistant message, also where the conversation is
    dropped. ``index`` counts the entries of the row's own list of messages from 0, system
    messages among them; so do the numbers in reasons, each ``{"check", "message"}``. Rows
    that cannot be read get no line. The file is there when all is done, or not at all.

    Args:
        path: See `open_foreign`.
        form: None to go by the first row.
        verdicts: Its folder must exist.
        tools: JSON list of what was offered where rows do not say it.
        decontaminate: Benchmark files that conversations are compared with.

    Raises:
        ConfigError: A benchmark file cannot be used.
        ForeignFileError: A file cannot be read, or does not tell its format.
        OSError: A file cannot be read or written.
    """
    offered = None if tools is None else _tools_in(tools)
    benchmarks = read_benchmarks(decontaminate)
    summary = FilterSummary()
    with open_foreign(path, form, read_tools, offered=offered) as rows:
        with written_whole(verdicts) as file:
            anyio.run(_judge_all, rows, benchmarks.checks, file, summary)
        summary.form = rows.form
    return summary


def _tools_in(path: Path) -> tuple[Function, ...]:
    try:
        return read_tools(exact_json(path.read_bytes()))
    except ValueError as error:
        raise ForeignFileError(f"{path} {error}; expected a JSON list of tools") from None


async def _judge_all(
    rows: ForeignFile, more: Sequence[Check], file: IO[bytes], summary: FilterSummary
) -> None:
    seen: set[int] = set()  # hashes: ids may be long, and there may be millions
    for row in rows:
        await anyio.lowlevel.checkpoint()  # nothing else here waits, so Ctrl+C could not end it
        if isinstance(row, RejectedRow):
            summary.reject(row)
            continue
        told = hash(repr(row.id))
        summary.repeated_ids += told in seen
        seen.add(told)
        verdict = await _verdict(row, more)
        summary.add(row, verdict)
        file.write(_line(row, verdict))


async def _verdict(conversation: Conversation, more: Sequence[Check]) -> Verdict:
    """The verdict by the rules and *more*, with its turns also where the whole was dropped."""
    checks, trajectory = [*checks_for(conversation), *more], conversation.trajectory
    verdict = await FilterPipeline(checks, None, None).judge(trajectory)
    if verdict.turns:
        return verdict
    by_turn = await FilterPipeline(turns_only(checks), None, None).judge(trajectory)
    return replace(verdict, turns=by_turn.turns)


def _line(conversation: Conversation, verdict: Verdict) -> bytes:
    form = {
        "id": conversation.id,
        "kept": verdict.outcome == "kept",
        "reasons": verdict.reasons,
        "turns": verdict.turns,
    }
    return orjson.dumps(form, option=orjson.OPT_APPEND_NEWLINE)


def _by_frequency(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
