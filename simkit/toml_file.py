"""Reads a TOML file that a person wrote."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from simkit.config import ConfigError


def read_toml(path: Path, *, mend: str = "") -> dict[str, Any]:
    """What the file *path* holds.

    Args:
        mend: What to add to the error when it is not TOML.

    Raises:
        ConfigError: It cannot be read; with line and column where it is not TOML.
    """
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {error.start})") from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {_problem(error, text)}{mend}") from error


def _problem(error: tomllib.TOMLDecodeError, text: str) -> str:
    """The parser's message with the place first: "line 3, column 7: Invalid value"."""
    message = str(error)
    place = re.search(r" \(at (line \d+, column \d+)\)$", message)
    if place:
        return f"{place[1]}: {message[: place.start()]}"
    lines = text.split("\n")
    where = f"line {len(lines)}, column {len(lines[-1]) + 1}"
    return f"{where}: {message.removesuffix(' (at end of document)')} at the end of the file"
