"""Checks that object to the whole: the order of roles, and the pairing of calls and results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simkit.filters.filter import Objection
from simkit.filters.rules import CallResultLinkage, RoleOrder, default_checks
from simkit.traces.records import Message, Trajectory

Build = Callable[..., Any]
OSLO = {"city": "Oslo"}


@pytest.fixture
def linkage(a_trajectory: Callable[..., Trajectory]) -> Callable[..., list[Objection]]:
    return lambda *messages: list(CallResultLinkage().check(a_trajectory(messages=messages)))


@pytest.fixture
def order(a_trajectory: Callable[..., Trajectory]) -> Callable[..., list[Objection]]:
    return lambda *messages: list(RoleOrder().check(a_trajectory(messages=messages)))


def test_a_clean_conversation_meets_no_objection(
    a_trajectory: Callable[..., Trajectory],
) -> None:
    trajectory = a_trajectory()
    assert [o for check in default_checks() for o in check.check(trajectory)] == []


def test_every_check_has_a_name_of_its_own() -> None:
    names = [check.name for check in default_checks()]
    assert len(set(names)) == len(names) > 8


def test_two_calls_in_one_message_may_be_answered_in_either_order(
    order: Build, linkage: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    messages = (user(), calls(a=OSLO, b={"city": "Rome"}), result("b"), result("a"), says())
    assert order(*messages) == []
    assert linkage(*messages) == []


def test_a_call_without_a_result_is_found(
    linkage: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    (found,) = linkage(user(), calls(a=OSLO, b=OSLO), result("a"), says())
    assert (found.check, found.turn) == ("call_result_linkage", None)
    assert found.message == "the call 'b' in message 1 has no result directly after it"


def test_a_call_that_ends_the_conversation_has_no_result(
    linkage: Build, user: Build, calls: Build
) -> None:
    (found,) = linkage(user(), calls(a=OSLO))
    assert "'a' in message 1 has no result" in found.message


def test_a_result_that_nobody_called_for_is_found(
    linkage: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    (found,) = linkage(user(), calls(a=OSLO), result("a"), result("z"), says())
    assert found.message == "the result in message 3 answers 'z', which nobody called"


def test_a_second_result_for_one_call_is_found(
    linkage: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    (found,) = linkage(user(), calls(a=OSLO), result("a"), result("a"), says())
    assert "message 3 answers 'a', which has its result already" in found.message


def test_a_late_result_is_two_faults(
    linkage: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    """The call is unanswered where its result belongs, and the result stands where none does."""
    left_open, late = linkage(user(), calls(a=OSLO), says(), result("a"), says())
    assert "'a' in message 1 has no result" in left_open.message
    assert "not made directly before" in late.message


def test_an_id_used_twice_is_found(
    linkage: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    first = (user(), calls(a=OSLO), result("a"), says())
    (found,) = linkage(*first, *first)
    assert found.message == "message 5 makes a second call with the id 'a'"


def test_a_result_without_a_call_id_is_found(
    linkage: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    (found,) = linkage(user(), says(), user(), result(None), says())
    assert found.message == "the result in message 3 names no call"


def test_only_the_assistant_may_call(linkage: Build, calls: Build, result: Build) -> None:
    call = calls(a=OSLO).tool_calls
    (found,) = linkage(Message(role="user", content="x", tool_calls=call), result("a"))
    assert found.message == "message 0 is from 'user' and calls functions"


@pytest.mark.parametrize(
    ("roles", "place"),
    [
        ("assistant", "the first message must be from 'user'"),
        ("user user assistant", "what follows 'user' must be from 'assistant'"),
        ("user assistant assistant", "what follows 'assistant' must be from 'user'"),
        ("user call assistant", "what follows 'assistant' with calls must be from 'tool'"),
        ("user call user assistant", "what follows 'assistant' with calls must be from 'tool'"),
        ("user call tool user assistant", "'tool' must be from 'tool' or 'assistant'"),
        ("user tool assistant", "what follows 'user' must be from 'assistant'"),
        ("user assistant tool assistant", "what follows 'assistant' must be from 'user'"),
        ("user system assistant", "message 1 is from 'system'"),
        ("user", "the last message is from 'user'; a conversation must end"),
        ("user call tool", "the last message is from 'tool'; a conversation must end"),
        ("user call", "the last message is from 'assistant' and calls functions"),
        ("", "the conversation has no messages"),
    ],
)
def test_a_message_out_of_turn_is_found(order: Build, calls: Build, roles: str, place: str) -> None:
    messages = [
        calls(a=OSLO) if role == "call" else Message(role=role, content="x")
        for role in roles.split()
    ]
    (found,) = order(*messages)
    assert (found.check, found.turn) == ("role_order", None)
    assert place in found.message


def test_long_conversations_in_order_pass(
    order: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    exchange = (user(), calls(a=OSLO), result("a"), calls(b=OSLO), result("b"), says())
    assert order(*exchange, user(), says(), *exchange) == []
