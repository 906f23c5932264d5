"""One line of a file of replies.

::

    {"line": 3,                       number of the request's line, from 1
     "custom_id": "a",                as the request has it; null where it has none
     "request": "8b1f0a6c51d2e97f",   digest of what was asked; null where nothing could be
     "response": {...},               the provider's whole reply; null where there is none
     "error": null}                   or {"cause": "...", "message": "..."}

Either ``response`` or ``error`` is null. Causes are those of `provider_errors`, and
``damaged_line`` for a line that could not be asked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import orjson

from simkit.complete.request_line import DamagedLine, RequestLine
from simkit.traces.one_line import one_line
from simkit.traces.provider_errors import ProviderError

START = b'{"line":'
"""How each line begins."""
MAX_LINES = 2**31
_DIGEST = re.compile(r"[0-9a-f]{16}")
_MESSAGE_CHARACTERS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyLine:
    """What an old line says about a request."""

    line: int
    digest: int | None
    """Of the request that it answers; None where the line holds an error."""


def answer_line(line: RequestLine, reply: bytes) -> bytes:
    """The line for *reply*, which must be JSON: its bytes stay as they are, on one line."""
    # Between the values of JSON line ends are white space; within them there are none.
    on_one_line = reply.strip().replace(b"\n", b" ").replace(b"\r", b" ")
    return b"%b%b,%b}\n" % (_beginning(line), on_one_line, b'"error":null')


def error_line(line: RequestLine | DamagedLine, error: ProviderError | None = None) -> bytes:
    """The line for a request that failed with *error*, or for a line that is damaged."""
    cause = "damaged_line" if error is None else error.cause
    message = line.reason if isinstance(line, DamagedLine) else str(error)
    told = {"cause": cause, "message": one_line(message, limit=_MESSAGE_CHARACTERS)}
    return b'%bnull,"error":%b}\n' % (_beginning(line), orjson.dumps(told))


def read_reply_line(text: bytes) -> ReplyLine:
    """Read a whole line.

    Raises:
        ValueError: It is not one of ours.
    """
    value = orjson.loads(text)
    if not isinstance(value, dict):
        raise ValueError("not an object")
    line, request = value.get("line"), value.get("request")
    if type(line) is not int or not 1 <= line <= MAX_LINES or "response" not in value:
        raise ValueError("no line number, or no response")
    if value["response"] is None:
        return ReplyLine(line=line, digest=None)
    return ReplyLine(line=line, digest=_digest(request))


def _digest(request: Any) -> int:
    if not isinstance(request, str) or not _DIGEST.fullmatch(request):
        raise ValueError("no digest of a request")
    return int(request, 16)


def _beginning(line: RequestLine | DamagedLine) -> bytes:
    asked = b"null" if isinstance(line, DamagedLine) else b'"%016x"' % line.digest
    return b'%b%d,"custom_id":%b,"request":%b,"response":' % (
        START,
        line.line,
        orjson.dumps(line.custom_id),
        asked,
    )
