"""``simkit complete`` with real files, a real provider and real processes."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from anyio.from_thread import start_blocking_portal

from simkit.cli.main import main
from simkit.standin.echo import EchoBrain
from simkit.standin.server import running
from simkit.standin.settings import StandinSettings

SIMKIT = [sys.executable, "-c", "from simkit.cli.main import main; main()"]
DEADLINE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Outcome:
    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Files:
    requests: Path
    replies: Path

    def ask(self, *lines: dict[str, Any] | str) -> None:
        """Make *lines* the requests."""
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        self.requests.write_text("".join(f"{text}\n" for text in texts))

    def answers(self) -> list[dict[str, Any]]:
        """The lines of replies, by line of the request."""
        lines = [json.loads(line) for line in self.replies.read_text().splitlines()]
        return sorted(lines, key=lambda line: line["line"])

    def count(self) -> int:
        return self.replies.read_bytes().count(b"\n") if self.replies.exists() else 0


Complete = Callable[..., Outcome]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "requests.jsonl", tmp_path / "replies.jsonl")


@pytest.fixture(autouse=True)
def _restore_structlog() -> Iterator[None]:
    """Commands log to the stderr of their test, which later tests do not have."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture
def complete(capfd: pytest.CaptureFixture[str], files: Files) -> Complete:
    """Run ``simkit complete`` on *files* in this process."""

    def run(*arguments: str | Path) -> Outcome:
        with pytest.raises(SystemExit) as ended:
            main(_arguments(files, *arguments))
        captured = capfd.readouterr()
        return Outcome(int(ended.value.code or 0), captured.out, captured.err)

    return run


def _arguments(files: Files, *arguments: str | Path) -> list[str]:
    in_and_out = ["--in", str(files.requests), "--out", str(files.replies)]
    return ["complete", *in_and_out, *map(str, arguments)]


