"""One run of ``simkit complete``, with someone watching and signals heard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import structlog
from rich.console import Console

from simkit.complete.answering import Answering
from simkit.complete.checks import check_complete, open_ledger
from simkit.complete.display import Display
from simkit.complete.reply_file import ReplyFile, ReplyFileError, open_replies
from simkit.complete.request_file import RequestFile, first_lines, open_requests
from simkit.complete.stack import RawStack, open_raw_stack
from simkit.complete.tally import Tally
from simkit.config import RunConfig
from simkit.config_check import secrets
from simkit.garbage import rare_collections
from simkit.log import STDERR, configure_log
from simkit.open_files import allow_connections
from simkit.prices import Prices
from simkit.signals import cancelled_by_signals
from simkit.spending import BudgetLine, Ledger, Spending
from simkit.tally import Pause
from simkit.traces.events import AccountPaused, CallRetried
from simkit.traces.one_line import one_line

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteRun:
    """What is to be answered, by whom, and how."""

    requests: Path | None
    """None is standard input."""
    replies: Path
    config: RunConfig
    """Its ``[model]`` and what that names are asked, within its ``[budget]``."""
    concurrency: int
    """Most requests taken up at once."""

    @property
    def model(self) -> str | None:
        """Set in each request; None leaves them theirs."""
        return self.config.model.name


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteSummary:
    """How it went."""

    tally: Tally
    seconds: float
    interrupted: bool
    """A signal came before the end."""
    spending: tuple[Spending, ...]
    """Tokens that were paid for, and money where it is counted."""


def run_complete(run: CompleteRun, console: Console | None) -> CompleteSummary:
    """Answer what is not answered yet, with progress on *console*; None shows none.

    The file of replies is looked through first, and must belong to the requests. SIGINT
    (Ctrl+C) and SIGTERM end the run early; all answers are kept.

    Raises:
        ReplyFileError: The file of replies is another's, or in use.
        AccountProblem: No call can succeed until a person acts; perhaps in a group.
        ConfigError: Nobody can be asked; see `check_complete`.
        OSError: A file cannot be read or written.
    """
    check_complete(run.config)
    configure_log(secrets=secrets(run.config), warnings=STDERR)
    with open_requests(run.requests, model=run.model) as requests:
        _refuse_same_file(run)
        with open_replies(run.replies) as replies:
            if run.requests is not None and run.requests.is_file():
                # Before anything is asked or changed. A pipe can be read only once: its
                # lines are checked as they come.
                replies.check(first_lines(run.requests, replies.last_answered, model=run.model))
            replies.forget_failures()
            with rare_collections():
                return anyio.run(_run, run, requests, replies, console)


def _refuse_same_file(run: CompleteRun) -> None:
    if run.requests and run.replies.exists() and run.requests.samefile(run.replies):
        raise ReplyFileError(f"{run.replies} holds the requests; choose another --out")


async def _run(
    run: CompleteRun, requests: RequestFile, replies: ReplyFile, console: Console | None
) -> CompleteSummary:
    tally = Tally(started_at=anyio.current_time(), answered_before=replies.answered)
    ledger, prices = open_ledger(run.config)
    run = replace(run, concurrency=_possible(run.concurrency))
    interrupted = True
    async with cancelled_by_signals():
        async with _shown_stack(run, ledger, prices, requests, tally, console) as stack:
            answering = Answering(
                requests=requests,
                replies=replies,
                stack=stack,
                tally=tally,
                concurrency=run.concurrency,
            )
            await answering.run()
            if leaked := stack.open_reservations():
                raise RuntimeError(f"{leaked} reservations of the limiters were never closed")
        interrupted = False
    return CompleteSummary(
        tally=tally,
        seconds=anyio.current_time() - tally.started_at,
        interrupted=interrupted,
        spending=tuple(_spending(line) for line in ledger.lines),
    )


@asynccontextmanager
async def _shown_stack(
    run: CompleteRun,
    ledger: Ledger,
    prices: Prices,
    requests: RequestFile,
    tally: Tally,
    console: Console | None,
) -> AsyncIterator[RawStack]:
    """The stack for *run*, with its progress on *console*."""

    def count_retry(event: CallRetried) -> None:
        tally.retries += 1

    def note_pause(event: AccountPaused) -> None:
        until = anyio.current_time() + event.seconds
        tally.paused[event.account] = Pause(until=until, reason=one_line(event.reason, limit=100))

    async with (
        open_raw_stack(
            run.config,
            ledger,
            prices,
            connections=run.concurrency,
            on_retry=count_retry,
            on_pause=note_pause,
        ) as stack,
        anyio.create_task_group() as showing,
    ):
        if console is not None:
            display = Display(
                tally,
                lines_left=lambda: requests.lines_left,
                calls=stack.open_reservations,
                limiting=stack.limiting,
                console=console,
            )
            showing.start_soon(display.show)
        yield stack
        showing.cancel_scope.cancel()


def _possible(concurrency: int) -> int:
    """So many of *concurrency* as there can be connections."""
    possible = allow_connections(concurrency)
    if possible < concurrency:
        _log.warning(
            "this system lets a program open too few files for the concurrency; fewer calls "
            "are made at once. Raise it with: ulimit -n",
            concurrency=concurrency,
            connections=possible,
        )
    return possible


def _spending(line: BudgetLine) -> Spending:
    return Spending(unit=line.unit, spent=line.spent, limit=line.limit, forecast=None)
