"""``simkit filter --in``: verdicts on conversations that were made elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from simkit.cli.main import main

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Weather in a city.",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
]
SYSTEM = {"role": "system", "content": "Be kind."}
USER = {"role": "user", "content": "How warm is it in Oslo?"}
DONE = {"role": "assistant", "content": "21 degrees."}


def calls(call_id: str | None = "x", name: str = "weather", **arguments: Any) -> dict[str, Any]:
    call: dict[str, Any] = {"function": {"name": name, "arguments": json.dumps(arguments)}}
    if call_id is not None:
        call |= {"id": call_id, "type": "function"}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def result(call_id: str | None = "x", content: str = "21") -> dict[str, Any]:
    answered = {} if call_id is None else {"tool_call_id": call_id}
    return {"role": "tool", "content": content, **answered}


@dataclass(frozen=True, slots=True)
class Outcome:
    code: int
    out: str
    err: str
    verdicts: list[dict[str, Any]]


Filter = Callable[..., Outcome]


@pytest.fixture
def filtered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Filter:
    """Run ``simkit filter`` on rows (or lines of text) and read what it wrote."""

    def run(rows: list[Any] | Path, *flags: str, rules_only: bool = True) -> Outcome:
        path = rows if isinstance(rows, Path) else tmp_path / "rows.jsonl"
        if not isinstance(rows, Path):
            lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
            path.write_text("\n".join(lines))
        out = tmp_path / "verdicts.jsonl"
        given = ["filter", "--in", str(path), "--out", str(out), *flags]
        with pytest.raises(SystemExit) as ended:
            main(given + ["--rules-only"] * rules_only)
        text = out.read_text() if out.exists() else ""
        captured = capsys.readouterr()
        verdicts = [json.loads(line) for line in text.splitlines()]
        return Outcome(int(ended.value.code or 0), captured.out, captured.err, verdicts)

    return run


def openai(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"messages": list(messages), "tools": TOOLS, **more}


def checks(verdict: dict[str, Any]) -> list[str]:
    return [reason["check"] for reason in verdict["reasons"]]


def test_a_line_says_what_is_kept_and_which_turns_are_not_trained_on(filtered: Filter) -> None:
    row = openai(
        SYSTEM, USER, calls("x", city=3), result("x"), calls("y", city="Oslo"), result("y"), DONE
    )
    ran = filtered([row | {"id": "abc"}], "--format", "openai")
    assert (ran.code, ran.err) == (0, "")
    assert ran.verdicts == [
        {
            "id": "abc",
            "kept": True,
            "reasons": [],
            "turns": [
                {
                    "index": 2,
                    "ok": False,
                    "reasons": [
                        {
                            "check": "schema_valid_arguments",
                            "message": "message 2 calls 'weather': city: 3 is not of type 'string'",
                        }
                    ],
                },
                {"index": 4, "ok": True, "reasons": []},
                {"index": 6, "ok": True, "reasons": []},
            ],
        }
    ]


def test_numbers_in_reasons_count_the_system_prompt_as_the_indexes_do(filtered: Filter) -> None:
    ran = filtered([openai(SYSTEM, SYSTEM, USER, DONE, DONE)])
    (verdict,) = ran.verdicts
    assert not verdict["kept"]
    assert [reason["message"] for reason in verdict["reasons"]] == [
        "message 4 is from 'assistant'; what follows 'assistant' must be from 'user'"
    ]
    assert [turn["index"] for turn in verdict["turns"]] == [3, 4]


@pytest.mark.parametrize(
    ("messages", "check"),
    [
        ([USER, SYSTEM, DONE], "role_order"),
        ([SYSTEM], "role_order"),
        ([DONE, USER, DONE], "role_order"),
        ([USER, DONE, USER], "role_order"),
        ([USER, calls(city="Oslo"), DONE], "call_result_linkage"),
        ([USER, calls(city="Oslo"), result("y"), DONE], "call_result_linkage"),
        ([USER, calls(None, city="Oslo"), result(None), result(None), DONE], "call_result_linkage"),
        ([{"role": "user", "content": " "}, DONE], "non_empty_turns"),
        ([USER, calls(name="rain")], "role_order"),
    ],
)
def test_what_is_wrong_with_the_whole_drops_it_and_its_turns_are_told_all_the_same(
    filtered: Filter, messages: list[dict[str, Any]], check: str
) -> None:
    (verdict,) = filtered([openai(*messages)]).verdicts
    assert not verdict["kept"]
    assert check in checks(verdict)
    assistant = [at for at, message in enumerate(messages) if message["role"] == "assistant"]
    assert [turn["index"] for turn in verdict["turns"]] == assistant


def test_an_unknown_function_is_masked_and_unknown_tools_are_not_held_against_a_call(
    filtered: Filter, tmp_path: Path
) -> None:
    talk = [USER, calls(name="rain"), result(), DONE]
    (offered,) = filtered([openai(*talk)]).verdicts
    assert offered["turns"][0]["reasons"][0]["check"] == "known_function"
    ran = filtered([{"messages": talk}], "--json")
    assert [turn["ok"] for turn in ran.verdicts[0]["turns"]] == [True, True]
    assert json.loads(ran.out)["notes"] == {
        "rows do not say which tools were offered, so calls were not checked against them": 1
    }
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps(TOOLS))
    (told,) = filtered([{"messages": talk}], "--tools", str(tools)).verdicts
    assert told == offered


@pytest.mark.parametrize("arguments", ['{"city": "Os', '{"city": NaN}', "[3]", "oslo"])
def test_arguments_that_are_no_object_are_masked_also_where_tools_are_unknown(
    filtered: Filter, arguments: str
) -> None:
    call = calls("x")
    call["tool_calls"][0]["function"]["arguments"] = arguments
    (verdict,) = filtered([{"messages": [USER, call, result("x"), DONE]}]).verdicts
    assert [(turn["index"], turn["ok"]) for turn in verdict["turns"]] == [(1, False), (3, True)]
    assert checks(verdict["turns"][0]) == ["schema_valid_arguments"]


def test_calls_and_results_without_ids_are_linked_in_order_and_that_is_said(
    filtered: Filter,
) -> None:
    row = openai(USER, calls(None, city="Oslo"), result(None), DONE)
    ran = filtered([row, row], "--json")
    assert [verdict["kept"] for verdict in ran.verdicts] == [True, True]
    assert json.loads(ran.out)["notes"] == {
        "calls without ids were given ids": 2,
        "results without ids were linked to the calls before them, in order": 2,
    }


def test_an_id_may_come_again_later_with_its_own_result_but_not_with_another(
    filtered: Filter,
) -> None:
    first = [USER, calls(city="Oslo"), result(), DONE, USER]
    (kept,) = filtered([openai(*first, calls(city="Rome"), result(), DONE)]).verdicts
    assert kept["kept"]
    (open_,) = filtered([openai(*first, calls(city="Rome"), DONE)]).verdicts
    assert checks(open_) == ["role_order", "call_result_linkage"]
    (wrong,) = filtered([openai(*first, calls("y", city="Rome"), result("x"), DONE)]).verdicts
    assert checks(wrong) == ["call_result_linkage"] * 2


def test_a_toolmind_row_may_end_with_the_calls_to_train_on(filtered: Filter) -> None:
    talk = [SYSTEM, USER, calls(None, city="Oslo") | {"content": "<think>\nHm.\n</think>"}]
    (kept,) = filtered([{"conversations": talk, "tools": TOOLS}]).verdicts
    assert (kept["kept"], kept["turns"]) == (True, [{"index": 2, "ok": True, "reasons": []}])
    (masked,) = filtered([{"conversations": [*talk[:2], calls(None)], "tools": TOOLS}]).verdicts
    assert checks(masked) == ["no_trainable_turn"]


def test_rejected_rows_are_told_with_line_and_reason_and_the_rest_is_judged(
    filtered: Filter,
) -> None:
    ran = filtered(["{", openai(USER, DONE), "", *["[]"] * 24], "--json")
    assert ran.code == 1
    assert [verdict["id"] for verdict in ran.verdicts] == ["rows-1"]
    lines = ran.err.splitlines()
    assert lines[0].startswith("simkit: line 1 is not valid JSON")
    assert lines[1] == "simkit: line 4 is not a JSON object; rejected"
    assert lines[20:] == ["simkit: 5 more rows rejected"]
    figures = json.loads(ran.out)
    assert (figures["rows"], figures["kept"], figures["rejected"]) == (26, 1, 25)
    assert figures["format"] == "openai"


def test_where_nothing_is_readable_no_format_is_named(filtered: Filter) -> None:
    ran = filtered(['{"messages": [', '{"messages":'])
    assert (ran.code, ran.verdicts) == (1, [])
    assert ran.out.splitlines()[0].strip() == "rows"


def test_a_file_that_is_not_json_is_said_once_and_gets_no_verdicts(
    filtered: Filter, tmp_path: Path
) -> None:
    ran = filtered(["id,text", *["1,Hi"] * 3000], "--format", "openai")
    assert (ran.code, ran.out) == (2, "")
    (line,) = ran.err.splitlines()
    assert "rows.jsonl is not a file of JSON objects: it begins with 'id,text 1,Hi" in line
    assert not (tmp_path / "verdicts.jsonl").exists()


def test_an_empty_file_is_told(filtered: Filter) -> None:
    ran = filtered([])
    assert (ran.code, ran.verdicts) == (0, [])
    assert "there are no rows in" in ran.err


def test_verdicts_are_in_the_order_of_the_file_and_the_summary_counts_them(
    filtered: Filter,
) -> None:
    rows = [openai(USER, DONE, id=n) if n % 3 else openai(DONE, id=n) for n in range(10)]
    ran = filtered(rows)
    assert [verdict["id"] for verdict in ran.verdicts] == list(range(10))
    assert "rows, read as openai" in ran.out
    assert "role_order" in ran.out
    assert "10 verdicts" in ran.out


def test_what_cannot_be_done_is_said_and_nothing_is_written(
    filtered: Filter, tmp_path: Path
) -> None:
    ran = filtered([openai(USER, DONE)], rules_only=False)
    assert (ran.code, ran.verdicts) == (2, [])
    assert "--rules-only" in ran.err
    ran = filtered([{"text": "Hi"}])
    assert (ran.code, ran.verdicts) == (2, [])
    assert "does not tell which format" in ran.err
    ran = filtered(tmp_path / "missing.jsonl")
    assert ran.code == 2
    assert "there is no file" in ran.err
    ran = filtered([openai(USER, DONE)], "--out", str(tmp_path / "rows.jsonl"))
    assert ran.code == 2
    assert "is the file of the conversations" in ran.err
    tools = tmp_path / "tools.json"
    tools.write_text('{"a": 1}')
    ran = filtered([openai(USER, DONE)], "--tools", str(tools))
    assert ran.code == 2
    assert "expected a JSON list of tools" in ran.err


@pytest.mark.parametrize(
    ("name", "kept", "dropped"),
    [
        ("tau_airline/trajectories.jsonl.gz", 198, 2),
        ("glaive_sharegpt/glaive_toolcall_en_demo.jsonl.gz", 299, 1),
        ("glaive_sharegpt/reason_tool_use_demo_50.jsonl.gz", 35, 15),
    ],
)
def test_real_files_are_judged_whole(
    filtered: Filter, shared_data: Path, name: str, kept: int, dropped: int
) -> None:
    ran = filtered(shared_data / name, "--json")
    assert (ran.code, ran.err) == (0, "")
    figures = json.loads(ran.out)
    assert (figures["kept"], figures["dropped"], figures["rejected"]) == (kept, dropped, 0)
    assert len(ran.verdicts) == kept + dropped


def test_rows_with_the_same_id_are_counted_and_quiet_leaves_warnings_only(
    filtered: Filter,
) -> None:
    rows = [openai(USER, DONE, id=name) for name in ("a", "b", "a", "a")]
    ran = filtered(rows, "--quiet")
    assert (ran.code, ran.out, len(ran.verdicts)) == (0, "", 4)
    assert ran.err.startswith("simkit: 2 rows have the id of an earlier row")