@contextmanager
def child(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The command line as a process of its own, ended at the latest when the block ends."""
    process = subprocess.Popen(
        [*SIMKIT, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


@contextmanager
def provider(*arguments: str) -> Iterator[str]:
    """A stand-in provider; gives its base URL."""
    with child("provider", *arguments) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]


@pytest.fixture(scope="module")
def quick() -> Iterator[str]:
    """A provider that answers at once."""
    with provider() as base_url:
        yield base_url


@pytest.fixture(scope="module")
def slow() -> Iterator[str]:
    """A provider that answers no call while a test lasts."""
    with provider("--hang-share", "1") as base_url:
        yield base_url


@contextmanager
def keyed_provider(key: str) -> Iterator[str]:
    """A provider in this process that wants *key*; gives its base URL."""
    settings = StandinSettings(api_key=key)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(running(settings, EchoBrain())) as base_url,
    ):
        yield base_url


@pytest.fixture
def nowhere() -> str:
    """A base URL where nothing answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


def asked(base_url: str) -> int:
    """Calls that the provider has received so far."""
    with urllib.request.urlopen(base_url.removesuffix("/v1") + "/stats") as response:
        return int(json.load(response)["requests"])


def a_request(text: str, **fields: Any) -> dict[str, Any]:
    return {"model": "standin", "messages": [{"role": "user", "content": text}], **fields}


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait for another process to have come so far."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it has not come so far"
        time.sleep(0.01)


def said(answer: dict[str, Any]) -> str:
    return str(answer["response"]["choices"][0]["message"]["content"])


def test_each_request_gets_its_own_reply(complete: Complete, files: Files, quick: str) -> None:
    files.ask(*(a_request(f"number {number}", custom_id=f"id-{number}") for number in range(300)))
    outcome = complete("--base-url", quick)

    assert outcome.code == 0
    assert outcome.out.startswith("300 answered in ")
    assert [answer["custom_id"] for answer in files.answers()] == [f"id-{n}" for n in range(300)]
    assert [said(answer) for answer in files.answers()] == [
        f"You said: number {number}" for number in range(300)
    ]
    assert all(answer["error"] is None for answer in files.answers())
    assert files.answers()[0]["response"]["object"] == "chat.completion"


def test_damaged_lines_are_listed_and_stop_nobody(
    complete: Complete, files: Files, quick: str
) -> None:
    files.ask(
        a_request("one", custom_id="a"),
        "{",
        a_request("again", custom_id="a"),
        {"custom_id": "b", "url": "/v1/chat/completions", "body": a_request("two")},
        a_request("three", messages=[]),
        a_request("four", stream=True),
    )
    outcome = complete("--base-url", quick, "--json", "--quiet")

    assert (outcome.code, outcome.err) == (1, "")
    summary = json.loads(outcome.out)
    assert (summary["answered"], summary["failed"], summary["damaged"]) == (3, 3, 3)
    assert {line["line"]: line["error"]["cause"] for line in files.answers() if line["error"]} == {
        2: "damaged_line",
        3: "damaged_line",
        5: "damaged_line",
    }
    assert [line["line"] for line in files.answers() if line["response"]] == [1, 4, 6]
    assert "Mend the 3 that cannot be asked" in complete("--base-url", quick).err


def test_running_it_again_asks_nothing_again(complete: Complete, files: Files, quick: str) -> None:
    files.ask(a_request("one"), a_request("two"))
    complete("--base-url", quick)
    before, calls = files.replies.read_bytes(), asked(quick)
    outcome = complete("--base-url", quick, "--json")

    assert outcome.code == 0
    assert json.loads(outcome.out)["answered_before"] == 2
    assert (files.replies.read_bytes(), asked(quick)) == (before, calls)

    files.ask(a_request("one"), a_request("two"), a_request("three"))
    assert complete("--base-url", quick).code == 0
    assert asked(quick) == calls + 1
    assert files.replies.read_bytes().startswith(before)


def test_failed_requests_are_tried_again_and_their_lines_replaced(
    complete: Complete, files: Files, quick: str, tmp_path: Path
) -> None:
    config = tmp_path / "run.toml"
    config.write_text("[providers.default]\nretry_attempts = 1\nbase_url = 'http://unused'\n")
    files.ask(*(a_request(f"number {number}") for number in range(40)))
    with provider("--faults", "0.4", "--hints", "none") as faulty:
        first = complete(config, "--base-url", faulty)
    failed = [line for line in files.answers() if line["error"]]

    assert first.code == 1
    assert 0 < len(failed) < 40
    assert {line["error"]["cause"] for line in failed} <= {
        "provider_unavailable",
        "unusable_reply",
    }
    calls = asked(quick)
    assert complete(config, "--base-url", quick).code == 0
    assert asked(quick) == calls + len(failed)
    assert [line["line"] for line in files.answers()] == list(range(1, 41))
    assert all(line["response"] for line in files.answers())


def test_a_request_that_the_provider_refuses_is_listed(
    complete: Complete, files: Files, quick: str
) -> None:
    files.ask(a_request("one", temperature="hot"), a_request("two"))
    outcome = complete("--base-url", quick)
    refused, answered = files.answers()

    assert outcome.code == 1
    assert refused["error"]["cause"] == "request_refused"
    assert "temperature" in refused["error"]["message"]
    assert answered["response"] is not None


@pytest.mark.parametrize("change", ["request", "model"])
def test_replies_to_other_requests_are_not_mixed_with(
    complete: Complete, files: Files, quick: str, change: str
) -> None:
    files.ask(a_request("one"), a_request("two"))
    complete("--base-url", quick)
    before, calls = files.replies.read_bytes(), asked(quick)
    if change == "request":
        files.ask(a_request("new"), a_request("one"), a_request("two"))
    outcome = complete("--base-url", quick, *(["--model", "other"] if change == "model" else []))

    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert "another --out" in outcome.err
    assert (files.replies.read_bytes(), asked(quick)) == (before, calls)


def test_a_limit_that_nobody_tells_costs_no_request(complete: Complete, files: Files) -> None:
    files.ask(*(a_request(f"number {number}") for number in range(200)))
    with provider("--concurrency", "5", "--latency", "0.02", "--hints", "none") as base_url:
        outcome = complete("--base-url", base_url, "--json")

    assert outcome.code == 0
    assert json.loads(outcome.out)["answered"] == 200


def test_the_model_may_be_named_once_for_all(complete: Complete, files: Files, quick: str) -> None:
    files.ask({"messages": [{"role": "user", "content": "hi"}]}, a_request("x", model="other"))

    assert complete("--base-url", quick, "--model", "standin").code == 0


def test_a_killed_run_goes_on_where_it_was(complete: Complete, files: Files) -> None:
    """
    With kill -9 nothing is lost that was answered; what was in flight is asked once more.
    """
    in_flight, count = 16, 240
    files.ask(*(a_request(f"number {number}") for number in range(count)))
    with provider("--latency", "0.1") as base_url:
        flags = ["--base-url", base_url, "--concurrency", str(in_flight)]
        with child(*_arguments(files, *flags)) as process:
            wait_until(lambda: files.count() >= count // 4)
            process.send_signal(signal.SIGKILL)
            process.wait(DEADLINE_SECONDS)
        kept = files.count()
        with files.replies.open("ab") as file:
            file.write(files.replies.read_bytes()[:100])
        outcome = complete(*flags, "--json")
        calls = asked(base_url)

    assert outcome.code == 0
    assert json.loads(outcome.out)["answered_before"] == kept < count
    assert [line["line"] for line in files.answers()] == list(range(1, count + 1))
    assert [said(line) for line in files.answers()] == [
        f"You said: number {number}" for number in range(count)
    ]
    assert count <= calls <= count + in_flight


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_keeps_what_is_answered(
    files: Files, quick: str, slow: str, complete: Complete, sent: signal.Signals
) -> None:
    files.ask(a_request("one"))
    complete("--base-url", quick)
    files.ask(a_request("one"), a_request("two"))
    calls = asked(slow)
    with child(*_arguments(files, "--base-url", slow)) as process:
        wait_until(lambda: asked(slow) > calls)
        process.send_signal(sent)
        out, err = process.communicate(timeout=DEADLINE_SECONDS)

    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1].startswith("simkit: interrupted; 1 answered in ")
    assert files.count() == 1


def test_two_processes_do_not_write_the_same_file(
    complete: Complete, files: Files, slow: str
) -> None:
    files.ask(a_request("one"))
    calls = asked(slow)
    with child(*_arguments(files, "--base-url", slow)):
        wait_until(lambda: asked(slow) > calls)
        outcome = complete("--base-url", slow)

    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "another process" in outcome.err


def test_requests_are_answered_as_they_come_through_a_pipe(files: Files, quick: str) -> None:
    one, two = json.dumps(a_request("one")), json.dumps(a_request("two"))
    arguments = ["complete", "--in", "-", "--out", str(files.replies), "--base-url", quick]
    with child(*arguments) as process:
        assert process.stdin is not None
        process.stdin.write(f"{one}\n")
        process.stdin.flush()
        wait_until(lambda: files.count() == 1)
        process.communicate(two, timeout=DEADLINE_SECONDS)
    calls = asked(quick)
    with child(*arguments, "--json") as process:
        out, _ = process.communicate(f"{one}\n{two}", timeout=DEADLINE_SECONDS)
    with child(*arguments) as process:
        _, err = process.communicate(f"{two}\n{one}", timeout=DEADLINE_SECONDS)

    assert [said(line) for line in files.answers()] == ["You said: one", "You said: two"]
    assert (json.loads(out)["answered_before"], asked(quick)) == (2, calls)
    assert process.returncode == 2
    assert err.startswith("simkit: error: ")
    assert "line 1 " in err


def test_an_unknown_model_stops_it_with_one_line(
    complete: Complete, files: Files, quick: str
) -> None:
    files.ask(a_request("one"), a_request("two"), a_request("three", model="gpt-99"))
    outcome = complete("--base-url", quick, "--concurrency", "1", "--quiet")

    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert "gpt-99" in outcome.err
    assert [line["line"] for line in files.answers()] == [1, 2]


def test_a_provider_that_is_not_there_stops_it_and_leaves_nothing(
    complete: Complete, files: Files, nowhere: str
) -> None:
    files.ask(a_request("one"))
    outcome = complete("--base-url", nowhere)

    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert not files.replies.exists()


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ([], "--base-url"),
        (["--base-url", "http://h/v1", "--api-key-env", "NO_SUCH_VARIABLE"], "NO_SUCH_VARIABLE"),
        (["--base-url", "http://h/v1", "--concurrency", "0"], "--concurrency"),
        (["--base-url", "http://h/v1", "--in", "nowhere.jsonl"], "nowhere.jsonl"),
        (["--base-url", "http://h/v1", "--in", "."], "a folder, not a file"),
        (["--base-url", "http://h/v1", "--out", "none/out.jsonl"], "there is no folder none"),
        (["--base-url", "http://h/v1/chat/completions"], "must end before /chat/completions"),
        (["anthropic.toml"], "OpenAI"),
        (["fallback.toml"], "model.fallback: nothing says which model"),
        (["--base-url", "http://h/v1", "--budget-money", "1"], "budget.money: what a request"),
        (["--base-url", "http://h/v1", "--budget-money", "1", "--model", "m"], '"m" of [providers'),
        (["--base-url", "http://h/v1", "--budget-tokens", "0"], "budget.tokens"),
    ],
)
def test_what_it_cannot_start_with_is_one_line_and_code_2(
    complete: Complete,
    files: Files,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    part: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("anthropic.toml").write_text(
        "[providers.default]\napi = 'anthropic'\nbase_url = 'http://h/v1'\n"
    )
    Path("fallback.toml").write_text(
        "[[model.fallback]]\nmodel = 'm'\nprovider = 'default'\n"
        "[providers.default]\nbase_url = 'http://h/v1'\n"
    )
    files.ask(a_request("one"))
    outcome = complete(*arguments)

    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert part in outcome.err
    assert not files.replies.exists()


def test_the_requests_are_never_written_over(complete: Complete, files: Files, quick: str) -> None:
    files.ask(a_request("one", custom_id="a"))
    before = files.requests.read_bytes()
    outcome = complete("--base-url", quick, "--out", files.requests)

    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert files.requests.read_bytes() == before


def test_providers_share_the_requests_by_weight(
    complete: Complete, files: Files, tmp_path: Path
) -> None:
    files.ask(*(a_request(f"number {number}") for number in range(200)))
    config = tmp_path / "run.toml"
    with provider("--latency", "0.01") as large, provider("--latency", "0.01") as small:
        config.write_text(
            "[model]\nprovider = ['large', 'small']\n"
            f"[providers.large]\nweight = 3\nbase_url = '{large}'\n"
            f"[providers.small]\nbase_url = '{small}'\n"
        )
        outcome = complete(config)
        calls = asked(large), asked(small)

    assert outcome.code == 0
    assert sum(calls) == 200
    assert 2.5 < calls[0] / calls[1] < 3.5


def test_a_provider_that_is_down_is_told_of_and_does_not_stop_the_others(
    complete: Complete, files: Files, tmp_path: Path, quick: str, nowhere: str
) -> None:
    files.ask(*(a_request(f"number {number}") for number in range(50)))
    config = tmp_path / "run.toml"
    config.write_text(
        "[model]\nprovider = ['down', 'up']\n"
        f"[providers.down]\nbase_url = '{nowhere}'\nretry_min_pause_seconds = 0.01\n"
        f"[providers.up]\nbase_url = '{quick}'\n"
    )
    outcome = complete(config, "--quiet")

    assert (outcome.code, outcome.out) == (0, "")
    assert nowhere in outcome.err
    assert all(answer["response"] for answer in files.answers())


def test_a_wrong_key_is_left_out_with_a_warning_and_is_shown_nowhere(
    complete: Complete, files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOD_KEY", "sk-good-one")
    monkeypatch.setenv("BAD_KEY", "sk-bad-one")
    files.ask(*(a_request(f"number {number}") for number in range(50)))
    config = tmp_path / "run.toml"
    with keyed_provider("sk-good-one") as base_url:
        config.write_text(
            f"[providers.default]\napi_key_env = ['BAD_KEY', 'GOOD_KEY']\nbase_url = '{base_url}'\n"
        )
        outcome = complete(config)

    assert outcome.code == 0
    assert len(files.answers()) == 50
    assert "warning" in outcome.err
    assert "BAD_KEY" in outcome.err
    assert "sk-" not in outcome.err


def test_a_fallback_answers_with_its_own_model_while_the_first_choice_is_down(
    complete: Complete, files: Files, tmp_path: Path, nowhere: str
) -> None:
    files.ask(*(a_request(f"number {number}", seed=number) for number in range(30)))
    config = tmp_path / "run.toml"
    with provider("--model", "small") as base_url:
        config.write_text(
            "[model]\nname = 'large'\n"
            "[[model.fallback]]\nmodel = 'small'\nprovider = 'spare'\n"
            f"[providers.default]\nbase_url = '{nowhere}'\nretry_min_pause_seconds = 0.01\n"
            f"[providers.spare]\nbase_url = '{base_url}'\n"
        )
        first = complete(config)
        before, calls = files.replies.read_bytes(), asked(base_url)
        again = complete(config)
        assert asked(base_url) == calls

    assert (first.code, again.code) == (0, 0)
    assert {answer["response"]["model"] for answer in files.answers()} == {"small"}
    assert files.replies.read_bytes() == before


def test_what_the_budget_does_not_reach_for_is_listed_and_asked_the_next_time(
    complete: Complete, files: Files, quick: str
) -> None:
    files.ask(*(a_request(f"number {number}") for number in range(300)))
    calls = asked(quick)
    first = complete("--base-url", quick, "--budget-tokens", "2500", "--json")
    figures = json.loads(first.out)
    (spending,) = figures["spending"]
    left = [answer for answer in files.answers() if answer["error"]]

    assert first.code == 1
    assert "--budget-tokens" in first.err
    assert {answer["error"]["cause"] for answer in left} == {"budget_spent"}
    assert figures["unaffordable"] == len(left) == 300 - figures["answered"] > 0
    assert asked(quick) == calls + figures["answered"]
    assert spending["limit"] == 2500
    assert 2300 < spending["spent"] <= 2500
    assert complete("--base-url", quick).code == 0
    assert asked(quick) == calls + 300


def test_money_is_counted_at_the_prices_of_a_file(
    complete: Complete, files: Files, quick: str, tmp_path: Path
) -> None:
    (tmp_path / "prices.toml").write_text(
        "currency = 'EUR'\nsource = 'made up'\ndate = 2026-01-01\n"
        "prices = [{ models = ['standin'], input = 1000.0, output = 1000.0 }]\n"
    )
    config = tmp_path / "run.toml"
    config.write_text(
        "[model]\nname = 'standin'\n[budget]\nprices = 'prices.toml'\n"
        f"[providers.default]\nbase_url = '{quick}'\n"
    )
    files.ask(*(a_request(f"number {number}") for number in range(200)))
    figures = json.loads(complete(config, "--budget-money", "2.5", "--json").out)
    tokens, money = figures["spending"]

    assert 0 < figures["answered"] < 200
    assert (money["unit"], money["limit"]) == ("EUR", 2.5)
    assert money["spent"] == pytest.approx(tokens["spent"] / 1000)
    assert 2.3 < money["spent"] <= 2.5
