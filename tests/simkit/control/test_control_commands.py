"""The commands that ask and change a run, against a run that notes what it is asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from anyio.from_thread import start_blocking_portal

from simkit.cli.main import main
from simkit.control.messages import AccountState, Reply, Request, RunState
from simkit.control.server import listening
from simkit.traces.run_directory import RunDirectory

ACCOUNT = AccountState(
    provider="default",
    name="small-model at http://127.0.0.1/v1\x1b[2J",
    per_minute={"requests": 597.0, "input_tokens": 99_500.0},
    max_in_flight=12,
    in_flight=3,
    waiting=1_250,
)
ACCOUNT_LINE = (
    "default: small-model at http://127.0.0.1/v1 [2J: 3 calls in flight, 1,250 waiting; "
    "limits: 597 requests/min, 99,500 input tokens/min, 12 calls at once"
)
STATE = RunState(
    conversations=1_000,
    done=30,
    in_flight=64,
    concurrency=64,
    filter_workers=16,
    paused_seconds=None,
    limiting="requests (82%)",
    accounts=(ACCOUNT,),
)
PAUSED = STATE.model_copy(update={"paused_seconds": 3_700.4})
Said = tuple[int, str, str]
Say = Callable[..., Said]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run ``simkit`` with arguments; gives its exit code, stdout and stderr."""

    def run_main(*arguments: object) -> Said:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        assert isinstance(ended.value.code, int)
        return (ended.value.code, *capsys.readouterr())

    return run_main


@pytest.fixture
def a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = RunDirectory.create(tmp_path / "run", "").path
    with TemporaryDirectory(prefix="simkit-test-") as sockets:
        monkeypatch.setenv("XDG_RUNTIME_DIR", sockets)
        monkeypatch.setattr("tempfile.tempdir", sockets)
        yield path


@contextmanager
def playing(run: Path, reply: Reply) -> Iterator[list[Request]]:
    """A run in another thread that answers with *reply*; gives what it is asked."""
    asked: list[Request] = []

    def obey(request: Request) -> Reply:
        asked.append(request)
        return reply

    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(listening(run, obey)),
    ):
        yield asked


def test_each_command_asks_for_what_it_is_called_and_shows_the_state(a_run: Path, say: Say) -> None:
    with playing(a_run, Reply(state=STATE)) as asked:
        for command in ("status", "pause", "resume"):
            code, shown, _ = say(command, a_run)
            assert code == 0
    assert [request.order for request in asked] == ["status", "pause", "resume"]
    assert shown.splitlines() == [
        f"{a_run}: 30/1,000 done, limited by requests (82%)",
        "64 conversations in flight, 64 at most; 16 filter workers",
        ACCOUNT_LINE,
    ]


def test_a_paused_run_tells_how_to_go_on_and_json_has_all_of_it(a_run: Path, say: Say) -> None:
    with playing(a_run, Reply(state=PAUSED, warnings=("only 100 connections",))):
        _, shown, warned = say("pause", a_run)
        _, as_json, _ = say("status", a_run, "--json")
    assert shown.splitlines()[0] == (
        f"{a_run}: 30/1,000 done, paused for 3,700 s; 3 calls are being made and end; "
        f"simkit resume {a_run} goes on"
    )
    assert warned == "simkit: warning: only 100 connections\n"
    assert RunState.model_validate(json.loads(as_json), strict=False) == PAUSED


def test_values_are_numbers_and_none_unsets(a_run: Path, say: Say) -> None:
    wanted = ["concurrency=200", "a.tokens_per_minute=1e6", "requests_per_minute=none", "b=inf"]
    with playing(a_run, Reply(state=STATE)) as asked:
        assert say("set", a_run, *wanted)[0] == 0
    (request,) = asked
    assert request.changes == {
        "concurrency": 200,
        "a.tokens_per_minute": 1e6,
        "requests_per_minute": None,
        "b": "inf",  # is no number that a limit may have, and is refused as text
    }


def test_what_cannot_be_is_sent_as_it_was_typed(a_run: Path, say: Say) -> None:
    """The run refuses it, and its error tells what was typed."""
    wanted = {
        "concurrency": "none",
        "filter_workers": "1e3",
        "a.max_calls_in_flight": "4.0",
        "requests_per_minute": "\uff11\uff12",  # digits, but of another width
        "tokens_per_minute": "1_000",
    }
    with playing(a_run, Reply(state=STATE)) as asked:
        assert say("set", a_run, *(f"{option}={text}" for option, text in wanted.items()))[0] == 0
    (request,) = asked
    assert request.changes == wanted


def test_one_of_a_thing_is_told_as_one_and_a_low_limit_as_what_it_is(a_run: Path, say: Say) -> None:
    account = ACCOUNT.model_copy(
        update={"in_flight": 1, "max_in_flight": 1, "per_minute": {"requests": 0.001}}
    )
    state = PAUSED.model_copy(update={"in_flight": 1, "filter_workers": 1, "accounts": (account,)})
    with playing(a_run, Reply(state=state)):
        _, shown, _ = say("status", a_run)
    assert "; 1 call is being made and ends; " in shown
    assert "1 conversation in flight, 64 at most; 1 filter worker\n" in shown
    assert "1 call in flight, 1,250 waiting; limits: 0.001 requests/min, 1 call at once" in shown


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (["concurrency"], "expected OPTION=VALUE"),
        (["=3"], "expected OPTION=VALUE"),
        (["concurrency=3", "concurrency=4"], "concurrency is given twice"),
        ([], "Missing argument"),
    ],
)
def test_what_is_no_change_is_refused_before_anybody_is_asked(
    a_run: Path, say: Say, changes: list[str], words: str
) -> None:
    with playing(a_run, Reply(state=STATE)) as asked:
        code, _, error = say("set", a_run, *changes)
    assert (code, asked) == (2, [])
    assert words in error


def test_problems_are_told_a_line_each(a_run: Path, say: Say, tmp_path: Path) -> None:
    with playing(a_run, Reply(problems=("one\x1b is wrong", "two is wrong"))):
        code, shown, error = say("set", a_run, "concurrency=0")
    assert (code, shown) == (2, "")
    assert error == "simkit: error: one is wrong\nsimkit: error: two is wrong\n"
    code, _, error = say("pause", a_run)
    assert code == 2
    assert f"no process is playing {a_run}; `simkit generate {a_run}` goes on" in error
    code, _, error = say("pause", tmp_path)
    assert code == 2
    assert "is not the folder of a simkit run" in error
