"""``simkit filter RUN``: a run's conversations judged again."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from simkit.cli import flags
from simkit.cli.errors import INTERRUPTED, RUN_FAILED
from simkit.cli.spent import spending_line, to_raise

if TYPE_CHECKING:
    from simkit.drain import Drain
    from simkit.refilter import NewFilters, RefilterSummary

LINE_SECONDS = 5.0
"""Between two lines of progress."""

JudgeModel = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME", help="Model of the judge; unset: the run's."),
]
OPTIONS: flags.Flags = {
    "roles.judge.model": JudgeModel,
    "provider.base_url": flags.BaseUrl,
    "provider.api_key_env": flags.ApiKeyEnv,
    "run.concurrency": flags.Concurrency,
    **flags.LIMITS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the command line says about judging a run again."""

    name: str | None
    replace: bool
    without: list[str]
    decontaminate: list[Path] | None
    rules_only: bool
    config: Path | None
    given: flags.Given

    @property
    def about_the_judge(self) -> bool:
        """Whether anything is said about a judge."""
        return self.config is not None or any(value is not None for value in self.given.values())

    @property
    def only_for_a_run(self) -> list[str]:
        """What is said that makes no sense without a run."""
        said = {
            "--name": self.name is not None,
            "--replace": self.replace,
            "--without": bool(self.without),
            "--config": self.config is not None,
            "options of the judge": self.about_the_judge,
        }
        return [flag for flag, is_said in said.items() if is_said]


def refilter_run(run: Path, wanted: Wanted, *, as_json: bool, quiet: bool) -> None:
    """Judge *run* again, say what changed, and exit with the code for it."""
    import anyio

    try:
        summary = anyio.run(_watched, run, _new_filters(run, wanted), quiet)
    except KeyboardInterrupt:
        print(
            "simkit: interrupted; verdicts are as they were, and what the judge replied is "
            "recorded: the same command does not ask for it again",
            file=sys.stderr,
        )
        raise typer.Exit(INTERRUPTED) from None
    _end(summary, as_json=as_json, quiet=quiet)


def _new_filters(run: Path, wanted: Wanted) -> NewFilters:
    from simkit.config_file import load_config
    from simkit.refilter import NewFilters
    from simkit.refilter_judge import judge_config
    from simkit.traces.filter_stages import JUDGES
    from simkit.traces.run_directory import RunDirectory

    if wanted.replace and wanted.name is None:
        raise typer.BadParameter("needs the --name of what is replaced", param_hint="'--replace'")
    if wanted.rules_only and wanted.about_the_judge:
        raise typer.BadParameter(
            "asks no model; leave out the options about the judge", param_hint="'--rules-only'"
        )
    judge = None
    stored = RunDirectory.open(run).config_path
    compare = {"filters.decontaminate": wanted.decontaminate or None}
    if not wanted.rules_only and not set(JUDGES) <= set(wanted.without):
        judge = judge_config(stored, wanted.config, wanted.given)
    return NewFilters(
        name=wanted.name,
        replace=wanted.replace,
        without=frozenset(wanted.without),
        compare=load_config(wanted.config or stored, compare).filters,
        judge=judge,
    )


async def _watched(run: Path, filters: NewFilters, quiet: bool) -> RefilterSummary:
    """`refilter`; the first signal lets calls end, the second stops at once."""
    from functools import partial

    from simkit.config_check import secrets
    from simkit.drain import Drain
    from simkit.log import STDERR, configure_log
    from simkit.refilter import refilter
    from simkit.signals import cancelled_by_signals

    hidden = frozenset() if filters.judge is None else secrets(filters.judge)
    configure_log(secrets=hidden, warnings=STDERR)
    drain = Drain()
    summary: RefilterSummary | None = None
    async with cancelled_by_signals(partial(_drained, drain)):
        summary = await refilter(
            run, filters, drain=drain, on_progress=_silent if quiet else _Progress()
        )
    if summary is None:
        raise KeyboardInterrupt
    return summary


async def _drained(drain: Drain) -> None:
    import anyio

    from simkit.drain import DRAIN_SECONDS

    drain.request()
    if drain.calls:
        print(
            f"simkit: stopping: {drain.calls:,} calls are being made, and end within "
            f"{DRAIN_SECONDS:.0f} s; once more, and it stops at once",
            file=sys.stderr,
        )
    with anyio.move_on_after(DRAIN_SECONDS):
        await drain.idle()


def _silent(done: int, total: int) -> None:
    """In the place of `_Progress`."""


class _Progress:
    """Prints a line on stderr every few seconds."""

    def __init__(self) -> None:
        self._started = self._printed = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._printed < LINE_SECONDS:
            return
        self._printed = now
        rate = done / (now - self._started)
        print(f"judged {done:,} of {total:,} | {rate:,.0f}/s", file=sys.stderr)


def _end(summary: RefilterSummary, *, as_json: bool, quiet: bool) -> None:
    from rich.console import Console

    from simkit.refilter_report import refilter_json, render_refilter

    if as_json:
        print(refilter_json(summary))
    elif summary.is_whole and not quiet:
        Console().print(render_refilter(summary))
        print(f"{summary.name}: {summary.filters}")
        if summary.spending:
            spent = spending_line(summary.spending, unpriced=())
            print(f"{summary.calls:,} calls of the judge; {spent}")
        print(
            f"next: simkit export {summary.directory} --format toolmind --verdicts {summary.name}"
        )
    if undecided := summary.changes.after["undecided"] * summary.is_whole:
        print(
            f"simkit: {undecided:,} conversations are undecided, as no judge came to a usable "
            "ruling. Where the provider gave no reply, try again with --name "
            f"{summary.name} --replace: recorded replies are not asked for again",
            file=sys.stderr,
        )
    if not summary.is_whole:
        print(
            f"simkit: the budget does not reach for all {summary.stored:,} conversations, so "
            f"verdicts are as they were; {to_raise(summary.spending)} and try again: recorded "
            "replies are not asked for again",
            file=sys.stderr,
        )
        raise typer.Exit(RUN_FAILED)
