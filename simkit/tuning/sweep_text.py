"""A sweep for people, and for machines."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from simkit.counted import counted, figure
from simkit.limit_options import KINDS, NAMES
from simkit.pace import in_words
from simkit.rendering import plain_text
from simkit.tuning.limits_of_run import Assumed
from simkit.tuning.picture import Picture, picture_of
from simkit.tuning.predicted import Predicted
from simkit.tuning.sweep import Swept
from simkit.tuning.text_figures import duration, finite_or_none

_KNEE = "> "
"""Before the figures of the recommended setting: not told by style alone."""
_CAUSES = 2
_MOST_SHARE = 10.0
_COSTS = ("filter\nworkers", "time", "calls\n/s", "conv.\n/h", "refused", "cost", "memory")
_WORDS = ("quota used", "limited by")
_REASONS = ("quota used", "mean\nwait", "p95\nwait", "p95\nlatency", "limited by")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A sweep, and what is to be told besides."""

    of: str
    """The run or the example."""
    swept: Swept
    assumed: Assumed
    conversations: int
    doubts: Sequence[str]
    currency: str | None = None
    """Of the money; None: not known."""


def assumed_table(told: Told) -> RenderableType:
    """What the rehearsals take for granted."""
    head = "Assumed of each account"
    heads = (head, "limit", "from", "the clients")
    table = _table(heads, left=heads)
    for limit in told.assumed.limits:
        known = "are told it" if limit.is_told else "have to learn it"
        amount = f"{figure(limit.value)} {NAMES[KINDS[limit.name]]}"
        table.add_row(*_texts((limit.provider, amount, limit.origin, known)))
    if not told.assumed.limits:
        table.add_row("no limit: none is configured, given or was met", "", "", "")
    return table


def swept_tables(told: Told) -> RenderableType:
    """What each setting takes, and what limits it; the recommended one is marked."""
    costs = _table(("In flight", *_COSTS))
    reasons = _table(("In flight", *_REASONS), left=_WORDS)
    for one in told.swept.tried:
        is_knee = one.setting == told.swept.knee.setting
        style = "bold" if is_knee else ""
        name = f"{_KNEE if is_knee else ''}{one.setting.concurrency:,}"
        for table, cells in ((costs, _costs(one, told)), (reasons, _reasons(one))):
            table.add_row(*_texts((name, *cells), style))
    return Group(costs, Text(), reasons)


def verdict(told: Told) -> str:
    """What is recommended and why, in a sentence or two."""
    swept = told.swept
    if swept.recommended is None:
        return swept.knee.why
    setting = swept.recommended.setting
    takes = duration(swept.recommended.seconds)
    return (
        f"Recommended: {counted(setting.concurrency, 'conversation')} in flight and "
        f"{counted(setting.filter_workers, 'filter worker')}; "
        f"{counted(told.conversations, 'conversation')} in about {takes}. {swept.knee.why}"
    )


def doubts_of(told: Told) -> Iterator[str]:
    """What makes it less sure than it looks, a sentence each."""
    yield from (doubt.strip().rstrip(".") + "." for doubt in told.doubts)
    yield from told.assumed.doubts
    if told.swept.is_extrapolated:
        yield (
            "Settings were rehearsed with as many conversations as show a steady pace; the rest "
            "are taken to follow at that pace (--full rehearses all)."
        )


def swept_picture(told: Told) -> Picture:
    """For charts in the terminal or on a page."""
    recommended = told.swept.knee.setting
    return picture_of(
        [one.rehearsed for one in told.swept.tried],
        recommended,
        f"Rehearsals of {told.of}",
        rates={one.setting: one.calls_per_second for one in told.swept.tried},
        facts=[("wanted", counted(told.conversations, "conversation")), *_facts(told)],
        notes=[verdict(told), *doubts_of(told)],
        columns=[name.replace("\n", " ") for name in ("in flight", *_COSTS, *_REASONS)],
        rows=[
            (f"{one.setting.concurrency:,}", *_costs(one, told), *_reasons(one))
            for one in told.swept.tried
        ],
    )


def swept_json(told: Told) -> dict[str, Any]:
    """All of it but time lines; times in seconds, null for what never ends or has no price."""
    knee = told.swept.knee
    return {
        "of": told.of,
        "conversations": told.conversations,
        "currency": told.currency,
        "assumed": [asdict(limit) for limit in told.assumed.limits],
        "settings": [_predicted_json(one) for one in told.swept.tried],
        "recommended": None if knee.setting is None else asdict(knee.setting),
        "why": knee.why,
        "doubts": list(doubts_of(told)),
    }


def _costs(one: Predicted, told: Told) -> tuple[str, ...]:
    unit = "" if told.currency is None else f" {told.currency}"
    return (
        f"{one.setting.filter_workers:,}",
        duration(one.seconds),
        figure(one.calls_per_second),
        figure(one.conversations_per_hour),
        f"{one.refused:,.0f}",
        "no price" if one.money is None else f"{one.money:,.2f}{unit}",
        f"{one.rehearsed.memory_bytes / 1e6:,.0f} MB",
    )


def _reasons(one: Predicted) -> tuple[str, ...]:
    rehearsed = one.rehearsed
    quotas = (f"{_kind(kind)} {_share(share)}" for kind, share in rehearsed.quota_used.items())
    ends = math.isfinite(one.seconds)  # else the longest waits never came to an end
    return (
        ", ".join(quotas) or "no limits",
        f"{rehearsed.mean_wait_seconds:,.1f} s" if ends else "-",
        f"{rehearsed.p95_wait_seconds:,.1f} s" if ends else "-",
        f"{rehearsed.p95_latency_seconds:,.1f} s" if rehearsed.calls else "-",
        in_words(rehearsed.limiting, most=_CAUSES) or "nothing",
    )


def _share(share: float) -> str:
    """Far above 100 % where a limit allows next to nothing: then the figure tells nothing."""
    return f"{share:.0%}" if share <= _MOST_SHARE else f"over {_MOST_SHARE:,.0%}"


def _facts(told: Told) -> Iterator[tuple[str, str]]:
    for limit in told.assumed.limits:
        known = "the clients are told" if limit.is_told else "the clients have to learn it"
        yield (
            f"{limit.provider}: {NAMES[KINDS[limit.name]]}",
            f"{figure(limit.value)} ({limit.origin}; {known})",
        )


def _predicted_json(one: Predicted) -> dict[str, Any]:
    rehearsed = {
        name: value
        for name, value in asdict(one.rehearsed).items()
        if name not in {"timeline", "setting", "conversations", "finished", "money"}
    }
    return {
        **asdict(one.setting),
        "seconds": finite_or_none(one.seconds),
        "conversations_per_hour": one.conversations_per_hour,
        "calls_per_second": one.calls_per_second,
        "money": one.money,
        "rehearsed": {
            "conversations": one.rehearsed.conversations,
            "finished": one.rehearsed.finished,
            **{name: finite_or_none(value) for name, value in rehearsed.items()},
        },
    }


def _kind(kind: str) -> str:
    return kind.replace("_", " ")


def _texts(cells: Sequence[str], style: str = "") -> Iterator[Text]:
    return (Text(plain_text(cell), style=style) for cell in cells)


def _table(columns: Sequence[str], *, left: Container[str] = ()) -> Table:
    """Figures to the right and in one piece; the columns *left* hold words, which may wrap."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False, pad_edge=False)
    for name in columns:
        words = name in left
        table.add_column(
            Text(name, style="bold"), justify="left" if words else "right", no_wrap=not words
        )
    return table
