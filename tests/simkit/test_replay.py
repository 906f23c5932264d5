"""Replays of real small runs, made over HTTP against a stand-in that is gone by then."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import orjson
import pytest

from simkit.agents import PROMPTS as AGENT_PROMPTS
from simkit.bus import Bus
from simkit.cli.main import main
from simkit.config_file import load_config
from simkit.filters.judges import PROMPTS as FILTER_PROMPTS
from simkit.prompts import PromptsError
from simkit.replay import DIVERGENCES_KEPT, replay_conversation, replay_run
from simkit.run import run
from simkit.standin.brain import ScriptedBrain
from simkit.standin.server import running
from simkit.standin.settings import StandinSettings
from simkit.traces.run_directory import RunDirectoryError

CONVERSATIONS = 24
OPTIONS: dict[str, Any] = {
    "catalog.demo": True,
    "graph.embedder": "lexical",
    "model.name": "standin",
    "walk.min_length": 2,
    "walk.max_length": 4,
    "run.conversations": CONVERSATIONS,
    "run.concurrency": 8,
    "provider.retry_min_pause_seconds": 0.01,
}


def make(directory: Path, settings: dict[str, Any], options: dict[str, Any]) -> Path:
    """A run against a stand-in in this process."""

    async def play() -> None:
        chosen = StandinSettings(**settings)
        async with running(chosen, ScriptedBrain(mistakes=chosen.mistakes)) as base_url:
            given = {**OPTIONS, "provider.base_url": base_url, **options}
            await run(load_config(None, given), directory, Bus())

    anyio.run(play)
    return directory


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with mistakes of the models in it; only to be read."""
    return make(tmp_path_factory.mktemp("made") / "run", {"mistakes": 0.2}, {})


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose provider broke some conversations and some judgements; only to be read."""
    directory = tmp_path_factory.mktemp("broken") / "run"
    return make(directory, {"faults": 0.15}, {"provider.retry_attempts": 2})


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    """A copy of `made`, to be changed."""
    return Path(shutil.copytree(made, tmp_path / "run"))


Simkit = Callable[..., tuple[int, str, str]]


@pytest.fixture
def simkit(capsys: pytest.CaptureFixture[str]) -> Simkit:
    """Run the command line in this process: exit code, output, errors."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        assert isinstance(ended.value.code, int)
        return ended.value.code, *capsys.readouterr()

    return call


def rows(directory: Path, select: str, *values: object) -> list[Any]:
    with closing(sqlite3.connect(directory / "run.db")) as database:
        return database.execute(select, values).fetchall()


def change(directory: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(directory / "run.db")) as database:
        assert database.execute(statement, values).rowcount == 1
        database.commit()


def call_with(
    directory: Path, role: str, fits: Callable[[dict[str, Any]], bool]
) -> tuple[int, int, bytes, dict[str, Any]]:
    """Scenario, turn, fingerprint and reply of the first fitting call after some others."""
    select = (
        "SELECT c.scenario, c.turn, c.fingerprint, c.reply FROM calls AS c"
        " JOIN verdicts AS v ON v.scenario = c.scenario AND v.outcome = 'kept'"
        " WHERE c.role = ? AND c.scenario > 2 AND c.ask = 0 ORDER BY c.scenario, c.turn"
    )
    for scenario, turn, fingerprint, stored in rows(directory, select, role):
        reply = orjson.loads(stored)
        if fits(reply):
            return scenario, turn, fingerprint, reply
    raise LookupError(f"no call of the {role} fits")


def change_reply(directory: Path, fingerprint: bytes, reply: dict[str, Any]) -> None:
    change(
        directory,
        "UPDATE calls SET reply = ? WHERE fingerprint = ?",
        orjson.dumps(reply),
        fingerprint,
    )


def prompt_changed(folder: Path, package: Path, name: str, old: str, new: str) -> Path:
    folder.mkdir(exist_ok=True)
    text = (package / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1))
    return folder


