"""What pictures of a rehearsal, a probe or a plan show, whatever they are drawn with."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from simkit.tuning.rehearsed import Rehearsed, Setting, Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One setting, or one stage of a probe.

    Raises:
        ValueError: Its concurrency is not above 0, and has no place on a logarithmic scale.
    """

    concurrency: float
    """Conversations in flight."""
    calls_per_second: float
    mean_latency_seconds: float
    """Not a number where no call was answered; the same for the next."""
    p95_latency_seconds: float
    limiting: Mapping[str, float]
    """What set the pace, to its share of the time, the largest first."""
    label: str = ""
    """Names the setting where concurrency alone does not; empty: it does."""

    def __post_init__(self) -> None:
        if not 0 < self.concurrency < math.inf:
            raise ValueError(f"a point needs a concurrency above 0; it is {self.concurrency}")

    @property
    def name(self) -> str:
        """What to call it."""
        return self.label or f"{self.concurrency:,.4g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """All that is drawn. Its texts may be other people's: who draws makes them harmless."""

    title: str
    facts: Sequence[tuple[str, str]] = ()
    """What was assumed or found, as pairs of a name and a value."""
    points: Sequence[Point]
    """By rising concurrency."""
    knee: float | None
    """The recommended concurrency; None where there is none to recommend."""
    fitted: Sequence[tuple[float, float]] = ()
    """A curve through `points`: concurrency, rising, to calls a second; empty for none."""
    timeline: Timeline | None = None
    timeline_of: str = ""
    """Which setting `timeline` is of, e.g. "32 conversations in flight"."""
    notes: Sequence[str] = ()
    """Doubts and explanations, a sentence each."""
    columns: Sequence[str] = ()
    """Heads of the table of figures."""
    rows: Sequence[Sequence[str]] = ()
    """Each as long as `columns`."""


def picture_of(
    results: Sequence[Rehearsed],
    recommended: Setting | None,
    title: str,
    *,
    rates: Mapping[Setting, float] | None = None,
    facts: Sequence[tuple[str, str]] = (),
    notes: Sequence[str] = (),
    columns: Sequence[str] = (),
    rows: Sequence[Sequence[str]] = (),
) -> Picture:
    """The picture of a sweep over settings; its time line is that of *recommended*.

    Args:
        rates: Calls a second to draw for each setting; None: those of *results* over all their
            time.

    *results* may come in any order, and be empty. With no recommended setting, or one that is
    not among them, there is no time line.
    """
    ordered = sorted(results, key=lambda one: _order(one.setting))
    chosen = next((one for one in ordered if one.setting == recommended), None)
    varied = _varied([one.setting for one in ordered])
    if rates is None:
        rates = {one.setting: one.calls_per_second for one in ordered}
    return Picture(
        title=title,
        facts=facts,
        points=[_point(one, varied, rates[one.setting]) for one in ordered],
        knee=None if recommended is None else recommended.concurrency,
        timeline=None if chosen is None else chosen.timeline,
        timeline_of="" if chosen is None else setting_name(chosen.setting),
        notes=notes,
        columns=columns,
        rows=rows,
    )


def setting_name(setting: Setting) -> str:
    """*setting* in words, e.g. "32 conversations in flight, 4 filter workers"."""
    parts = [f"{setting.concurrency:,} conversations in flight"]
    parts.append(f"{setting.filter_workers:,} filter workers")
    if setting.max_calls_in_flight is not None:
        parts.append(f"{setting.max_calls_in_flight:,} calls in flight")
    return ", ".join(parts)


def best_of_each(points: Iterable[Point]) -> list[Point]:
    """Of all points with the same concurrency the fastest one, by rising concurrency."""
    ordered = sorted(points, key=lambda one: one.concurrency)
    groups = groupby(ordered, key=lambda one: one.concurrency)
    return [max(group, key=lambda one: one.calls_per_second) for _, group in groups]


def causes_of(shares: Iterable[Mapping[str, float]], most: int) -> list[str]:
    """What limited most in all of *shares* together, the largest first, at most *most* of them."""
    sums: dict[str, float] = {}
    for one in shares:
        for cause, share in one.items():
            sums[cause] = sums.get(cause, 0.0) + finite(share)
    named = sorted((cause for cause in sums if sums[cause] > 0), key=lambda one: (-sums[one], one))
    return named[:most]


def finite(value: float) -> float:
    """*value*, or 0 where nothing can be drawn for it: not a number, infinite or negative."""
    return value if math.isfinite(value) and value > 0 else 0.0


def _point(result: Rehearsed, varied: frozenset[str], rate: float) -> Point:
    return Point(
        concurrency=result.setting.concurrency,
        calls_per_second=rate,
        mean_latency_seconds=result.mean_latency_seconds if result.calls else math.nan,
        p95_latency_seconds=result.p95_latency_seconds if result.calls else math.nan,
        limiting=result.limiting,
        label=_label(result.setting, varied),
    )


def _order(setting: Setting) -> tuple[int, int, int]:
    return setting.concurrency, setting.filter_workers, setting.max_calls_in_flight or 0


def _varied(settings: Sequence[Setting]) -> frozenset[str]:
    """What else than concurrency differs between *settings*."""
    names = ("filter_workers", "max_calls_in_flight")
    return frozenset(n for n in names if len({getattr(one, n) for one in settings}) > 1)


def _label(setting: Setting, varied: frozenset[str]) -> str:
    """Short, as many stand below each other; empty where concurrency says it all."""
    parts = [f"{setting.concurrency:,}"]
    if "filter_workers" in varied:
        parts.append(f"{setting.filter_workers:,} filter workers")
    if "max_calls_in_flight" in varied:
        calls = setting.max_calls_in_flight
        parts.append("calls learned" if calls is None else f"{calls:,} calls")
    return ", ".join(parts) if len(parts) > 1 else ""
