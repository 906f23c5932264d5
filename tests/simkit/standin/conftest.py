"""A tiny brain, and the parts of valid requests."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from simkit.standin.brain_contract import Reply


class Echo:
    """Repeats the last message; calls the first tool when asked to, with a random number."""

    def reply(self, body: dict[str, Any], draw: random.Random) -> Reply:
        last = body["messages"][-1]["content"]
        if last == "call" and "tools" in body:
            name = body["tools"][0]["function"]["name"]
            call = (name, f'{{"city":"{draw.randrange(10**9)}"}}')
            return Reply(tool_calls=(call, call), reasoning="as asked", mistake="duplicate_call")
        if last == "break":
            raise RuntimeError("the brain broke")
        return Reply(content=last)


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def a_tool() -> Callable[..., dict[str, Any]]:
    """Build a valid tool; by default it takes a required city."""

    def build(name: str = "get_temperature", **parameters: Any) -> dict[str, Any]:
        schema = {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        }
        function = {"name": name, "description": "Get it.", "parameters": schema | parameters}
        return {"type": "function", "function": function}

    return build


@pytest.fixture
def a_body() -> Callable[..., dict[str, Any]]:
    """Build a valid request; by default one short question."""

    def build(content: str = "hello", **fields: Any) -> dict[str, Any]:
        messages = [{"role": "user", "content": content}]
        return {"model": "standin", "messages": messages} | fields

    return build
