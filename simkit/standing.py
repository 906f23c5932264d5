"""How far a run has come: what need not be done again when it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from simkit.traces.calls import Usage
from simkit.traces.database import Place
from simkit.traces.provider_errors import (
    BudgetSpent,
    ProviderUnavailable,
    RateLimited,
    UnusableReply,
)
from simkit.traces.records import Outcome
from simkit.traces.run_reader import RunReader

PROMPTS = "prompts"
"""Where a run notes the hashes of its prompts."""

DATA = "data"
"""Where a run notes its `data_digest`."""

YIELDS = "yields:"
"""What the keys begin with under which a run notes the outcomes that steered its walks."""

PLAYED_AGAIN = frozenset(
    error.cause for error in (BudgetSpent, ProviderUnavailable, RateLimited, UnusableReply)
)
"""Causes of failure that lie with a provider or the budget: what was answered is in the journal,
and the rest may succeed now."""

MARKS: Mapping[Outcome, int] = {
    "kept": ord("k"),
    "dropped": ord("d"),
    "undecided": ord("u"),
    "failed": ord("-"),
}
"""Outcomes as single bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a run holds already; of a new one, nothing."""

    judged: frozenset[int] = frozenset()
    """Scenarios that are through, failed ones too."""
    unjudged: frozenset[int] = frozenset()
    """Scenarios that are played and still to be judged: also those that nobody could decide, as
    the judge's provider may answer now; what it has answered is in the journal."""
    outcomes: Mapping[str, int] = field(
        default_factory=lambda: {"kept": 0, "dropped": 0, "failed": 0}
    )
    """How many of `judged` came to which."""
    marks: bytes = b""
    """Of each scenario, by number, what it came to, as in `MARKS`; 0 for those not `judged`."""
    paid: Mapping[tuple[str, str], tuple[int, Usage]] = field(default_factory=dict)
    """Model and role to the number of calls and the tokens of all of them."""

    prompts: Mapping[str, str] | None = None
    """Prompts that it was made with, to the hashes of their files; None: not noted."""

    data: str | None = None
    """Its `data_digest`; None: not noted."""
    meta: Mapping[str, str] = field(default_factory=dict)
    """All that it notes about itself."""

    @property
    def is_new(self) -> bool:
        """Whether nothing has been done."""
        return not (self.judged or self.unjudged or self.paid)


def read_standing(database: Path) -> Standing:
    """How far the run in *database* has come.

    Raises:
        StoreError: It cannot be read.
    """
    judged: set[int] = set()
    marks = bytearray()
    unjudged: set[int] = set()
    damaged: list[int] = []
    outcomes: dict[str, int] = {"kept": 0, "dropped": 0, "failed": 0}
    with RunReader(database) as reader:
        for scenario, outcome, cause in reader.outcomes():
            if cause in PLAYED_AGAIN:
                continue
            if outcome in (None, "undecided"):
                unjudged.add(scenario)
            elif outcome not in MARKS:
                damaged.append(scenario)
            else:
                judged.add(scenario)
                marks.extend(bytes(max(0, scenario + 1 - len(marks))))
                marks[scenario] = MARKS[outcome]
                outcomes[outcome] += 1
        paid, meta = reader.paid(), reader.meta()
    if damaged:
        place = Place(f"verdict of conversation {damaged[0]}", database)
        raise place.damaged("it has no outcome")
    return Standing(
        judged=frozenset(judged),
        unjudged=frozenset(unjudged),
        outcomes=outcomes,
        marks=bytes(marks),
        paid=paid,
        prompts=_prompts(meta, database),
        data=meta.get(DATA),
        meta=meta,
    )


def _prompts(meta: Mapping[str, str], database: Path) -> Mapping[str, str] | None:
    if PROMPTS not in meta:
        return None
    try:
        noted: Mapping[str, str] = orjson.loads(meta[PROMPTS])
    except ValueError as error:
        raise Place(f"the note {PROMPTS!r}", database).damaged("it is not JSON") from error
    return noted
