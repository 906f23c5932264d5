"""What the tests of the filters share: short conversations, and a judge that is scripted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from simkit.traces.calls import Answer, CallTimes, ChatRequest, Completion
from simkit.traces.records import Message, ToolCall

Script = Callable[[ChatRequest], "str | Exception"]


class ScriptedJudge:
    """A ChatClient that answers from a function of the request, and remembers what was asked."""

    model = "scripted-judge"

    def __init__(self, script: Script) -> None:
        self._script = script
        self.asked: list[ChatRequest] = []

    async def complete(self, request: ChatRequest) -> Answer:
        self.asked.append(request)
        said = self._script(request)
        if isinstance(said, Exception):
            raise said
        return Answer(completion=Completion(content=said), times=CallTimes(started_at=0.0))


@pytest.fixture
def scripted() -> Callable[[Script], ScriptedJudge]:
    return ScriptedJudge


@pytest.fixture
def ruling() -> Callable[..., str]:
    """Write a judge's reply."""

    def build(verdict: int, reason: str = "Because.") -> str:
        return orjson.dumps({"reason": reason, "verdict": verdict}).decode()

    return build


@pytest.fixture
def user() -> Callable[[str], Message]:
    return lambda content="How warm is it in Oslo?": Message(role="user", content=content)


@pytest.fixture
def says() -> Callable[[str], Message]:
    return lambda content="It is 21.5 degrees.": Message(role="assistant", content=content)


@pytest.fixture
def calls() -> Callable[..., Message]:
    """An assistant message that calls: ids to arguments (a dict, or text as it stands)."""

    def build(name: str = "get_temperature", **arguments: Any) -> Message:
        return Message(
            role="assistant",
            tool_calls=tuple(
                ToolCall(
                    id=call_id,
                    name=name,
                    arguments=value if isinstance(value, str) else orjson.dumps(value).decode(),
                )
                for call_id, value in arguments.items()
            ),
        )

    return build


@pytest.fixture
def result() -> Callable[..., Message]:
    def build(call_id: str | None, content: str = '{"celsius":21.5}') -> Message:
        return Message(role="tool", content=content, tool_call_id=call_id)

    return build


@pytest.fixture
def tool_error() -> Callable[[str], str]:
    """The content of a result that reports an error of the given type."""
    return lambda kind: orjson.dumps({"error": {"type": kind, "message": "No."}}).decode()
