"""Pairs of OpenAPI documents, from their paths: ``/albums/{id}`` is fed by what is at ``/albums``.

A parameter in a path names one of what the path before it lists (GET) or makes (POST), where
that operation declares what it gives. By rule, not by people: the right producer is of the
same resource always, and others that would do are not named.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from simkit.graph.catalog import read_catalogs
from simkit.traces.functions import Function
from tests.bench.edges.feeding import Feeding, distinct
from tests.bench.edges.gold import Gold, questions_about

_METHODS = ("get", "post", "put", "patch", "delete")
_GIVERS = ("get", "post")
_IN_PATH = re.compile(r"/\{([^}]+)\}")
_FEWEST_QUESTIONS = 5
_MOST_QUESTIONS = 40
"""Of one document, evenly from all: big ones say the same again and again."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A document, and what its paths ask."""

    name: str
    functions: Sequence[Function]
    gold: Gold


def labelled_documents(path: Path) -> Iterator[Labelled]:
    """Those in the gzipped JSON Lines at *path* whose paths ask enough."""
    for line in gzip.decompress(path.read_bytes()).splitlines():
        row = orjson.loads(line)
        pairs = _some(feedings(row["spec"]))
        if len(pairs) < _FEWEST_QUESTIONS:
            continue
        functions = _functions(row["spec"])
        gold = questions_about(functions, pairs)
        if len(gold.questions) >= _FEWEST_QUESTIONS:
            yield Labelled(row["file"], functions, gold)


def feedings(spec: Mapping[str, Any]) -> list[Feeding]:
    """What feeds what in the OpenAPI document *spec*."""
    operations = _operations(spec)
    return distinct(
        [
            Feeding(name, found[1], operations[method, before]["operationId"])
            for (_, path), operation in operations.items()
            for found in _IN_PATH.finditer(path)
            for before, name in ((path[: found.start()], operation["operationId"]),)
            for method in _GIVERS
            if _gives(operations.get((method, before), {}))
        ]
    )


def _operations(spec: Mapping[str, Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """By method and path; those that have a name."""
    return {
        (method, path.rstrip("/")): item[method]
        for path, item in spec["paths"].items()
        if path.startswith("/")  # others are extensions
        for method in _METHODS
        if "operationId" in item.get(method, {})
    }


def _gives(operation: Mapping[str, Any]) -> bool:
    """Whether a response of success has a schema, or refers to one."""
    good = [reply for code, reply in operation.get("responses", {}).items() if code[0] == "2"]
    return any("content" in reply or "$ref" in reply for reply in good)


def _some(pairs: list[Feeding]) -> list[Feeding]:
    """All pairs of some of the parameters."""
    asked = sorted({(pair.consumer, pair.parameter) for pair in pairs})
    kept = set(asked[:: max(1, -(-len(asked) // _MOST_QUESTIONS))])
    return [pair for pair in pairs if (pair.consumer, pair.parameter) in kept]


def _functions(spec: Mapping[str, Any]) -> Sequence[Function]:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "openapi.json"
        file.write_bytes(orjson.dumps(spec))
        return read_catalogs([file]).functions
