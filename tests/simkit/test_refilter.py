"""``simkit filter RUN``: real small runs, judged again over HTTP or with nobody to ask."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import anyio
import orjson
import pytest

from simkit.bus import Bus
from simkit.cli.main import main
from simkit.config import ConfigError
from simkit.config_file import load_config
from simkit.drain import Drain
from simkit.refilter import NewFilters, refilter
from simkit.refilter_judge import judge_config
from simkit.replay import replay_run
from simkit.run import run
from simkit.standin.brain import ScriptedBrain
from simkit.standin.server import running
from simkit.standin.settings import StandinSettings
from simkit.traces.exports import export
from simkit.traces.provider_errors import Unreachable
from simkit.traces.run_directory import RunDirectory, RunDirectoryError
from simkit.traces.run_reader import RunReader
from simkit.traces.store import StoreError
from simkit.verdict_changes import EXAMPLES

CONVERSATIONS = 24
RULES = {"failed_tool_calls", "schema_valid_arguments", "known_function", "duplicate_calls"}
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


@asynccontextmanager
async def standin(**settings: Any) -> AsyncIterator[str]:
    chosen = StandinSettings(**settings)
    async with running(chosen, ScriptedBrain(mistakes=chosen.mistakes)) as base_url:
        yield base_url


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with mistakes of the models in it, whose provider is gone; only to be read."""
    directory = tmp_path_factory.mktemp("made") / "run"

    async def play() -> None:
        async with standin(mistakes=0.2) as base_url:
            given = {**OPTIONS, "provider.base_url": base_url}
            await run(load_config(None, given), directory, Bus())

    anyio.run(play)
    return directory


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    """A copy of `made`, to be changed."""
    return Path(shutil.copytree(made, tmp_path / "run"))


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run ``simkit`` with arguments: exit code, stdout and stderr."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, " ".join(captured.err.split())

    return call


def verdicts(directory: Path, name: str) -> dict[int, Any]:
    """Scenario to verdict, of the set *name*."""
    select = "SELECT scenario, body FROM verdicts WHERE filter_set = ? ORDER BY scenario"
    with closing(sqlite3.connect(directory / "run.db")) as database:
        return {number: orjson.loads(body) for number, body in database.execute(select, (name,))}


def calls(directory: Path) -> int:
    with RunReader(directory / "run.db") as reader:
        return reader.counts().calls


def same_judge(directory: Path, **given: Any) -> Any:
    return judge_config(directory / "run.toml", None, given)


async def test_the_same_filters_give_the_same_verdicts_and_ask_nobody(copy: Path) -> None:
    before, asked = verdicts(copy, "run"), calls(copy)

    summary = await refilter(copy, NewFilters(judge=same_judge(copy)))

    assert summary.name == "again"
    assert (summary.calls, calls(copy)) == (0, asked)  # the provider is gone, too
    assert verdicts(copy, "again") == verdicts(copy, "run") == before
    assert summary.changes.before == summary.changes.after
    assert all(changed.number == 0 for changed in summary.changes.kinds.values())


async def test_rules_alone_keep_what_the_judge_dropped_and_say_so(copy: Path) -> None:
    before = verdicts(copy, "run")

    summary = await refilter(copy, NewFilters())

    after = verdicts(copy, "again")
    assert verdicts(copy, "run") == before
    judged_away = [
        number
        for number, verdict in before.items()
        if verdict["outcome"] == "dropped"
        and verdict["reasons"][0]["check"] == "trajectory_judge"
        and after[number]["outcome"] == "kept"
    ]
    changed = summary.changes.kinds["dropped to kept"]
    assert changed.because_of["trajectory_judge"] == len(judged_away) > 0
    assert changed.examples[0].conversation == min(
        number
        for number in before
        if before[number]["outcome"] != "kept" and after[number]["outcome"] == "kept"
    )
    lifted = summary.changes.kinds["masks lifted"]
    assert lifted.number == sum(
        was["ok"] < now["ok"]
        for number, verdict in before.items()
        if verdict["outcome"] == after[number]["outcome"] == "kept"
        for was, now in zip(verdict["turns"], after[number]["turns"], strict=True)
    )
    assert set(lifted.because_of) <= {"turn_judge"}
    assert len(lifted.examples) <= EXAMPLES
    assert all(verdict["judge"] is None for verdict in after.values())


