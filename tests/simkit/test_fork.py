"""Forks of real small runs, over HTTP against a stand-in."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import anyio.from_thread
import pytest
import structlog

from simkit.agents import PROMPTS
from simkit.bus import Bus
from simkit.cli.main import main
from simkit.config import ConfigError, RunConfig
from simkit.config_file import load_config
from simkit.foreign_tools import read_tools
from simkit.fork import open_fork
from simkit.fork_config import fork_config
from simkit.fork_point import ForkError, fork_point
from simkit.prompts import PromptsError
from simkit.replay import replay_run
from simkit.run import RunSummary, run
from simkit.standin.brain import ScriptedBrain
from simkit.standin.server import running
from simkit.standin.settings import StandinSettings
from simkit.traces.exports import export
from simkit.traces.foreign import Conversation, open_foreign
from simkit.traces.provider_errors import ModelUnknown
from simkit.traces.records import Message, ToolCall, Trajectory
from simkit.traces.run_directory import RunDirectoryError
from simkit.traces.run_reader import RunReader, StoredTrajectory

OPTIONS: dict[str, Any] = {
    "catalog.demo": True,
    "graph.embedder": "lexical",
    "model.name": "standin",
    "walk.min_length": 2,
    "walk.max_length": 4,
    "run.conversations": 6,
    "provider.retry_min_pause_seconds": 0.01,
}


@pytest.fixture(autouse=True)
def _restore_structlog() -> Iterator[None]:
    """Commands log to the stderr of their test, which later tests do not have."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@contextmanager
def standin() -> Iterator[str]:
    """A stand-in with two models, in a thread of its own."""
    settings = StandinSettings(models=("standin", "other"))
    with anyio.from_thread.start_blocking_portal() as portal:
        server = running(settings, ScriptedBrain(mistakes=0.0))
        with portal.wrap_async_context_manager(server) as base_url:
            yield base_url


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with standin() as base_url:
        yield base_url


