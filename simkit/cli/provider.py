"""``simkit provider``: the stand-in provider, for demos and tests."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from simkit.standin.brain_contract import Brain
    from simkit.standin.settings import StandinSettings

_CONNECTIONS = 20_000
"""Clients that may be connected at once, where the system allows as many open files."""


class HintsName(StrEnum):
    """What ``--hints`` takes."""

    ALL = "all"
    RETRY_AFTER = "retry_after"
    NONE = "none"


class BrainName(StrEnum):
    """What ``--brain`` takes."""

    SCRIPTED = "scripted"
    ECHO = "echo"


def provider(
    port: Annotated[int, typer.Option("--port", help="0 takes a free one.")] = 0,
    seed: Annotated[int, typer.Option("--seed", help="Root of replies, latency, faults.")] = 0,
    rpm: Annotated[float | None, typer.Option("--rpm", help="Requests a minute.")] = None,
    tpm: Annotated[float | None, typer.Option("--tpm", help="Tokens a minute.")] = None,
    itpm: Annotated[
        float | None, typer.Option("--itpm", help="Tokens of requests a minute.")
    ] = None,
    otpm: Annotated[
        float | None, typer.Option("--otpm", help="Tokens of replies a minute.")
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option("--concurrency", help="Requests at once.")
    ] = None,
    window: Annotated[
        float | None,
        typer.Option("--window", metavar="SECONDS", help="Count in fixed windows of this length."),
    ] = None,
    hints: Annotated[
        HintsName, typer.Option("--hints", help="What answers tell of the limits.")
    ] = HintsName.ALL,
    latency: Annotated[
        float, typer.Option("--latency", metavar="SECONDS", help="Median time to a short reply.")
    ] = 0.0,
    slowdown_at: Annotated[
        float | None,
        typer.Option("--slowdown-at", metavar="N", help="Requests in flight that double latency."),
    ] = None,
    faults: Annotated[
        float, typer.Option("--faults", metavar="SHARE", help="Attempts that fail, 0 to 1.")
    ] = 0.0,
    hangs: Annotated[
        bool, typer.Option("--hangs", help="Let some faults be answers that never come.")
    ] = False,
    hang_share: Annotated[
        float,
        typer.Option("--hang-share", metavar="SHARE", help="Attempts never answered, 0 to 1."),
    ] = 0.0,
    mistakes: Annotated[
        float, typer.Option("--mistakes", metavar="SHARE", help="Replies with a mistake, 0 to 1.")
    ] = 0.0,
    judge_faults: Annotated[
        float,
        typer.Option("--judge-faults", metavar="SHARE", help="Rulings that are none, 0 to 1."),
    ] = 0.0,
    judge_always: Annotated[
        int | None,
        typer.Option("--judge-always", min=0, max=1, help="What judges rule on everything."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", metavar="NAME", help="A model it has; repeatable."),
    ] = None,
    brain: Annotated[
        BrainName,
        typer.Option("--brain", help="echo repeats the question: for measuring clients."),
    ] = BrainName.SCRIPTED,
    end_with_stdin: Annotated[
        bool,
        typer.Option(
            "--end-with-stdin", help="End when standard input does: for a parent process."
        ),
    ] = False,
) -> None:
    """Run the stand-in provider.

    Its models answer by rule, on this machine. It speaks chat completions, Anthropic's
    Messages and embeddings, enforces the limits you choose and needs no key. What it writes
    exercises the machinery and is never for training. Ctrl+C ends it.

    GET /stats and GET /timeline, beside /v1, tell what was asked and refused. POST /control
    changes limits while it runs: a JSON object with any of rpm, tpm, itpm, otpm and
    concurrency, a number each, or null for none.
    """
    import anyio

    from simkit.open_files import allow_connections
    from simkit.standin.settings import StandinSettings

    allow_connections(_CONNECTIONS)
    settings = StandinSettings(
        port=port,
        seed=seed,
        rpm=rpm,
        tpm=tpm,
        itpm=itpm,
        otpm=otpm,
        concurrency=concurrency,
        window_seconds=window,
        hints=hints.value,
        latency_seconds=latency,
        slowdown_at=slowdown_at,
        faults=faults,
        hangs=hangs,
        hang_share=hang_share,
        mistakes=mistakes,
        judge_faults=judge_faults,
        judge_always=judge_always,
        models=tuple(model or ["standin"]),
    )
    anyio.run(_serve_until_told, settings, _brain(brain, settings), end_with_stdin)


def _brain(name: BrainName, settings: StandinSettings) -> Brain:
    from simkit.standin.brain import ScriptedBrain
    from simkit.standin.echo import EchoBrain
    from simkit.standin.roles.judge import Conduct

    if name is BrainName.ECHO:
        return EchoBrain()
    judges = Conduct(faults=settings.judge_faults, always=settings.judge_always)
    return ScriptedBrain(mistakes=settings.mistakes, judges=judges)


async def _serve_until_told(settings: StandinSettings, brain: Brain, end_with_stdin: bool) -> None:
    """Serve until SIGINT, SIGTERM or, if wanted, the end of standard input."""
    import anyio

    from simkit.garbage import rare_collections
    from simkit.standin.server import serve

    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with anyio.create_task_group() as serving:

            async def end_after(told: Callable[[], Awaitable[object]]) -> None:
                await told()
                serving.cancel_scope.cancel()

            serving.start_soon(end_after, signals.__anext__)
            if end_with_stdin:
                serving.start_soon(end_after, _end_of_stdin)
            with rare_collections():
                await serve(settings, brain, on_ready=_announce)


async def _end_of_stdin() -> None:
    """Return when standard input has ended; what is written to it until then is ignored.

    Whatever ends the parent, kill -9 included, closes its end of our pipe. No thread reads
    it: one that waits for input would keep the process from ending otherwise.
    """
    import anyio

    stdin = sys.stdin.fileno()
    with suppress(PermissionError):  # a plain file cannot be waited for: its end is there
        while True:
            await anyio.wait_readable(stdin)
            if not os.read(stdin, 65_536):
                return


def _announce(base_url: str) -> None:
    # Flushed: whoever started this as a child waits for the line.
    print(f"simkit provider listening on {base_url}", flush=True)