async def test_a_rule_that_is_left_out_masks_nothing_and_stricter_verdicts_are_counted_too(
    copy: Path,
) -> None:
    lenient = await refilter(copy, NewFilters(without=frozenset(RULES)))
    assert not any(
        reason["check"] in RULES
        for verdict in verdicts(copy, "again").values()
        for turn in verdict["turns"]
        for reason in turn["reasons"]
    )
    assert sum(lenient.changes.kinds["masks lifted"].because_of[rule] for rule in RULES) > 0

    with closing(sqlite3.connect(copy / "run.db")) as database, database:
        # What was found leniently, as if it were the run's own.
        database.execute("DELETE FROM verdicts WHERE filter_set = 'run'")
        database.execute("UPDATE verdicts SET filter_set = 'run'")
    strict = await refilter(copy, NewFilters())
    masked = strict.changes.kinds["turns masked"]
    assert masked.number > 0
    assert set(masked.because_of) <= RULES


async def test_another_judge_is_asked_and_its_replies_are_recorded(copy: Path) -> None:
    asked = calls(copy)
    async with standin(models=("standin", "other")) as base_url:
        judge = judge_config(
            copy / "run.toml",
            None,
            {"roles.judge.model": "other", "provider.base_url": base_url},
        )
        first = await refilter(copy, NewFilters(name="other", judge=judge))
    again = await refilter(copy, NewFilters(name="other-2", judge=judge))  # it is gone by now

    assert first.calls == calls(copy) - asked > CONVERSATIONS
    assert first.spending[0].spent > 0
    assert again.calls == 0
    assert verdicts(copy, "other") == verdicts(copy, "other-2")
    assert {v["judge"] for v in verdicts(copy, "other").values()} <= {"other", None}
    assert (await replay_run(copy)).is_identical  # replies of another judge do not confuse it


async def test_nothing_is_written_when_the_judge_cannot_be_reached(copy: Path) -> None:
    judge = same_judge(copy, **{"roles.judge.model": "other"})
    with pytest.raises(Unreachable):
        await refilter(copy, NewFilters(judge=judge))
    with RunReader(copy / "run.db") as reader:
        assert reader.verdict_sets() == ("run",)


async def test_what_was_interrupted_is_not_there_and_is_not_paid_for_twice(copy: Path) -> None:
    async with standin(models=("standin", "other"), latency_seconds=0.01) as base_url:
        judge = judge_config(
            copy / "run.toml",
            None,
            {"roles.judge.model": "other", "provider.base_url": base_url},
        )
        filters = NewFilters(name="other", judge=judge)
        whole = await refilter(Path(shutil.copytree(copy, copy.parent / "whole")), filters)
        drain, asked = Drain(), calls(copy)
        async with anyio.create_task_group() as tg:

            async def stop(done: int) -> None:
                if done == CONVERSATIONS // 3:
                    drain.request()
                    await drain.idle()
                    tg.cancel_scope.cancel()

            def progress(done: int, total: int) -> None:
                assert total == CONVERSATIONS
                tg.start_soon(stop, done)

            async def judged() -> None:
                await refilter(copy, filters, drain=drain, on_progress=progress)

            tg.start_soon(judged)
        with RunReader(copy / "run.db") as reader:
            assert reader.verdict_sets() == ("run",)
        paid = calls(copy) - asked
        rest = await refilter(copy, filters)
    assert 0 < paid < whole.calls
    assert paid + rest.calls == whole.calls
    assert verdicts(copy, "other") == verdicts(copy.parent / "whole", "other")
    assert verdicts(copy, ".other") == {}


async def test_a_budget_that_does_not_reach_leaves_everything_as_it_was(copy: Path) -> None:
    async with standin(models=("standin", "other")) as base_url:
        given: dict[str, Any] = {"roles.judge.model": "other", "provider.base_url": base_url}
        little = judge_config(copy / "run.toml", None, {**given, "budget.tokens": 20_000})
        stopped = await refilter(copy, NewFilters(name="other", judge=little))
        assert not stopped.is_whole
        assert stopped.calls > 0
        with RunReader(copy / "run.db") as reader:
            assert reader.verdict_sets() == ("run",)
        enough = judge_config(copy / "run.toml", None, given)
        assert (await refilter(copy, NewFilters(name="other", judge=enough))).is_whole


