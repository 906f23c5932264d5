"""Damaged runs: what is left is saved, what is missing is said, and the run goes on."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest

from simkit import agents
from simkit.bus import Bus
from simkit.cli.main import main
from simkit.config import RunConfig
from simkit.config_file import load_config
from simkit.fork import open_fork
from simkit.readable_rows import ReadableRows
from simkit.recover import recover
from simkit.run import run
from simkit.standin.brain import ScriptedBrain
from simkit.standin.server import running
from simkit.standin.settings import StandinSettings
from simkit.traces.database import StoreError
from simkit.traces.exports import export
from simkit.traces.run_directory import RunDirectory, RunDirectoryError
from simkit.traces.run_reader import RunReader

PAGE = 4096
OPTIONS: dict[str, Any] = {
    "catalog.demo": True,
    "graph.embedder": "lexical",
    "model.name": "standin",
    "walk.min_length": 2,
    "walk.max_length": 3,
    "run.conversations": 20,
}


def configured(base_url: str) -> RunConfig:
    return load_config(None, {**OPTIONS, "provider.base_url": base_url})


async def play(out: Path) -> int:
    """Play *out*, or go on with it; gives how many calls that took."""
    before = stored(out, "calls") if RunDirectory.is_run(out) else 0
    async with running(StandinSettings(mistakes=0.05), ScriptedBrain(mistakes=0.05)) as base_url:
        await run(configured(base_url), out, Bus())
    return stored(out, "calls") - before


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that is through; not to be changed."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    anyio.run(play, out)
    return out


@pytest.fixture
def damaged(whole: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(whole, tmp_path / "damaged"))


def stored(directory: Path, table: str) -> int:
    with closing(sqlite3.connect(directory / "run.db")) as connection:
        (number,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(number)


def overwrite(database: Path, *pages: int) -> None:
    draw = random.Random(0)
    with database.open("r+b") as file:
        for page in pages:
            file.seek(page * PAGE)
            file.write(draw.randbytes(PAGE))


def exported(directory: Path) -> list[bytes]:
    made = []
    with RunReader(directory / "run.db") as reader:
        for name in ("toolmind", "openai"):
            report = export(reader, name, directory / f"{name}.jsonl")  # type: ignore[arg-type]
            made += [report.path.read_bytes(), report.manifest_path.read_bytes()]
    return made


async def test_a_run_that_is_whole_is_copied_row_by_row(damaged: Path, tmp_path: Path) -> None:
    recovery = recover(damaged, tmp_path / "out")
    assert recovery.is_whole
    assert recovery.lost_trajectories == ()
    assert exported(tmp_path / "out") == exported(damaged)
    assert await play(tmp_path / "out") == 0


async def test_a_run_with_torn_pages_goes_on_and_ends_like_the_whole_one(
    whole: Path, damaged: Path, tmp_path: Path
) -> None:
    pages = (damaged / "run.db").stat().st_size // PAGE
    overwrite(damaged / "run.db", *random.Random(3).sample(range(20, pages), pages // 15))
    with pytest.raises(StoreError, match="simkit recover"):
        RunDirectory.open(damaged).check_whole()
    before = (damaged / "run.db").read_bytes()

    recovery = recover(damaged, tmp_path / "out")

    assert (damaged / "run.db").read_bytes() == before
    calls = recovery.tables["calls"]
    assert calls.saved > stored(whole, "calls") / 2
    assert not recovery.is_whole
    kept = stored(tmp_path / "out", "trajectories")
    assert kept + len(recovery.lost_trajectories) == 20
    assert await play(tmp_path / "out") <= stored(whole, "calls") - calls.saved
    assert exported(tmp_path / "out") == exported(whole)


async def test_lost_trajectories_are_played_again_from_the_saved_calls_for_nothing(
    whole: Path, damaged: Path, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(damaged / "run.db")) as connection, connection:
        connection.execute("UPDATE trajectories SET body = x'00' WHERE scenario IN (3, 4, 9)")
    recovery = recover(damaged, tmp_path / "out")
    assert recovery.lost_trajectories == (3, 4, 9)
    assert recovery.tables["trajectories"].unfit == 3
    assert recovery.tables["verdicts"].unfit == 3
    assert await play(tmp_path / "out") == 0
    assert exported(tmp_path / "out") == exported(whole)


def test_a_database_whose_beginning_is_gone_is_saved_all_the_same(
    damaged: Path, tmp_path: Path
) -> None:
    overwrite(damaged / "run.db", 0)
    with pytest.raises(RunDirectoryError, match="simkit recover"):
        RunDirectory.open(damaged)
    assert recover(damaged, tmp_path / "out").is_whole


async def test_calls_below_a_lost_inner_page_are_saved_and_nothing_is_paid_again(
    whole: Path, damaged: Path, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(damaged / "run.db")) as connection:
        roots = [root for (root,) in connection.execute("SELECT rootpage FROM sqlite_master")]
    overwrite(damaged / "run.db", *(root - 1 for root in roots))
    recovery = recover(damaged, tmp_path / "out")
    assert recovery.tables["calls"].saved == stored(whole, "calls")
    assert recovery.tables["trajectories"].saved == 0
    assert recovery.lost_trajectories == tuple(range(20))
    assert await play(tmp_path / "out") == 0
    assert exported(tmp_path / "out")[::2] == exported(whole)[::2]


def test_the_command_says_what_is_missing_and_how_to_go_on(
    damaged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(damaged / "run.db")) as connection, connection:
        connection.execute("UPDATE trajectories SET body = x'00' WHERE scenario IN (3, 4, 9)")
        connection.execute("UPDATE calls SET reply = '{' WHERE rowid <= 5")
    with pytest.raises(SystemExit) as left:
        main(["recover", str(damaged), "--out", str(tmp_path / "out")])
    assert left.value.code == 0
    said = capsys.readouterr().out
    assert "trajectories: 17 rows saved, 3 left out" in said
    assert "rows saved, 5 left out" in said
    assert "no trajectory of scenarios 3-4, 9" in said
    assert said.splitlines()[-1] == f"next: simkit generate {tmp_path / 'out'}"


def roots(database: Path) -> dict[str, int]:
    """Page, from 0, at which each table and index begins."""
    with closing(sqlite3.connect(database)) as connection:
        return {
            name: root - 1
            for name, root in connection.execute("SELECT name, rootpage FROM sqlite_master")
        }


def leaf_of_call(database: Path, rowid: int) -> int:
    """Page, from 0, that holds the call."""
    select = "SELECT fingerprint FROM calls WHERE rowid = ?"
    with closing(sqlite3.connect(database)) as connection:
        (fingerprint,) = connection.execute(select, (rowid,)).fetchone()
    content = database.read_bytes()
    pages = [content[start : start + PAGE] for start in range(0, len(content), PAGE)]
    (leaf,) = (n for n, page in enumerate(pages) if page[0] == 13 and fingerprint in page)
    return leaf


def lose(database: Path, *tables: str) -> None:
    """Overwrite where *tables* and their indexes begin."""
    found = roots(database)
    names = [name for name in found if name.startswith((*tables, *map(index_of, tables)))]
    overwrite(database, *(found[name] for name in names))


def index_of(table: str) -> str:
    return f"sqlite_autoindex_{table}"


def test_no_more_verdicts_can_be_missing_than_there_are_trajectories(
    damaged: Path, tmp_path: Path
) -> None:
    lose(damaged / "run.db", "verdicts")
    verdicts = recover(damaged, tmp_path / "out").tables["verdicts"]
    assert (verdicts.saved, verdicts.lost, verdicts.bound) == (0, 20, "at most")


def test_each_set_of_verdicts_may_have_lost_one_for_each_trajectory(
    damaged: Path, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(damaged / "run.db")) as connection, connection:
        connection.execute("INSERT INTO meta VALUES ('verdicts strict', 'all rules')")
        connection.execute(
            "INSERT INTO verdicts SELECT scenario, 'strict', outcome, body FROM verdicts"
        )
    lose(damaged / "run.db", "verdicts")
    verdicts = recover(damaged, tmp_path / "out").tables["verdicts"]
    assert (verdicts.lost, verdicts.bound) == (40, "at most")


def test_what_nothing_tells_the_number_of_is_said_to_be_unknown(
    damaged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lose(damaged / "run.db", "meta", "verdicts", "calls")
    with pytest.raises(SystemExit):
        main(["recover", str(damaged), "--out", str(tmp_path / "out")])
    said = capsys.readouterr().out
    assert "meta: 0 rows saved, an unknown number not readable" in said
    assert "verdicts: 0 rows saved, an unknown number not readable" in said
    assert "rows saved, an unknown number not readable" in said.partition("calls: ")[2]
    assert "nothing is missing" not in said


@pytest.mark.parametrize("with_index", [True, False])
def test_as_many_calls_are_missing_as_were_on_the_lost_pages(
    with_index: bool, whole: Path, damaged: Path, tmp_path: Path
) -> None:
    """Calls are numbered from 1 and stay, so the last one that is left tells their number."""
    overwrite(damaged / "run.db", leaf_of_call(damaged / "run.db", stored(whole, "calls") // 2))
    if not with_index:
        found = roots(damaged / "run.db")
        overwrite(damaged / "run.db", found["calls_by_site"], found[f"{index_of('calls')}_1"])
    calls = recover(damaged, tmp_path / "out").tables["calls"]
    assert calls.lost > 0
    assert (calls.saved + calls.lost, calls.bound) == (stored(whole, "calls"), "exactly")


def test_a_damaged_graph_is_said_and_the_rest_is_saved(damaged: Path, tmp_path: Path) -> None:
    (damaged / "run.graph").write_bytes(b"no graph")
    recovery = recover(damaged, tmp_path / "out")
    assert recovery.graph_problem is not None
    assert not (tmp_path / "out" / "run.graph").exists()
    assert stored(tmp_path / "out", "trajectories") == 20


@pytest.fixture(scope="module")
def fork(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fork of the run, with prompts of its own; not to be changed."""
    folder = tmp_path_factory.mktemp("forks")
    shutil.copytree(package_prompts_folder(), folder / "prompts")
    anyio.run(continue_one, whole, folder / "fork", folder / "prompts")
    return folder / "fork"