@pytest.fixture(scope="module")
def parent(address: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that is over; only to be read."""
    directory = tmp_path_factory.mktemp("parent") / "first"
    anyio.run(run, load_config(None, {**OPTIONS, "provider.base_url": address}), directory, Bus())
    return directory


def stored(directory: Path) -> list[StoredTrajectory]:
    with RunReader(directory / "run.db") as reader:
        return list(reader.trajectories())


def call_counts(directory: Path) -> dict[tuple[str, str], int]:
    """Role and model to the number of calls."""
    with closing(sqlite3.connect(directory / "run.db")) as database:
        rows = database.execute("SELECT role, model, count(*) FROM calls GROUP BY 1, 2")
        return {(role, model): count for role, model, count in rows}


def answers(trajectory: Trajectory) -> list[int]:
    """Indexes of what the assistant tells the user."""
    return [
        index
        for index, message in enumerate(trajectory.messages)
        if message.role == "assistant" and not message.tool_calls
    ]


@pytest.fixture(scope="module")
def longest(parent: Path) -> Trajectory:
    """Of the kept conversations, one with several answers of the assistant."""
    kept = [s.trajectory for s in stored(parent) if s.verdict and s.verdict.outcome == "kept"]
    found = max(kept, key=lambda trajectory: len(answers(trajectory)))
    assert len(answers(found)) >= 2
    return found


def configured(parent: Path, count: int = 1, **changes: Any) -> RunConfig:
    return fork_config(parent / "run.toml", count, {}, **changes)


async def forked(
    parent: Path, number: int, turn: int, out: Path, config: RunConfig, **changes: Any
) -> RunSummary:
    return await open_fork(parent, number, turn, **changes).play(config, out, Bus())


async def test_a_fork_keeps_what_was_before_and_asks_the_other_model_for_the_rest(
    parent: Path, longest: Trajectory, tmp_path: Path
) -> None:
    number, turn = longest.scenario.number, answers(longest)[0]
    config = configured(parent, 3, roles=["assistant"], model="other")
    await forked(parent, number, turn, tmp_path / "fork", config)
    made = stored(tmp_path / "fork")
    assert [s.trajectory.scenario.number for s in made] == [0, 1, 2]
    assert len({s.trajectory.scenario.seed for s in made} | {longest.scenario.seed}) == 4
    assert len({s.trajectory.id for s in made} | {longest.id}) == 4
    for trajectory in (s.trajectory for s in made):
        assert trajectory.messages[:turn] == longest.messages[:turn]
        assert trajectory.intent == longest.intent
        assert trajectory.scenario.tools == longest.scenario.tools
        provenance = trajectory.provenance
        assert provenance.parent is not None
        assert provenance.parent.id == longest.id
        assert (provenance.parent.run, provenance.parent.turn) == ("first", turn)
        assert provenance.models["assistant"] == "other"
        assert provenance.models["user"] == "standin"
        assert provenance.notice == longest.provenance.notice
    asked = call_counts(tmp_path / "fork")
    assert asked["assistant", "other"] >= 3
    assert not any(role == "writer" for role, _ in asked)
    assert ("assistant", "standin") not in asked


async def test_the_run_file_and_the_database_name_the_parent(
    parent: Path, longest: Trajectory, tmp_path: Path
) -> None:
    await forked(parent, longest.scenario.number, 0, tmp_path / "fork", configured(parent))
    with RunReader(tmp_path / "fork" / "run.db") as reader:
        noted = json.loads(reader.meta()["parent"])
    assert (noted["run"], noted["id"], noted["turn"]) == ("first", longest.id, 0)
    assert f'"id":"{longest.id}"' in (tmp_path / "fork" / "run.toml").read_text()
    assert load_config(tmp_path / "fork" / "run.toml", {}) == configured(parent)


async def test_turns_of_the_parent_are_judged_there_and_masked_here(
    parent: Path, longest: Trajectory, tmp_path: Path
) -> None:
    """Its export has them; a fork would train on them again."""
    turn = answers(longest)[0] + 1
    config = configured(parent)
    await forked(parent, longest.scenario.number, turn, tmp_path / "fork", config)
    (made,) = stored(tmp_path / "fork")
    assert made.verdict is not None
    assert made.verdict.outcome == "kept"
    before = [ruling for ruling in made.verdict.turns if ruling.index < turn]
    assert before
    assert {ruling.reasons[0].check for ruling in before} == {"parents_turns"}
    assert any(ruling.ok for ruling in made.verdict.turns if ruling.index >= turn)
    with RunReader(tmp_path / "fork" / "run.db") as reader:
        rows = export(reader, "toolmind", tmp_path / "rows.jsonl").rows
        export(reader, "openai", tmp_path / "openai.jsonl")
    assert rows == sum(ruling.ok for ruling in made.verdict.turns)
    (line,) = (tmp_path / "openai.jsonl").read_text().splitlines()
    assert json.loads(json.loads(line)["metadata"])["parent"]["id"] == longest.id
    with open_foreign(tmp_path / "openai.jsonl", "openai", read_tools) as rows_read:
        (again,) = rows_read
    assert isinstance(again, Conversation)
    assert again.trajectory.provenance == made.trajectory.provenance


async def test_the_user_says_what_one_wants(
    parent: Path, longest: Trajectory, tmp_path: Path
) -> None:
    number, turn = longest.scenario.number, answers(longest)[0] + 1
    said = 'Actually, tell me <what> you\nhave "found" so far \x7f.'
    config = configured(parent)
    await forked(parent, number, turn, tmp_path / "fork", config, user_says=said)
    (made,) = stored(tmp_path / "fork")
    assert made.trajectory.messages[turn] == Message(role="user", content=said)
    assert made.trajectory.messages[turn + 1].role == "assistant"
    assert made.trajectory.provenance.parent is not None
    assert made.trajectory.provenance.parent.kept == turn + 1
    assert load_config(tmp_path / "fork" / "run.toml", {}) == config
    assert (await replay_run(tmp_path / "fork")).is_identical


async def test_of_conversations_that_are_no_forks_no_parent_is_stored(parent: Path) -> None:
    """So their bytes are those that were stored before there were forks."""
    with closing(sqlite3.connect(parent / "run.db")) as database:
        bodies = [body for (body,) in database.execute("SELECT body FROM trajectories")]
    assert len(bodies) == 6
    assert not any(b'"parent"' in body for body in bodies)
    assert (await replay_run(parent)).is_identical


async def test_a_fork_goes_on_where_it_stopped_and_takes_more_continuations(
    parent: Path, longest: Trajectory, tmp_path: Path
) -> None:
    number, turn = longest.scenario.number, answers(longest)[0]
    await forked(parent, number, turn, tmp_path / "steps", configured(parent, 2))
    with closing(sqlite3.connect(tmp_path / "steps" / "run.db")) as database, database:
        database.execute("PRAGMA foreign_keys = ON")
        database.execute("DELETE FROM trajectories WHERE scenario = 1")
    asked = call_counts(tmp_path / "steps")
    await forked(parent, number, turn, tmp_path / "steps", configured(parent, 2))
    assert call_counts(tmp_path / "steps") == asked
    await forked(parent, number, turn, tmp_path / "steps", configured(parent, 4))
    await forked(parent, number, turn, tmp_path / "at-once", configured(parent, 4))
    made = [[s.trajectory for s in stored(tmp_path / name)] for name in ("steps", "at-once")]
    assert made[0] == made[1]
    assert len(made[0]) == 4


async def test_another_fork_or_run_is_not_added_to(
    parent: Path, longest: Trajectory, tmp_path: Path
) -> None:
    number, turn = longest.scenario.number, answers(longest)[0]
    await forked(parent, number, turn, tmp_path / "fork", configured(parent))
    with pytest.raises(RunDirectoryError, match=r"holds another fork; choose .* --out"):
        await forked(parent, number, 0, tmp_path / "fork", configured(parent))
    with pytest.raises(RunDirectoryError, match="holds a run that is no fork"):
        await forked(parent, number, 0, parent, configured(parent))
    config = configured(parent, roles=["assistant"], model="other")
    with pytest.raises(ConfigError, match=r"roles\.assistant\.model"):
        await forked(parent, number, turn, tmp_path / "fork", config)


async def test_a_fork_of_a_fork_with_other_prompts_replays_byte_for_byte(
    parent: Path, longest: Trajectory, tmp_path: Path
) -> None:
    (tmp_path / "prompts").mkdir()
    told = (PROMPTS / "assistant.j2").read_text() + "\nBe brief.\n"
    (tmp_path / "prompts" / "assistant.j2").write_text(told)
    number, turn = longest.scenario.number, answers(longest)[0]
    first = tmp_path / "fork"
    prompts = tmp_path / "prompts"
    await forked(parent, number, turn, first, configured(parent), prompts=prompts)
    kept = first / "prompts"
    await forked(parent, number, turn, first, configured(parent, 2), prompts=kept)
    (prompts / "assistant.j2").unlink()  # the fork has its own copy
    await forked(first, 1, 0, tmp_path / "second", configured(first))
    (made,) = stored(tmp_path / "second")
    assert made.trajectory.provenance.parent is not None
    assert made.trajectory.provenance.parent.id == f"{longest.id}@{turn}-1"
    hashes = made.trajectory.provenance.prompts
    assert hashes["assistant"] != longest.provenance.prompts["assistant"]
    assert hashes["user"] == longest.provenance.prompts["user"]
    for directory in (first, tmp_path / "second"):
        report = await replay_run(directory)
        assert report.is_identical
        assert report.conversations["identical"] == len(stored(directory))


async def test_a_mistyped_model_of_a_role_can_be_put_right_in_the_same_folder(
    parent: Path, longest: Trajectory, tmp_path: Path
) -> None:
    number, turn = longest.scenario.number, answers(longest)[0]
    wrong = configured(parent, roles=["user"], model="othr")
    with pytest.raises(ModelUnknown, match="othr"):
        await forked(parent, number, turn, tmp_path / "fork", wrong)
    assert call_counts(tmp_path / "fork")  # the assistant was asked before the user
    right = configured(parent, roles=["user"], model="other")
    await forked(parent, number, turn, tmp_path / "fork", right)
    assert len(stored(tmp_path / "fork")) == 1

    other = configured(parent, roles=["user"], model="standin")
    with pytest.raises(ConfigError, match=r"roles\.user\.model"):
        await forked(parent, number, turn, tmp_path / "fork", other)


async def test_a_prompt_that_cannot_be_filled_in_leaves_nothing_behind(
    parent: Path, tmp_path: Path
) -> None:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "user.j2").write_text("{{ nobody_gives_this }}")
    with pytest.raises(PromptsError, match="nobody_gives_this"):
        await forked(
            parent, 0, 0, tmp_path / "fork", configured(parent), prompts=tmp_path / "prompts"
        )
    assert not (tmp_path / "fork").exists()


def test_a_role_can_be_asked_elsewhere_and_gets_no_key_of_others(parent: Path) -> None:
    config = configured(parent, roles=["assistant"], model="m", base_url="https://other.test/v1")
    assert config.role("assistant").providers == ("fork",)
    assert config.role("user").providers == ("default",)
    assert config.providers["fork"].api_key_env == ()
    everyone = configured(parent, base_url="https://other.test/v1", api_key_env="OTHER_KEY")
    assert {everyone.role(role).providers for role in everyone.roles_in_use} == {("fork",)}
    assert everyone.providers["fork"].api_key_env == ("OTHER_KEY",)
    with pytest.raises(ConfigError, match="--base-url"):
        configured(parent, api_key_env="OTHER_KEY")
    with pytest.raises(ConfigError, match="--role"):
        configured(parent, roles=["tool"])


@pytest.fixture
def parallel(longest: Trajectory) -> Trajectory:
    """User, two calls at once, their results, answer: 5 messages."""
    wanted = tuple(ToolCall(id=f"call_{i}", name="f", arguments="{}") for i in (1, 2))
    messages = (
        Message(role="user", content="Both, please."),
        Message(role="assistant", tool_calls=wanted),
        *(Message(role="tool", content="{}", tool_call_id=call.id) for call in wanted),
        Message(role="assistant", content="Done."),
    )
    return Trajectory(
        id="0-0",
        scenario=longest.scenario,
        intent=longest.intent,
        messages=messages,
        ended="user_done",
        provenance=longest.provenance,
    )


@pytest.mark.parametrize("turn", [0, 1, 4, 5])
def test_it_goes_on_wherever_no_result_is_missing(parallel: Trajectory, turn: int) -> None:
    assert fork_point(parallel, "r", turn).messages == parallel.messages[:turn]


@pytest.mark.parametrize(
    ("turn", "said", "told"),
    [
        (2, None, r"between calls and their results; possible are 0-1, 4-5$"),
        (3, None, r"between calls and their results; possible are 0-1, 4-5$"),
        (6, None, r"has 5 messages, and the next would be 5; possible are 0-1, 4-5$"),
        (-1, None, r"counted from 0; possible are 0-1, 4-5$"),
        (1, "No.", r"message 1 is the assistant's, .* possible are 0, 5$"),
        (0, "  ", "--user-says is empty"),
        (0, "\udcff", "--user-says is not UTF-8"),
    ],
)
def test_where_it_cannot_go_on_the_possible_turns_are_named(
    parallel: Trajectory, turn: int, said: str | None, told: str
) -> None:
    with pytest.raises(ForkError, match=told):
        fork_point(parallel, "r", turn, said)


def test_without_an_intent_there_is_nothing_to_go_on_from(parallel: Trajectory) -> None:
    failed = replace(parallel, intent=None, messages=(), ended="failed", cause="refused")
    with pytest.raises(ForkError, match="failed before its user had an intent"):
        fork_point(failed, "r", 0)


def test_the_command_forks_and_says_what_came_of_it(
    parent: Path,
    longest: Trajectory,
    address: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    number, turn = str(longest.scenario.number), str(answers(longest)[0])
    command = ["fork", str(parent), number, "--at", turn, "-n", "2", "--quiet", "--json"]
    command += ["--model", "other", "--role", "assistant", "--base-url", address]
    with pytest.raises(SystemExit) as ended:
        main([*command, "--out", str(tmp_path / "fork")])
    assert not ended.value.code
    assert json.loads(capsys.readouterr().out)["run"]["not_started"] == 0
    assert len(stored(tmp_path / "fork")) == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["99", "--at", "0"], "holds no conversation 99"),
        (["0", "--at", "999"], "possible are 0-"),
        (["0", "--at", "0", "--role", "tool"], "--role"),
    ],
)
def test_what_cannot_be_forked_is_told_in_a_line(
    parent: Path,
    tmp_path: Path,
    arguments: list[str],
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["fork", str(parent), *arguments, "--out", str(tmp_path / "fork")])
    assert ended.value.code == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "fork").exists()
