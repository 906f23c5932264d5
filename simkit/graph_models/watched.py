"""Work with a model that someone watches and may interrupt."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import anyio
from rich.console import Console

from simkit.config import RunConfig
from simkit.config_check import secrets
from simkit.drain import DRAIN_SECONDS, Drain
from simkit.graph_models.asking import Asking, GroupT, ReplyT
from simkit.graph_models.display import show
from simkit.log import STDERR, configure_log
from simkit.signals import cancelled_by_signals

ResultT = TypeVar("ResultT")


async def watched(
    work: Callable[[Drain], Awaitable[ResultT]], config: RunConfig, console: Console | None
) -> ResultT:
    """Do *work*, with keys kept out of the log.

    The first SIGINT (Ctrl+C) or SIGTERM lets the calls that are being made end, within
    `DRAIN_SECONDS`, and begins no other; the second ends the work at once.

    Raises:
        KeyboardInterrupt: A signal came, and all replies are recorded.
    """
    configure_log(secrets=secrets(config), warnings=STDERR)
    drain = Drain()
    results: list[ResultT] = []
    async with cancelled_by_signals(partial(_drained, drain, console)):
        results.append(await work(drain))
    if not results:
        raise KeyboardInterrupt
    return results[0]


async def ask_shown(asking: Asking[GroupT, ReplyT], console: Console | None) -> None:
    """`Asking.run`, with its progress on *console*; None shows none."""
    async with anyio.create_task_group() as showing:
        if console is not None:
            showing.start_soon(show, asking.tally, asking.model, console)
        await asking.run()
        showing.cancel_scope.cancel()


async def _drained(drain: Drain, console: Console | None) -> None:
    drain.request()
    if console is not None and drain.calls:
        console.print(
            f"stopping: {drain.calls:,} calls are being made, and end within "
            f"{DRAIN_SECONDS:.0f} s; once more, and it stops at once",
            markup=False,
            highlight=False,
        )
    with anyio.move_on_after(DRAIN_SECONDS):
        await drain.idle()
