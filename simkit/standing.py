"""How far a run has come: what need not be done again when it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from simkit.traces.calls import Usage
from simkit.traces.provider_errors import (
    BudgetSpent,
    ProviderUnavailable,
    RateLimited,
    UnusableReply,
)
from simkit.traces.run_reader import RunReader

PROMPTS = "prompts"
"""Where a run notes the hashes of its prompts."""

DATA = "data"
"""Where a run notes its `data_digest`."""

PLAYED_AGAIN = frozenset(
    error.cause for error in (BudgetSpent, ProviderUnavailable, RateLimited, UnusableReply)
)
"""Causes of failure that lie with a provider or the budget: what was answered is in the journal,
and the rest may succeed now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a run holds already; of a new one, nothing."""

    judged: frozenset[int] = frozenset()
    """Scenarios that are through, failed ones too."""
    unjudged: frozenset[int] = frozenset()
    """Scenarios that are played and still to be judged."""
    outcomes: Mapping[str, int] = field(
        default_factory=lambda: {"kept": 0, "dropped": 0, "failed": 0}
    )
    """How many of `judged` came to which."""
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
    unjudged: set[int] = set()
    outcomes: dict[str, int] = {"kept": 0, "dropped": 0, "failed": 0}
    with RunReader(database) as reader:
        for scenario, outcome, cause in reader.outcomes():
            if cause in PLAYED_AGAIN:
                continue
            if outcome is None:
                unjudged.add(scenario)
            else:
                judged.add(scenario)
                outcomes[outcome] += 1
        paid, meta = reader.paid(), reader.meta()
    return Standing(
        judged=frozenset(judged),
        unjudged=frozenset(unjudged),
        outcomes=outcomes,
        paid=paid,
        prompts=orjson.loads(meta[PROMPTS]) if PROMPTS in meta else None,
        data=meta.get(DATA),
        meta=meta,
    )
