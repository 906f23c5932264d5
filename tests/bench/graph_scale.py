"""20,000 functions: what a graph costs beside the embedding and one product of its vectors.

The functions are those of ``../shared/data`` where it is there, else those that come with
simkit, with variations up to the number. Each text is embedded once in the run, into a
cache of its own; what the paper's rule needs of it is the baseline's. Functions that are added
are compared with a graph of them alone; their texts are embedded anew for either.
"""

from __future__ import annotations

import random
import resource
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simkit.graph.catalog import demo_catalog, read_catalogs
from simkit.graph.embed import CachedEmbedder
from simkit.graph.function_graph import FunctionGraph
from simkit.graph.inferred_outputs import with_inferred_outputs
from simkit.graph.minilm import MiniLM
from simkit.graph.parameters import inputs_of, outputs_of
from simkit.graph.prepared_folder import PreparedFolder
from simkit.traces.functions import Function
from tests.bench.row import Row

FUNCTIONS = 20_000
ADDED = 100
_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
_BLOCK = 1_000


class Timed:
    """An embedder that counts the seconds it takes."""

    def __init__(self, inner: CachedEmbedder) -> None:
        self._inner = inner
        self.seconds = 0.0

    @property
    def name(self) -> str:
        return self._inner.name

    @property
    def default_min_cosine(self) -> float:
        return self._inner.default_min_cosine

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        started = time.perf_counter()
        vectors = self._inner.embed(texts)
        self.seconds += time.perf_counter() - started
        return vectors


def measure() -> list[Row]:
    """Build a graph of 20,000 functions, then add 100; ten minutes, most of them embedding."""
    functions = with_inferred_outputs(some_functions(FUNCTIONS + ADDED))
    first, new = functions[:FUNCTIONS], functions[FUNCTIONS:]
    with tempfile.TemporaryDirectory() as folder:
        model = MiniLM()
        embedder = Timed(CachedEmbedder(model, Path(folder) / "vectors.db"))
        prepared = PreparedFolder(Path(folder) / "prepared")
        bare = _bare(first, embedder)
        embedder.seconds = 0.0
        started = time.perf_counter()
        graph = FunctionGraph.build(first, embedder, folder=prepared)
        built = time.perf_counter() - started + bare.embedding
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000
        started = time.perf_counter()
        FunctionGraph.build(new, CachedEmbedder(model, Path(folder) / "others.db"))
        alone = time.perf_counter() - started
        started = time.perf_counter()
        grown = graph.extended(new, embedder, folder=prepared)
        added = time.perf_counter() - started
    return [
        Row(
            what=f"graph of {FUNCTIONS:,} functions",
            value=built,
            unit="s",
            baseline=bare.embedding + bare.product,
            baseline_name="embedding of descriptions and one product",
            aim="at most 2.5",
            note=f"{len(graph.targets):,} edges; peak {peak:,.0f} MB; "
            f"{built - bare.embedding - embedder.seconds:,.0f} s without embedding",
        ),
        Row(
            what=f"adding {ADDED} functions to it",
            value=added,
            unit="s",
            baseline=alone,
            baseline_name=f"a graph of the {ADDED} alone",
            aim="about 1-3",
            note=f"{len(grown.targets):,} edges; {built / added:,.0f} times faster than building",
        ),
    ]


class _Bare:
    def __init__(self, embedding: float, product: float) -> None:
        self.embedding = embedding
        self.product = product


def _bare(functions: Sequence[Function], embedder: Timed) -> _Bare:
    """Seconds of embedding what the paper's rule compares, and of comparing it, in blocks."""
    given = list(dict.fromkeys(one.text for one in outputs_of(functions)))
    taken = list(dict.fromkeys(one.text for one in inputs_of(functions)))
    vectors = embedder.embed([*given, *taken])
    outputs, inputs = vectors[: len(given)], np.ascontiguousarray(vectors[len(given) :].T)
    started = time.perf_counter()
    for start in range(0, len(outputs), _BLOCK):
        (outputs[start : start + _BLOCK] @ inputs).max(axis=0)
    return _Bare(embedder.seconds, time.perf_counter() - started)


def some_functions(number: int) -> list[Function]:
    """So many functions, the same each time: real ones first, then variations of them."""
    real = _real()[:number]
    draw = random.Random(5)
    return [*real, *(_varied(draw.choice(real), at) for at in range(number - len(real)))]


def _real() -> list[Function]:
    if not _DATA.is_dir():
        return list(demo_catalog().functions)
    folders = [path for path in sorted(_DATA.iterdir()) if path.is_dir()]
    return list(read_catalogs(folders, pass_over=True).functions)


def _varied(function: Function, number: int) -> Function:
    """*function* under another name, with parameters that say something else."""
    parameters = dict(function.parameters)
    parameters["properties"] = {
        name: {**schema, "description": f"{schema.get('description', name)} ({number % 97})"}
        if isinstance(schema, dict)
        else schema
        for name, schema in function.parameters["properties"].items()
    }
    return replace(function, name=f"v{number}_{function.name}"[:64], parameters=parameters)
