"""The labelled sets in ``../shared/data``: where their catalogs are, and their gold pairs."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from simkit.graph.catalog import read_catalogs
from simkit.traces.functions import Function
from tests.bench.edges import api_bank, nestful, restbench, seal_tools, taskbench
from tests.bench.edges.feeding import Feeding

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """A catalog, and what of it feeds what."""

    name: str
    catalog: Path
    read_feedings: Callable[[Path], list[Feeding]]
    """Given the catalog's folder."""
    measures: bool = True
    """Counts in the mean over the sets."""

    def functions(self) -> Sequence[Function]:
        return read_catalogs([self.catalog]).functions

    def feedings(self) -> list[Feeding]:
        return self.read_feedings(self.catalog.parent)


def _nestful(folder: Path) -> list[Feeding]:
    return nestful.feedings(_lines(folder / "executable_data.jsonl.gz"))


def _seal_tools(folder: Path) -> list[Feeding]:
    return seal_tools.feedings(_lines(folder / "dev.jsonl.gz"), _lines(folder / "tools.jsonl.gz"))


def _api_bank(folder: Path) -> list[Feeding]:
    return api_bank.feedings(_lines(folder / "dialogs.jsonl.gz"))


def _restbench(folder: Path) -> list[Feeding]:
    solutions = [row["solution"] for row in _value(folder / "spotify.json")]
    names = restbench.operation_names(_value(folder / "spotify_oas.json.gz"))
    return restbench.feedings(solutions, names)


def _taskbench(folder: Path) -> list[Feeding]:
    return taskbench.feedings(_value(folder / "dailylifeapis_graph_desc.json"))


SETS = (
    LabelledSet("NESTful", DATA / "nestful" / "executable_spec.json.gz", _nestful),
    LabelledSet("Seal-Tools", DATA / "seal_tools" / "tools.jsonl.gz", _seal_tools),
    LabelledSet("API-Bank", DATA / "api_bank" / "all_apis.csv", _api_bank),
    LabelledSet("RestBench", DATA / "restbench_spotify" / "spotify_oas.json.gz", _restbench),
    LabelledSet(
        "TaskBench", DATA / "taskbench" / "dailylifeapis_tool_desc.json", _taskbench, measures=False
    ),
)


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content


def _value(path: Path) -> Any:
    return orjson.loads(_content(path))


def _lines(path: Path) -> list[Any]:
    return [orjson.loads(line) for line in _content(path).splitlines()]
