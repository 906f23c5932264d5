"""What was spent, for people and for scripts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simkit.spending import Spending

_TOKENS = "tokens"


def spending_line(spending: Sequence[Spending], *, unpriced: Iterable[str]) -> str:
    """One line about *spending*; *unpriced* are the models whose cost nobody knows."""
    line = "spent " + " and ".join(map(_amount, spending))
    if models := ", ".join(dict.fromkeys(unpriced)):
        line += f"; cost unknown: no price for {models}"
    return line


def spending_json(spending: Iterable[Spending]) -> list[dict[str, Any]]:
    """*spending* for ``--json``."""
    return [
        {"unit": line.unit, "spent": round(line.spent, 6), "limit": line.limit} for line in spending
    ]


def to_raise(spending: Iterable[Spending]) -> str:
    """The flags of the limits that there are, as advice."""
    flags = [
        "--budget-tokens" if line.unit == _TOKENS else "--budget-money"
        for line in spending
        if line.limit is not None
    ]
    return f"raise {' or '.join(flags)}"


def _amount(line: Spending) -> str:
    if line.unit == _TOKENS:
        limit = "" if line.limit is None else f" of {line.limit:,.0f}"
        return f"{line.spent:,.0f}{limit} tokens"
    limit = "" if line.limit is None else f" of {line.limit:,.2f}"
    # What a try-out costs is often less than a cent.
    digits = 2 if line.spent >= 1 else 4
    return f"{line.spent:,.{digits}f}{limit} {line.unit}"
