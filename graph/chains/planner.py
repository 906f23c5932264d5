"""From walks to scenarios: what is asked for, what is on offer, and what is missing."""

from __future__ import annotations

import random
from typing import Literal

from simkit.graph.chains.draft import Draft
from simkit.graph.chains.missing import hold_back, useless_functions, withhold
from simkit.graph.chains.operations import branch, insert, merge
from simkit.graph.chains.rules import ChainRules
from simkit.graph.chains.surroundings import Surroundings
from simkit.graph.function_graph import FunctionGraph
from simkit.graph.walk import Walk
from simkit.traces.plans import ScenarioKind
from simkit.traces.records import Scenario
from simkit.traces.seeds import stream


class Planner:
    """Plans a scenario for each walk over *graph*.

    A scenario is a pure function of the graph, the rules, the walk and its own seed. Each
    operation draws from a stream of its own, so turning one off leaves the others' draws.
    """

    def __init__(self, graph: FunctionGraph, rules: ChainRules) -> None:
        self._functions = graph.functions
        self._rules = rules
        self._around = Surroundings(graph)

    def scenario(self, number: int, seed: int, walk: Walk) -> Scenario:
        """The scenario for *walk*; *seed* is its own.

        Operations are applied in the order branch, merge, insert, and what is missing last.
        One that finds nothing to work on changes nothing, so rates are upper bounds. Tools
        come in an order of their own, which does not give the plan away.
        """
        draft = Draft.of(walk)
        kind = self._kind(_draws(seed, "kind"))
        offered: list[int] = []
        if kind == "irrelevance":
            offered = useless_functions(draft, self._around, _draws(seed, "irrelevance"))
        if not offered:
            self._shape(draft, seed)
            kind = self._take_away(draft, kind, seed)
            offered = self._offered(draft, seed)
        chain = draft.functions()
        stream(seed, "tools").shuffle(offered)
        return Scenario(
            number=number,
            seed=seed,
            chain=tuple(map(self._around.name, chain)),
            tools=tuple(self._functions[function] for function in offered),
            kind=kind,
            plan=draft.planned(self._around),
            withheld=tuple(self._functions[function] for function in draft.withheld),
        )

    def _kind(self, draw: random.Random) -> ScenarioKind:
        point = draw.random()
        rates: tuple[tuple[ScenarioKind, float], ...] = (
            ("irrelevance", self._rules.irrelevance_rate),
            ("missing_function", self._rules.missing_function_rate),
            ("missing_parameter", self._rules.missing_parameter_rate),
        )
        for kind, rate in rates:
            if point < rate:
                return kind
            point -= rate
        return "chain"

    def _shape(self, draft: Draft, seed: int) -> None:
        rules, around = self._rules, self._around
        draw = _draws(seed, "branch")
        if draw.random() < rules.branch_rate:
            branch(draft, around, draw)
        merge(draft, around, _draws(seed, "merge"), rules.merge_rate)
        insert(draft, around, _draws(seed, "insert"), rules.insert_rate)

    def _take_away(self, draft: Draft, kind: ScenarioKind, seed: int) -> ScenarioKind:
        """Make *draft* of this kind, or of kind ``chain`` where it cannot be."""
        if kind == "missing_function":
            done = withhold(draft, self._around, _draws(seed, "function"))
        else:
            done = kind == "missing_parameter" and hold_back(
                draft, self._around, _draws(seed, "parameter")
            )
        return kind if done else "chain"

    def _offered(self, draft: Draft, seed: int) -> list[int]:
        """The chain without what is withheld, and distractors: functions near it that it does
        not need, none of which could take the place of one that it does."""
        chain, draw = draft.functions(), _draws(seed, "distractors")
        wanted = draw.randint(*self._rules.distractors)
        found: dict[int, None] = {}
        for function in self._around.nearby(chain, draw) if wanted else ():
            if not self._around.alike(function, chain):
                found[function] = None
            if len(found) == wanted:
                break
        return [*(one for one in chain if one not in draft.withheld), *found]


_Operation = Literal[
    "kind", "irrelevance", "branch", "merge", "insert", "function", "parameter", "distractors"
]


def _draws(seed: int, operation: _Operation) -> random.Random:
    return stream(seed, "chain", operation)
