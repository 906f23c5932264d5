"""What a calibration found, as tables for a terminal and for a page in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from simkit.filter_calibration.defects import Caught
from simkit.filter_calibration.measuring import Rewarded
from simkit.filters.calibration import Calibration, RewardTally
from simkit.filters.corruptions import KINDS

_MOST_FINDERS = 4
"""Checks that are named beside a kind of mistake; the rest are counted."""

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """One table: a title, heads and rows of text."""

    title: str
    heads: Row
    rows: Sequence[Row]
    words: frozenset[int] = frozenset({0})
    """Columns that are text, and begin at the left."""

    def as_table(self) -> Table:
        """For a terminal."""
        table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, pad_edge=False)
        table.title, table.title_justify = Text(self.title, style="bold"), "left"
        for column, head in enumerate(self.heads):
            is_words = column in self.words
            table.add_column(head, justify="left" if is_words else "right", overflow="fold")
        for row in self.rows:
            table.add_row(*map(Text, row))
        return table

    def as_markdown(self) -> str:
        """For a page; the title stands above it."""
        marks = ("---" if column in self.words else "---:" for column in range(len(self.heads)))
        lines = [_line(self.heads), _line(marks), *map(_line, self.rows)]
        return "\n".join([f"**{self.title}**", "", *lines, ""])


def labelled_grids(title: str, calibration: Calibration) -> list[Grid]:
    """By kind of mistake, by check, and in sum."""
    return [
        Grid(
            title=f"{title}: what was found",
            heads=("mistake", "made", "found", "recall", "found by"),
            rows=list(_kinds(calibration)),
            words=frozenset({0, 4}),
        ),
        Grid(
            title=f"{title}: by check",
            heads=("check", "found", "false alarms", "precision", "of sound turns"),
            rows=list(_checks(calibration)),
        ),
        Grid(title=f"{title}: in sum", heads=("", "", ""), rows=list(_sums(calibration))),
    ]


def reward_grids(title: str, rewarded: Rewarded) -> list[Grid]:
    """Kept shares among those that pass and those that fail, and which checks object."""
    passing, failing = rewarded.passing, rewarded.failing
    return [
        Grid(
            title=f"{title}: verdicts and rewards",
            heads=("", "reward 1", "less"),
            rows=list(_rewards(passing, failing)),
        ),
        Grid(
            title=f"{title}: conversations to which a check objects",
            heads=("check", "reward 1", "less"),
            rows=[
                (
                    check,
                    _of(passing.by_check[check], passing.conversations),
                    _of(failing.by_check[check], failing.conversations),
                )
                for check in sorted(passing.by_check.keys() | failing.by_check.keys())
            ],
        ),
    ]


def defect_grid(caught: Iterable[Caught]) -> Grid:
    """Each known defect and what catches it."""
    return Grid(
        title="Defects of ToolMind's release, and what catches them",
        heads=("defect", "example", "caught by"),
        rows=[(one.group, one.defect.name, _by(one)) for one in caught],
        words=frozenset({0, 1, 2}),
    )


def _by(one: Caught) -> str:
    if one.refused is not None:
        return f"the reader: the row {one.refused}"
    if one.checks:
        return ", ".join(one.checks)
    if one.defect.needs_model:
        return "no rule; models judge it: the chain gate, trajectory_judge"
    return "nothing"


def _kinds(calibration: Calibration) -> Iterator[Row]:
    known = [kind for kind in KINDS if kind in calibration.mistakes]
    others = sorted(calibration.mistakes.keys() - KINDS.keys())
    for kind in (*known, *others):
        made, found = calibration.mistakes[kind], calibration.found[kind]
        finders = calibration.finders(kind)
        shown = [f"{check} {count:,}" for check, count in finders[:_MOST_FINDERS]]
        if len(finders) > _MOST_FINDERS:
            shown.append(f"{len(finders) - _MOST_FINDERS} more")
        yield kind, f"{made:,}", f"{found:,}", _percent(found, made), ", ".join(shown)


def _checks(calibration: Calibration) -> Iterator[Row]:
    for check in calibration.checks:
        found, alarms = calibration.found_by_check(check), calibration.alarms_by[check]
        if found or alarms:
            share = _percent(alarms, calibration.sound_turns, digits=2)
            yield check, f"{found:,}", f"{alarms:,}", _percent(found, found + alarms), share
    alarms, found = calibration.alarms, calibration.found.total()
    share = _percent(alarms, calibration.sound_turns, digits=2)
    yield "all together", f"{found:,}", f"{alarms:,}", _percent(found, found + alarms), share


def _sums(calibration: Calibration) -> Iterator[Row]:
    made = calibration.mistakes.total()
    turns, sound = calibration.sound_turns, calibration.sound_conversations
    before = calibration.turns_before
    shares = (
        ("mistakes found", calibration.found.total(), made),
        ("mistakes left among trained turns", calibration.kept_mistakes, made),
        ("sound turns objected to", calibration.alarms, turns),
        ("sound turns trained on", calibration.kept_turns, turns),
        ("sound conversations dropped", calibration.dropped_sound, sound),
        ("turns before a mistake, objected to now", calibration.alarms_before, before),
    )
    for name, part, whole in (row for row in shares if row[2]):
        yield name, f"{part:,} of {whole:,}", _percent(part, whole, digits=2)


def _rewards(passing: RewardTally, failing: RewardTally) -> Iterator[Row]:
    both = (passing, failing)
    yield "conversations", *(f"{one.conversations:,}" for one in both)
    yield "kept", *(_of(one.kept, one.conversations) for one in both)
    yield "without any objection", *(_of(one.flawless, one.conversations) for one in both)
    yield "turns masked", *(_of(one.masked, one.turns) for one in both)


def _of(part: int, whole: int) -> str:
    return f"{part:,} ({_percent(part, whole)})"


def _percent(part: int, whole: int, digits: int = 1) -> str:
    return f"{part / whole:.{digits}%}" if whole else "-"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
