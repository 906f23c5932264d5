"""What a calibration is worth, as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from simkit.calibrating import Calibrated
from simkit.graph.answers import Answer, cuts, ranks

_MOST_PROBLEMS = 5


def render_calibration(calibrated: Calibrated) -> RenderableType:
    """Ranks and thresholds before and after; how it was measured."""
    before, after = calibrated.before, calibrated.after
    return Group(
        _table(("producer ranked", "before", "after"), _ranks(before, after)),
        "",
        _table(
            ("threshold", "kept", "precision", "recall", "kept", "precision", "recall"),
            _cuts(before, after),
        ),
        "",
        Text(
            f"{len(before):,} labelled inputs. Before: simkit's own weights. After: each of "
            f"{calibrated.folds} parts answered by what was fitted to the others; no two parts "
            f"share a {calibrated.kept_together}. Kept is functions an input. What no label "
            "names counts as wrong, so that precision is at least what is shown."
        ),
    )


def problem_lines(problems: Sequence[str]) -> list[str]:
    """The labels passed over: the first few, and how many more."""
    shown = list(problems[:_MOST_PROBLEMS])
    more = len(problems) - len(shown)
    return [*shown, *([f"and {more:,} more labels that cannot be used"] if more else [])]


def _table(titles: Sequence[str], rows: Iterator[tuple[str, ...]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, pad_edge=False)
    for title in titles:
        table.add_column(title, justify="left" if title == titles[0] else "right")
    for row in rows:
        table.add_row(*row)
    return table


def _ranks(before: Sequence[Answer], after: Sequence[Answer]) -> Iterator[tuple[str, ...]]:
    old, new = ranks(before), ranks(after)
    yield "first", f"{old.hit_at_1:.1%}", f"{new.hit_at_1:.1%}"
    yield "in the first five", f"{old.hit_at_5:.1%}", f"{new.hit_at_5:.1%}"
    yield "mean reciprocal rank", f"{old.reciprocal_rank:.3f}", f"{new.reciprocal_rank:.3f}"


def _cuts(before: Sequence[Answer], after: Sequence[Answer]) -> Iterator[tuple[str, ...]]:
    for old, new in zip(cuts(before), cuts(after), strict=True):
        sides = (
            (f"{one.kept:.1f}", f"{one.precision:.0%}", f"{one.recall:.0%}") for one in (old, new)
        )
        yield (f"{old.threshold:.1f}", *next(sides), *next(sides))
