"""Workloads that a file states, and what is said of files that state nothing that can be."""

from __future__ import annotations

import statistics
from collections import Counter
from pathlib import Path

import pytest

from simkit.config import ConfigError
from simkit.tuning.rehearsal import rehearse
from simkit.tuning.stated import EXAMPLES, Statement, shipped_examples, stated_workload
from simkit.tuning.terms import ProviderTerms
from simkit.tuning.workload import calls_of

ROLE = """
[roles.{role}]
calls = {calls}
input_tokens = {input_tokens}
input_growth = {growth}
output_tokens = 50
median_seconds = 2.0
p95_seconds = 5.0
"""


def a_role(role: str, *, calls: float = 4, input_tokens: float = 1_000, growth: float = 0.0) -> str:
    return ROLE.format(role=role, calls=calls, input_tokens=input_tokens, growth=growth)


def stated(folder: Path, *parts: str) -> Statement:
    path = folder / "mine.toml"
    path.write_text('about = "mine"\n' + "".join(parts))
    return stated_workload(str(path))


def problems(folder: Path, *parts: str) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        stated(folder, *parts)
    prefix = f"{folder / 'mine.toml'}: "
    assert all(line.startswith(prefix) for line in raised.value.problems)
    return [line.removeprefix(prefix) for line in raised.value.problems]


def test_there_are_examples_that_explain_themselves() -> None:
    assert shipped_examples() == ("local", "paper", "short")
    for name in shipped_examples():
        text = (EXAMPLES / f"{name}.toml").read_text()
        assert text.startswith("#")
        assert "measured nowhere" in text


@pytest.mark.parametrize("name", ["local", "paper", "short"])
def test_an_example_can_be_rehearsed(name: str) -> None:
    statement = stated_workload(name)
    assert len(statement.workload.conversations) == 300
    found = rehearse(statement.config, statement.workload, statement.terms, conversations=40)
    assert found.finished == 40
    assert found.seconds > 0
    assert (found.failed > 0) or statement.workload.failures.share < 0.01


def test_an_example_is_the_same_every_time() -> None:
    assert stated_workload("short") == stated_workload("short")


def test_the_example_of_the_paper_is_as_long_as_it_says() -> None:
    lengths = sorted(
        sum(len(one.calls) for one in conversation.playing)
        for conversation in stated_workload("paper").workload.conversations
    )
    assert lengths[15] < 20 < lengths[150] < 40 < lengths[285]


def test_conversations_have_the_calls_sizes_and_latencies_that_are_stated(tmp_path: Path) -> None:
    statement = stated(
        tmp_path,
        a_role("writer", calls=1),
        a_role("user", calls=3.5),
        a_role("assistant", calls=6),
        a_role("judge", calls=4),
    )
    workload = statement.workload
    calls = [call for one in workload.conversations for call in calls_of(one)]
    counts = Counter(call.role for call in calls)
    per_conversation = {role: count / 300 for role, count in counts.items()}
    assert per_conversation == pytest.approx(
        {"writer": 1, "user": 3.5, "assistant": 6, "judge": 4}, rel=0.1
    )
    assert statistics.mean(call.input_tokens for call in calls) == pytest.approx(1_000, rel=0.05)
    assert statistics.mean(call.output_tokens for call in calls) == pytest.approx(50, rel=0.05)
    for seconds in workload.latencies.classes:
        assert statistics.median(seconds) == pytest.approx(2.0, rel=0.02)
        assert sorted(seconds)[round(0.95 * len(seconds))] == pytest.approx(5.0, rel=0.05)
    for conversation in workload.conversations:
        assert [call.role for call in conversation.playing[0].calls] == ["writer"]
        assert [len(one.calls) for one in conversation.judging[:1]] == [1]
        assert len(conversation.judging) <= 2


