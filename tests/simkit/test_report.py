"""The books of a run: nothing is counted twice, and nothing is left out."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from simkit.cli.main import main
from simkit.config_file import load_config, to_toml
from simkit.report import Report, read_report, render_report, report_json
from simkit.traces.books import ACCOUNTS
from simkit.traces.calls import Answer, CallSite, CallTimes, ChatRequest, Completion, Usage
from simkit.traces.plans import Fault
from simkit.traces.records import Message, Reason, Trajectory, Verdict
from simkit.traces.rows import call_row, trajectory_row
from simkit.traces.run_directory import RunDirectory

STAGES = ("writer", "user", "assistant", "tool", "judge")
USAGE = Usage(input_tokens=100, output_tokens=10)
PRICES = """
currency = "EUR"
source = "made up"
date = 2026-01-01
prices = [
  { models = ["priced"], input = 10.0, cached_input = 1.0, output = 20.0 },
  { models = ["named", "elsewhere"], input = 1.0, output = 1.0 },
]
"""


@dataclass(frozen=True, kw_only=True)
class Call:
    """What a call is counted by."""

    stage: str = "assistant"
    model: str = "priced"
    usage: Usage = USAGE
    attempts: int = 1


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A conversation in any state that a run may leave it in."""

    calls: tuple[Call, ...] = ()
    cause: str | None = None
    is_played: bool = True
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)


def verdict(outcome: str, *checks: str) -> Verdict:
    reasons = tuple(Reason(check=check, message="x") for check in checks)
    return Verdict(outcome=outcome, reasons=reasons)  # type: ignore[arg-type]


def make_run(folder: Path, conversations: Mapping[int, Begun], *, wanted: int) -> Path:
    """A run folder with *conversations* in it, by number."""
    (folder / "prices.toml").write_text(PRICES)
    options = {"model.name": "priced", "run.conversations": wanted, "run.seed": 7}
    options["budget.prices"] = str(folder / "prices.toml")
    run = RunDirectory.create(folder / "run", to_toml(load_config(None, options)))
    with closing(sqlite3.connect(run.database_path)) as database:
        for number, begun in conversations.items():
            _insert(database, "calls", _call_rows(number, begun.calls))
            _insert(database, "trajectories", _trajectory_rows(number, begun))
            _insert(database, "verdicts", _verdict_rows(number, begun))
        database.commit()
    return run.path


def _insert(database: sqlite3.Connection, table: str, rows: Iterable[dict[str, Any]]) -> None:
    for row in rows:
        places = ", ".join("?" * len(row))
        insert = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})"
        database.execute(insert, tuple(row.values()))


def _call_rows(number: int, calls: Iterable[Call]) -> Iterable[dict[str, Any]]:
    for turn, call in enumerate(calls):
        request = ChatRequest(
            site=CallSite(scenario=number, role=call.stage, turn=turn),
            messages=(Message(role="user", content="?"),),
        )
        answer = Answer(
            completion=Completion(content="!", usage=call.usage),
            times=CallTimes(started_at=1.0, attempts=call.attempts),
        )
        yield call_row(request.fingerprint(call.model), request, call.model, answer)


def _trajectory_rows(number: int, begun: Begun) -> Iterable[dict[str, Any]]:
    if begun.is_played:
        row = {"scenario": number, "id": f"7-{number}", "ended": "user_done"}
        yield row | {"cause": begun.cause, "seconds": 1.0, "messages": 2, "body": b"not read"}


def _verdict_rows(number: int, begun: Begun) -> Iterable[dict[str, Any]]:
    for name, made in begun.verdicts.items():
        row = {"scenario": number, "filter_set": name, "outcome": made.outcome}
        yield row | {"body": orjson.dumps(made)}


def shown(report: Report, width: int = 80) -> str:
    console = Console(width=width)
    with console.capture() as output:
        console.print(render_report(report))
    return output.get()


