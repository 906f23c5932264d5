"""Walks over a function graph, and what is planned for them, as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType

from simkit.graph.walk import WalkReport
from simkit.printable import printable_line
from simkit.tables import share_table, value_table
from simkit.traces.plans import Step
from simkit.traces.records import Scenario


def render_walks(report: WalkReport) -> RenderableType:
    """Lengths, use of the graph, domains and coherence of a number of walks."""
    lengths = {
        str(length): f"{walks:,} ({walks / report.walks:.1%})"
        for length, walks in report.lengths.items()
    }
    tables = [
        value_table("walks", _figures(report)),
        value_table("functions in a walk", lengths),
        share_table("visits by domain", report.domains, sum(report.domains.values())),
    ]
    return Group(*(table for table in tables if table.row_count))


def plan_lines(scenario: Scenario) -> Iterator[str]:
    """What *scenario* asks for, step by step, and what it offers."""
    kind = scenario.kind.replace("_", " ")
    yield f"{scenario.number}: {kind}, {_count(len(scenario.plan), 'step')}"
    for number, step in enumerate(scenario.plan, start=1):
        yield f"  {number}. {printable_line(_step(step))}"
    if scenario.withheld:
        names = ", ".join(function.name for function in scenario.withheld)
        yield f"  not on offer: {printable_line(names)}"
    names = ", ".join(sorted(function.name for function in scenario.tools))
    yield f"  {_count(len(scenario.tools), 'function')} on offer: {printable_line(names)}"


def _figures(report: WalkReport) -> dict[str, str]:
    share = report.visited / report.functions if report.functions else 0.0
    return {
        "walks": f"{report.walks:,}",
        "functions visited": f"{report.visited:,} of {report.functions:,} ({share:.1%})",
        "functions that kin lead to": f"{report.reachable:,}",
        "Gini of visits": f"{report.gini:.3f}",
        "most visits to a function": f"{report.most_visits:,}",
        "steps that join kin": f"{report.holding_share:.1%}",
        "mean score of a step": f"{report.mean_score:.2f}",
        "domains in a walk": f"{report.domains_of_a_walk:.1f}",
        "led to a rare function": f"{report.targeted:,} (met {report.targets_met:,})",
        "shorter than drawn": f"{report.short:,}",
        "begun again": f"{report.redrawn:,}",
    }


def _step(step: Step) -> str:
    parts = [" + ".join(step.functions)]
    if step.implicit:
        parts.append(f"after {', '.join(step.implicit)}")
    if step.needs:
        parts.append(f"builds on {', '.join(str(position + 1) for position in step.needs)}")
    if step.when_asked:
        parts.append(f"tells {', '.join(step.when_asked)} when asked")
    return "; ".join(parts)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
