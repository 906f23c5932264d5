"""``simkit graph check``: what is read from catalogs, and why the rest is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from simkit.cli.main import main

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def function(name: str = "get_weather", **changes: Any) -> dict[str, Any]:
    said = "Get the current weather in a given city"
    return {"name": name, "description": said, "parameters": CITY} | changes


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    lines = [
        function(),
        function(),
        function("getWeather"),
        function("bad\x1b[31m", parameters={"type": "array"}),
    ]
    path = tmp_path / "weather.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def check(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(["graph", "check", *map(str, arguments)])
    captured = capsys.readouterr()
    return int(left.value.code or 0), captured.out, captured.err


def test_each_file_has_a_row_and_all_have_totals(
    capsys: pytest.CaptureFixture[str], catalog: Path
) -> None:
    code, out, _ = check(capsys, catalog)
    assert code == 0
    (row,) = [line for line in out.splitlines() if "/weather " in line]
    assert row.split()[1:] == ["BFCL", "3", "1", "1", "0", "1", "0", "0"]
    assert "with outputs" in out


def test_control_characters_do_not_reach_the_terminal(
    capsys: pytest.CaptureFixture[str], catalog: Path
) -> None:
    _, out, _ = check(capsys, catalog, "--verbose")
    assert "\x1b" not in out
    assert "rejected bad [31m (weather, line 4): declares parameters that are of type" in out
    assert "getWeather (weather, line 3) into get_weather (weather), 1.00 alike" in out


def test_json_and_a_file_name_every_rejection_and_merge(
    capsys: pytest.CaptureFixture[str], catalog: Path, tmp_path: Path
) -> None:
    code, out, _ = check(capsys, catalog, "--json", "--out", tmp_path / "rest.jsonl")
    assert code == 0
    printed = json.loads(out)
    assert printed["totals"]["functions"] == 1
    assert printed["files"][0]["read"] == 3
    rows = [json.loads(line) for line in (tmp_path / "rest.jsonl").read_text().splitlines()]
    assert [(row["kind"], row["position"]) for row in rows] == [
        ("rejected", "line 4"),
        ("merged", "line 3"),
    ]
    assert [{"kind": "rejected", **row} for row in printed["rejected"]] == rows[:1]
    assert [{"kind": "merged", **row} for row in printed["merges"]] == rows[1:]


def test_near_duplicates_stay_when_told_so(
    capsys: pytest.CaptureFixture[str], catalog: Path
) -> None:
    _, out, _ = check(capsys, catalog, "--no-near", "--json")
    assert json.loads(out)["totals"]["functions"] == 2


def test_nothing_usable_fails_and_still_says_why(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "talk.json"
    path.write_text('{"turns": []}')
    code, out, _ = check(capsys, path)
    assert code == 1
    assert "talk.json holds no function that can be used (1 refused)" in out


def test_one_useless_file_does_not_hide_the_others(
    capsys: pytest.CaptureFixture[str], catalog: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.json").write_text("{")
    code, out, _ = check(capsys, tmp_path / "broken.json", catalog)
    assert code == 0
    assert "broken.json is not valid JSON" in out


def test_a_missing_file_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, _, err = check(capsys, tmp_path / "gone.json")
    assert code == 2
    assert "does not exist" in err


def test_the_catalog_is_not_written_over(capsys: pytest.CaptureFixture[str], catalog: Path) -> None:
    before = catalog.read_bytes()
    code, _, err = check(capsys, catalog, "--out", catalog)
    assert (code, catalog.read_bytes()) == (2, before)
    assert "is the catalog" in err
