"""From the configuration to the scenarios of a run: catalog, graph, walks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simkit.config import CatalogSection, GraphSection, RunConfig
from simkit.graph.catalog import Catalog, read_catalogs
from simkit.graph.embed import CachedEmbedder, Embedder, default_cache_path
from simkit.graph.function_graph import FunctionGraph, Summary
from simkit.graph.lexical import Lexical
from simkit.graph.walk import Walker

OnProgress = Callable[[int, int], None] | None
"""Hears how much is done, and of how much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What conversations are drawn from."""

    catalog: Catalog
    graph: FunctionGraph
    walker: Walker
    min_length: int
    """Functions that a chain should have, at least."""


def facts(ground: Ground) -> dict[str, str]:
    """What is worth knowing about *ground*, for the report of a run."""
    catalog, graph = ground.catalog, ground.graph.summary()
    rejected = Counter(rejection.reason for rejection in catalog.rejected)
    return {
        "functions": f"{graph.functions:,}",
        "functions_rejected": f"{len(catalog.rejected):,}{_most(rejected)}",
        "functions_merged": f"{catalog.merged:,}",
        "functions_repaired": f"{sum(catalog.repaired.values()):,}{_most(catalog.repaired)}",
        "graph_edges": f"{graph.edges:,}{_too_few(graph, ground.min_length)}",
    }


def _too_few(graph: Summary, min_length: int) -> str:
    """In brackets, that no chain can be as long as asked for, if so."""
    linked = max(graph.components, default=0)
    if linked >= min_length:
        return ""
    return f" (too few for chains of {min_length}; none is longer than {linked})"


def _most(counted: Mapping[str, int], most: int = 3) -> str:
    shown = [f"{name} {number:,}" for name, number in Counter(counted).most_common(most)]
    return f" ({', '.join(shown)})" if shown else ""


def prepare(config: RunConfig, on_progress: OnProgress = None) -> Ground:
    """Read the catalogs, build the graph, and be ready to walk it.

    *on_progress* hears how many parameter texts are embedded, and of how many.

    Raises:
        CatalogError: A catalog cannot be used.
        EmbedderUnavailable: The configured embedder is not installed.

    Takes seconds for thousands of functions; run it in a thread.
    """
    catalog = read_catalog(config.catalog)
    graph = build_graph(catalog, config.graph, on_progress)
    walker = Walker(
        graph,
        seed=config.run.seed,
        min_length=config.walk.min_length,
        max_length=config.walk.max_length,
    )
    return Ground(catalog=catalog, graph=graph, walker=walker, min_length=config.walk.min_length)


def read_catalog(section: CatalogSection) -> Catalog:
    """All catalogs of the configuration as one."""
    return read_catalogs(section.paths, demo=section.demo)


def build_graph(
    catalog: Catalog, section: GraphSection, on_progress: OnProgress = None
) -> FunctionGraph:
    """The function graph of *catalog*; parameter vectors come from the cache where known."""
    embedder = CachedEmbedder(
        make_embedder(section.embedder), default_cache_path(), on_progress=on_progress
    )
    return FunctionGraph.build(
        catalog.functions,
        embedder,
        min_cosine=section.min_cosine,
        max_out_edges=section.max_out_edges,
    )


def make_embedder(name: str) -> Embedder:
    """The embedder that the configuration calls *name*."""
    if name == "minilm":
        from simkit.graph.minilm import MiniLM  # loads 23 MB of weights

        return MiniLM()
    return Lexical()
