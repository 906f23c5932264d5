"""What ``simkit generate`` and ``simkit fork`` say when a run is over."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from simkit.cli.errors import INTERRUPTED, leaves
from simkit.cli.spent import spending_json, spending_line, to_raise

if TYPE_CHECKING:
    from simkit.config import RunConfig
    from simkit.run import RunSummary


@contextmanager
def ended_early(folder: Path, go_on: str) -> Iterator[None]:
    """Say how to go on with the run in *folder* when the block is interrupted or has to stop.

    Args:
        go_on: The command for that.

    Raises:
        typer.Exit: It was interrupted; that is said.
    """
    try:
        yield
    except KeyboardInterrupt:
        told = _kept(folder, go_on) or "nothing had been stored yet"
        print(f"simkit: interrupted; {told}", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:
        if _is_about_an_account(error) and (kept := _kept(folder, go_on)):
            error.add_note(kept)
        raise


def _kept(folder: Path, go_on: str) -> str | None:
    if not (folder / "run.db").exists():
        return None
    return (
        f"everything so far is stored; go on with: {go_on}\n"
        "simkit: `simkit report` and `simkit export` work on what is there"
    )


def _is_about_an_account(error: Exception) -> bool:
    from simkit.traces.provider_errors import AccountProblem

    return any(isinstance(leaf, AccountProblem) for leaf in leaves(error))


def print_end(
    summary: RunSummary, config: RunConfig, *, go_on: str, as_json: bool, quiet: bool
) -> None:
    """Print what the run has made and spent: tables, or JSON, or nothing.

    Conversations that a provider made fail, or left unjudged, are told on stderr, whatever else
    is printed.

    Args:
        go_on: The command that plays and judges those again.
    """
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
    if failed := _failed_by_provider(summary.directory):
        print(
            f"simkit: {failed:,} failed because of the provider: {go_on} plays them again",
            file=sys.stderr,
        )
    if undecided := report.counts.undecided:
        print(
            f"simkit: {undecided:,} undecided, as no judge came to a usable ruling: {go_on} judges "
            "them again, and does not ask again for what is recorded",
            file=sys.stderr,
        )


def _failed_by_provider(directory: Path) -> int:
    from simkit.standing import PLAYED_AGAIN
    from simkit.traces.provider_errors import BudgetSpent
    from simkit.traces.run_directory import RunDirectory
    from simkit.traces.run_reader import RunReader

    causes = PLAYED_AGAIN - {BudgetSpent.cause}
    with RunReader(RunDirectory(directory).database_path) as reader:
        return sum(cause in causes for _, _, cause in reader.outcomes())


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
