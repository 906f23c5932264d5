"""``simkit status``, ``pause``, ``resume`` and ``set``: a run that is being played."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from simkit.control.messages import AccountState, Order, RunState, Value

# What int() and float() take besides, such as digits of other scripts, is hard to read.
_WHOLE = re.compile(r"[+-]?[0-9]{1,30}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", re.IGNORECASE)

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
        values[option] = _value(option, value)
    return values


def _value(option: str, text: str) -> Value:
    """The number that *text* is; None for ``none``; else *text*, which the run will refuse.

    So it does what *option* cannot be, and tells what was typed.
    """
    from simkit.limit_options import KINDS, PER_MINUTE

    name = option.rpartition(".")[2]
    if text == "none":
        return None if name in KINDS else text
    if _WHOLE.fullmatch(text):
        return int(text)
    if name in PER_MINUTE.values() and _NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
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
    from simkit.counted import counted

    if state.paused_seconds is None:
        yield f"{run}: {state.done:,}/{state.conversations:,} done, {_pace(state)}"
    else:
        calls = sum(account.in_flight for account in state.accounts)
        ending = f"; {calls:,} calls are being made and end" if calls else ""
        if calls == 1:
            ending = "; 1 call is being made and ends"
        yield (
            f"{run}: {state.done:,}/{state.conversations:,} done, paused for "
            f"{state.paused_seconds:,.0f} s{ending}; simkit resume {run} goes on"
        )
    yield (
        f"{counted(state.in_flight, 'conversation')} in flight, {state.concurrency:,} at most; "
        f"{counted(state.filter_workers, 'filter worker')}"
    )
    yield from map(_account_line, state.accounts)


def _pace(state: RunState) -> str:
    if state.limiting == "nothing":
        return "no limit reached"
    return f"limited by {state.limiting}"


def _account_line(account: AccountState) -> str:
    from simkit.counted import counted
    from simkit.limit_options import limits_in_words

    limits = limits_in_words(account.per_minute, account.max_in_flight)
    return (
        f"{account.provider}: {account.name}: {counted(account.in_flight, 'call')} in flight, "
        f"{account.waiting:,} waiting; limits: {limits}"
    )
