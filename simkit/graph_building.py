"""From the configuration to a function graph: catalogs, inferred outputs, embedder, rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import orjson

from simkit.config import CatalogSection, GraphSection, RunConfig
from simkit.graph.affinity import DEFAULT
from simkit.graph.affinity_file import load_affinity
from simkit.graph.catalog import Catalog, read_catalogs
from simkit.graph.catalogs.names import UniqueNames
from simkit.graph.edge_rules import AffinityRule, EdgeRule, PapersRule
from simkit.graph.embed import CachedEmbedder, Embedder, default_cache_path
from simkit.graph.function_graph import FunctionGraph
from simkit.graph.inferred_outputs import with_inferred_outputs
from simkit.graph.lexical import Lexical
from simkit.graph.prepared_folder import PreparedFolder
from simkit.traces.functions import Function

OnProgress = Callable[[int, int], None] | None
"""Hears how much is done, and of how much."""


def read_catalog(section: CatalogSection) -> Catalog:
    """All catalogs of the configuration as one."""
    return read_catalogs(section.paths, demo=section.demo, near=section.merge_near)


def functions_of(
    catalog: Catalog, section: CatalogSection, more: Sequence[Function] = ()
) -> tuple[Function, ...]:
    """The functions of *catalog*, and *more* after them under names that are free.

    With inferred outputs where none are declared, if asked for.
    """
    functions = (*catalog.functions, *under_free_names(more, catalog.functions))
    return with_inferred_outputs(functions) if section.infer_outputs else functions


def build_graph(
    catalog: Catalog,
    config: RunConfig,
    on_progress: OnProgress = None,
    hosted: Embedder | None = None,
    more: Sequence[Function] = (),
) -> FunctionGraph:
    """The function graph of *catalog*; vectors come from the cache where they are known.

    Args:
        on_progress: Hears how many texts are embedded, and of how many.
        hosted: What `open_embedder` gives, when the configured embedder is "provider".
        more: Functions that are in no catalog.

    Raises:
        EmbedderUnavailable: The configured embedder is not installed.
        AffinityError: The file of weights cannot be used.
        ProviderError: The provider did not embed a text.

    Takes seconds for thousands of functions, minutes where nothing is in the cache; run it
    in a thread.
    """
    return FunctionGraph.build(
        functions_of(catalog, config.catalog, more),
        make_embedder(config, on_progress, hosted),
        rule=edge_rule(config.graph),
        max_out_edges=config.graph.max_out_edges,
        max_in_edges=config.graph.max_in_edges,
        folder=prepared_folder(),
    )


def edge_rule(section: GraphSection) -> EdgeRule:
    """What decides about edges, as configured.

    Raises:
        AffinityError: The file of weights cannot be used.
    """
    if section.rule == "similarity":
        return PapersRule(section.min_score)
    affinity = DEFAULT if section.affinity is None else load_affinity(section.affinity)
    if section.min_score is None:
        return AffinityRule(affinity)
    return AffinityRule(affinity, section.min_score)


def make_embedder(
    config: RunConfig, on_progress: OnProgress = None, hosted: Embedder | None = None
) -> Embedder:
    """The configured embedder, behind the cache.

    Raises:
        EmbedderUnavailable: It is not installed.
    """
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


def new_functions(graph: FunctionGraph, catalog: Catalog) -> tuple[Function, ...]:
    """The functions of *catalog* that *graph* does not have, under names that are free."""
    known = {_content(function) for function in graph.functions}
    new = (function for function in catalog.functions if _content(function) not in known)
    return under_free_names(new, graph.functions)


def under_free_names(
    functions: Iterable[Function], others: Iterable[Function]
) -> tuple[Function, ...]:
    """*functions* under names that neither *others* nor earlier ones have."""
    names = UniqueNames()
    for other in others:
        names.claim(other.name)
    return tuple(_renamed(function, names.claim(function.name)) for function in functions)


def extend_graph(
    graph: FunctionGraph,
    functions: tuple[Function, ...],
    config: RunConfig,
    on_progress: OnProgress = None,
    hosted: Embedder | None = None,
) -> FunctionGraph:
    """*graph* with *functions* added; errors as of `build_graph`.

    Raises:
        GraphError: The graph was built with another rule, other weights or another embedder.
    """
    if config.catalog.infer_outputs:
        functions = with_inferred_outputs(functions, among=graph.functions)
    return graph.extended(
        functions,
        make_embedder(config, on_progress, hosted),
        rule=edge_rule(config.graph),
        folder=prepared_folder(),
    )


def prepared_folder() -> PreparedFolder:
    """Where what is known of functions is kept between runs: beside the cache of vectors."""
    return PreparedFolder(default_cache_path().parent / "prepared")


def _content(function: Function) -> tuple[str, str, bytes]:
    name = function.original_name or function.name
    parameters = orjson.dumps(function.parameters, option=orjson.OPT_SORT_KEYS)
    return name, function.description, parameters


def _renamed(function: Function, name: str) -> Function:
    if name == function.name:
        return function
    return replace(function, name=name, original_name=function.original_name or function.name)
