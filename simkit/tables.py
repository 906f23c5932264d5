"""Plain tables of figures, with and without a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.table import Table
from rich.text import Text

from simkit.rendering import plain_text

_MOST_ROWS = 10


def share_table(title: str, numbers: Mapping[str, int], whole: int) -> Table:
    """A row for each number that is not 0, with its share of *whole*.

    In the order given; from the eleventh on they are added up as "others".
    """
    table = _table(title)
    for name, number in _first(numbers.items()):
        share = number / whole if whole else 0.0
        table.add_row(Text(plain_text(name)), f"{number:,}", f"{share:.1%}")
    return table


def kept_table(title: str, kept: Mapping[str, int], played: Mapping[str, int]) -> Table:
    """A row for each entry of *played*: how many there are, how many kept, and their share."""
    table = _table(title)
    for name, number in played.items():
        share = kept[name] / number if number else 0.0
        shown = plain_text(name.replace("_", " "))
        table.add_row(Text(shown), f"{kept[name]:,} of {number:,}", f"{share:.1%}")
    return table


def value_table(title: str, values: Mapping[str, str]) -> Table:
    """A row for each value, in the order given."""
    table = _table(title)
    for name, value in values.items():
        table.add_row(Text(plain_text(name)), Text(plain_text(value)), "")
    return table


def _first(numbers: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    shown = [(name, number) for name, number in numbers if number]
    rest = sum(number for _, number in shown[_MOST_ROWS:])
    return [*shown[:_MOST_ROWS], *([("others", rest)] if rest else [])]


def _table(title: str) -> Table:
    table = Table(box=None, padding=(0, 1), show_edge=False, pad_edge=False)
    table.add_column(Text(title, style="bold"), min_width=40, overflow="fold")
    table.add_column("", justify="right", min_width=12, overflow="fold")
    table.add_column("", justify="right", min_width=7)
    return table