async def test_a_run_comes_out_the_same_byte_for_byte_with_nobody_to_ask(made: Path) -> None:
    told: list[tuple[int, int]] = []
    report = await replay_run(made, on_progress=lambda *progress: told.append(progress))
    assert report.is_identical
    assert report.conversations == {"identical": CONVERSATIONS}
    assert report.verdicts == {"identical": CONVERSATIONS}
    assert report.divergences == report.verdict_divergences == []
    assert report.changed_prompts == set()
    assert told == [(done, CONVERSATIONS) for done in range(1, CONVERSATIONS + 1)]


async def test_every_recorded_reply_is_used(made: Path) -> None:
    repeated = 0
    for number in range(CONVERSATIONS):
        replayed = await replay_conversation(made, number)
        assert replayed is not None
        repeated += len(replayed.calls)
    assert [(repeated,)] == rows(made, "SELECT count(*) FROM calls")


async def test_a_changed_answer_is_named_exactly(copy: Path) -> None:
    scenario, turn, fingerprint, reply = call_with(copy, "assistant", lambda r: not r["tool_calls"])
    change_reply(copy, fingerprint, {**reply, "content": "Something else."})

    report = await replay_run(copy)

    assert report.conversations == {"identical": CONVERSATIONS - 1, "diverged": 1}
    (found,) = report.divergences
    assert (found.conversation, found.turn, found.role) == (scenario, turn, "assistant")
    assert (found.field, found.new) == ("content", "Something else.")
    assert reply["content"].startswith(found.recorded[:40])
    assert report.verdicts == {"identical": CONVERSATIONS}  # on what is stored


async def test_a_changed_argument_is_named_with_its_call(copy: Path) -> None:
    scenario, turn, fingerprint, reply = call_with(copy, "assistant", lambda r: r["tool_calls"])
    recorded = reply["tool_calls"][0]["arguments"]
    reply["tool_calls"][0]["arguments"] = "{}"
    change_reply(copy, fingerprint, reply)

    (found,) = (await replay_run(copy)).divergences

    assert (found.conversation, found.turn, found.role) == (scenario, turn, "assistant")
    assert (found.field, found.new) == ("tool_calls[0].arguments", "{}")
    assert recorded.startswith(found.recorded.removesuffix("…"))


async def test_a_changed_result_is_named_at_the_message_that_holds_it(copy: Path) -> None:
    scenario, turn, fingerprint, reply = call_with(copy, "tool", lambda _: True)
    new = '{"error":{"type":"gone","message":"no such thing"}}'
    change_reply(copy, fingerprint, {**reply, "content": f"<func_return>{new}</func_return>"})

    (found,) = (await replay_run(copy)).divergences

    assert (found.conversation, found.role, found.field) == (scenario, "tool", "content")
    assert found.turn is not None
    assert found.turn > turn  # the call was made for the message before
    assert found.new == new


async def test_a_changed_intent_is_the_writers(copy: Path) -> None:
    scenario, _, fingerprint, reply = call_with(copy, "writer", lambda _: True)
    intent = json.loads(reply["content"])
    change_reply(copy, fingerprint, {**reply, "content": json.dumps({**intent, "role": "a king"})})

    (found,) = (await replay_run(copy)).divergences

    assert (found.conversation, found.turn, found.role) == (scenario, -1, "writer")
    assert (found.field, found.recorded, found.new) == ("intent.role", intent["role"], "a king")


async def test_a_reply_that_is_rejected_now_leads_to_a_request_that_was_never_made(
    copy: Path,
) -> None:
    scenario, turn, fingerprint, reply = call_with(copy, "user", lambda _: True)
    change_reply(copy, fingerprint, {**reply, "content": ""})

    (found,) = (await replay_run(copy)).divergences

    assert (found.conversation, found.turn, found.role) == (scenario, turn, "user")
    assert (found.field, found.recorded) == ("request", "nothing is recorded for this call")
    assert found.new.endswith(", ask 1")


