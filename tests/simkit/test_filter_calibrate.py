"""``simkit filter calibrate``, as a person uses it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from simkit.cli.main import main
from simkit.filter_calibration.standin import played_by_standin

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_user",
            "description": "Get a user.",
            "parameters": {
                "type": "object",
                "properties": {"user_id": {"type": "string"}},
                "required": ["user_id"],
            },
        },
    }
]

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command; gives exit code, stdout and stderr."""

    def command(*arguments: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["filter", "calibrate", *map(str, arguments)])
        told = capsys.readouterr()
        code = ended.value.code
        return code if isinstance(code, int) else 0, told.out, told.err

    return command


def row(number: int, **more: Any) -> dict[str, Any]:
    call = {"name": "get_user", "arguments": '{"user_id": "mia_3668"}'}
    return {
        "task_id": number,
        "trial": 0,
        "messages": [
            {"role": "user", "content": "My name is Mia, look me up under mia_3668, please."},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "call_1", "type": "function", "function": call}],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": '{"user": "mia_3668"}'},
            {"role": "assistant", "content": "I have found you under that number, Mia."},
        ],
        **more,
    }


@pytest.fixture
def rewarded(tmp_path: Path) -> Path:
    """Four rows; those at even positions have the reward 1."""
    file = tmp_path / "rewarded.jsonl"
    rows = [row(number, reward=1.0 - number % 2, tools=TOOLS) for number in range(4)]
    file.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    return file


def test_mistakes_are_put_into_what_passes_and_counted_by_kind(run: Run, rewarded: Path) -> None:
    code, out, _ = run("--corrupt", rewarded, "--json")
    found = json.loads(out)["corrupted"]
    assert code == 0
    assert found["sound_conversations"] == 2
    assert found["sound_turns"] == 4
    assert found["kinds"]["wrong_type"]["mistakes"] == 2
    assert found["kinds"]["unknown_function"]["recall"] == 1.0
    assert "bad_enum" not in found["kinds"]
    assert found["checks"]["known_function"]["found"] == 2


def test_the_same_seed_makes_the_same_figures(run: Run, rewarded: Path) -> None:
    first = run("--corrupt", rewarded, "--json", "--seed", "3")
    assert first == run("--corrupt", rewarded, "--json", "--seed", "3")


def test_a_half_is_held_out(run: Run, rewarded: Path) -> None:
    code, _, err = run("--corrupt", rewarded, "--half", "odd")
    assert code == 2
    assert "no conversation that passes in the half 'odd'" in err
    _, out, _ = run("--in", rewarded, "--half", "odd", "--json")
    rewards = json.loads(out)["rewards"]
    assert [rewards[side]["conversations"] for side in ("passing", "failing")] == [0, 2]


def test_verdicts_are_compared_with_rewards(run: Run, rewarded: Path) -> None:
    code, out, _ = run("--in", rewarded)
    assert code == 0
    assert "rewarded.jsonl: verdicts and rewards" in out.replace("\n", " ")
    assert "2 (100.0%)" in out


def test_the_page_holds_the_tables_in_markdown(run: Run, rewarded: Path, tmp_path: Path) -> None:
    page = tmp_path / "tables.md"
    code, _, _ = run("--corrupt", rewarded, "--known-defects", "--out", page)
    assert code == 0
    text = page.read_text()
    assert "| mistake | made | found | recall | found by |" in text
    assert "| defect | example | caught by |" in text


def test_rows_that_cannot_be_read_are_told_and_left_out(run: Run, rewarded: Path) -> None:
    with rewarded.open("ab") as file:
        file.write(b"\n[1]\n")
    code, out, err = run("--corrupt", rewarded, "--json")
    assert code == 1
    assert "line 5 is not a JSON object; left out" in err
    assert json.loads(out)["rejected"] == 1


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "name what to measure on"),
        (["--known-defects", "--mistakes", "0.2"], "goes with --standin only"),
        (["--corrupt", "nowhere.jsonl"], "there is no file or run nowhere.jsonl"),
        (["--in", "nowhere.jsonl"], "there is no file nowhere.jsonl"),
        (["--standin", "--mistakes", "7"], "mistakes must be between 0 and 1"),
        (["--known-defects", "--out", "no/folder/page.md"], "there is no folder"),
        (["--known-defects", "--judge", "a.toml", "--rules-only"], "leave out --judge"),
    ],
)
def test_what_cannot_be_measured_is_one_clear_error(
    run: Run, arguments: list[str], problem: str
) -> None:
    code, _, err = run(*arguments)
    assert code == 2
    assert problem in err
    assert err.count("\n") == 1


def test_a_file_without_rewards_cannot_be_compared_with_them(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "plain.jsonl"
    file.write_bytes(orjson.dumps(row(0, tools=TOOLS)))
    code, _, err = run("--in", file)
    assert code == 2
    assert 'no row with a number under "reward"' in err


def test_a_run_is_still_filtered_by_its_folder_alone(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["filter", str(tmp_path / "calibrate")])
    assert ended.value.code == 2
    assert "calibrate" in capsys.readouterr().err


async def test_every_mistake_of_the_stand_in_is_found_again_in_its_turn() -> None:
    played = await played_by_standin(0.5, 12, 3)
    mistakes = [(one, mistake) for one in played for mistake in one.mistakes]
    assert len(mistakes) > 10
    for labelled, mistake in mistakes:
        [turn] = mistake.turns
        assert labelled.trajectory.messages[turn].tool_calls
        assert turn not in labelled.sound
    duplicates = [
        labelled.trajectory.messages[mistake.turns[0]].tool_calls
        for labelled, mistake in mistakes
        if mistake.kind == "duplicate_call"
    ]
    assert duplicates
    assert all(len({call.arguments for call in made}) < len(made) for made in duplicates)
    names = {tool.name for one in played for tool in one.trajectory.scenario.tools}
    for labelled, mistake in mistakes:
        called = labelled.trajectory.messages[mistake.turns[0]].tool_calls[0].name
        assert (mistake.kind == "unknown_function") is (called not in names)