tokens = st.integers(0, 10**6)
usages = st.builds(
    lambda fresh, cached, output: Usage(
        input_tokens=fresh + cached, cached_input_tokens=cached, output_tokens=output
    ),
    tokens,
    tokens,
    tokens,
)
some_calls = st.lists(
    st.builds(
        Call,
        stage=st.sampled_from(STAGES),
        model=st.sampled_from(("priced", "named", "unpriced")),
        usage=usages,
        attempts=st.integers(1, 4),
    ),
    max_size=4,
).map(tuple)
some_verdicts = st.builds(
    verdict, st.sampled_from(("kept", "dropped", "failed")), st.sampled_from(("loop", "refused"))
)
played = st.builds(
    Begun,
    calls=some_calls,
    cause=st.none() | st.just("timeout"),
    verdicts=st.dictionaries(st.sampled_from(("run", "again")), some_verdicts),
)
interrupted = st.builds(
    Begun, calls=some_calls.filter(lambda calls: len(calls) > 0), is_played=st.just(False)
)
runs = st.dictionaries(st.integers(0, 30), played | interrupted, max_size=12)


@given(conversations=runs, wanted=st.integers(1, 30), name=st.sampled_from(("run", "again")))
@settings(max_examples=60, deadline=None)
def test_every_conversation_call_and_token_is_in_exactly_one_account(
    conversations: dict[int, Begun], wanted: int, name: str
) -> None:
    expected: Counter[str] = Counter()
    for number, begun in conversations.items():
        judged = begun.verdicts.get(name)
        unjudged = "in_flight" if number < wanted else "abandoned"
        account = unjudged if judged is None else judged.outcome
        expected[f"{account} conversations"] += 1
        expected[f"{account} calls"] += len(begun.calls)
        expected[f"{account} tokens"] += sum(
            call.usage.input_tokens + call.usage.output_tokens for call in begun.calls
        )
    has_set = any("again" in begun.verdicts for begun in conversations.values())
    with TemporaryDirectory() as folder:
        run = make_run(Path(folder), conversations, wanted=wanted)
        if name == "again" and not has_set:
            return
        books = json.loads(report_json(read_report(run, verdicts=name)))["books"]

    assert list(books["accounts"]) == list(ACCOUNTS)
    for account, added in books["accounts"].items():
        assert added["conversations"] == expected[f"{account} conversations"]
        assert added["calls"] == expected[f"{account} calls"]
        spent = added["input_tokens"] + added["output_tokens"]
        assert spent == expected[f"{account} tokens"]
    begun_and_wanted = sum(number < wanted for number in conversations)
    assert books["not_begun"] == wanted - begun_and_wanted
    all_sums_are_equal(books)