async def test_what_a_failing_provider_left_unjudged_is_told_and_can_be_asked_again(
    copy: Path,
) -> None:
    given: dict[str, Any] = {"roles.judge.model": "other", "provider.retry_attempts": 1}
    async with standin(models=("other",), faults=0.2) as base_url:
        judge = judge_config(copy / "run.toml", None, {**given, "provider.base_url": base_url})
        first = await refilter(copy, NewFilters(name="other", judge=judge))
    async with standin(models=("other",)) as base_url:
        judge = judge_config(copy / "run.toml", None, {**given, "provider.base_url": base_url})
        again = await refilter(copy, NewFilters(name="other", judge=judge, replace=True))
    undecided = first.changes.kinds["now undecided"]
    assert first.changes.after["undecided"] == undecided.number > 0
    assert set(undecided.because_of) == {"judge_unavailable"}
    assert again.changes.after["undecided"] == 0
    assert again.changes.conversations == CONVERSATIONS


async def test_a_name_that_is_taken_is_replaced_only_when_asked(copy: Path) -> None:
    await refilter(copy, NewFilters(name="mine"))
    first = verdicts(copy, "mine")
    with pytest.raises(RunDirectoryError, match=r"'mine' already.*--replace"):
        await refilter(copy, NewFilters(name="mine", without=frozenset(RULES)))
    assert verdicts(copy, "mine") == first
    await refilter(copy, NewFilters(name="mine", without=frozenset(RULES), replace=True))
    assert verdicts(copy, "mine") != first
    assert [(await refilter(copy, NewFilters())).name for _ in range(3)] == [
        "again",
        "again-2",
        "again-3",
    ]


@pytest.mark.parametrize("name", ["run", "", "Mine", "-x", ".again", "a b", "a" * 41, "x\n"])
def test_a_bad_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be called"):
        NewFilters(name=name)


async def test_a_run_that_another_process_works_on_is_not_touched(copy: Path) -> None:
    with RunDirectory.open(copy).locked(), pytest.raises(RunDirectoryError, match="another"):
        await refilter(copy, NewFilters())


async def test_a_run_without_conversations_is_refused(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path / "run", "[catalog]\ndemo = true\n")
    with pytest.raises(RunDirectoryError, match="holds no conversation"):
        await refilter(tmp_path / "run", NewFilters())


async def test_failed_conversations_stay_failed_and_unjudged_ones_are_judged(
    tmp_path: Path,
) -> None:
    directory = tmp_path / "run"
    async with standin(faults=0.15) as base_url:
        given = {**OPTIONS, "provider.base_url": base_url, "provider.retry_attempts": 2}
        await run(load_config(None, given), directory, Bus())
    failed = {n for n, v in verdicts(directory, "run").items() if v["outcome"] == "failed"}
    judged = next(number for number in range(CONVERSATIONS) if number not in failed)
    with closing(sqlite3.connect(directory / "run.db")) as database, database:
        database.execute("DELETE FROM verdicts WHERE scenario = ?", (judged,))

    changes = (await refilter(directory, NewFilters())).changes

    after = verdicts(directory, "again")
    assert failed == {n for n, v in after.items() if v["outcome"] == "failed"} != set()
    assert changes.before["not judged"] == 1
    assert changes.after.total() == CONVERSATIONS == len(after)


async def test_exports_and_counts_go_by_the_set_that_is_asked_for(copy: Path) -> None:
    await refilter(copy, NewFilters(name="rules"))
    kept = sum(verdict["outcome"] == "kept" for verdict in verdicts(copy, "rules").values())
    with RunReader(copy / "run.db") as reader:
        own = export(reader, "openai", copy / "own.jsonl")
        again = export(reader, "openai", copy / "again.jsonl", verdicts="rules")
        assert reader.counts().kept == own.trajectories < again.trajectories == kept
        assert reader.counts(verdicts="rules").kept == kept
        stored = reader.trajectory(0, verdicts="rules")
        assert stored is not None
        assert stored.verdict is not None
        assert stored.verdict.judge is None
        with pytest.raises(StoreError, match="no set of verdicts 'rule'; there is run, rules"):
            export(reader, "openai", copy / "none.jsonl", verdicts="rule")
    assert not (copy / "none.jsonl").exists()
    manifest = orjson.loads(again.manifest_path.read_bytes())
    assert "no judge" in manifest["verdicts"]["rules"]
    assert "verdicts" not in orjson.loads(own.manifest_path.read_bytes())


async def test_a_run_goes_on_as_if_nobody_had_judged_it_again(copy: Path) -> None:
    await refilter(copy, NewFilters())
    before, new = verdicts(copy, "run"), verdicts(copy, "again")
    async with standin(mistakes=0.2) as base_url:
        given = {
            **OPTIONS,
            "provider.base_url": base_url,
            "run.conversations": CONVERSATIONS + 4,
        }
        await run(load_config(None, given), copy, Bus())
    assert list(verdicts(copy, "run")) == list(range(CONVERSATIONS + 4))
    assert before.items() <= verdicts(copy, "run").items()
    assert verdicts(copy, "again") == new
    with RunReader(copy / "run.db") as reader:
        assert reader.counts(verdicts="again").unjudged == 4


