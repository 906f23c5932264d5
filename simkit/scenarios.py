"""From the configuration to the scenarios of a run: catalog, graph, walks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from simkit.config import RunConfig
from simkit.dialogue_plans import DialoguePlanner
from simkit.graph.catalog import Catalog
from simkit.graph.chains.planner import Planner
from simkit.graph.chains.rules import ChainRules
from simkit.graph.embed import Embedder
from simkit.graph.function_graph import FunctionGraph, Summary
from simkit.graph.walk import Outcomes, Walker
from simkit.graph_building import (
    OnProgress,
    build_graph,
    extend_graph,
    read_catalog,
    under_free_names,
)
from simkit.traces.functions import Function
from simkit.traces.records import Scenario
from simkit.traces.seeds import derive_seed

_NO_CATALOG = Catalog(functions=(), rejected=(), merges=(), files=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What conversations are drawn from."""

    graph: FunctionGraph
    walker: Walker
    planner: Planner
    dialogues: DialoguePlanner
    seed: int
    """Of the run."""
    facts: Mapping[str, str]
    """What is worth knowing about the catalog and the graph, for the report of a run; empty
    where it is known from before."""

    def scenarios(
        self, count: int, done: Collection[int] = (), outcomes: Outcomes | None = None
    ) -> Iterator[Scenario]:
        """The scenarios numbered below *count*, in order, without those *done*.

        Walks are drawn for all of them up to the last that is not done, but only what is given
        is planned: planning takes a millisecond or two each, and a run that is resumed may have
        done most.

        Args:
            outcomes: Steers the walks, see `Walker.walks`.
        """
        while count and count - 1 in done:  # outcomes for their walks may not be known yet
            count -= 1
        for number, walk in enumerate(islice(self.walker.walks(outcomes), count)):
            if number not in done:
                seed = derive_seed(self.seed, "scenario", number)
                yield self.dialogues.planned(self.planner.scenario(number, seed, walk))


def _catalog_facts(catalog: Catalog) -> dict[str, str]:
    rejected = Counter(rejection.reason for rejection in catalog.rejected)
    return {
        "functions_rejected": f"{sum(file.rejected for file in catalog.files):,}{_most(rejected)}",
        "functions_merged": f"{catalog.merged:,}",
        "functions_repaired": f"{sum(catalog.repaired.values()):,}{_most(catalog.repaired)}",
    }


def _graph_facts(graph: Summary, min_length: int) -> dict[str, str]:
    return {
        "functions": f"{graph.functions:,}",
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
    tools: tuple[Function, ...] = (),
) -> Ground:
    """Read the catalogs and build the graph, or read the graph, and be ready to walk it.

    Args:
        on_progress: Hears how many parameter texts are embedded, and of how many.
        hosted: What `open_embedder` gives, when the configured embedder is "provider".
        tools: Functions that really run, beside those of the catalogs or the graph.

    Raises:
        CatalogError, GraphError: A catalog or the graph cannot be used.
        EmbedderUnavailable: The configured embedder is not installed.
        ProviderError: The provider did not embed a text.

    Takes seconds for thousands of functions; run it in a thread.
    """
    if config.graph.file is not None:
        graph = FunctionGraph.load(config.graph.file)
        if tools:
            named = under_free_names(tools, graph.functions)
            graph = extend_graph(graph, named, config, on_progress, hosted)
        return _ground(graph, config, _graph_facts(graph.summary(), config.walk.min_length))
    section = config.catalog
    has_catalog = bool(section.paths or section.demo or not tools)
    catalog = read_catalog(section) if has_catalog else _NO_CATALOG
    graph = build_graph(catalog, config, on_progress, hosted, tools)
    facts = _catalog_facts(catalog) | _graph_facts(graph.summary(), config.walk.min_length)
    return _ground(graph, config, facts)


def ground_of(graph_path: Path, config: RunConfig) -> Ground:
    """What *config* draws from the graph in a file: that of a run, or of `simkit graph build`.

    Raises:
        GraphError: The file is missing or damaged.
    """
    return _ground(FunctionGraph.load(graph_path), config, {})


def _ground(graph: FunctionGraph, config: RunConfig, facts: Mapping[str, str]) -> Ground:
    walker = Walker(graph, seed=config.run.seed, **config.walk.rules)
    planner = Planner(graph, ChainRules(**config.chain.model_dump(exclude={"gate"})))
    return Ground(
        graph=graph,
        walker=walker,
        planner=planner,
        dialogues=DialoguePlanner(config.dialogue),
        seed=config.run.seed,
        facts=facts,
    )