def package_prompts_folder() -> Path:
    return Path(agents.__file__).parent / "prompts"


async def continue_one(parent: Path, out: Path, prompts: Path) -> None:
    chosen = open_fork(parent, 3, 0, user_says="Good day.", prompts=prompts)
    async with running(StandinSettings(), ScriptedBrain()) as base_url:
        config = load_config(None, {**OPTIONS, "provider.base_url": base_url})
        few = config.model_copy(update={"run": config.run.model_copy(update={"conversations": 2})})
        await chosen.play(few, out, Bus())


def test_a_fork_goes_on_with_the_command_that_made_it_and_needs_no_graph(
    whole: Path, fork: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["recover", str(fork), "--out", str(tmp_path / "out")])
    assert left.value.code in (0, None)
    told = capsys.readouterr().out.splitlines()
    assert told[-2:] == [
        "nothing is missing",
        f"next: simkit fork {whole} 3 --at 0 --out {tmp_path / 'out'}",
    ]
    assert {path.name for path in (tmp_path / "out" / "prompts").iterdir()} == {
        path.name for path in (fork / "prompts").iterdir()
    }


def test_conversations_that_are_no_forks_of_this_parent_are_not_saved_in_one(
    fork: Path, tmp_path: Path
) -> None:
    mixed = Path(shutil.copytree(fork, tmp_path / "mixed"))
    with closing(sqlite3.connect(mixed / "run.db")) as connection, connection:
        connection.execute(
            "UPDATE trajectories SET id = '0-1', body ="
            ' CAST(replace(CAST(body AS TEXT), \'"id":"0-3@0-1"\', \'"id":"0-1"\') AS BLOB)'
            " WHERE scenario = 1"
        )
    recovery = recover(mixed, tmp_path / "out")
    assert recovery.tables["trajectories"].foreign == 1
    assert recovery.tables["verdicts"].foreign == 1
    assert not recovery.is_whole
    assert recovery.lost_trajectories == (1,)


