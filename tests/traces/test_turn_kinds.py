"""What the assistant does in a turn, as the messages tell."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import orjson
import pytest

from simkit.traces.records import Message, ToolCall, TurnVerdict, Verdict
from simkit.traces.turn_kinds import count_turn_kinds, turn_kinds

ERROR = '{"error":{"type":"timeout","message":"too slow"}}'
UNKNOWN = '{"error":{"type":"unknown_function","message":"no such thing"}}'


def user(text: str = "Do it.") -> Message:
    return Message(role="user", content=text)


def says(text: str) -> Message:
    return Message(role="assistant", content=text)


def calls(*names: str, result: str = "{}", first: int = 1) -> Iterator[Message]:
    """A message with a call for each of *names*, and results that are all the same."""
    made = tuple(
        ToolCall(id=f"call_{number}", name=name, arguments=f'{{"n":{number}}}')
        for number, name in enumerate(names, start=first)
    )
    yield Message(role="assistant", tool_calls=made)
    yield from (Message(role="tool", content=result, tool_call_id=call.id) for call in made)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("It is 21 degrees.", set()),
        ("Which city do you mean?", {"clarifying"}),
        ("Found it. Please provide your order number.", {"clarifying"}),
        ("Done. Is there anything else?", set()),
        ("How can I help you today?", set()),
        ("I am not able to do this: fly.", {"declining"}),
        (
            "I'm sorry, I can't book that. Shall I look for another one?",
            {"declining", "clarifying"},
        ),
        ("I don't have a function for it.", {"declining"}),
        ("The shop cannot be reached by bus.", set()),
    ],
)
def test_what_is_said_tells_the_kind(text: str, kinds: set[str]) -> None:
    assert turn_kinds([user(), *calls("look"), says(text)])[3] == kinds


def test_a_turn_without_a_call_since_the_user_spoke_is_one() -> None:
    talk = [user(), *calls("look"), says("Fine."), user("Thanks."), says("My pleasure.")]
    assert turn_kinds(talk) == {1: frozenset(), 3: frozenset(), 5: {"no_call"}}


def test_calls_are_parallel_unless_they_are_the_same() -> None:
    assert turn_kinds([user(), *calls("look", "look")])[1] == {"parallel"}
    twice = (
        ToolCall(id="a", name="look", arguments="{}"),
        ToolCall(id="b", name="look", arguments="{}"),
    )
    assert turn_kinds([user(), Message(role="assistant", tool_calls=twice)])[1] == frozenset()


def test_a_call_repairs_one_that_failed_only_when_it_works() -> None:
    failed = [user(), *calls("look", result=ERROR)]
    assert turn_kinds([*failed, *calls("look", first=2)])[3] == {"repairing"}
    assert turn_kinds([*failed, *calls("look", result=ERROR, first=2)])[3] == frozenset()
    assert turn_kinds([*failed, *calls("pay", first=2)])[3] == frozenset()
    asked = [*failed, says("Which one?"), user("The red one.")]
    assert turn_kinds([*asked, *calls("look", first=2)])[5] == {"repairing"}
    done = [*failed, *calls("look", first=2), *calls("look", first=3)]
    assert turn_kinds(done)[5] == frozenset()


def test_after_a_function_that_is_not_there_any_call_that_works_is_a_repair() -> None:
    lost = [user(), *calls("look_v2", result=UNKNOWN)]
    assert turn_kinds([*lost, *calls("look", first=2)])[3] == {"repairing"}


def test_turns_of_kept_conversations_are_counted_when_they_are_trained_on() -> None:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE trajectories (scenario, body)")
    database.execute("CREATE TABLE verdicts (scenario, filter_set, outcome, body)")
    asks = [user(), says("Which city?"), user("Oslo."), *calls("look"), says("Done.")]
    masked = (TurnVerdict(index=1, ok=False), *(TurnVerdict(index=i, ok=True) for i in (3, 5)))
    plain = tuple(TurnVerdict(index=i, ok=True) for i in (1, 3, 5))
    empty = [user(), says("I cannot.")]
    rows = [
        (0, "kept", asks, plain),
        (1, "kept", asks, masked),
        (2, "kept", empty, plain[:1]),
        (3, "dropped", empty, ()),
    ]
    for number, outcome, messages, turns in rows:
        body = orjson.dumps({"messages": [_stored(message) for message in messages]})
        database.execute("INSERT INTO trajectories VALUES (?, ?)", (number, body))
        verdict = orjson.dumps(Verdict(outcome=outcome, turns=turns))  # type: ignore[arg-type]
        database.execute("INSERT INTO verdicts VALUES (?, 'run', ?, ?)", (number, outcome, verdict))
    database.execute("INSERT INTO trajectories VALUES (4, 'not read')")
    database.execute("INSERT INTO verdicts VALUES (4, 'run', 'kept', '{}')")

    counts = count_turn_kinds(lambda select, *given: database.execute(select, given), "run")
    database.close()
    assert (counts.turns, counts.conversations, counts.without_calls) == (6, 4, 1)
    assert counts.of_turns == {
        "clarifying": 1,
        "declining": 1,
        "parallel": 0,
        "repairing": 0,
        "no_call": 2,
    }
    assert counts.of_conversations["no_call"] == 2


def _stored(message: Message) -> dict[str, object]:
    calls_made = [
        {"id": c.id, "name": c.name, "arguments": c.arguments} for c in message.tool_calls
    ]
    return {
        "role": message.role,
        "content": message.content,
        "reasoning": None,
        "tool_calls": calls_made,
        "tool_call_id": message.tool_call_id,
    }
