"""One run of ``simkit complete``, with someone watching and signals heard."""

from __future__ import annotations

import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import anyio
from rich.console import Console

from simkit.complete.answering import Answering
from simkit.complete.display import Display
from simkit.complete.reply_file import ReplyFile, ReplyFileError, open_replies
from simkit.complete.request_file import RequestFile, first_lines, open_requests
from simkit.complete.stack import open_raw_stack
from simkit.complete.tally import Tally
from simkit.config import ProviderConfig
from simkit.garbage import rare_collections
from simkit.log import configure_log
from simkit.traces.events import CallRetried
from simkit.traces.one_line import one_line


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteRun:
    """What is to be answered, by whom, and how."""

    requests: Path | None
    """None is standard input."""
    replies: Path
    provider: ProviderConfig
    model: str | None
    """Set in each request; None leaves them theirs."""
    concurrency: int
    """Most requests taken up at once."""
    secrets: frozenset[str]
    """What no log may show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteSummary:
    """How it went."""

    tally: Tally
    seconds: float
    interrupted: bool
    """A signal came before the end."""


def run_complete(run: CompleteRun, console: Console | None) -> CompleteSummary:
    """Answer what is not answered yet, with progress on *console*; None shows none.

    The file of replies is looked through first, and must belong to the requests. SIGINT
    (Ctrl+C) and SIGTERM end the run early; all answers are kept.

    Raises:
        ReplyFileError: The file of replies is another's, or in use.
        AccountProblem: No call can succeed until a person acts; perhaps in a group.
        ConfigError: The key is not in the environment.
        OSError: A file cannot be read or written.
    """
    live = console is not None and console.is_terminal
    configure_log(secrets=run.secrets, warnings=None if live else sys.stderr)
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
    interrupted = True
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with anyio.create_task_group() as listening:
            listening.start_soon(_cancel_at_first, signals, listening.cancel_scope)
            await _answer(run, requests, replies, tally, console)
            interrupted = False
            listening.cancel_scope.cancel()
    seconds = anyio.current_time() - tally.started_at
    return CompleteSummary(tally=tally, seconds=seconds, interrupted=interrupted)


async def _cancel_at_first(
    signals: AsyncIterator[signal.Signals], scope: anyio.CancelScope
) -> None:
    await anext(signals)
    scope.cancel()


async def _answer(
    run: CompleteRun,
    requests: RequestFile,
    replies: ReplyFile,
    tally: Tally,
    console: Console | None,
) -> None:
    def count_retry(event: CallRetried) -> None:
        tally.retries += 1

    def note_pause(seconds: float, reason: str) -> None:
        tally.paused_until = anyio.current_time() + seconds
        tally.pause_reason = one_line(reason, limit=100)

    async with (
        open_raw_stack(
            run.provider,
            run.model,
            concurrency=run.concurrency,
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
        answering = Answering(
            requests=requests,
            replies=replies,
            stack=stack,
            tally=tally,
            concurrency=run.concurrency,
        )
        await answering.run()
        if leaked := stack.open_reservations():
            raise RuntimeError(f"{leaked} reservations of the limiter were never closed")
        showing.cancel_scope.cancel()
