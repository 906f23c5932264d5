"""A plan for people, and for machines."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from simkit.limit_options import KINDS, NAMES
from simkit.pace import in_words
from simkit.rendering import plain_text
from simkit.tuning.limits_of_run import Assumed
from simkit.tuning.plan import WORTH_IT, Plan, Rated
from simkit.tuning.plan_demand import Range
from simkit.tuning.text_figures import duration, finite_or_none

_DIGITS = 3
"""That are shown of an estimate."""
_BYTES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))

Shown = Callable[[float], str]


def render_plan(plan: Plan, currency: str | None) -> RenderableType:
    """Tables of figures and changes, the cheapest change in a sentence, and doubts.

    Args:
        currency: Of the money; None: not known.
    """
    parts: list[RenderableType] = [_figures(plan, currency), Text()]
    if pace := in_words(plan.rehearsed.limiting, most=3):
        parts += [Text(f"What sets the pace: {pace}"), Text()]
    if plan.changes:
        parts += [_changes(plan, currency), Text()]
    parts.append(Text(advice(plan, currency)))
    parts += [Text(f"- {plain_text(doubt)}") for doubt in plan.doubts]
    return Group(*parts)


def render_assumed(assumed: Assumed) -> RenderableType:
    """The limits that the plan takes for granted, and where they are known from."""
    limits = [
        f"{limit.value:,.6g} {NAMES[KINDS[limit.name]]} at {limit.provider} ({limit.origin})"
        for limit in assumed.limits
    ]
    shown = ", ".join(limits) or "no limits: none is configured, given or was met"
    return Text(plain_text(f"Assumed of each account: {shown}"))


def plan_json(plan: Plan, assumed: Assumed, currency: str | None) -> dict[str, Any]:
    """All of it; times in seconds, and null for what would never end or has no price."""
    return {
        "conversations": plan.conversations,
        "currency": currency,
        **asdict(plan.figures),
        "assumed": [asdict(limit) for limit in assumed.limits],
        "limiting": dict(plan.rehearsed.limiting),
        "stopped_by": plan.rehearsed.stopped_by,
        "rehearsed_conversations": plan.rehearsed.conversations,
        "changes": [_rated_json(rated) for rated in plan.changes],
        "advised": None if plan.advised is None else _rated_json(plan.advised),
        "advice": advice(plan, currency),
        "doubts": list(plan.doubts),
    }


def advice(plan: Plan, currency: str | None) -> str:
    """The cheapest change that makes the run faster, or what would have to change, a sentence."""
    best, now = plan.advised, plan.figures.seconds
    if now is None:
        trouble = plan.rehearsed.stopped_by or "no conversation was finished in its rehearsal"
        no_end = f"As it is, the run would not end: {plain_text(trouble).rstrip('.')}."
        if best is None:
            return f"{no_end} None of the changes that were tried helps."
        return f"{no_end} With {best.what} it would take {duration(best.seconds)}."
    if best is None:
        pace = in_words(plan.rehearsed.limiting, most=1) or "nothing in particular"
        return f"No change that was tried saves {WORTH_IT:.0%} of the time; what limits is {pace}."
    return (
        f"The cheapest change that makes it faster: {best.what} ({_cost(best, currency)}): "
        f"{duration(best.seconds)} instead of {duration(now.expected)}, {best.gain:.0%} less."
        + (" Without judges more is kept that should not be." if _has_no_judges(best) else "")
    )


def _figures(plan: Plan, currency: str | None) -> Table:
    figures = plan.figures
    ending = "" if plan.conversations == 1 else "s"
    table = _table(f"{plan.conversations:,} conversation{ending}", "expected", "90 % interval")
    _add(table, "time", figures.seconds, duration, missing="would not end")
    cost = "cost" if currency is None else f"cost, {currency}"
    _add(table, cost, figures.money, _money, missing="no price")
    _add(table, "calls", figures.calls, _count)
    _add(table, "input tokens", figures.input_tokens, _count)
    _add(table, "output tokens", figures.output_tokens, _count)
    _add(table, "conversations kept", figures.kept, _count)
    _add(table, "disk", figures.disk_bytes, _size)
    _add(table, "memory at the peak", figures.memory_bytes, _size)
    return table


def _add(table: Table, name: str, found: Range | None, shown: Shown, missing: str = "") -> None:
    if found is None:
        table.add_row(Text(plain_text(name)), Text(missing), "")
        return
    interval = f"{shown(found.low)} to {shown(found.high)}"
    table.add_row(Text(plain_text(name)), shown(found.expected), interval)


def _changes(plan: Plan, currency: str | None) -> Table:
    table = _table("What if", "time", "saves", "cost")
    for rated in plan.changes:
        style = "bold" if rated == plan.advised else ""
        saves = "" if math.isinf(rated.gain) else f"{rated.gain:.0%}".replace("-0%", "0%")
        cells = (rated.what, duration(rated.seconds), saves, _cost(rated, currency))
        table.add_row(*(Text(cell, style=style) for cell in cells))
    return table


def _cost(rated: Rated, currency: str | None) -> str:
    """What a change costs, as far as it is known."""
    if rated.takes == "nothing":
        return "free"
    if not _has_no_judges(rated):
        return rated.takes
    if not rated.money:
        return "saves money"
    unit = "" if currency is None else f" {plain_text(currency)}"
    return f"saves {_money(-rated.money)}{unit}"


def _has_no_judges(rated: Rated) -> bool:
    return rated.takes == "fewer judges"


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, pad_edge=False)
    for position, name in enumerate(columns):
        table.add_column(
            Text(name, style="bold"), justify="right" if position else "left", overflow="fold"
        )
    return table


def _rated_json(rated: Rated) -> dict[str, Any]:
    return {name: finite_or_none(value) for name, value in asdict(rated).items()}


def _rounded(value: float) -> float:
    if not value:
        return 0.0
    return round(value, _DIGITS - 1 - math.floor(math.log10(abs(value))))


def _count(value: float) -> str:
    return f"{round(_rounded(value)):,}"


def _money(value: float) -> str:
    return f"{_rounded(value):,.4f}" if 0 < abs(value) < 1 else f"{value:,.2f}"


def _size(value: float) -> str:
    for size, unit in _BYTES:
        if value >= size:
            return f"{_rounded(value / size):,.4g} {unit}"
    return f"{value:.0f} B"
