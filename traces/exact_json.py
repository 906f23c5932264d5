"""JSON from elsewhere, refused where reading it would change it, with the place of the fault."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

import orjson

from simkit.traces.shallow_json import parse_json

_MANY_DIGITS = re.compile(rb"\d{19}")  # 64 bits hold every whole number of 18 digits


def exact_json(text: bytes) -> Any:
    """The value of *text*.

    Raises:
        ValueError: It is not JSON in UTF-8, holds a NUL byte, is nested too deeply, or has a
            whole number of more than 64 bits, which could only be read rounded. The message
            completes a sentence about the text.
    """
    try:
        value = parse_json(text)
    except orjson.JSONDecodeError as error:
        raise ValueError(_complaint(text, error)) from None
    except ValueError as error:
        raise ValueError(f"is {error}") from None
    check_numbers(text)
    return value


def check_numbers(text: bytes) -> None:
    """Refuse JSON with a whole number of more than 64 bits; what is no JSON passes.

    Raises:
        ValueError: It holds one; the message completes a sentence about the text.
    """
    if not _MANY_DIGITS.search(text):
        return
    with suppress(json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        json.loads(text, parse_int=_whole_number)


def _complaint(text: bytes, error: orjson.JSONDecodeError) -> str:
    try:
        text.decode()
    except UnicodeDecodeError as wrong:
        return f"is not UTF-8 text (byte {wrong.start + 1})"
    if (at := text.find(b"\0")) >= 0:
        return f"holds a NUL byte (byte {at + 1})"
    if "depth limit" in error.msg:
        return f"is nested too deeply (at character {error.pos + 1})"
    return f"is not valid JSON ({error.msg} at character {error.pos + 1})"


def _whole_number(digits: str) -> int:
    if len(digits) > 20 or not -(2**63) <= int(digits) < 2**64:
        shown = digits if len(digits) <= 40 else f"{digits[:40]}…"
        raise ValueError(f"holds a whole number of more than 64 bits ({shown})")
    return int(digits)
