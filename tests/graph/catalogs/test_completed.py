"""Functions that simkit wrote down itself are read as they were."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from simkit.graph.catalog import CatalogError, read_catalogs
from simkit.graph.catalogs.completed import line_of
from simkit.traces.functions import Function


def test_a_function_is_read_back_as_it_was_written(
    a_function: Callable[..., Function], tmp_path: Path
) -> None:
    functions = (
        a_function(outputs_origin="inferred"),
        a_function(name="b", description="Something else altogether.", licence=None, source="x"),
        a_function(
            name="book_a_flight",
            original_name="book a flight",
            description="Book a seat on a flight.",
            outputs=None,
            outputs_origin="absent",
        ),
    )
    path = tmp_path / "functions.jsonl"
    path.write_bytes(b"".join(map(line_of, functions)))
    assert read_catalogs([path]).functions == functions


def test_a_line_of_another_version_is_refused_with_its_version(
    a_function: Callable[..., Function], tmp_path: Path
) -> None:
    path = tmp_path / "functions.jsonl"
    path.write_bytes(line_of(a_function()).replace(b'"version":1', b'"version":2'))
    with pytest.raises(CatalogError, match="is of version 2, not 1"):
        read_catalogs([path])
