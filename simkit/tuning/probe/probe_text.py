"""What a probe found, for people and for machines."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from simkit.config import RunConfig
from simkit.limit_options import NAMES
from simkit.pace import in_words
from simkit.rendering import plain_text
from simkit.tuning.picture import Picture, Point
from simkit.tuning.probe.allowed import Allowed
from simkit.tuning.probe.live import Probed
from simkit.tuning.probe.probe_timeline import timeline_of
from simkit.tuning.probe.recommended import NothingRecommended, Recommended
from simkit.tuning.probe.refusals import FoundLimit, figure
from simkit.tuning.probe.stages import Stage
from simkit.tuning.text_figures import duration, finite_or_none
from simkit.tuning.usl import Scalability

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
    recommended: Recommended | NothingRecommended
    allowed: Allowed

    @property
    def config(self) -> RunConfig | None:
        """The whole configuration with what is recommended; None where nothing is."""
        return self.recommended.config if isinstance(self.recommended, Recommended) else None

    @property
    def law(self) -> Scalability | None:
        """Of throughput, where there is one."""
        return self.recommended.law if isinstance(self.recommended, Recommended) else None

    @property
    def notes(self) -> tuple[str, ...]:
        """Doubts about what is recommended, a sentence each."""
        return self.recommended.notes if isinstance(self.recommended, Recommended) else ()


def tables(told: Told) -> RenderableType:
    """Stages and limits."""
    return Group(
        _table(_STAGES, map(_cells, told.probed.stages), left=("limited by",)),
        Text(),
        _table(_LIMITS, _limit_rows(told.probed), left=_LIMITS),
    )


def verdict(told: Told) -> str:
    """What is recommended and why, or why nothing is."""
    recommended, probed = told.recommended, told.probed
    said = f"Nothing is recommended: {recommended.why}"
    if isinstance(recommended, Recommended):
        said = (
            f"Recommended: {recommended.concurrency:,} conversations in flight, which should give "
            f"{recommended.per_second:.3g} calls a second: {recommended.why}"
        )
    return (
        f"{said}. The probe ended because {probed.stop.why.rstrip('.')}; it spent "
        f"{told.allowed.said(probed.spent)} of {told.allowed.said(told.allowed.amount)}."
    )


def law_line(told: Told) -> str:
    """What the Universal Scalability Law says of the stages."""
    law = told.law
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
    probed, law, recommended = told.probed, told.law, told.recommended
    counted = [stage for stage in probed.stages if not stage.has_died]
    stages = sorted(counted, key=lambda stage: stage.concurrency)
    fitted: list[tuple[float, float]] = []
    if law is not None and len(stages) > 1:
        ratio = stages[-1].concurrency / stages[0].concurrency
        steps = [ratio ** (n / _CURVE_POINTS) for n in range(_CURVE_POINTS + 1)]
        fitted = [(n, law.throughput(n)) for n in (stages[0].concurrency * s for s in steps)]
    return Picture(
        title="Live probe",
        facts=[(f"{row[0]}: {row[1]}", row[2]) for row in _limit_rows(probed)],
        points=list(map(_point, stages)),
        knee=recommended.concurrency if isinstance(recommended, Recommended) else None,
        fitted=fitted,
        timeline=timeline_of(
            probed.attempts, probed.concurrency, began=probed.began, ended=probed.ended
        ),
        timeline_of="the probe",
        notes=[verdict(told), law_line(told), *told.notes],
        columns=_STAGES,
        rows=list(map(_cells, probed.stages)),
    )


def probed_json(told: Told) -> dict[str, Any]:
    """All of it but the single attempts; times in seconds, null for what has no bound."""
    probed, law, recommended = told.probed, told.law, told.recommended
    best = recommended if isinstance(recommended, Recommended) else None
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
                **{key: finite_or_none(value) for key, value in asdict(limit).items()},
            }
            for (name, model, variable), limits in probed.limits.items()
            for limit in limits
        ],
        "law": None if law is None else _law_json(law),
        "concurrency": best and best.concurrency,
        "calls_per_second": best and finite_or_none(best.per_second),
        "why": recommended.why,
        "notes": list(told.notes),
    }


def _law_json(law: Scalability) -> dict[str, Any]:
    interval = law.peak_interval and [finite_or_none(bound) for bound in law.peak_interval]
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
        _limited_by(stage),
    )


def _limited_by(stage: Stage) -> str:
    if stage.has_died:
        return "the provider stopped answering"
    return in_words(stage.limiting, most=_CAUSES) or "nothing"


def _limit_rows(probed: Probed) -> Iterator[tuple[str, ...]]:
    several = len(probed.limits) > 1
    for (name, model, variable), limits in probed.limits.items():
        account = " ".join((name, model, variable)).strip() if several else name
        for limit in limits:
            yield account, _said(limit), _between(limit), limit.evidence


def _said(limit: FoundLimit) -> str:
    at_least = "" if limit.binds else "at least "
    return f"{at_least}{limit.said} {NAMES[limit.kind]}"


def _between(limit: FoundLimit) -> str:
    between = f"{figure(limit.low)} to {figure(limit.high)}"
    return between if limit.source == "refusals" else ""


def _table(
    columns: Sequence[str], rows: Iterator[tuple[str, ...]], *, left: Sequence[str]
) -> Table:
    table = Table(box=None, padding=(0, 1), show_edge=False, pad_edge=False)
    for name in columns:
        words = name in left
        table.add_column(
            Text(name, style="bold"), justify="left" if words else "right", overflow="fold"
        )
    for row in rows:
        table.add_row(*(Text(plain_text(cell)) for cell in row))
    return table
