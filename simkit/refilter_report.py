"""How judging a run again changed its verdicts, for people (tables) and for machines (JSON)."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from simkit.refilter import RefilterSummary
from simkit.rendering import plain_text
from simkit.tables import share_table, value_table
from simkit.traces.one_line import one_line
from simkit.verdict_changes import Change, Changed, by_frequency

_TITLES: dict[Change, str] = {
    "kept to dropped": "kept before, dropped now",
    "dropped to kept": "dropped before, kept now",
    "now undecided": "undecided now, and not before",
    "turns masked": "turns trained on before, masked now",
    "masks lifted": "turns masked before, trained on now",
}
_OUTCOMES = ("kept", "dropped", "undecided", "failed", "not judged")
_EXAMPLE_CHARACTERS = 160
_INDENT = (0, 0, 0, 4)


def refilter_json(summary: RefilterSummary) -> str:
    """All figures as one JSON object."""
    figures = {
        "directory": str(summary.directory),
        "name": summary.name,
        "whole": summary.is_whole,
        "filters": summary.filters,
        "stored": summary.stored,
        **summary.changes.as_json(),
        "calls": summary.calls,
        "spending": [{"unit": line.unit, "spent": line.spent} for line in summary.spending],
    }
    return orjson.dumps(figures, option=orjson.OPT_INDENT_2).decode()


def render_refilter(summary: RefilterSummary) -> RenderableType:
    """The figures as tables, with a few examples of each change; empty tables are left out."""
    changes = summary.changes
    tables = [
        share_table(title, {name: outcomes[name] for name in _OUTCOMES}, changes.conversations)
        for title, outcomes in (
            ("by the run's own filters", changes.before),
            (f"by {summary.name}", changes.after),
        )
    ]
    if changes.other_reasons:
        tables.append(
            value_table("dropped by both, for other reasons", {"": f"{changes.other_reasons:,}"})
        )
    parts: list[RenderableType] = [table for table in tables if table.row_count]
    for kind, changed in changes.kinds.items():
        if changed.number:
            parts += _change(_TITLES[kind], changed)
    if not any(changed.number for changed in changes.kinds.values()):
        parts.append(Text("what is kept and what is trained on is the same"))
    return Group(*parts)


def _change(title: str, changed: Changed) -> Iterator[RenderableType]:
    heading = f"{title}: {changed.number:,}, because of"
    yield share_table(heading, by_frequency(changed.because_of), changed.number)
    for example in changed.examples:
        place = f"conversation {example.conversation}"
        if example.message is not None:
            place += f", message {example.message}"
        reason = one_line(f"{example.check}: {example.reason}", limit=_EXAMPLE_CHARACTERS)
        yield Padding(Text(plain_text(f"{place}: {reason}"), style="dim"), _INDENT)
