"""The command line: what it prints, and which exit code a script can rely on."""

from __future__ import annotations

import errno
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import tomllib
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import structlog

from simkit.cli.errors import EXPECTED, report_error
from simkit.cli.main import main
from simkit.config import ConfigError
from simkit.traces.provider_errors import KeyRefused
from simkit.traces.whole_file import written_whole

SIMKIT = [sys.executable, "-c", "from simkit.cli.main import main; main()"]
DEADLINE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Outcome:
    code: int
    out: str
    err: str


Simkit = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vectors are cached beside the test's files, not in the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(autouse=True)
def _restore_structlog() -> Iterator[None]:
    """Commands log to the stderr of their test, which later tests do not have."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture
def simkit(capsys: pytest.CaptureFixture[str]) -> Simkit:
    """Run the command line in this process."""

    def run(*arguments: str | Path) -> Outcome:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """A catalog file of three functions that can feed each other."""
    tools = [
        {
            "name": name,
            "description": f"Tool that turns a {takes} into a {gives}.",
            "inputSchema": {
                "type": "object",
                "properties": {takes: {"type": "string", "description": f"The {takes}."}},
                "required": [takes],
            },
            "outputSchema": {
                "type": "object",
                "properties": {gives: {"type": "string", "description": f"The {gives}."}},
                "required": [gives],
            },
        }
        for name, takes, gives in [
            ("find_city", "country", "city"),
            ("find_station", "city", "station"),
            ("find_country", "station", "country"),
        ]
    ]
    path = tmp_path / "places.json"
    path.write_text(json.dumps({"tools": tools}))
    return path


@contextmanager
def child(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """The command line as a process of its own, ended at the latest when the block ends."""
    process = subprocess.Popen(
        [*SIMKIT, *map(str, arguments)],
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
def standin() -> Iterator[str]:
    """A stand-in provider; gives its base URL."""
    with child("provider") as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]


def stats(base_url: str) -> dict[str, Any]:
    """What a stand-in has counted."""
    with urllib.request.urlopen(f"{base_url.removesuffix('/v1')}/stats") as answer:
        counted: dict[str, Any] = json.loads(answer.read())
        return counted


def test_help_names_every_command_and_the_exit_codes(simkit: Simkit) -> None:
    outcome = simkit("--help")

    assert outcome.code == 0
    for command in ("generate", "graph", "export", "provider", "report", "config"):
        assert f"\n  {command} " in outcome.out
    assert "Exit codes: 0 ok, 1 the run failed, 2 usage or input error" in outcome.out


def test_no_command_is_a_question_for_help(simkit: Simkit) -> None:
    assert simkit() == simkit("--help")


def test_the_version_is_one_line(simkit: Simkit) -> None:
    outcome = simkit("--version")
    assert (outcome.code, outcome.out.split()[0], outcome.out.count("\n")) == (0, "simkit", 1)


def test_help_needs_no_heavy_library() -> None:
    """
    What a help page imports is what every command waits for.
    """
    heavy = ["aiohttp", "anyio", "igraph", "jinja2", "jsonschema", "numpy", "rich", "structlog"]
    code = (
        "import sys\nfrom simkit.cli.main import main\n"
        "try:\n    main(['generate', '--help'])\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert shown.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["genrate"], "'genrate'"),
        (["generate", "--sed", "1"], "--sed"),
        (["generate", "--seed", "x"], "'--seed'"),
        (["report"], "RUN"),
        (["export", "run"], "--format"),
        (["export", "run", "--format", "xml"], "xml"),
        (["graph"], "Missing command"),
        (["graph", "walk", "g", "--count", "0"], "--count"),
        (["generate", "--demo", "--model", "m", "--rpm", "3"], "leave out --model, --rpm"),
        (["generate", "--demo", "--budget-money", "1"], "leave out --budget-money"),
        (["config", "--budget-tokens", "0", "--base-url", "http://h"], "budget.tokens: expected"),
        (["report", "no-such-run"], "no-such-run"),
        (["graph", "show", "no-such-graph"], "no-such-graph"),
        (["graph", "build", "no-such-catalog", "-o", "g"], "no-such-catalog"),
        (["config", "no-such.toml"], "no-such.toml: cannot be read"),
        (["provider", "--faults", "3"], "faults"),
    ],
)
def test_a_mistake_in_the_command_is_one_line_and_code_2(
    simkit: Simkit, arguments: list[str], part: str
) -> None:
    outcome = simkit(*arguments)

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("simkit: error: ")
    assert outcome.err.count("\n") == 1
    assert part in outcome.err


def test_each_problem_of_a_configuration_is_a_line(simkit: Simkit, tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text("[run]\nconverstions = 3\n")
    outcome = simkit("generate", path, "--seed", "-1")

    assert outcome.code == 2
    assert outcome.err.splitlines() == [
        "simkit: error: command line: run.seed: expected at least 0, found -1",
        f'simkit: error: {path}: run.converstions: unknown key; did you mean "conversations"?',
    ]


def test_generate_says_all_that_it_needs(simkit: Simkit) -> None:
    outcome = simkit("generate")

    assert outcome.code == 2
    assert [line.split(": ")[2] for line in outcome.err.splitlines()] == [
        "catalog.paths",
        "model.name",
        "model.provider",
    ]


def test_config_prints_what_flags_file_and_defaults_make(simkit: Simkit, tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text('[catalog]\npaths = ["a.json"]\n[run]\nseed = 1\nconcurrency = 2\n')
    flags = ["--seed", "3", "--base-url", "http://h/v1", "--no-judge", "--itpm", "5"]
    outcome = simkit("config", path, *flags, "--budget-tokens", "7", "--embedder", "lexical")
    printed = tomllib.loads(outcome.out)

    assert outcome.code == 0
    assert printed["run"] == {"seed": 3, "conversations": 100, "concurrency": 2}
    assert printed["catalog"]["paths"] == [str(tmp_path / "a.json")]
    assert printed["providers"]["default"]["base_url"] == "http://h/v1"
    assert printed["providers"]["default"]["input_tokens_per_minute"] == 5
    assert printed["budget"] == {"tokens": 7}
    assert printed["graph"]["embedder"] == "lexical"
    assert printed["filters"]["judge"] is False


def test_every_expected_error_is_named_as_it_is() -> None:
    """
    They are listed by name to keep imports out of the help page; a renamed one would
    otherwise turn into a traceback unnoticed.
    """
    for name in EXPECTED:
        module, _, kind = name.rpartition(".")
        error = getattr(importlib.import_module(module), kind)
        assert issubclass(error, Exception)
        assert f"{error.__module__}.{error.__qualname__}" == name


def test_an_error_inside_groups_is_reported_like_itself(
    capsys: pytest.CaptureFixture[str],
) -> None:
    refused = KeyRefused("the key is wrong\nor expired")
    code = report_error(ExceptionGroup("tasks", [ExceptionGroup("more tasks", [refused])]))

    assert code == 1
    assert capsys.readouterr().err == "simkit: error: the key is wrong or expired\n"


def test_tasks_that_fail_alike_are_reported_once(capsys: pytest.CaptureFixture[str]) -> None:
    code = report_error(
        ExceptionGroup("tasks", [KeyRefused("bad key"), KeyRefused("bad key"), ConfigError("x")])
    )

    assert code == 2
    assert capsys.readouterr().err.splitlines() == ["simkit: error: bad key", "simkit: error: x"]


def test_a_bug_keeps_its_traceback() -> None:
    bug = ExceptionGroup("tasks", [KeyRefused("bad key"), ZeroDivisionError()])
    with pytest.raises(ExceptionGroup) as caught:
        report_error(bug)
    assert caught.value is bug


def test_a_graph_is_built_shown_and_walked(simkit: Simkit, catalog: Path, tmp_path: Path) -> None:
    graph = tmp_path / "places.graph"
    built = simkit("graph", "build", catalog, "-o", graph, "--embedder", "lexical")
    shown = simkit("graph", "show", graph, "--json")
    table = simkit("graph", "show", graph)
    walked = simkit("graph", "walk", graph, "--count", "4", "--min-length", "1")
    again = simkit("graph", "walk", graph, "--count", "4", "--min-length", "1")

    assert (built.code, built.err) == (0, "")
    assert built.out.startswith("3 functions read, 0 duplicates merged, 0 rejected\n")
    assert json.loads(shown.out)["functions"] == 3
    assert "mean out-degree" in table.out
    assert [line.partition(":")[0] for line in walked.out.splitlines()] == ["0", "1", "2", "3"]
    assert walked == again


def test_a_graph_is_never_written_over_its_catalog(simkit: Simkit, catalog: Path) -> None:
    before = catalog.read_bytes()
    outcome = simkit("graph", "build", catalog, "-o", catalog, "--embedder", "lexical")

    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "is the catalog" in outcome.err
    assert catalog.read_bytes() == before


def test_rejected_functions_are_named_with_the_reason(simkit: Simkit, tmp_path: Path) -> None:
    path = tmp_path / "mixed.json"
    good = {"name": "good", "description": "Good.", "inputSchema": {"type": "object"}}
    path.write_text(json.dumps({"tools": [good, {"description": "?", "inputSchema": {}}]}))
    built = simkit("graph", "build", path, "-o", tmp_path / "g", "--embedder", "lexical")

    assert built.code == 0
    assert "1 rejected" in built.out
    assert "no name" in built.out


def test_the_provider_says_where_it_listens_and_ends_quietly() -> None:
    for sent in (signal.SIGTERM, signal.SIGINT):
        with child("provider") as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            process.send_signal(sent)
            out, err = process.communicate(timeout=DEADLINE_SECONDS)

            assert line.startswith("simkit provider listening on http://127.0.0.1:")
            assert line.endswith("/v1\n")
            assert (process.returncode, out, err) == (0, "", "")


def test_a_provider_that_goes_by_its_input_ends_with_it_and_by_a_signal_before() -> None:
    """
    So a child provider never outlives its parent, however that ends.
    """
    for end in (lambda p: p.stdin.close(), lambda p: p.send_signal(signal.SIGTERM)):
        with child("provider", "--end-with-stdin") as process:
            assert process.stdout is not None
            process.stdout.readline()
            end(process)

            assert process.wait(DEADLINE_SECONDS) == 0


def test_a_port_in_use_is_one_line(simkit: Simkit) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        outcome = simkit("provider", "--port", str(taken.getsockname()[1]))

    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert "--port" in outcome.err


def test_from_a_catalog_to_training_data(simkit: Simkit, catalog: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    flags = ["--catalog", catalog, "--model", "standin", "--embedder", "lexical", "--min-length"]
    with standin() as base_url:
        made = simkit(
            "generate", "--base-url", base_url, *flags, "1", "-n", "4", "--out", run, "--json"
        )
        asked = stats(base_url)["requests"]
        again = simkit("generate", "--base-url", base_url, *flags, "1", "-n", "4", "--out", run)
        asked_again = stats(base_url)["requests"]
    report = simkit("report", run)
    exported = simkit("export", run, "--format", "openai")
    nowhere = simkit("export", run, "--format", "openai", "--out", catalog / "rows.jsonl")

    figures = json.loads(made.out)
    assert made.code == 0
    assert (figures["played"], figures["kept"]) == (4, 4)
    assert (again.code, asked_again) == (0, asked)
    assert "kept" in report.out
    assert exported.out == f"{run}/exports/openai.jsonl: 4 rows from 4 conversations\n"
    assert (nowhere.code, nowhere.err.count("\n")) == (2, 1)
    assert "choose another place" in nowhere.err


def test_a_budget_ends_a_run_in_good_order(simkit: Simkit, catalog: Path, tmp_path: Path) -> None:
    """
    What is spent and what is not made is told; it is no failure.
    """
    (tmp_path / "prices.toml").write_text(
        'currency = "EUR"\nsource = "made up"\ndate = 2026-01-01\n'
        'prices = [{ models = ["standin"], input = 10.0, output = 20.0 }]\n'
    )
    config = tmp_path / "run.toml"
    config.write_text(
        '[model]\nname = "standin"\n[walk]\nmin_length = 1\nmax_length = 2\n'
        '[graph]\nembedder = "lexical"\n[budget]\nprices = "prices.toml"\n'
    )
    flags = ["--catalog", catalog, "-n", "30", "--budget-money", "0.9"]
    with standin() as base_url:
        flags += ["--base-url", base_url]
        shown = simkit("generate", config, *flags, "--out", tmp_path / "shown")
        as_json = simkit("generate", config, *flags, "--out", tmp_path / "json", "--json")
    figures = json.loads(as_json.out)
    run, (tokens, money) = figures["run"], figures["run"]["spending"]

    assert (shown.code, as_json.code) == (0, 0)
    assert " conversations not started: " in shown.out
    assert "raise --budget-money" in shown.out
    assert " of 0.90 EUR\n" in shown.out
    assert figures["played"] == 30 - run["not_started"]
    assert 0 < run["not_started"] < 30
    assert (tokens["unit"], tokens["limit"]) == ("tokens", None)
    assert (money["unit"], money["limit"]) == ("EUR", 0.9)
    # An estimate from some twenty conversations of very different lengths: nearly always below.
    assert 0.5 < money["spent"] <= 0.9 * 1.05


def test_a_run_without_prices_says_that_its_cost_is_unknown(
    simkit: Simkit, catalog: Path, tmp_path: Path
) -> None:
    flags = ["--catalog", catalog, "--model", "standin", "--embedder", "lexical", "--min-length"]
    with standin() as base_url:
        flags += ["1", "-n", "2", "--base-url", base_url]
        made = simkit("generate", *flags, "--out", tmp_path / "run")
        refused = simkit("generate", *flags, "--out", tmp_path / "no", "--budget-money", "1")

    assert made.code == 0
    assert made.out.count("cost unknown: no price for standin\n") == 1
    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
    assert "budget.money" in refused.err
    assert not (tmp_path / "no").exists()


def test_a_run_goes_on_with_the_fallback_while_its_model_cannot_be_asked(
    simkit: Simkit, catalog: Path, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    config = tmp_path / "run.toml"
    with standin() as base_url:
        config.write_text(
            '[model]\nname = "large"\n[graph]\nembedder = "lexical"\n[walk]\nmin_length = 1\n'
            '[[model.fallback]]\nmodel = "standin"\nprovider = "spare"\n'
            f'[providers.spare]\nbase_url = "{base_url}"\n'
            f'[providers.default]\nbase_url = "http://127.0.0.1:{port}/v1"\n'
            "retry_min_pause_seconds = 0.01\n"
        )
        flags = ["--catalog", catalog, "-n", "4", "--out", tmp_path / "run", "--json"]
        outcome = simkit("generate", config, *flags)

    assert outcome.code == 0
    assert json.loads(outcome.out)["kept"] == 4
    assert f"127.0.0.1:{port}" in outcome.err


def test_a_provider_that_is_not_there_fails_the_run_in_one_line(
    simkit: Simkit, catalog: Path, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    run = tmp_path / "run"
    outcome = simkit(
        "generate",
        *("--catalog", catalog, "--model", "m", "--embedder", "lexical", "--out", run),
        *("--base-url", f"http://127.0.0.1:{port}/v1", "--quiet"),
    )

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("simkit: error: ")
    assert outcome.err.count("\n") == 1
    assert not run.exists()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_second_interruption_ends_a_run_at_once_with_code_130_and_one_line(
    sent: signal.Signals, catalog: Path, tmp_path: Path
) -> None:
    """
    The first would wait for a provider that never answers.
    """
    run = tmp_path / "run"
    with _silent_provider() as (base_url, asked):
        flags = ["--catalog", catalog, "--model", "m", "--embedder", "lexical", "--out", run]
        with child("generate", "--base-url", base_url, *flags) as process:
            assert asked.wait(DEADLINE_SECONDS)
            process.send_signal(sent)
            assert process.stderr is not None
            assert process.stderr.readline().startswith("stopping: ")
            process.send_signal(sent)
            out, err = process.communicate(timeout=DEADLINE_SECONDS)

    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1] == "simkit: interrupted; nothing had been stored yet"
    assert not run.exists()


def test_sigterm_before_a_run_begins_is_an_interruption_too(tmp_path: Path) -> None:
    """
    The configuration is a pipe that nobody writes to, so the command hangs in reading it.
    """
    config = tmp_path / "run.toml"
    os.mkfifo(config)
    with child("generate", config) as process, config.open("wb"):  # opens once it is read
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=DEADLINE_SECONDS)
    assert (process.returncode, err) == (130, "simkit: interrupted\n")


def test_a_full_disk_is_told_with_the_place(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with pytest.raises(OSError, match="No space left") as full, written_whole(path):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert full.value.filename == str(path)


@contextmanager
def _silent_provider() -> Iterator[tuple[str, threading.Event]]:
    """A provider that lists a model and never answers a chat; the event says it was asked."""
    asked, over = threading.Event(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"object":"list","data":[{"id":"m","object":"model"}]}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            asked.set()
            over.wait()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", asked
    finally:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()
