"""``simkit plan``: what a run would take, and what would make it faster."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simkit.cli.errors import RUN_FAILED

if TYPE_CHECKING:
    from simkit.bookkeeping import Pricing
    from simkit.config import RunConfig
    from simkit.tuning.plan import Plan
    from simkit.tuning.plan_fluid import Situation
    from simkit.tuning.workload import Workload

_LIMIT = "that the provider grants; unset: as the run met it"
_PRICE_FORM = (
    "expected INPUT/OUTPUT in money per million tokens, from 0 to {most:,}, such as 0.15/0.60"
)


def plan(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run to learn from.")],
    *,
    conversations: Annotated[
        int | None,
        typer.Option(
            "--conversations",
            "-n",
            min=1,
            max=100_000_000,
            help="How many to plan for; unset: as the run's run.toml says.",
        ),
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option("--concurrency", min=1, max=100_000, help="Conversations in flight at most."),
    ] = None,
    rpm: Annotated[float | None, typer.Option("--rpm", help=f"Requests a minute {_LIMIT}.")] = None,
    tpm: Annotated[
        float | None, typer.Option("--tpm", help="Tokens a minute, input and output together.")
    ] = None,
    itpm: Annotated[float | None, typer.Option("--itpm", help="Input tokens a minute.")] = None,
    otpm: Annotated[float | None, typer.Option("--otpm", help="Output tokens a minute.")] = None,
    calls_in_flight: Annotated[
        int | None, typer.Option("--calls-in-flight", help="Calls at once.")
    ] = None,
    price: Annotated[
        str | None,
        typer.Option(
            "--price",
            metavar="IN/OUT",
            help="Of every model, in money per million tokens, e.g. 0.15/0.60.",
        ),
    ] = None,
    prices: Annotated[
        Path | None,
        typer.Option("--prices", metavar="FILE", help="What models cost; unset: the run's own."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell what a run of many conversations would take, from a saved run of fewer.

    Time, cost, tokens, disk and memory, each with the interval that it lies in nine times in
    ten; and the cheapest change that would make it faster, of more conversations in flight, more
    filter workers, no judges, more quota of each kind, and a faster machine.

    The time comes from rehearsals in virtual time, of as many conversations as show a steady
    pace. Nothing is asked of any provider. A run that would not end is told with exit code 1.
    """
    from rich.console import Console

    from simkit.tuning.limits_of_run import Given, assumed_limits
    from simkit.tuning.plan_fluid import Situation
    from simkit.tuning.plan_text import plan_json, render_assumed, render_plan
    from simkit.tuning.sweep_of import run_source

    stated = None if price is None else _stated_price(price)
    if price is not None and prices is not None:
        raise typer.BadParameter("and --prices say the same; leave out one", param_hint="'--price'")
    source = run_source(run)
    config, workload = source.config, source.workload
    given = Given(
        limits={
            "requests_per_minute": rpm,
            "tokens_per_minute": tpm,
            "input_tokens_per_minute": itpm,
            "output_tokens_per_minute": otpm,
            "max_calls_in_flight": calls_in_flight,
        }
    )
    assumed = assumed_limits(_with(config, concurrency, prices), given, sessions=source.sessions)
    pricing = _pricing(assumed.config, workload, stated)
    now = Situation(config=assumed.config, workload=workload, terms=assumed.terms)
    planned = _plan(now, conversations or config.run.conversations, pricing, assumed.doubts)
    currency = pricing.currency if pricing.prices else None
    if as_json:
        import orjson

        print(orjson.dumps(plan_json(planned, assumed, currency)).decode())
    else:
        Console().print(render_assumed(assumed), "", render_plan(planned, currency))
    if planned.figures.seconds is None:
        raise typer.Exit(RUN_FAILED)


def _stated_price(text: str) -> tuple[float, float]:
    """Input and output, in money per million tokens."""
    parts = text.split("/")
    try:
        amounts = [float(part) for part in parts]
    except ValueError:
        amounts = []
    from simkit.prices import DEAREST

    if len(amounts) != 2 or not all(0 <= amount <= DEAREST for amount in amounts):
        from simkit.config_section import quoted

        form = _PRICE_FORM.format(most=DEAREST)
        raise typer.BadParameter(f"{form}, found {quoted(text)}", param_hint="'--price'")
    return amounts[0], amounts[1]


def _with(config: RunConfig, concurrency: int | None, prices: Path | None) -> RunConfig:
    """*config* with what the command line says about the run itself."""
    if concurrency is not None:
        run = config.run.model_copy(update={"concurrency": concurrency})
        config = config.model_copy(update={"run": run})
    if prices is not None:
        from simkit.prices import load_prices

        load_prices(prices)  # says what is wrong with it
        budget = config.budget.model_copy(update={"prices": prices})
        config = config.model_copy(update={"budget": budget})
    return config


def _pricing(config: RunConfig, workload: Workload, stated: tuple[float, float] | None) -> Pricing:
    from simkit.bookkeeping import Pricing, pricing_of
    from simkit.prices import Price
    from simkit.python_tools import MODEL
    from simkit.tuning.plan_demand import models_of

    models = models_of(workload)
    if stated is None:
        return pricing_of(config, models)
    paid = dict.fromkeys(models, stated) | {MODEL: (0.0, 0.0)}  # what runs here is free
    prices = {
        model: Price(models=(model,), input=each[0], output=each[1]) for model, each in paid.items()
    }
    return Pricing(prices=prices)


def _plan(now: Situation, conversations: int, pricing: Pricing, doubts: tuple[str, ...]) -> Plan:
    from dataclasses import replace
    from functools import partial

    from simkit.tuning.plan import make_plan
    from simkit.tuning.plan_progress import rehearsed_in
    from simkit.tuning.processes import open_processes
    from simkit.tuning.rehearsal import rehearse
    from simkit.tuning.sweep_progress import sweep_progress

    with open_processes() as processes, sweep_progress() as watch:
        each = partial(rehearsed_in, processes, watch, conversations)
        planned = make_plan(now, conversations, pricing.prices, rehearse, each=each)
    return replace(planned, doubts=(*planned.doubts, *doubts))