def all_sums_are_equal(books: dict[str, Any]) -> None:
    """Whatever the books are added up by, the same comes out."""
    total = books["total"]
    parts = {name: list(books[name].values()) for name in ("accounts", "stages")}
    for rows in (*parts.values(), books["causes"], books["entries"]):
        for figure in ("calls", "input_tokens", "cached_input_tokens", "output_tokens"):
            assert sum(row[figure] for row in rows) == total[figure]
        money = [row["money"] for row in rows]
        assert (None in money) == (total["money"] is None)
        if total["money"] is not None:
            assert sum(money) == pytest.approx(total["money"])
    for rows in (parts["accounts"], books["causes"]):
        assert sum(row["conversations"] for row in rows) == total["conversations"]


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A run with a conversation in each account, and one more that is being judged."""
    judged = (Call(stage="user"), Call(), Call(stage="judge"))
    conversations = {
        0: Begun(
            calls=judged, verdicts={"run": verdict("kept"), "strict": verdict("dropped", "x")}
        ),
        1: Begun(calls=judged, verdicts={"run": verdict("dropped", "loop", "refused")}),
        2: Begun(calls=judged[:1], cause="timeout", verdicts={"run": verdict("failed", "timeout")}),
        3: Begun(calls=judged[:2]),
        4: Begun(calls=judged[:1], is_played=False),
        9: Begun(calls=judged[:1], is_played=False),
    }
    return make_run(tmp_path, conversations, wanted=8)


def test_what_is_not_kept_is_told_with_its_cause_and_what_it_cost(mixed: Path) -> None:
    causes = json.loads(report_json(read_report(mixed)))["books"]["causes"]
    found = {
        (row["account"], row["cause"]): (row["conversations"], row["calls"], row["money"])
        for row in causes
    }
    price = pytest.approx(0.0012)
    assert found == {
        ("kept", None): (1, 3, pytest.approx(0.0036)),
        ("dropped", "loop"): (1, 3, pytest.approx(0.0036)),
        ("failed", "timeout"): (1, 1, price),
        ("in_flight", "not_judged"): (1, 2, pytest.approx(0.0024)),
        ("in_flight", "not_ended"): (1, 1, price),
        ("abandoned", "not_ended"): (1, 1, price),
    }


def test_the_tables_fit_a_narrow_terminal_and_name_every_account(mixed: Path) -> None:
    lines = shown(read_report(mixed)).splitlines()
    assert max(map(len, lines)) <= 80
    rows = [line.split() for line in lines]
    assert ["together", "6", "100.0%", "11", "1,210", "0.0132"] in rows
    assert ["in", "flight", "2", "33.3%", "3", "330", "0.0036"] in rows
    assert ["abandoned", "1", "16.7%", "1", "110", "0.0012"] in rows
    assert ["not", "begun", "3"] in rows
    assert ["judge", "50.0%", "2", "220", "0.0024"] in rows


def test_the_books_go_by_the_set_of_verdicts_that_is_named(mixed: Path) -> None:
    accounts = json.loads(report_json(read_report(mixed, verdicts="strict")))["books"]["accounts"]
    counted = {name: added["conversations"] for name, added in accounts.items()}
    assert counted == {
        "kept": 0,
        "dropped": 1,
        "undecided": 0,
        "failed": 0,
        "in_flight": 4,
        "abandoned": 1,
    }


def test_a_set_of_verdicts_that_is_not_there_is_one_clear_line(
    mixed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["report", str(mixed), "--verdicts", "strct"])
    told = capsys.readouterr().err
    assert ended.value.code
    assert told.count("\n") == 1
    assert "strct" in told
    assert "run, strict" in told


def test_without_a_price_the_tokens_are_told_and_the_model_is_named(tmp_path: Path) -> None:
    calls = (Call(), Call(model="mystery"))
    run = make_run(tmp_path, {0: Begun(calls=calls)}, wanted=1)
    report = read_report(run)
    books = json.loads(report_json(report))["books"]
    assert (books["currency"], books["unpriced"]) == ("EUR", ["mystery"])
    assert books["total"]["money"] is None
    assert "without a price: mystery" in shown(report)


def test_prices_that_have_gone_leave_the_rest_of_the_report(tmp_path: Path) -> None:
    run = make_run(tmp_path, {0: Begun(calls=(Call(),))}, wanted=1)
    (tmp_path / "prices.toml").unlink()
    books = json.loads(report_json(read_report(run)))["books"]
    assert (books["currency"], books["total"]["calls"]) == (None, 1)


def test_a_run_in_which_nothing_has_begun_has_empty_books(tmp_path: Path) -> None:
    report = read_report(make_run(tmp_path, {}, wanted=5))
    books = json.loads(report_json(report))["books"]
    assert (books["total"]["conversations"], books["not_begun"]) == (0, 5)
    assert ["not", "begun", "5"] in [line.split() for line in shown(report).splitlines()]


def test_all_that_the_other_filters_let_through_came_to_the_comparison(tmp_path: Path) -> None:
    made = [verdict("kept"), verdict("kept"), verdict("dropped", "near_duplicate")]
    made += [verdict("dropped", "role_order"), verdict("failed", "timeout")]
    sets = [{"run": one, "again": one, "without": verdict("kept")} for one in made]
    begun = {number: Begun(verdicts=verdicts) for number, verdicts in enumerate(sets)}
    run = make_run(tmp_path, begun, wanted=5)
    for name in ("run", "again"):
        report = read_report(run, verdicts=name)
        assert report.counts.stage_reached == {"user": 4, "rules": 4, "near_duplicates": 3}
        assert report.counts.stage_passed == {"user": 4, "rules": 3, "near_duplicates": 2}
        rows = [line.split() for line in shown(report).splitlines()]
        assert ["near", "duplicates", "2", "of", "3", "66.7%"] in rows
    without = read_report(run, verdicts="without").counts
    assert without.stage_reached == without.stage_passed == {"user": 5, "rules": 5}


def test_a_run_that_compared_and_dropped_nothing_says_so(tmp_path: Path) -> None:
    run = make_run(tmp_path, {0: Begun(verdicts={"run": verdict("kept")})}, wanted=1)
    assert read_report(run).counts.stage_passed["near_duplicates"] == 1


@pytest.fixture
def disturbed(tmp_path: Path, a_trajectory: Callable[..., Trajectory]) -> Path:
    """A run with faults, refused messages and another kind of dialogue; all but 2 are kept."""
    run = make_run(tmp_path, {}, wanted=9)
    fault = Fault(message=3, kind="timeout")
    single = {"dialogue": "single"}
    with closing(sqlite3.connect(run / "run.db")) as database, database:
        for number, (planned, changed) in enumerate(
            [
                ({}, {}),
                (single, {"faults": (fault, replace(fault, kind="empty"), fault)}),
                (single, {"faults": (fault,), "reasked": {"role_drift": 2, "echo": 1}}),
                ({}, {"reasked": {"role_drift": 1}}),
            ]
        ):
            first = a_trajectory(number)
            scenario = replace(first.scenario, **planned)
            row = trajectory_row(replace(first, scenario=scenario, **changed), ["key"], 1.0)
            _insert(database, "trajectories", [row])
            outcome = "dropped" if number == 2 else "kept"
            _insert(
                database,
                "verdicts",
                _verdict_rows(number, Begun(verdicts={"run": verdict(outcome)})),
            )
    return run


def test_dialogues_refusals_and_faults_are_told_with_what_became_of_them(disturbed: Path) -> None:
    report = read_report(disturbed)
    assert json.loads(report_json(report))["dialogues"] == {
        "kinds": {"gradual": 2, "single": 2},
        "kept_kinds": {"gradual": 2, "single": 1},
        "reasked": {"role_drift": 3, "echo": 1},
        "with_reasked": 2,
        "kept_with_reasked": 1,
        "faults": {"timeout": 3, "empty": 1},
        "with_faults": 2,
        "kept_with_faults": 1,
    }
    rows = [line.split() for line in shown(report).splitlines()]
    assert ["single", "1", "of", "2", "50.0%"] in rows
    assert ["role", "drift", "3", "75.0%"] in rows
    assert ["timeout", "3", "75.0%"] in rows
    assert ["faults", "in", "tools", "1", "of", "2", "50.0%"] in rows
    assert report.counts.kinds == {"chain": 4}  # a fault has a kind, too


def test_where_nothing_was_disturbed_no_table_tells_of_it(mixed: Path) -> None:
    told = shown(read_report(mixed))
    for title in ("by dialogue", "refused", "faults", "any of these"):
        assert title not in told


def test_one_conversation_is_told_as_json(
    disturbed: Path, a_trajectory: Callable[..., Trajectory], capsys: pytest.CaptureFixture[str]
) -> None:
    function = a_trajectory().scenario.tools[0]
    with closing(sqlite3.connect(disturbed / "run.db")) as database, database:
        _insert(database, "functions", [{"key": "key", "body": orjson.dumps(function)}])
    for options in (["--conversation", "3", "--json"], ["--json", "--conversation", "3"]):
        with pytest.raises(SystemExit) as ended:
            main(["report", str(disturbed), *options])
        told = json.loads(capsys.readouterr().out)
        assert ended.value.code == 0
        assert told["trajectory"]["scenario"]["number"] == 3
        assert told["trajectory"]["reasked"] == {"role_drift": 1}
        assert told["verdict"]["outcome"] == "kept"


def spoil(run: Path, statement: str) -> None:
    with closing(sqlite3.connect(run / "run.db")) as database, database:
        database.execute(statement)


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(
    ("statement", "what"),
    [
        (
            "UPDATE verdicts SET body = x'7b7d' WHERE outcome = 'kept'",
            "the verdict of conversation",
        ),
        (
            "UPDATE verdicts SET body = x'5b5d' WHERE outcome = 'kept'",
            "the verdict of conversation",
        ),
        ("UPDATE verdicts SET body = x'ff'", "the verdict of conversation"),
        ("UPDATE verdicts SET outcome = 'perhaps'", "the verdict of conversation"),
        ("UPDATE calls SET input_tokens = 'x'", "the calls are damaged"),
        ("UPDATE calls SET attempts = x'00'", "the calls are damaged"),
        ("UPDATE calls SET role = x'ff'", "the role of a call"),
        ("UPDATE calls SET model = x'ff'", "the model of a call"),
        ("UPDATE calls SET role = CAST(x'ff' AS TEXT)", "a text in it is not UTF-8"),
        ("UPDATE trajectories SET cause = x'00'", "the cause of a conversation"),
    ],
)
def test_a_row_that_is_damaged_is_one_line_with_how_to_save_the_rest(
    mixed: Path, statement: str, what: str, as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(mixed, statement)
    with pytest.raises(SystemExit) as left:
        main(["report", str(mixed), *(["--json"] if as_json else [])])
    assert left.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"simkit: error: cannot read {mixed}/run.db: ")
    assert what in line
    assert line.endswith(f"simkit recover {mixed} --out DIR")
