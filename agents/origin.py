"""What a trajectory says about where it comes from."""

from __future__ import annotations

from collections.abc import Iterable

from simkit.agents.heard import Heard
from simkit.traces.functions import Function
from simkit.traces.prompts import PromptSet
from simkit.traces.records import Parent, Provenance, Scenario
from simkit.traces.version import __version__
from simkit.traces.voice import Voice


def trajectory_id(run_seed: int, scenario: Scenario, parent: Parent | None) -> str:
    """The id of what is played of *scenario*, e.g. ``0-7``, or ``0-7@4-0`` for its fork."""
    if parent is None:
        return f"{run_seed}-{scenario.number}"
    return f"{parent.id}@{parent.turn}-{scenario.number}"


def provenance_of(
    scenario: Scenario,
    voices: Iterable[Voice],
    heard: Heard,
    prompts: PromptSet,
    run_seed: int,
    parent: Parent | None,
) -> Provenance:
    """Where the trajectory of *scenario* comes from, when it is over and all is *heard*."""
    notices = heard.notices | ({parent.notice} if parent and parent.notice else set())
    return Provenance(
        simkit=__version__,
        run_seed=run_seed,
        models={voice.role: voice.client.model for voice in voices},
        answered_by={role: tuple(sorted(heard.models[role])) for role in sorted(heard.models)},
        prompts=dict(prompts.hashes),
        sources=_licences(scenario.functions),
        notice="; ".join(sorted(notices)) or None,
        parent=parent,
    )


def _licences(functions: tuple[Function, ...]) -> dict[str, tuple[str, ...]]:
    """Catalog to the licences of those of its functions that are among *functions*."""
    found: dict[str, set[str]] = {}
    for one in functions:
        found.setdefault(one.source, set()).update({one.licence} if one.licence else ())
    return {source: tuple(sorted(found[source])) for source in sorted(found)}