async def test_a_judge_who_says_something_else_changes_the_verdict_only(copy: Path) -> None:
    scenario, _, fingerprint, reply = call_with(copy, "judge", lambda _: True)
    ruling = '{"reason": "It makes no sense.", "verdict": 0}'
    change_reply(copy, fingerprint, {**reply, "content": ruling})

    report = await replay_run(copy)

    assert not report.is_identical
    assert report.conversations == {"identical": CONVERSATIONS}
    assert report.verdicts == {"identical": CONVERSATIONS - 1, "diverged": 1}
    (found,) = report.verdict_divergences
    assert (found.conversation, found.turn, found.field) == (scenario, None, "outcome")
    assert found.recorded == "kept"
    assert found.new == "dropped because of trajectory_judge: It makes no sense."


async def test_a_turn_that_is_judged_otherwise_is_named(copy: Path) -> None:
    scenario, turn, fingerprint, reply = next(
        (*found[:3], orjson.loads(found[3]))
        for found in rows(
            copy,
            "SELECT scenario, turn, fingerprint, reply FROM calls JOIN verdicts USING (scenario)"
            " WHERE role = 'judge' AND turn > 1 AND outcome = 'kept' ORDER BY scenario, turn",
        )
        if json.loads(orjson.loads(found[3])["content"])["verdict"] == 1
    )
    change_reply(copy, fingerprint, {**reply, "content": '{"reason": "Bad.", "verdict": 0}'})

    (found,) = (await replay_run(copy)).verdict_divergences

    assert (found.conversation, found.turn, found.role) == (scenario, turn, "assistant")
    assert (found.field, found.recorded, found.new) == ("ok", "true", "false")


async def test_a_missing_reply_of_a_conversation_that_did_not_fail_is_a_divergence(
    copy: Path,
) -> None:
    scenario, turn, fingerprint, _ = call_with(copy, "assistant", lambda _: True)
    change(copy, "DELETE FROM calls WHERE fingerprint = ?", fingerprint)

    (found,) = (await replay_run(copy)).divergences

    assert (found.conversation, found.turn, found.role) == (scenario, turn, "assistant")
    assert (found.field, found.recorded) == ("request", "nothing is recorded for this call")


async def test_a_stored_message_that_was_edited_is_found(copy: Path) -> None:
    ((body,),) = rows(copy, "SELECT body FROM trajectories WHERE scenario = 5")
    trajectory = orjson.loads(body)
    said = trajectory["messages"][0]["content"]
    trajectory["messages"][0]["content"] = "Hello?"
    edited = orjson.dumps(trajectory)
    change(copy, "UPDATE trajectories SET body = ? WHERE scenario = 5", edited)

    (found,) = (await replay_run(copy)).divergences

    assert (found.conversation, found.turn, found.role) == (5, 0, "user")
    assert (found.field, found.recorded) == ("content", "Hello?")
    assert found.new[:20] == " ".join(said.split())[:20]


async def test_equal_values_in_other_bytes_are_a_divergence(copy: Path) -> None:
    change(copy, "UPDATE trajectories SET body = body || ' ' WHERE scenario = 5")
    (found,) = (await replay_run(copy)).divergences
    assert (found.conversation, found.turn, found.field) == (5, None, "")
    assert found.new == "the same values in other bytes"


async def test_another_limit_shows_where_the_conversation_ends_now(copy: Path) -> None:
    config = copy / "run.toml"
    config.write_text(config.read_text().replace("max_messages = 120", "max_messages = 3"))
    report = await replay_run(copy)
    assert report.conversations["diverged"] > CONVERSATIONS / 2
    found = report.divergences[0]
    assert (found.turn, found.field) == (3, "message")
    assert found.new == "none, since the conversation ended: message_limit"


