"""From the configuration to the scenarios of a run: catalog, graph, walks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from simkit.config import CatalogSection, RunConfig
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

    graph: FunctionGraph
    walker: Walker
    facts: Mapping[str, str]
    """What is worth knowing about the catalog and the graph, for the report of a run; empty
    where it is known from before."""


def _facts(catalog: Catalog, graph: Summary, min_length: int) -> dict[str, str]:
    rejected = Counter(rejection.reason for rejection in catalog.rejected)
    return {
        "functions": f"{graph.functions:,}",
        "functions_rejected": f"{len(catalog.rejected):,}{_most(rejected)}",
        "functions_merged": f"{catalog.merged:,}",
        "functions_repaired": f"{sum(catalog.repaired.values()):,}{_most(catalog.repaired)}",
        "graph_edges": f"{graph.edges:,}{_too_few(graph, min_length)}",
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


def prepare(
    config: RunConfig,
    on_progress: OnProgress = None,
    hosted: Embedder | None = None,
) -> Ground:
    """Read the catalogs, build the graph, and be ready to walk it.

    Args:
        on_progress: Hears how many parameter texts are embedded, and of how many.
        hosted: What `open_embedder` gives, when the configured embedder is "provider".

    Raises:
        CatalogError: A catalog cannot be used.
        EmbedderUnavailable: The configured embedder is not installed.
        ProviderError: The provider did not embed a text.

    Takes seconds for thousands of functions; run it in a thread.
    """
    catalog = read_catalog(config.catalog)
    graph = build_graph(catalog, config, on_progress, hosted)
    return Ground(
        graph=graph,
        walker=_walker(graph, config),
        facts=_facts(catalog, graph.summary(), config.walk.min_length),
    )


def ground_of(graph_path: Path, config: RunConfig) -> Ground:
    """What an earlier part of the run drew from: its graph, walked from the start again.

    Raises:
        GraphError: The file is missing or damaged.
    """
    graph = FunctionGraph.load(graph_path)
    return Ground(graph=graph, walker=_walker(graph, config), facts={})


def _walker(graph: FunctionGraph, config: RunConfig) -> Walker:
    return Walker(
        graph,
        seed=config.run.seed,
        min_length=config.walk.min_length,
        max_length=config.walk.max_length,
    )


def read_catalog(section: CatalogSection) -> Catalog:
    """All catalogs of the configuration as one."""
    return read_catalogs(section.paths, demo=section.demo)


def build_graph(
    catalog: Catalog,
    config: RunConfig,
    on_progress: OnProgress = None,
    hosted: Embedder | None = None,
) -> FunctionGraph:
    """The function graph of *catalog*; parameter vectors come from the cache where known.

    For the arguments and the errors see `prepare`.
    """
    return FunctionGraph.build(
        catalog.functions,
        _make_embedder(config, on_progress, hosted),
        min_cosine=config.graph.min_cosine,
        max_out_edges=config.graph.max_out_edges,
    )


def _make_embedder(config: RunConfig, on_progress: OnProgress, hosted: Embedder | None) -> Embedder:
    """The configured embedder, behind the cache."""
    path = default_cache_path()
    match config.graph.embedder:
        case "minilm":
            from simkit.graph.minilm import MiniLM  # loads 23 MB of weights

            return CachedEmbedder(MiniLM(), path, on_progress=on_progress)
        case "lexical":
            return CachedEmbedder(Lexical(), path, on_progress=on_progress)
        case "provider":
            from simkit.provider_embedder import CHUNK

            if hosted is None:
                raise ValueError('the embedder "provider" must be opened and handed in')
            return CachedEmbedder(hosted, path, chunk=CHUNK, on_progress=on_progress)
