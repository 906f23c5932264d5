"""Near duplicates: what counts as the same conversation, and which of two stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from simkit.filters.near_duplicates import NEAR_DUPLICATE, NearDuplicates, signature_of
from simkit.filters.signature_index import HASHES, SignatureIndex
from simkit.traces.records import Message, Parent, ToolCall, Trajectory, Verdict

ATrajectory = Callable[..., Trajectory]
KEPT = Verdict(outcome="kept")
WORDS = [f"word{number}" for number in range(100)]


def talk(said: str, arguments: str = '{"city":"Oslo","days":3}', result: str = "{}") -> tuple:
    call = ToolCall(id="call_1", name="get_forecast", arguments=arguments)
    return (
        Message(role="user", content=said),
        Message(role="assistant", content="I look it up.", tool_calls=(call,)),
        Message(role="tool", content=result, tool_call_id="call_1"),
        Message(role="assistant", content=f"This is it: {result}"),
    )


def outcomes(threshold: float, *trajectories: Trajectory) -> list[str]:
    known = NearDuplicates(threshold)
    return [
        known.verdict(number, signature_of(trajectory), KEPT).outcome
        for number, trajectory in enumerate(trajectories)
    ]


@pytest.mark.parametrize(
    "other",
    [
        talk("What will the weather be like?", result='{"sun":true}'),
        talk("what will the WEATHER be like"),
        talk("What will the weather be like?", '{ "days": 3, "city": "Oslo" }'),
    ],
    ids=["other results", "other punctuation", "other order of keys"],
)
def test_what_teaches_the_same_is_the_same(
    a_trajectory: ATrajectory, other: tuple[Message, ...]
) -> None:
    first = a_trajectory(0, talk("What will the weather be like?"))
    assert outcomes(1.0, first, a_trajectory(1, other)) == ["kept", "dropped"]


@pytest.mark.parametrize(
    "other",
    [
        talk("Will it rain on our trip?"),
        talk("What will the weather be like?", '{"city":"Bergen","days":3}'),
        talk("What will the weather be like?", "no JSON"),
    ],
    ids=["other words", "other arguments", "unreadable arguments"],
)
def test_what_teaches_something_else_stays(
    a_trajectory: ATrajectory, other: tuple[Message, ...]
) -> None:
    first = a_trajectory(0, talk("What will the weather be like?"))
    assert outcomes(0.9, first, a_trajectory(1, other)) == ["kept", "kept"]


def test_the_likeness_is_that_of_jaccard_within_the_error_of_minhash(
    a_trajectory: ATrajectory,
) -> None:
    """
    A changed word at the end of 100 changes 1 run of 98; one in the middle changes 3.
    """
    first = a_trajectory(0, (Message(role="user", content=" ".join(WORDS)),))
    for at, jaccard in ((99, 97 / 99), (50, 95 / 101)):
        words = [*WORDS[:at], "other", *WORDS[at + 1 :]]
        other = a_trajectory(1, (Message(role="user", content=" ".join(words)),))
        one, two = signature_of(first), signature_of(other)
        assert one is not None
        assert two is not None
        assert float(np.mean(one == two)) == pytest.approx(jaccard, abs=0.06)


def test_the_reason_names_the_first_that_is_like_it_and_the_turns_stay(
    a_trajectory: ATrajectory,
) -> None:
    known, same = NearDuplicates(0.9), signature_of(a_trajectory())
    for number in (3, 5):
        known.add(number, same)
    verdict = known.verdict(8, same, replace(KEPT, judge="m"))
    assert verdict.outcome == "dropped"
    assert verdict.judge == "m"
    assert verdict.reasons[0].check == NEAR_DUPLICATE
    assert "conversation 3" in verdict.reasons[0].message
    assert "1.00" in verdict.reasons[0].message


def test_what_is_dropped_anyway_stands_in_nobodys_way(a_trajectory: ATrajectory) -> None:
    known, same = NearDuplicates(0.9), signature_of(a_trajectory())
    dropped = Verdict(outcome="dropped")
    assert known.verdict(0, same, dropped) is dropped
    assert [known.verdict(number, same, KEPT).outcome for number in (1, 2)] == ["kept", "dropped"]


def test_forks_and_conversations_without_a_word_are_like_no_other(
    a_trajectory: ATrajectory,
) -> None:
    parent = Parent(run="run", conversation=0, id="7-0", turn=2)
    fork = a_trajectory(1)
    fork = replace(fork, provenance=replace(fork.provenance, parent=parent))
    silent = a_trajectory(2, (Message(role="user"), Message(role="assistant")))
    assert signature_of(fork) is None
    assert signature_of(silent) is None
    assert outcomes(0.9, fork, fork, silent, silent) == ["kept"] * 4


def test_broken_text_is_no_obstacle(a_trajectory: ATrajectory) -> None:
    broken = a_trajectory(0, talk("\ud800 \x00 " + "x" * 100_000, '{"a": "\ud800"}'))
    assert outcomes(0.9, broken, broken) == ["kept", "dropped"]


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.9, 1.0])
def test_nothing_alike_is_overlooked_among_many_and_nothing_else_is_found(
    threshold: float,
) -> None:
    draw = np.random.default_rng(1)
    index, signatures = SignatureIndex(threshold, segment=100), []
    for number in range(250):
        signature = draw.integers(0, 2**32, HASHES, dtype=np.uint32)
        index.add(number, signature)
        signatures.append(signature)
    unequal = int(HASHES * (1 - threshold))
    found = []
    for signature in signatures:
        like = signature.copy()
        like[draw.permutation(HASHES)[:unequal]] += np.uint32(1)
        found.append(index.find(like))
        unlike = signature.copy()
        unlike[draw.permutation(HASHES)[: unequal + 1]] += np.uint32(1)
        assert index.find(unlike) is None
    numbers = [None if one is None else one[0] for one in found]
    overlooked = numbers.count(None)
    assert overlooked <= 1
    assert all(number in (None, at) for at, number in enumerate(numbers))
