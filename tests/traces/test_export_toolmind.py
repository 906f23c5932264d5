"""ToolMind rows: only the last message begins with a thought, whatever a model wrote."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from simkit.traces.formats import toolmind
from simkit.traces.records import Message, Trajectory, TurnVerdict, Verdict

ALL_PASS = Verdict(
    outcome="kept", turns=(TurnVerdict(index=1, ok=True), TurnVerdict(index=3, ok=True))
)


def test_what_a_model_thought_aloud_is_a_thought_and_no_context(
    a_trajectory: Callable[..., Trajectory],
) -> None:
    messages = (
        Message(role="user", content="Hello <think>there</think>"),
        Message(role="assistant", content="<think>A greeting.</think>Hello!"),
        Message(role="user", content="Bye"),
        Message(role="assistant", content="Bye!"),
    )
    first, second = (
        [message["content"] for message in orjson.loads(line)["conversations"]]
        for line in toolmind.rows(a_trajectory(messages=messages), ALL_PASS)
    )
    assert first == ["Hello <think>there</think>", "<think>\nA greeting.\n</think>\n\nHello!"]
    assert second == [first[0], "Hello!", "Bye", "<think>\n\n</think>\n\nBye!"]
