"""A whole run whose functions really run, and what can be done with it without them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from textwrap import dedent
from typing import Any

import anyio
import orjson
import pytest

from simkit.bus import Bus
from simkit.config import ConfigError, RunConfig
from simkit.config_file import load_config
from simkit.fork import open_fork
from simkit.fork_config import fork_config
from simkit.replay import replay_run
from simkit.run import run
from simkit.standin.brain import ScriptedBrain
from simkit.standin.server import running
from simkit.standin.settings import StandinSettings
from simkit.traces.run_reader import RunReader, StoredTrajectory

TOOLS = """
    from typing import TypedDict

    class Place(TypedDict):
        place_id: str
        city: str

    class Weather(TypedDict):
        place_id: str
        signature: str

    def find_place(city: str) -> Place:
        '''Find a place by the name of its city.'''
        return {"place_id": "P-" + city[::-1], "city": city}

    def get_weather(place_id: str) -> Weather:
        '''Get the weather of a place by its id.'''
        return {"place_id": place_id, "signature": "really ran " + place_id[::-1]}

    TOOLS = [find_place, get_weather]
"""
CATALOG = [
    {
        "name": "find_place",
        "description": "Find a hotel in the catalog of hotels.",
        "parameters": {
            "type": "object",
            "properties": {"stars": {"type": "integer", "description": "How many stars."}},
            "required": ["stars"],
        },
    }
]
CONVERSATIONS = 6


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, its catalog and its file of functions; only to be read."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "weather.py").write_text(dedent(TOOLS))
    (folder / "hotels.json").write_bytes(orjson.dumps(CATALOG))
    anyio.run(play, folder)
    return folder


async def play(folder: Path, name: str = "run", **options: Any) -> None:
    async with running(StandinSettings(), ScriptedBrain()) as base_url:
        await run(configured(folder, base_url, **options), folder / name, Bus())


def configured(folder: Path, base_url: str, **options: Any) -> RunConfig:
    fixed = {
        "catalog.paths": [folder / "hotels.json"],
        "tools.python": [folder / "weather.py"],
        "provider.base_url": base_url,
        "graph.embedder": "lexical",
        "model.name": "standin",
        "walk.min_length": 1,
        "walk.max_length": 2,
        "run.conversations": CONVERSATIONS,
        "filters.judge": False,
    }
    given = {key.replace("__", "."): value for key, value in options.items()}
    return load_config(None, fixed | given)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def stored(directory: Path) -> list[StoredTrajectory]:
    with RunReader(directory / "run.db") as reader:
        found = [reader.trajectory(number) for number in reader.played()]
    return [one for one in found if one is not None]


def results(directory: Path) -> list[tuple[str, Any]]:
    """Name of the function and its result, for each call of a run."""
    found = []
    for one in stored(directory):
        calls = {call.id: call for m in one.trajectory.messages for call in m.tool_calls}
        found += [
            (calls[message.tool_call_id].name, orjson.loads(message.content))
            for message in one.trajectory.messages
            if message.tool_call_id is not None
        ]
    return found


def recorded(directory: Path) -> dict[str, int]:
    select = "SELECT model, count(*) FROM calls WHERE role = 'tool' GROUP BY model"
    with closing(sqlite3.connect(directory / "run.db")) as database:
        return dict(database.execute(select))


def test_what_is_stored_is_what_the_functions_gave(made: Path) -> None:
    given = results(made / "run")
    weather = [result for name, result in given if name == "get_weather"]
    assert weather
    assert all(
        result["signature"] == "really ran " + result["place_id"][::-1] for result in weather
    )
    renamed = [result for name, result in given if name == "find_place_2"]  # a catalog had the name
    assert renamed
    assert all(result["place_id"] == "P-" + result["city"][::-1] for result in renamed)
    assert recorded(made / "run")["python"] == len(weather) + len(renamed)


async def test_it_is_replayed_without_the_file(made: Path) -> None:
    path = made / "weather.py"
    away = path.rename(made / "away.py")
    try:
        report = await replay_run(made / "run")
    finally:
        away.rename(path)
    assert report.is_identical
    assert report.conversations["identical"] == CONVERSATIONS


async def test_it_goes_on_with_the_same_file_only(made: Path) -> None:
    before = recorded(made / "run")
    await play(made, tools__workers=1)  # which is about the pace
    assert recorded(made / "run") == before
    path = made / "weather.py"
    content = path.read_text()
    path.write_text(content + "\n# changed\n")
    try:
        with pytest.raises(ConfigError, match=r"another content of .*weather\.py"):
            await play(made)
    finally:
        path.write_text(content)
    with pytest.raises(ConfigError, match=r"tools\.timeout_seconds"):
        await play(made, tools__timeout_seconds=1.0)


async def test_a_fork_runs_the_functions_again(made: Path, tmp_path: Path) -> None:
    chosen = next(
        one.trajectory
        for one in stored(made / "run")
        if any("signature" in message.content for message in one.trajectory.messages)
    )
    turn = next(at for at, m in enumerate(chosen.messages) if m.role == "assistant")
    async with running(StandinSettings(), ScriptedBrain()) as base_url:
        config = fork_config(made / "run" / "run.toml", 1, {}, base_url=base_url)
        await open_fork(made / "run", chosen.scenario.number, turn).play(
            config, tmp_path / "fork", Bus()
        )
    assert recorded(tmp_path / "fork")["python"]


async def test_a_run_needs_no_catalog_beside_the_file(made: Path) -> None:
    await play(made, "alone", catalog__paths=[], run__conversations=2)
    assert set(recorded(made / "alone")) == {"python"}


async def test_a_file_that_cannot_be_used_stops_before_anything_is_asked(made: Path) -> None:
    broken = made / "broken.py"
    broken.write_text("def f(x): ...\nTOOLS = [f]\n")
    # Nobody answers there, which would be told if it were asked.
    config = configured(made, "http://127.0.0.1:9/v1", tools__python=[broken])
    with pytest.raises(ConfigError, match=r"broken\.py: f: the parameter x has no type hint"):
        await run(config, made / "never", Bus())
    assert "never" not in names(made)
