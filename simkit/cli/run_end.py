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
        for line in _lines(summary, config.run.conversations):
            print(line)


def _with_run(report: str, summary: RunSummary) -> str:
    """*report* with what only this run knows beside it."""
    import orjson

    run: dict[str, Any] = {
        "seconds": round(summary.seconds, 3),
        "peak_in_flight": summary.peak_in_flight,
        "not_started": summary.not_started,
        "through_before": summary.before,
        "spending": spending_json(summary.spending),
    }
    figures = {**orjson.loads(report), "run": run}
    return orjson.dumps(figures, option=orjson.OPT_INDENT_2).decode()


def _lines(summary: RunSummary, wanted: int) -> Iterator[str]:
    if summary.before:
        yield _what_was_there(summary, wanted)
    yield f"{summary.seconds:.1f} s, at most {summary.peak_in_flight:,} conversations at once"
    yield spending_line(summary.spending, unpriced=summary.unpriced)
    if summary.not_started:
        yield (
            f"{summary.not_started:,} conversations not started: the budget does not reach for "
            f"them; {to_raise(summary.spending)}, or ask for fewer"
        )
    yield f"next: simkit export {summary.directory} --format toolmind"


def _what_was_there(summary: RunSummary, wanted: int) -> str:
    if summary.before < wanted:
        return f"{summary.before:,} of {wanted:,} conversations were through before"
    told = f"{summary.before:,} conversations were through before, and {wanted:,} are wanted"
    if summary.peak_in_flight:  # some had failed because of a provider, and were played again
        return told
    return f"{told}: there was nothing to play; ask for more with -n"
