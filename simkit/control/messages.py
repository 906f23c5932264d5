"""What is said over a run's control socket: one request and one reply, each a line of JSON."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from simkit.traces.version import __version__

VERSION = 1
"""Raised whenever a field changes meaning."""
MOST_REQUEST_BYTES = 65_536
MOST_REPLY_BYTES = 4_000_000
END = b"\n"

Order = Literal["status", "pause", "resume", "set"]
Value = int | float | str | None
"""Of an option; None unsets a limit. Text is always wrong, and its error says what is expected."""


class ControlError(Exception):
    """A run cannot be reached, or does not do what it is asked; one line for each problem.

    `problems` holds the lines; the text of the error is all of them.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    def line(self) -> bytes:
        """Itself as it is sent."""
        return self.model_dump_json().encode() + END


class Request(_Message):
    """What a run is asked to do."""

    version: int = VERSION
    order: Order
    changes: dict[str, Value] = {}
    """Options of ``set``: all are changed, or none."""


class AccountState(_Message):
    """The limits of one account, as they are in force."""

    provider: str
    """NAME of its ``[providers.NAME]`` table."""
    name: str
    """Model and endpoint."""
    per_minute: dict[str, float]
    """Told, announced or learned; without those that nothing limits."""
    max_in_flight: int
    in_flight: int
    """Calls."""
    waiting: int
    """Calls that wait for their turn."""


class RunState(_Message):
    """What a run does at this moment."""

    conversations: int
    """That are wanted."""
    done: int
    """Of these, that have their verdict."""
    in_flight: int
    """Conversations that are being played."""
    concurrency: int
    filter_workers: int
    paused_seconds: float | None
    """For how long it has been paused; None: it is not."""
    limiting: str
    """What sets the pace, e.g. ``"requests"`` or ``"nothing"``."""
    accounts: tuple[AccountState, ...]


class Reply(_Message):
    """What became of a request."""

    version: int = VERSION
    problems: tuple[str, ...] = ()
    """Why nothing was done; empty when it was."""
    warnings: tuple[str, ...] = ()
    state: RunState | None = None
    """After it was done."""


def read_request(line: bytes) -> Request:
    """The request in *line*.

    Raises:
        ControlError: It is none, or of another version.
    """
    try:
        request = Request.model_validate_json(line)
    except ValidationError:
        raise ControlError(_other_version("this process")) from None
    if request.version != VERSION:
        raise ControlError(_other_version("this process"))
    return request


def read_reply(line: bytes) -> Reply:
    """The reply in *line*.

    Raises:
        ControlError: It is none, or says that nothing was done.
    """
    try:
        reply = Reply.model_validate_json(line)
    except ValidationError:
        raise ControlError(_other_version("this command")) from None
    if reply.problems:
        raise ControlError(*reply.problems)
    return reply


def _other_version(who: str) -> str:
    return (
        f"{who} is of simkit {__version__} and does not understand the other, which seems to be "
        "of another version; use the version that plays the run"
    )
