"""The demo, as a newcomer starts it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

COMMAND = [sys.executable, "-m", "simkit", "generate", "--demo", "--embedder", "lexical"]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What a small demo prints, and its folder."""
    folder = tmp_path_factory.mktemp("demo")
    options = ["--conversations", "60", "--concurrency", "60"]
    done = subprocess.run(
        [*COMMAND, *options], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, folder / "runs" / "demo-1"


def figure(page: str, name: str) -> str:
    found = re.search(rf"^{name} +(.*)$", page, re.MULTILINE)
    assert found is not None, f"no line {name!r} in:\n{page}"
    return found[1]


def number(page: str, name: str) -> int:
    return int(figure(page, name).split()[0].replace(",", ""))


def test_the_page_says_what_was_made_and_the_sums_add_up(page: tuple[str, Path]) -> None:
    text, folder = page
    assert figure(text, "run") == str(Path("runs") / folder.name)
    kept, dropped, failed = (number(text, name) for name in ("kept", "dropped", "failed"))
    assert number(text, "played") == kept + dropped + failed == 60
    assert "up to 60 at once" in figure(text, "played")
    assert number(text, "calls") > 600
    for name in ("masked turns", "tokens", "seconds"):
        assert figure(text, name)


def test_not_one_request_of_the_demo_is_refused(page: tuple[str, Path]) -> None:
    assert ", 0 refused as malformed;" in figure(page[0], "provider")


def test_one_kept_conversation_is_shown(page: tuple[str, Path]) -> None:
    assert re.search(r"conversation \d+: kept, ended by user_done", page[0])
    assert re.search(r"^\[0\] user$", page[0], re.MULTILINE)
    assert re.search(r"^ +calls \w+\(", page[0], re.MULTILINE)


def test_both_exports_are_there_and_say_that_they_are_not_for_training(
    page: tuple[str, Path],
) -> None:
    for name in ("toolmind", "openai"):
        data = page[1] / "exports" / f"{name}.jsonl"
        assert data.read_bytes().count(b"\n") > 40
        manifest = orjson.loads(data.with_suffix(".manifest.json").read_bytes())
        assert "never for training" in manifest["notices"][0]


def test_two_demos_one_after_the_other_go_to_folders_of_their_own(page: tuple[str, Path]) -> None:
    runs = page[1].parent
    options = ["--conversations", "3", "--no-judge"]
    subprocess.run([*COMMAND, *options], cwd=runs.parent, capture_output=True, check=True)
    assert sorted(path.name for path in runs.iterdir()) == ["demo-1", "demo-2"]