def test_no_spread_makes_all_conversations_alike(tmp_path: Path) -> None:
    statement = stated(
        tmp_path,
        "[conversations]\nlength_spread = 0\nparallel_share = 0\n",
        a_role("assistant", calls=3, growth=500) + "token_spread = 0\n",
    )
    for conversation in statement.workload.conversations:
        sizes = [call.input_tokens for one in conversation.playing for call in one.calls]
        assert sizes == [1_000, 1_500, 2_000]


def test_the_share_of_parallel_calls_is_the_stated_one(tmp_path: Path) -> None:
    statement = stated(
        tmp_path,
        "[conversations]\nparallel_share = 0.25\n",
        a_role("assistant", calls=20),
        a_role("tool", calls=20),
    )
    rounds = [
        [call.role for call in one.calls]
        for conversation in statement.workload.conversations
        for one in conversation.playing
    ]
    tools = [len(roles) for roles in rounds if roles[0] == "tool"]
    assert 1 - len(tools) / sum(tools) == pytest.approx(0.25, abs=0.03)


def test_the_provider_is_as_stated_and_its_limits_are_told(tmp_path: Path) -> None:
    statement = stated(
        tmp_path,
        'model = "big"\n',
        a_role("assistant"),
        "[provider]\ndoubled_at = 30\nfailure_share = 0.1\nfailure_seconds = 9\n",
        'window_seconds = 60\nhints = "none"\n',
        "[provider.limits]\nrequests_per_minute = 100\nmax_calls_in_flight = 7\n",
    )
    assert statement.terms == {
        "default": ProviderTerms(
            requests_per_minute=100, max_calls_in_flight=7, window_seconds=60, hints="none"
        )
    }
    assert statement.workload.latencies.doubled_at == 30
    assert statement.workload.failures.share == 0.1
    assert statement.workload.failures.seconds == (9.0,)
    provider = statement.config.providers["default"]
    assert (provider.requests_per_minute, provider.max_calls_in_flight) == (100, 7)
    assert {role.model for role in statement.config.in_use} == {"big"}
    assert not statement.config.filters.judge


def test_an_unknown_example_is_answered_with_those_there_are() -> None:
    with pytest.raises(ConfigError) as raised:
        stated_workload("papr")
    (line,) = raised.value.problems
    assert line == (
        'there is no example "papr"; there is local, paper, short, and the path of a file like '
        "theirs works too"
    )


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"mine\.toml: cannot be read: No such file"):
        stated_workload(str(tmp_path / "mine.toml"))


def test_each_problem_is_a_line_with_file_and_key(tmp_path: Path) -> None:
    lines = problems(
        tmp_path,
        "conccurrency = 3\n",
        "[roles.assistant]\ncalls = 0\ninput_tokens = 10\nmedian_seconds = 0.0\np95_seconds = 1\n",
        "[roles.robot]\ncalls = 1\n",
        "[provider]\nfailure_share = 1.0\n",
        '[provider.limits]\nrequests_per_minute = "many"\n',
    )
    assert sorted(lines) == [
        'conccurrency: unknown key; did you mean "concurrency"?',
        "provider.failure_share: expected less than 1, found 1.0",
        'provider.limits.requests_per_minute: expected a number, found "many"',
        "roles.assistant.calls: expected more than 0, found 0",
        "roles.assistant.median_seconds: expected more than 0, found 0.0",
        "roles.assistant.output_tokens: is required",
        "roles.robot: unknown key; known: writer, user, assistant, reasoner, tool, judge",
    ]


def test_slow_calls_must_be_slower_than_usual_ones(tmp_path: Path) -> None:
    slow = a_role("assistant").replace("p95_seconds = 5.0", "p95_seconds = 1.0")
    assert problems(tmp_path, slow) == [
        "roles.assistant: p95_seconds must be at least median_seconds"
    ]


def test_a_file_without_an_assistant_states_nothing(tmp_path: Path) -> None:
    assert problems(tmp_path, a_role("user")) == ["roles.assistant: is required"]