def test_an_address_that_is_given_gets_no_key_of_another(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_KEY", "secret")
    stored = copy / "stored.toml"
    stored.write_text(
        '[model]\nname = "m"\nprovider = ["a", "b"]\nfallback = [{model = "f", provider = "b"}]\n'
        '[providers.a]\nbase_url = "https://a.example/v1"\napi_key_env = "OTHER_KEY"\n'
        '[providers.b]\nbase_url = "https://b.example/v1"\n'
    )
    other = judge_config(stored, None, {"provider.base_url": "https://c.example/v1"})
    (used,) = other.role("judge").providers
    assert other.providers[used].base_url == "https://c.example/v1"
    assert other.providers[used].api_key_env == ()
    assert other.role("judge").fallback == ()
    same = judge_config(stored, None, {"provider.requests_per_minute": 3.0})
    assert same.providers["a"].requests_per_minute == 3.0
    assert same.role("judge").providers == ("a", "b")
    assert len(same.role("judge").fallback) == 1


def test_a_run_made_without_a_judge_needs_one_that_is_named(tmp_path: Path) -> None:
    stored = tmp_path / "run.toml"
    stored.write_text(
        '[model]\nname = "m"\n[filters]\njudge = false\n'
        '[providers.default]\nbase_url = "https://a.example/v1"\n'
    )
    with pytest.raises(ConfigError, match=r"without a judge; .*--rules-only"):
        judge_config(stored, None, {})
    assert judge_config(stored, None, {"roles.judge.model": "n"}).role("judge").model == "n"


def test_a_runs_own_budget_does_not_count(tmp_path: Path) -> None:
    stored = tmp_path / "run.toml"
    stored.write_text(
        '[model]\nname = "m"\n[budget]\ntokens = 5\n'
        '[providers.default]\nbase_url = "https://a.example/v1"\n'
    )
    assert judge_config(stored, None, {}).budget.tokens is None
    assert judge_config(stored, None, {"budget.tokens": 9}).budget.tokens == 9
    assert judge_config(tmp_path / "no", stored, {}).budget.tokens == 5


def test_the_command_shows_what_changed_and_what_to_do_next(
    copy: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    code, out, err = command("filter", copy, "--rules-only", "--without", "duplicate_calls")
    assert (code, err) == (0, "")
    assert "dropped before, kept now" in out
    assert "trajectory_judge" in out
    assert "conversation " in out
    assert f"simkit export {copy} --format toolmind --verdicts again" in out

    code, out, err = command("filter", copy, "--json", "--name", "own")
    assert (code, err) == (0, "")
    figures = json.loads(out)
    assert (figures["name"], figures["whole"], figures["calls"]) == ("own", True, 0)
    assert figures["before"] == figures["after"]
    assert figures["kept_to_dropped"] == {"number": 0, "because_of": {}, "examples": []}

    code, out, _ = command("export", copy, "--format", "sharegpt", "--verdicts", "again")
    assert code == 0
    assert (copy / "exports" / "sharegpt-again.jsonl").exists()
    assert "sharegpt-again.jsonl: " in out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "give either"),
        (("RUN", "--in", "x"), "give either"),
        (("RUN", "--out", "x"), "goes with --in only"),
        (("--in", "x", "--out", "y", "--rules-only", "--name", "n"), "goes with RUN only"),
        (("--in", "x", "--rules-only"), "'--out'"),
        (("RUN", "--rules-only", "--model", "m"), "leave out the options about the judge"),
        (("RUN", "--rules-only", "--replace"), "needs the --name"),
        (("RUN", "--rules-only", "--without", "x"), "there is no check 'x' to leave out"),
        (("RUN", "--rules-only", "--name", "run"), "is the run's own"),
        (("nowhere", "--rules-only"), "there is no folder"),
    ],
)
def test_bad_usage_is_refused_in_one_line(
    arguments: tuple[str, ...],
    told: str,
    made: Path,
    command: Callable[..., tuple[int, str, str]],
) -> None:
    given = [str(made) if argument == "RUN" else argument for argument in arguments]
    code, _, err = command("filter", *given)
    assert code == 2
    assert told in err


def test_a_set_that_is_not_there_is_not_exported(
    made: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    code, _, err = command("export", made, "--format", "openai", "--verdicts", "again")
    assert code != 0
    assert "no set of verdicts 'again'; there is run" in err
