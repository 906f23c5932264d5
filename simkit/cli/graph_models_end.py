"""What ``simkit graph complete`` and ``validate`` say in the end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from simkit.cli.errors import RUN_FAILED
from simkit.cli.spent import spending_json, spending_line, to_raise

if TYPE_CHECKING:
    from simkit.graph_models.completing import CompletedCatalog
    from simkit.graph_models.tally import Tally
    from simkit.graph_models.validating import ScoredEdges
    from simkit.graph_models.validation import Validated
    from simkit.spending import Spending


def end_completion(result: CompletedCatalog, out: Path, *, as_json: bool, quiet: bool) -> None:
    """Say what was written into functions, and exit with the code for it."""
    tally = result.tally
    filled = ", ".join(f"{number:,} {what}" for what, number in result.filled.items())
    how = (
        f"{result.whole:,} of them complete before, {tally.answered:,} completed "
        f"({filled or 'nothing written'})"
    )
    lines = [
        f"{out}: {len(result.functions):,} functions, {how}",
        *_left_out(tally, "left as they were", result.complaint),
    ]
    if result.too_large:
        lines.append(f"  {result.too_large:,} left as they were: too large to be asked about")
    facts = {
        "functions": len(result.functions),
        "complete_before": result.whole,
        "too_large": result.too_large,
        "filled": dict(result.filled),
    }
    _end(tally, lines, facts, result.calls, result.spending, as_json=as_json, quiet=quiet)


def end_validation(
    scored: ScoredEdges, validated: Validated, out: Path, *, as_json: bool, quiet: bool
) -> None:
    """Say which edges are left and which joined, and exit with the code for it."""
    edges, kept = validated.edges, validated.kept
    lines = [f"{out}: {kept:,} of {edges:,} edges kept, {edges - kept:,} dropped"]
    if validated.candidates:
        joined = f"{validated.joined:,} of {validated.candidates:,}"
        lines.append(f"  {joined} candidates below the threshold joined them")
    lines += _left_out(scored.tally, "left as they were, without scores", scored.complaint)
    facts = {key: getattr(validated, key) for key in ("edges", "kept", "candidates", "joined")}
    _end(scored.tally, lines, facts, scored.calls, scored.spending, as_json=as_json, quiet=quiet)


def _left_out(tally: Tally, what: str, complaint: str) -> list[str]:
    """A line for each reason why there are things without a usable reply."""
    from simkit.printable import printable_line

    reasons = (
        (tally.unusable, f"the replies could not be used, e.g. {complaint}"),
        (tally.failed, f"the provider did not reply, e.g. {tally.problem}"),
        (tally.unaffordable, "the budget did not reach"),
    )
    return [f"  {number:,} {what}: {printable_line(why)}" for number, why in reasons if number]


def _end(
    tally: Tally,
    lines: list[str],
    facts: dict[str, Any],
    calls: int,
    spending: tuple[Spending, ...],
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Say how it went, and exit with the code for it."""
    import json

    if as_json:
        counts = {
            key: getattr(tally, key) for key in ("answered", "unusable", "failed", "unaffordable")
        }
        print(json.dumps({**facts, **counts, "calls": calls, "spending": spending_json(spending)}))
    elif not quiet:
        for line in lines:
            print(line)
        print(f"{calls:,} calls; {spending_line(spending, unpriced=())}")
    if tally.unaffordable or tally.failed:
        if not quiet:
            advice = f"{to_raise(spending)} and " if tally.unaffordable else ""
            print(
                f"simkit: {advice}try again: recorded replies are not asked for again",
                file=sys.stderr,
            )
        raise typer.Exit(RUN_FAILED)
