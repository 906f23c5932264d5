"""``simkit graph walk``: the chains that a run would start with, and what they are like."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from simkit.cli import flags

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simkit.traces.records import Scenario

_CHAINS = 10
_WALKS_REPORTED = 10_000

WALK: flags.Flags = {
    "run.seed": flags.Seed,
    "walk.min_length": flags.MinLength,
    "walk.max_length": flags.MaxLength,
    "walk.short_share": Annotated[
        float | None, typer.Option("--short-share", help="Share of chains that are short, 0 to 1.")
    ],
    "walk.short_min_length": Annotated[
        int | None, typer.Option("--short-min-length", help="Fewest functions in a short chain.")
    ],
    "walk.short_max_length": Annotated[
        int | None, typer.Option("--short-max-length", help="Most functions in a short chain.")
    ],
    "walk.visit_cap": Annotated[
        float | None,
        typer.Option("--visit-cap", help="Visits to a function at most, times (mean + 1)."),
    ],
    "walk.temperature": Annotated[
        float | None, typer.Option("--temperature", help="Low: steps take the strongest edges.")
    ],
    "walk.coverage": Annotated[
        float | None, typer.Option("--coverage", help="How much steps prefer what is rare, 0 to 4.")
    ],
    "walk.coherence": Annotated[
        float | None, typer.Option("--coherence", help="Share of steps that join kin at least.")
    ],
    "walk.target_share": Annotated[
        float | None, typer.Option("--target-share", help="Share of walks led to rare functions.")
    ],
}


@flags.overriding(WALK)
def walk(
    graph_file: Annotated[Path, typer.Argument(metavar="GRAPH", help="File of `graph build`.")],
    given: flags.Given,
    config_file: Annotated[
        Path | None,
        typer.Option("--config", metavar="RUN.toml", help="Configuration; flags go on top of it."),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option("--count", min=1, help="How many; unset: 10, and 10,000 for a report."),
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Print the conversations planned for the chains.")
    ] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Print what the chains are like together.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print the chains of functions that a run with this seed would start with.

    A run that follows what its filters keep goes other ways after the first few thousand.
    """
    from dataclasses import asdict
    from itertools import islice

    from rich.console import Console

    from simkit.config_file import load_config
    from simkit.scenarios import ground_of
    from simkit.walk_page import render_walks

    if plan and report:
        raise typer.BadParameter("--plan and --report exclude each other", param_hint="'--report'")
    ground = ground_of(graph_file, load_config(config_file, given))
    if report:
        figures = ground.walker.report(count or _WALKS_REPORTED)
        if as_json:
            _print_json(asdict(figures))
        else:
            Console().print(render_walks(figures))
    elif plan:
        _print_plans(list(ground.scenarios(count or _CHAINS)), as_json)
    else:
        walks = islice(ground.walker.walks(), count or _CHAINS)
        functions = ground.graph.functions
        chains = ([functions[index].name for index in walk.functions] for walk in walks)
        _print_chains(list(chains), as_json)


def _print_chains(chains: Sequence[Sequence[str]], as_json: bool) -> None:
    if as_json:
        _print_json([{"number": number, "chain": chain} for number, chain in enumerate(chains)])
        return
    for number, chain in enumerate(chains):
        print(f"{number}: {' -> '.join(chain)}")


def _print_plans(scenarios: Sequence[Scenario], as_json: bool) -> None:
    from simkit.walk_page import plan_lines

    if as_json:
        _print_json([_plan(scenario) for scenario in scenarios])
        return
    for scenario in scenarios:
        for line in plan_lines(scenario):
            print(line)


def _plan(scenario: Scenario) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "number": scenario.number,
        "kind": scenario.kind,
        "chain": scenario.chain,
        "steps": [asdict(step) for step in scenario.plan],
        "tools": [function.name for function in scenario.tools],
        "withheld": [function.name for function in scenario.withheld],
    }


def _print_json(data: object) -> None:
    import orjson

    options = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS
    print(orjson.dumps(data, option=options).decode())
