"""What a run holds, for people (tables) and for machines (JSON)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
from rich.console import Group, RenderableType
from rich.text import Text

from simkit.rendering import plain_text
from simkit.tables import share_table, value_table
from simkit.traces.counts import RunCounts
from simkit.traces.run_directory import RunDirectory
from simkit.traces.store import RunReader


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The figures of one run at one moment."""

    directory: Path
    counts: RunCounts
    facts: Mapping[str, str]
    """What the run noted about itself as a whole."""


def read_report(directory: Path) -> Report:
    """Count what the run in *directory* holds; works also while it goes on.

    Raises:
        RunDirectoryError: There is no run of this version.
        StoreError: Its database cannot be read.
    """
    run = RunDirectory.open(directory)
    with RunReader(run.database_path) as reader:
        return Report(directory=run.path, counts=reader.counts(), facts=reader.meta())


def report_json(report: Report) -> str:
    """All figures as one JSON object."""
    figures = {
        "directory": str(report.directory),
        **asdict(report.counts),
        "calls_per_conversation": _ratio(report.counts.calls, report.counts.played),
        "facts": dict(report.facts),
    }
    return orjson.dumps(figures, option=orjson.OPT_INDENT_2).decode()


def render_report(report: Report) -> RenderableType:
    """The figures as tables; those without a row are left out."""
    counts = report.counts
    tables = [
        share_table(
            "conversations",
            {
                "kept": counts.kept,
                "dropped": counts.dropped,
                "failed": counts.failed,
                "not judged": counts.unjudged,
            },
            counts.played,
        ),
        share_table("dropped because of", counts.drop_reasons, counts.played),
        share_table("not ended by the user", counts.causes, counts.played),
        share_table(
            "assistant turns of kept conversations",
            {"trained on": counts.trained_turns, "masked": counts.masked_turns},
            counts.trained_turns + counts.masked_turns,
        ),
        share_table("masked because of", counts.mask_reasons, counts.masked_turns),
        share_table("model calls by role", counts.calls_by_role, counts.calls),
        value_table("model calls", _call_figures(counts)),
        value_table("about the run", {k.replace("_", " "): v for k, v in report.facts.items()}),
    ]
    shown = [table for table in tables if table.row_count]
    return Group(Text(f"run {plain_text(str(report.directory))}", style="bold"), *shown)


def _call_figures(counts: RunCounts) -> dict[str, str]:
    return {
        "calls": f"{counts.calls:,}",
        "calls per conversation": f"{_ratio(counts.calls, counts.played):.1f}",
        "input tokens": f"{counts.input_tokens:,}",
        "output tokens": f"{counts.output_tokens:,}",
        "retried attempts": f"{counts.retried_attempts:,}",
    }


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