async def test_conversations_of_another_run_are_played_again_from_the_saved_calls_for_nothing(
    whole: Path, damaged: Path, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(damaged / "run.db")) as connection, connection:
        connection.execute(
            "UPDATE trajectories SET id = '5-4', body ="
            ' CAST(replace(CAST(body AS TEXT), \'"id":"0-4"\', \'"id":"5-4"\') AS BLOB)'
            " WHERE scenario = 4"
        )
    with pytest.raises(StoreError, match="conversations of another run beside its own: 4 "):
        await play(damaged)
    recovery = recover(damaged, tmp_path / "out")
    assert recovery.tables["trajectories"].foreign == 1
    assert await play(tmp_path / "out") == 0
    assert exported(tmp_path / "out") == exported(whole)


def cut(database: Path) -> None:
    database.write_bytes(b"")


def make_foreign(database: Path) -> None:
    database.unlink()
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE songs (title TEXT)")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (cut, "is empty"),
        (make_foreign, "is not the database of a simkit run"),
        (lambda database: database.write_bytes(b"no database at all " * 999), "nothing in"),
        (Path.unlink, "put back a copy of run.db"),
    ],
)
def test_where_nothing_can_be_saved_nothing_is_made(
    spoil: Callable[[Path], object], says: str, damaged: Path, tmp_path: Path
) -> None:
    spoil(damaged / "run.db")
    with pytest.raises((StoreError, RunDirectoryError), match=says):
        recover(damaged, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_run_that_goes_on_is_not_recovered(damaged: Path, tmp_path: Path) -> None:
    directory = RunDirectory.open(damaged)
    with directory.locked(), pytest.raises(RunDirectoryError, match="another process"):
        recover(damaged, tmp_path / "out")


@pytest.fixture
def numbers(tmp_path: Path) -> Iterator[Callable[..., tuple[ReadableRows, list[int]]]]:
    """Reads a table of 2,000 numbered rows of which some pages are overwritten."""
    path = tmp_path / "numbers.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE numbers (number INTEGER NOT NULL, filling BLOB)")
        rows = ((number, bytes(100)) for number in range(1, 2001))
        connection.executemany("INSERT INTO numbers VALUES (?, ?)", rows)

    def read(*pages: int) -> tuple[ReadableRows, list[int]]:
        overwrite(path, *pages)
        with closing(sqlite3.connect(path)) as connection:
            connection.row_factory = sqlite3.Row
            readable = ReadableRows(connection=connection, table="numbers")
            return readable, [row["number"] for row in readable]

    return read


@pytest.mark.parametrize("pages", [(), (5,), (5, 20, 21), (2, 40), range(10, 40, 2)])
def test_each_row_outside_the_damaged_pages_is_read_once_and_the_others_are_named(
    pages: tuple[int, ...], numbers: Any
) -> None:
    readable, read = numbers(*pages)
    missing = [number for gap in readable.gaps for number in gap]
    assert len(read) == len(set(read))
    assert {*read, *missing} >= {*range(1, 2001)}
    assert not {*read} & {*missing}
    assert len(missing) <= 40 * len(pages)
