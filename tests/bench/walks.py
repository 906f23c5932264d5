"""Weighted walks of 5 to 20 functions beside igraph's own."""

from __future__ import annotations

import random
import time

import igraph
import numpy as np

from simkit.graph.walk import Walker
from tests.bench.row import Row
from tests.graph.linked import LinkedFunctions, a_function

FUNCTIONS = 20_000
WAYS = 20
IN_DOMAIN = 15
DOMAIN = 40
WALKS = 100_000
OF_IGRAPH = 200
"""Enough to time walks that take milliseconds each."""


def measure() -> list[Row]:
    graph = _graph()
    baseline = _igraph_walks_per_second(graph)
    return [
        _row("walks", graph, baseline, coherence=0, coverage=0, target_share=0),
        _row("walks that hang together, spread and are led", graph, baseline),
    ]


def _graph() -> LinkedFunctions:
    """Functions of domains of 40; three quarters of their edges stay inside."""
    draw = np.random.default_rng(1)
    first = np.arange(FUNCTIONS)[:, None] // DOMAIN * DOMAIN
    others = draw.permuted(np.tile(np.arange(DOMAIN), (FUNCTIONS, 1)), axis=1)[:, :IN_DOMAIN]
    outside = draw.integers(0, FUNCTIONS, (FUNCTIONS, WAYS - IN_DOMAIN))
    return LinkedFunctions(
        functions=[a_function(f"f{index}") for index in range(FUNCTIONS)],
        domains=[f"d{index // DOMAIN}" for index in range(FUNCTIONS)],
        row_starts=np.arange(FUNCTIONS + 1) * WAYS,
        targets=np.hstack([first + others, outside]).ravel(),
        scores=draw.uniform(0.5, 1, FUNCTIONS * WAYS),
    )


def _igraph_walks_per_second(graph: LinkedFunctions) -> float:
    sources = np.repeat(np.arange(FUNCTIONS), WAYS)
    edges = np.column_stack([sources, graph.targets]).tolist()
    theirs = igraph.Graph(n=FUNCTIONS, edges=edges, directed=True)
    theirs.es["weight"] = (graph.scores**5).tolist()
    draw = random.Random(1)
    began = time.perf_counter()
    for _ in range(OF_IGRAPH):
        theirs.random_walk(draw.randrange(FUNCTIONS), draw.randint(5, 20), weights="weight")
    return OF_IGRAPH / (time.perf_counter() - began)


def _row(what: str, graph: LinkedFunctions, baseline: float, **rules: float) -> Row:
    began = time.perf_counter()
    walker = Walker(graph, seed=1, **rules)
    ready = time.perf_counter()
    report = walker.report(WALKS)
    seconds = time.perf_counter() - ready
    return Row(
        what=f"{what}, {FUNCTIONS:,} functions of {WAYS} edges",
        value=WALKS / seconds,
        baseline=baseline,
        baseline_name=f"igraph's random_walk, {OF_IGRAPH} of them",
        unit="/s",
        aim="at least 100",
        note=(
            f"{WALKS:,} walks in {seconds:.1f} s after {ready - began:.1f} s to get ready; "
            f"Gini of visits {report.gini:.2f}, {report.holding_share:.0%} of steps join kin, "
            f"{report.short:,} short"
        ),
    )
