"""An affinity as a TOML file, for people to read and mend."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from simkit.graph.affinity import Affinity
from simkit.graph.evidence import Weights

_DIGITS = 4


class AffinityError(Exception):
    """A file holds no affinity; the message says what, where and the mend."""


def affinity_toml(affinity: Affinity) -> str:
    """The file's text, numbers to four significant digits."""
    weights = "".join(f"{name} = {_shown(weight)}\n" for name, weight in _weights(affinity))
    return (
        "# Which output feeds which input; fitted by `simkit graph calibrate`.\n"
        f"middle = {_shown(affinity.middle)}\nspread = {_shown(affinity.spread)}\n"
        f"\n[weights]\n{weights}"
    )


def load_affinity(path: Path) -> Affinity:
    """What `affinity_toml` wrote to *path*.

    Raises:
        AffinityError: The file cannot be read, or a number is missing, unknown or out of range.
    """
    try:
        table = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise AffinityError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:  # no UTF-8, or no TOML
        raise AffinityError(f"{path}: is no TOML: {error}") from error
    try:
        return _affinity(table)
    except ValueError as error:
        raise AffinityError(
            f"{path}: {error}; `simkit graph calibrate` writes such files"
        ) from error


def _affinity(table: Mapping[str, Any]) -> Affinity:
    weights = table.get("weights")
    if not isinstance(weights, dict):
        raise ValueError("it needs a table [weights]")
    line = {name: value for name, value in table.items() if name != "weights"}
    numbers = _numbers(line, ("middle", "spread"), "")
    if numbers["spread"] <= 0:
        raise ValueError(f"spread must be above 0, not {numbers['spread']:g}")
    names = tuple(one.name for one in fields(Weights))
    return Affinity(weights=Weights(**_numbers(weights, names, "weights.")), **numbers)


def _numbers(table: Mapping[str, Any], names: tuple[str, ...], within: str) -> dict[str, float]:
    for name in (*names, *table):
        if name not in table:
            raise ValueError(f"{within}{name} is missing")
        if name not in names:
            raise ValueError(f"{within}{name} is unknown; known are {', '.join(names)}")
        value = table[name]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value):
            raise ValueError(f"{within}{name} must be a number, not {value!r:.80}")
    return {name: float(table[name]) for name in names}


def _weights(affinity: Affinity) -> list[tuple[str, float]]:
    return list(asdict(affinity.weights).items())


def _shown(number: float) -> str:
    return repr(float(f"{number:.{_DIGITS}g}"))