async def test_other_prompts_show_the_request_that_they_change(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "prompts"
    prompt_changed(folder, AGENT_PROMPTS, "assistant.j2", "helpful", "curt")

    report = await replay_run(made, prompts=folder)

    assert report.conversations == {"diverged": CONVERSATIONS}
    assert report.verdicts == {"identical": CONVERSATIONS}
    assert report.changed_prompts == {"assistant"}
    assert len(report.divergences) == min(CONVERSATIONS, DIVERGENCES_KEPT)
    found = report.divergences[0]
    assert (found.conversation, found.turn, found.role) == (0, 1, "assistant")
    assert found.field == "request.messages[0].content"
    assert found.recorded.startswith("You are a helpful assistant")
    assert found.new.startswith("You are a curt assistant")


async def test_other_rules_of_a_judge_leave_the_conversations_alone(
    made: Path, tmp_path: Path
) -> None:
    folder = prompt_changed(
        tmp_path / "prompts", FILTER_PROMPTS, "turn_judge.j2", "strict", "lenient"
    )
    report = await replay_run(made, prompts=folder)
    assert report.conversations == {"identical": CONVERSATIONS}
    assert report.verdicts["diverged"] > 0
    found = report.verdict_divergences[0]
    assert (found.role, found.field) == ("judge", "request.messages[0].content")
    assert "lenient" in found.new


async def test_a_comment_in_a_prompt_changes_nothing(made: Path, tmp_path: Path) -> None:
    folder = prompt_changed(
        tmp_path / "prompts", AGENT_PROMPTS, "assistant.j2", "You", "{# The assistant. #}You"
    )
    report = await replay_run(made, prompts=folder)
    assert report.conversations == {"identical": CONVERSATIONS}
    assert report.changed_prompts == {"assistant"}


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("asistant.j2", "Hello", r"asistant\.j2: no prompt has this name; there is .*assistant"),
        ("assistant.j2", "Hello\n{% if %}", r"assistant\.j2: line 2: "),
        ("assistant.j2", "{{ intent }}", r"cannot be filled in: 'intent' is undefined"),
        ("tool_call.j2", "{{ nothing }}", r"cannot be filled in: 'nothing' is undefined"),
        ("assistant.j2", b"\xff", r"assistant\.j2: is not UTF-8 text \(byte 0\)"),
        ("assistant.txt", "Hello", r"there is no prompt; it needs files such as assistant\.j2"),
    ],
)
async def test_prompts_that_cannot_be_used_are_named(
    made: Path, tmp_path: Path, name: str, text: str | bytes, complaint: str
) -> None:
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(PromptsError, match=complaint):
        await replay_run(made, prompts=tmp_path)


async def test_what_a_provider_broke_is_replayed_up_to_there(broken: Path) -> None:
    ((failed,),) = rows(broken, "SELECT count(*) FROM trajectories WHERE ended = 'failed'")
    ((unjudged,),) = rows(
        broken, "SELECT count(*) FROM verdicts WHERE CAST(body AS TEXT) LIKE '%judge_unavailable%'"
    )
    assert failed > 0
    assert unjudged > 0

    report = await replay_run(broken)

    assert report.is_identical
    assert report.conversations == {"identical": CONVERSATIONS - failed, "no_reply": failed}
    assert report.verdicts == {"identical": CONVERSATIONS - unjudged, "no_reply": unjudged}


async def test_a_broken_conversation_that_differs_before_its_end_is_a_divergence(
    broken: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(broken, tmp_path / "run"))
    scenario, body = rows(
        copy, "SELECT scenario, body FROM trajectories WHERE ended = 'failed' AND messages > 0"
    )[0]
    edited = orjson.loads(body)
    edited["messages"][0]["content"] = "Hello?"
    change(
        copy,
        "UPDATE trajectories SET body = ? WHERE scenario = ?",
        orjson.dumps(edited),
        scenario,
    )
    (found,) = (await replay_run(copy)).divergences
    assert (found.conversation, found.turn, found.field) == (scenario, 0, "content")


