"""The candidates of a saved graph, by the rule and the embedder that it was built with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from simkit.config import ConfigError
from simkit.graph.affinity_file import load_affinity
from simkit.graph.candidates import Candidates, candidates
from simkit.graph.embed import CachedEmbedder, Embedder, default_cache_path
from simkit.graph.function_graph import FunctionGraph
from simkit.graph.lexical import Lexical
from simkit.graph.same_rule import weights_of


def candidates_of(
    graph_file: Path, *, top: int, affinity: Path | None = None
) -> Iterator[Candidates]:
    """The *top* candidates of every input of the graph in *graph_file*.

    Args:
        affinity: File of the weights that the graph was built with; None for simkit's own, and
            for graphs by the paper's rule.

    Raises:
        GraphError, AffinityError, EmbedderUnavailable: A file or the embedder cannot be used, or
            the graph was built with other weights.
        ConfigError: The graph was built with an embedder that only a provider has.
    """
    graph = FunctionGraph.load(graph_file)
    weights = weights_of(graph.stored, None if affinity is None else load_affinity(affinity))
    return candidates(graph.functions, local_embedder(graph), weights, top=top)


def local_embedder(graph: FunctionGraph) -> Embedder:
    """The embedder that *graph* was built with, behind the cache.

    Raises:
        EmbedderUnavailable: It is not installed.
        ConfigError: It is not one of those that come with simkit.
    """
    wanted = graph.stored.embedder
    if wanted == Lexical.name:
        return CachedEmbedder(Lexical(), default_cache_path())
    from simkit.graph.minilm import MiniLM

    if wanted == MiniLM.name:
        return CachedEmbedder(MiniLM(), default_cache_path())
    raise ConfigError(
        f"the graph was built with the embedder {wanted!r}, which is not one of this machine's; "
        "build it again with --embedder minilm or lexical"
    )
