"""What a probe found, for people and for machines."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from simkit.pace import in_words
from simkit.rendering import plain_text
from simkit.tuning.picture import Picture, Point
from simkit.tuning.plan_text import duration
from simkit.tuning.probe.allowed import Allowed
from simkit.tuning.probe.limits_found import NAMES
from simkit.tuning.probe.live import Probed
from simkit.tuning.probe.probe_timeline import timeline_of
from simkit.tuning.probe.recommended import Recommended
from simkit.tuning.probe.refusals import FoundLimit
from simkit.tuning.probe.stages import Stage

_STAGES = (
    "in flight",
    "time",
    "calls/s",
    "calls at once",
    "mean latency",
    "p95",
    "refused",
    "failed",
    "limited by",
)
_LIMITS = ("account", "limit", "between", "how it is known")
_CURVE_POINTS = 60
_CAUSES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A probe, what is recommended after it, and what it was allowed."""

    probed: Probed
    recommended: Recommended
    allowed: Allowed


def tables(told: Told) -> RenderableType:
    """Stages and limits."""
    return Group(
        _table(_STAGES, map(_cells, told.probed.stages), left=("limited by",)),
        Text(),
        _table(_LIMITS, _limit_rows(told.probed), left=_LIMITS),
    )


def verdict(told: Told) -> str:
    """What is recommended and why."""
    recommended, probed = told.recommended, told.probed
    return (
        f"Recommended: {recommended.concurrency:,} conversations in flight, which should give "
        f"{recommended.per_second:.3g} calls a second: {recommended.why}. The probe ended because "
        f"{probed.stop.why.rstrip('.')}; it spent {told.allowed.said(probed.spent)} of "
        f"{told.allowed.said(told.allowed.amount)}."
    )


def law_line(told: Told) -> str:
    """What the Universal Scalability Law says of the stages."""
    law = told.recommended.law
    if law is None:
        return "Too few concurrencies were free of limits to fit a law of scalability."
    fitted = f"alpha {law.alpha:.3g}, beta {law.beta:.3g}, {law.gamma:.3g} calls/s for one"
    if law.shape == "straight":
        return f"Throughput grew in a straight line, so it tells of no peak ({fitted})."
    if law.peak is None or law.peak_interval is None:
        return f"Throughput flattens towards {law.most:.3g} calls/s; no peak was seen ({fitted})."
    low, high = law.peak_interval
    upper = f"{high:,.0f}" if math.isfinite(high) else "more than was tried"
    return (
        f"Throughput peaks at about {law.peak:,.0f} conversations in flight, between {low:,.0f} "
        f"and {upper} ({fitted})."
    )


def picture(told: Told) -> Picture:
    """For charts in the terminal or on a page."""
    probed, law = told.probed, told.recommended.law
    stages = sorted(probed.stages, key=lambda stage: stage.concurrency)
    fitted: list[tuple[float, float]] = []
    if law is not None and len(stages) > 1:
        ratio = stages[-1].concurrency / stages[0].concurrency
        steps = [ratio ** (n / _CURVE_POINTS) for n in range(_CURVE_POINTS + 1)]
        fitted = [(n, law.throughput(n)) for n in (stages[0].concurrency * s for s in steps)]
    return Picture(
        title="Live probe",
        facts=[(f"{row[0]}: {row[1]}", row[2]) for row in _limit_rows(probed)],
        points=list(map(_point, stages)),
        knee=told.recommended.concurrency,
        fitted=fitted,
        timeline=timeline_of(
            probed.attempts, probed.concurrency, began=probed.began, ended=probed.ended
        ),
        timeline_of="the probe",
        notes=[verdict(told), law_line(told), *told.recommended.notes],
        columns=_STAGES,
        rows=list(map(_cells, probed.stages)),
    )


def probed_json(told: Told) -> dict[str, Any]:
    """All of it but the single attempts; times in seconds, null for what has no bound."""
    probed, recommended = told.probed, told.recommended
    return {
        "folder": str(probed.folder),
        "ended": asdict(probed.stop),
        "spent": probed.spent,
        "allowed": told.allowed.amount,
        "unit": told.allowed.unit,
        "stages": [{**asdict(stage), "per_second": stage.per_second} for stage in probed.stages],
        "limits": [
            {
                "provider": name,
                "model": model,
                "api_key_env": variable or None,
                **{key: _finite(value) for key, value in asdict(limit).items()},
            }
            for (name, model, variable), limits in probed.limits.items()
            for limit in limits
        ],
        "law": None if recommended.law is None else _law_json(recommended),
        "concurrency": recommended.concurrency,
        "calls_per_second": _finite(recommended.per_second),
        "why": recommended.why,
        "notes": list(recommended.notes),
    }


def _law_json(recommended: Recommended) -> dict[str, Any]:
    law = recommended.law
    assert law is not None  # noqa: S101 - the caller has looked
    interval = law.peak_interval and [_finite(bound) for bound in law.peak_interval]
    return {**asdict(law), "peak": law.peak, "peak_interval": interval}


def _point(stage: Stage) -> Point:
    return Point(
        concurrency=stage.concurrency,
        calls_per_second=stage.per_second,
        mean_latency_seconds=stage.mean_seconds if stage.answered else math.nan,
        p95_latency_seconds=stage.p95_seconds if stage.answered else math.nan,
        limiting=stage.limiting,
    )


def _cells(stage: Stage) -> tuple[str, ...]:
    return (
        f"{stage.concurrency:,}",
        duration(stage.seconds),
        f"{stage.per_second:.3g}",
        f"{stage.mean_calls_in_flight:.1f}",
        f"{stage.mean_seconds:.2f} s" if stage.answered else "-",
        f"{stage.p95_seconds:.2f} s" if stage.answered else "-",
        f"{stage.refused_share:.1%}",
        f"{stage.failed_share:.1%}",
        in_words(stage.limiting, most=_CAUSES) or "nothing",
    )


def _limit_rows(probed: Probed) -> Iterator[tuple[str, ...]]:
    several = len(probed.limits) > 1
    for (name, model, variable), limits in probed.limits.items():
        account = " ".join((name, model, variable)).strip() if several else name
        for limit in limits:
            yield account, _said(limit), _between(limit), limit.evidence


def _said(limit: FoundLimit) -> str:
    at_least = "" if limit.binds else "at least "
    return f"{at_least}{limit.value:,.0f} {NAMES[limit.kind]}"


def _between(limit: FoundLimit) -> str:
    return f"{limit.low:,.0f} to {limit.high:,.0f}" if limit.source == "refusals" else ""


def _table(
    columns: Sequence[str], rows: Iterator[tuple[str, ...]], *, left: Sequence[str]
) -> Table:
    table = Table(box=None, padding=(0, 1), show_edge=False, pad_edge=False)
    for name in columns:
        justify = "left" if name in left else "right"
        table.add_column(Text(name, style="bold"), justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in rows:
        table.add_row(*(Text(plain_text(cell)) for cell in row))
    return table


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