def test_a_run_without_a_judge_is_judged_by_its_rules(tmp_path: Path) -> None:
    directory = make(
        tmp_path / "run", {"mistakes": 0.2}, {"filters.judge": False, "run.conversations": 8}
    )
    report = anyio.run(replay_run, directory)
    assert report.conversations == {"identical": 8}
    assert report.verdicts == {"identical": 8}


async def test_conversations_that_are_not_judged_yet_are_only_played(copy: Path) -> None:
    change(copy, "DELETE FROM verdicts WHERE scenario = 5")
    report = await replay_run(copy)
    assert report.conversations == {"identical": CONVERSATIONS}
    assert report.verdicts == {"identical": CONVERSATIONS - 1}


async def test_the_version_that_made_a_conversation_is_told_and_not_compared(copy: Path) -> None:
    ((body,),) = rows(copy, "SELECT body FROM trajectories WHERE scenario = 5")
    edited = orjson.loads(body)
    edited["provenance"]["simkit"] = "0.0.7"
    change(copy, "UPDATE trajectories SET body = ? WHERE scenario = 5", orjson.dumps(edited))
    report = await replay_run(copy)
    assert report.is_identical
    assert report.made_by["0.0.7"] == 1


async def test_a_run_of_another_version_is_refused(copy: Path) -> None:
    with closing(sqlite3.connect(copy / "run.db")) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(RunDirectoryError, match="store version 99"):
        await replay_run(copy)


@pytest.mark.parametrize("stored", [b"", b"{", b'{"content":"\xff"}', bytes(64), b"[]", b"{}"])
async def test_a_damaged_reply_is_a_divergence_of_its_conversation_and_of_no_other(
    copy: Path, stored: bytes
) -> None:
    scenario, turn, fingerprint, _ = call_with(copy, "user", lambda _: True)
    change(copy, "UPDATE calls SET reply = ? WHERE fingerprint = ?", stored, fingerprint)
    report = await replay_run(copy)
    assert report.conversations == {"identical": CONVERSATIONS - 1, "diverged": 1}
    (found,) = report.divergences
    assert (found.conversation, found.turn, found.role) == (scenario, turn, "user")
    assert (found.field, found.recorded) == (
        "reply",
        "a reply that is damaged in the run's database and cannot be read",
    )
    assert report.verdicts == {"identical": CONVERSATIONS}


async def test_a_damaged_reply_of_a_judge_is_a_divergence_of_the_verdict_only(copy: Path) -> None:
    scenario, turn, fingerprint, _ = call_with(copy, "judge", lambda _: True)
    change(copy, "UPDATE calls SET reply = '{' WHERE fingerprint = ?", fingerprint)
    report = await replay_run(copy)
    assert report.conversations == {"identical": CONVERSATIONS}
    assert report.verdicts == {"identical": CONVERSATIONS - 1, "diverged": 1}
    (found,) = report.verdict_divergences
    assert (found.conversation, found.turn, found.role) == (scenario, turn, "judge")
    assert found.field == "reply"


def test_a_conversation_with_a_damaged_reply_is_shown_up_to_there(
    copy: Path, simkit: Simkit
) -> None:
    scenario, turn, fingerprint, _ = call_with(copy, "assistant", lambda _: True)
    change(copy, "UPDATE calls SET reply = '{' WHERE fingerprint = ?", fingerprint)
    code, out, err = simkit("replay", copy, str(scenario))
    assert (code, err) == (1, "")
    assert f"[{turn - 1}] user" in out
    assert f"conversation {scenario}, message {turn}, assistant, reply\n" in out
    assert "scenario" not in out


