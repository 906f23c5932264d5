"""Options of ``simkit graph`` that do not fit the graph, or name a file that cannot be written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from simkit.cli.main import main
from simkit.graph.affinity import DEFAULT
from simkit.graph.affinity_file import affinity_toml

Run = Callable[..., tuple[object, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in *tmp_path*, which has catalogs and weights; the exit code, and stderr."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    for name in ("order", "refund"):
        taken = {"type": "object", "properties": {"order_id": {"type": "string"}}}
        function = {"name": f"make_{name}", "description": "Makes it.", "parameters": taken}
        Path(f"{name}.json").write_bytes(orjson.dumps([function]))
    weights = affinity_toml(DEFAULT)
    Path("weights.toml").write_text(weights.replace("middle = 9.4", "middle = 9.1"))
    Path("folder").mkdir()

    def run(*arguments: str) -> tuple[object, str]:
        with pytest.raises(SystemExit) as ended:
            main(["graph", *arguments])
        return ended.value.code, " ".join(capsys.readouterr().err.split())

    return run


BUILD = ("build", "order.json", "-o", "g", "--embedder", "lexical")
ADD = ("add", "g", "refund.json", "-o", "g2", "--embedder", "lexical")
CANDIDATES = ("candidates", "g", "-o", "c.jsonl")
FITTED = ("--affinity", "weights.toml")


def test_adding_and_ranking_take_the_weights_of_the_graph(run: Run) -> None:
    assert run(*BUILD, *FITTED)[0] == 0
    for command in (ADD, CANDIDATES):
        code, said = run(*command)
        assert code == 2
        assert "Name the file of its weights with --affinity FILE" in said
        assert run(*command, *FITTED)[0] == 0
    model = ("--base-url", "http://localhost:9/v1", "--model", "m")
    code, said = run("validate", "g", "-o", "v", *model)
    assert (code, "Name the file of its weights with --affinity FILE" in said) == (2, True)


@pytest.mark.parametrize("limit", ["--max-out-edges", "--max-in-edges"])
def test_adding_takes_no_limits_but_those_of_the_graph(run: Run, limit: str) -> None:
    assert run(*BUILD, limit, "7")[0] == 0
    code, said = run(*ADD, limit, "8")
    assert (code, "the graph was built with 7, which holds" in said, limit in said) == (2, 1, 1)
    assert run(*ADD, limit, "7")[0] == run(*ADD)[0] == 0


def test_a_folder_is_no_file_to_write(run: Run) -> None:
    assert run(*BUILD)[0] == 0
    for arguments in (
        ("build", "order.json", "-o", "folder"),
        ("candidates", "g", "-o", "folder"),
        ("candidates", "g", "-o", "nowhere/c.jsonl"),
        ("show", "g", "--html", "folder"),
    ):
        code, said = run(*arguments)
        assert (code, ".partial" in said) == (2, False)
        assert arguments[-1].split("/")[0] in said


def test_the_page_and_the_graphml_are_two_files(run: Run) -> None:
    assert run(*BUILD)[0] == 0
    code, said = run("show", "g", "--html", "a", "--graphml", "./a")
    assert (code, "is the file of --graphml" in said) == (2, True)
    assert not Path("a").exists()
