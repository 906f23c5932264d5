"""From catalogs to scenarios: what a run says about the ground it stands on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simkit.config import CatalogSection, ChainSection, GraphSection, RunConfig, WalkSection
from simkit.graph.walk import BLOCK
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


def test_the_rates_of_the_configuration_decide_what_scenarios_hold() -> None:
    ground = prepare(
        RunConfig(
            catalog=CatalogSection(demo=True),
            graph=GraphSection(embedder="lexical"),
            chain=ChainSection(
                irrelevance_rate=1.0, missing_function_rate=0.0, missing_parameter_rate=0.0
            ),
        )
    )
    scenarios = list(ground.scenarios(20))
    assert {one.kind for one in scenarios} == {"irrelevance"}
    assert [one.number for one in scenarios] == list(range(20))
    assert scenarios[10:] == list(ground.scenarios(20, done=range(10)))


def test_what_is_done_at_the_end_needs_no_outcomes() -> None:
    """
    The last walks of a run that goes on are not drawn: their outcomes may still be open.
    """
    config = RunConfig(
        catalog=CatalogSection(demo=True),
        graph=GraphSection(embedder="lexical"),
        walk=WalkSection(yield_lag=0),
    )

    def unknown(first: int, stop: int) -> list[bool | None]:
        raise AssertionError(f"asked for {first} to {stop}")

    done = range(9, 2 * BLOCK)
    scenarios = list(prepare(config).scenarios(2 * BLOCK, done, outcomes=unknown))
    assert [one.number for one in scenarios] == list(range(9))
