"""From catalogs to scenarios: what a run says about the ground it stands on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simkit.config import CatalogSection, GraphSection, RunConfig, WalkSection
from simkit.scenarios import prepare


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vectors are cached beside the test's files, not in the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def edges_noted(path: Path, *, min_length: int) -> str:
    config = RunConfig(
        catalog=CatalogSection(paths=(path,)),
        graph=GraphSection(embedder="lexical"),
        walk=WalkSection(min_length=min_length, max_length=9),
    )
    return prepare(config).facts["graph_edges"]


def test_a_graph_too_small_for_the_chains_asked_for_is_noted(tmp_path: Path) -> None:
    """Chains are then shorter than the configuration says, and the run's report tells why."""
    path = tmp_path / "tools.json"
    tools = [
        {"name": name, "description": about, "inputSchema": {"type": "object"}}
        for name, about in (("play_music", "Plays a song."), ("paint", "Paints a wall."))
    ]
    path.write_text(json.dumps({"tools": tools}))

    assert edges_noted(path, min_length=5) == "0 (too few for chains of 5; none is longer than 1)"
    assert edges_noted(path, min_length=1) == "0"


def test_an_embedder_that_was_not_opened_is_not_replaced_by_another() -> None:
    """
    A graph says by its embedder's name what its scores mean.
    """
    config = RunConfig(catalog=CatalogSection(demo=True), graph=GraphSection(embedder="provider"))
    with pytest.raises(ValueError, match="must be opened"):
        prepare(config)
