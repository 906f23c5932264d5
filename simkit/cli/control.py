"""``simkit status``, ``pause``, ``resume`` and ``set``: a run that is being played."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from simkit.control.messages import AccountState, Order, RunState, Value

Run = Annotated[
    Path, typer.Argument(metavar="RUN", help="Folder of a run that a process is playing.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the state after it as JSON.")]


def status(run: Run, as_json: Json = False) -> None:
    """Show what a run does that is being played, and the limits that it keeps to.

    Only the user who started it may.
    """
    _order(run, "status", as_json=as_json)


def pause(run: Run, as_json: Json = False) -> None:
    """Hold a run up: no new call is sent; those that are being made end.

    Nothing is lost and nothing fails because of it, however long it takes; `simkit resume` goes
    on. Only the user who started the run may.
    """
    _order(run, "pause", as_json=as_json)


def resume(run: Run, as_json: Json = False) -> None:
    """Go on with a run that is paused.

    Only the user who started it may.
    """
    _order(run, "resume", as_json=as_json)


def set_(
    run: Run,
    changes: Annotated[
        list[str],
        typer.Argument(metavar="OPTION=VALUE", help="What changes; OPTION=none unsets a limit."),
    ],
    as_json: Json = False,
) -> None:
    """Change a run while it is being played, and for when it goes on later.

    Options: concurrency, filter_workers, requests_per_minute, tokens_per_minute,
    input_tokens_per_minute, output_tokens_per_minute and max_calls_in_flight. Limits are those of
    every provider; NAME.requests_per_minute is that of [providers.NAME] only. All of them are
    changed, or none. More conversations start at once; of fewer, those that are being played
    end first. Only the user who started the run may.
    """
    _order(run, "set", _parsed(changes), as_json=as_json)


def _parsed(changes: list[str]) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for change in changes:
        option, equals, value = (part.strip() for part in change.partition("="))
        if not equals or not option:
            raise typer.BadParameter(
                f"expected OPTION=VALUE, such as concurrency=200, found {change}",
                param_hint="'OPTION=VALUE'",
            )
        if option in values:
            raise typer.BadParameter(f"{option} is given twice", param_hint="'OPTION=VALUE'")
        values[option] = _value(value)
    return values


def _value(text: str) -> Value:
    """The number that *text* is; None for ``none``; else *text*, which the run will refuse."""
    if text == "none":
        return None
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        return number if math.isfinite(number) else text
    return text


def _order(
    run: Path, order: Order, changes: dict[str, Value] | None = None, *, as_json: bool
) -> None:
    import sys

    from simkit.control.client import ask
    from simkit.control.messages import Request
    from simkit.printable import printable_line

    reply = ask(run, Request(order=order, changes=changes or {}))
    for warning in reply.warnings:
        print(f"simkit: warning: {printable_line(warning)}", file=sys.stderr)
    if reply.state is None:
        return
    if as_json:
        print(reply.state.model_dump_json(indent=2))
        return
    for line in _lines(run, reply.state):
        print(printable_line(line))


def _lines(run: Path, state: RunState) -> Iterator[str]:
    if state.paused_seconds is None:
        yield f"{run}: {state.done:,}/{state.conversations:,} done, {_pace(state)}"
    else:
        calls = sum(account.in_flight for account in state.accounts)
        ending = f"; {calls:,} calls are being made and end" if calls else ""
        yield (
            f"{run}: {state.done:,}/{state.conversations:,} done, paused for "
            f"{state.paused_seconds:,.0f} s{ending}; simkit resume {run} goes on"
        )
    yield (
        f"{state.in_flight:,} conversations in flight, {state.concurrency:,} at most; "
        f"{state.filter_workers:,} filter workers"
    )
    yield from map(_account_line, state.accounts)


def _pace(state: RunState) -> str:
    if state.limiting == "nothing":
        return "no limit reached"
    return f"limited by {state.limiting}"


def _account_line(account: AccountState) -> str:
    rates = (
        f"{rate:,.0f} {kind.replace('_', ' ')}/min" for kind, rate in account.per_minute.items()
    )
    limits = ", ".join([f"{account.max_in_flight:,} calls at once", *rates])
    return (
        f"{account.provider}: {account.name}: {account.in_flight:,} calls in flight, "
        f"{account.waiting:,} waiting; limits: {limits}"
    )
