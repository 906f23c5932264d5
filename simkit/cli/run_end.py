"""What ``simkit generate`` says when a run is over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from simkit.cli.spent import spending_json, spending_line, to_raise

if TYPE_CHECKING:
    from simkit.config import RunConfig
    from simkit.run import RunSummary


def print_end(summary: RunSummary, config: RunConfig, *, as_json: bool, quiet: bool) -> None:
    """Print what the run has made and spent: tables, or JSON, or nothing."""
    from rich.console import Console

    from simkit.report import read_report, render_report, report_json

    report = read_report(summary.directory)
    if as_json:
        print(_with_run(report_json(report), summary))
    elif not quiet:
        Console().print(render_report(report))
        print()
        for line in _lines(summary, config):
            print(line)


def _with_run(report: str, summary: RunSummary) -> str:
    """*report* with what only this run knows beside it."""
    import orjson

    run: dict[str, Any] = {
        "seconds": round(summary.seconds, 3),
        "peak_in_flight": summary.peak_in_flight,
        "not_started": summary.not_started,
        "spending": spending_json(summary.spending),
    }
    figures = {**orjson.loads(report), "run": run}
    return orjson.dumps(figures, option=orjson.OPT_INDENT_2).decode()


def _lines(summary: RunSummary, config: RunConfig) -> Iterator[str]:
    yield f"{summary.seconds:.1f} s, at most {summary.peak_in_flight:,} conversations at once"
    yield spending_line(summary.spending, unpriced=_unpriced(config))
    if summary.not_started:
        yield (
            f"{summary.not_started:,} conversations not started: the budget does not reach for "
            f"them; {to_raise(summary.spending)}, or ask for fewer"
        )
    yield f"next: simkit export {summary.directory} --format toolmind"


def _unpriced(config: RunConfig) -> Iterator[str]:
    """The models whose cost is not known."""
    from simkit.prices import load_prices

    prices = load_prices(config.budget.prices)
    for provider, model in _asked(config):
        if prices.of(provider, model) is None:
            yield model


def _asked(config: RunConfig) -> Iterator[tuple[str, str]]:
    for role in map(config.role, config.roles_in_use):
        yield from ((provider, role.model) for provider in role.providers)
        yield from ((fallback.provider, fallback.model) for fallback in role.fallback)
    if config.graph.embedder == "provider" and config.embedding.model is not None:
        yield config.embedding.provider, config.embedding.model