def test_a_conversation_that_cannot_be_read_is_named_and_the_others_are_replayed(
    copy: Path, simkit: Simkit
) -> None:
    change(copy, "UPDATE trajectories SET body = ? WHERE scenario = 3", b"{")
    change(copy, "UPDATE verdicts SET body = ? WHERE scenario = 5", b"{}")
    change(copy, "UPDATE trajectories SET body = CAST(x'ff' AS TEXT) WHERE scenario = 6")

    code, out, _ = simkit("replay", copy, "--json")
    assert code == 1
    report = json.loads(out)
    assert not report["identical"]
    assert report["conversations"]["unreadable"] == 3
    assert sum(report["conversations"].values()) == CONVERSATIONS
    assert report["conversations"]["diverged"] == 0
    assert [found["number"] for found in report["unreadable"]] == [3, 5, 6]
    for found in report["unreadable"]:
        assert f"conversation {found['number']} in " in found["why"]
        assert found["why"].endswith(f"simkit recover {copy} --out DIR")

    code, out, _ = simkit("replay", copy)
    assert code == 1
    assert "unreadable conversations:" in out
    code, out, _ = simkit("replay", copy, "4")
    assert code == 0
    code, _, said = simkit("replay", copy, "3")
    assert code == 1
    assert "is damaged: it is not JSON: unexpected end of data" in said


async def test_the_run_is_left_as_it_is(copy: Path) -> None:
    before = (copy / "run.db").read_bytes()
    await replay_run(copy)
    assert (copy / "run.db").read_bytes() == before


def test_the_command_ends_with_0_when_all_is_identical(made: Path, simkit: Simkit) -> None:
    code, out, err = simkit("replay", made)
    assert (code, err) == (0, "")
    assert "identical" in out
    assert "diverged" not in out


def test_the_command_ends_with_1_and_names_what_diverged(copy: Path, simkit: Simkit) -> None:
    scenario, turn, fingerprint, reply = call_with(copy, "assistant", lambda r: not r["tool_calls"])
    change_reply(copy, fingerprint, {**reply, "content": "\x1b[2JSomething\nelse."})

    code, out, _ = simkit("replay", copy)
    assert code == 1
    assert f"conversation {scenario}, message {turn}, assistant, content\n" in out
    assert "    new:      Something else." in out.replace("[2J", "")

    code, out, _ = simkit("replay", copy, "--json")
    assert code == 1
    figures = json.loads(out)
    assert figures["conversations"] == {
        "identical": CONVERSATIONS - 1,
        "no_reply": 0,
        "diverged": 1,
        "unreadable": 0,
    }
    (found,) = figures["divergences"]
    assert (found["conversation"], found["turn"], found["field"]) == (scenario, turn, "content")


def test_one_conversation_is_shown_turn_by_turn_with_its_calls(made: Path, simkit: Simkit) -> None:
    code, out, _ = simkit("replay", made, "3")
    assert code == 0
    assert "conversation 3: " in out
    assert "[0] user" in out
    lines = [line.split() for line in out.splitlines()]
    assert ["message", "role", "model", "tokens", "in", "out", "seconds", "attempts"] in lines
    assert any(line[:3] == ["[0]", "user", "standin"] for line in lines)
    assert out.splitlines()[-1] == "played again: identical; its verdict: identical"

    code, out, _ = simkit("replay", made, "3", "--json")
    assert code == 0
    shown = json.loads(out)
    assert shown["conversation"] == "identical"
    assert shown["trajectory"]["scenario"]["number"] == 3
    roles = [call["role"] for call in shown["calls"]]
    assert roles[:2] == ["writer", "user"]
    assert all(call["input_tokens"] > 0 for call in shown["calls"])


def test_what_is_not_there_is_a_usage_error(made: Path, tmp_path: Path, simkit: Simkit) -> None:
    code, _, err = simkit("replay", made, "1000")
    assert code == 2
    assert "holds no conversation 1000" in err
    code, _, err = simkit("replay", tmp_path)
    assert code == 2
    assert "is not the folder of a simkit run" in err
    (tmp_path / "prompts").mkdir()
    code, _, err = simkit("replay", made, "--prompts", tmp_path / "prompts")
    assert code == 2
    assert "there is no prompt" in err
