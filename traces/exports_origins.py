"""Where exported trajectories come from, gathered for a manifest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simkit.traces.records import Provenance, Verdict


def _names() -> defaultdict[str, set[str]]:
    return defaultdict(set)


@dataclass(slots=True)
class Origins:
    """What was added; more than one value where a run was mixed."""

    simkit: set[str] = field(default_factory=set)
    run_seeds: set[int] = field(default_factory=set)
    models: defaultdict[str, set[str]] = field(default_factory=_names)
    answered_by: defaultdict[str, set[str]] = field(default_factory=_names)
    prompts: defaultdict[str, set[str]] = field(default_factory=_names)
    sources: defaultdict[str, set[str]] = field(default_factory=_names)
    """Catalog to the licences of its functions; empty when it names none."""
    notices: set[str] = field(default_factory=set)

    def add(self, provenance: Provenance, verdict: Verdict) -> None:
        """Add a trajectory of *provenance*, judged by *verdict*."""
        if verdict.judge is not None:
            self.models["judge"].add(verdict.judge)
        for vote in verdict.votes:
            self.models["judge"].add(vote.model)
        for name, digest in verdict.prompts.items():
            self.prompts[name].add(digest)
        self.simkit.add(provenance.simkit)
        self.run_seeds.add(provenance.run_seed)
        for role, model in provenance.models.items():
            self.models[role].add(model)
        for role, models in provenance.answered_by.items():
            self.answered_by[role].update(models)
        for name, digest in provenance.prompts.items():
            self.prompts[name].add(digest)
        for source, licences in provenance.sources.items():
            self.sources[source].update(licences)
        if provenance.notice is not None:
            self.notices.add(provenance.notice)

    def as_data(self) -> dict[str, Any]:
        """For JSON, everything in order."""
        return {
            "simkit": sorted(self.simkit),
            "run_seed": sorted(self.run_seeds),
            "models": _sorted_values(self.models),
            "answered_by": _sorted_values(self.answered_by),
            "prompts": _sorted_values(self.prompts),
            "sources": _sorted_values(self.sources),
            "notices": sorted(self.notices),
        }


def _sorted_values(names: Mapping[str, set[str]]) -> dict[str, list[str]]:
    return {name: sorted(values) for name, values in sorted(names.items())}
