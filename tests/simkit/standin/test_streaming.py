"""Streamed answers of the stand-in, read by the client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aiohttp
import orjson
import pytest

from simkit.clients.http_session import open_session
from simkit.clients.openai_chat import OpenAIChat
from simkit.standin.brain_contract import Brain
from simkit.standin.server import running
from simkit.standin.settings import StandinSettings
from simkit.traces.calls import CallSite, ChatRequest
from simkit.traces.functions import Function
from simkit.traces.records import Message


@pytest.mark.parametrize("said", ["call", "Wie heiß ist es in Köln? 🌍 " * 20, "x"])
async def test_what_is_streamed_is_the_same_reply_as_what_is_not(
    echo: Brain, a_function: Callable[..., Function], said: str
) -> None:
    request = ChatRequest(
        site=CallSite(scenario=0, role="assistant", turn=1),
        messages=(Message(role="user", content=said),),
        tools=(a_function(),),
        temperature=0.7,
        seed=5,
    )
    async with running(StandinSettings(), echo) as url, open_session(max_connections=2) as session:
        whole, streamed = [
            (
                await OpenAIChat(
                    session,
                    base_url=url,
                    model="standin",
                    api_key=None,
                    first_byte_seconds=5,
                    total_seconds=5,
                    stream=stream,
                ).complete(request)
            ).completion
            for stream in (False, True)
        ]
    assert whole.content or whole.tool_calls
    assert (streamed.content, streamed.reasoning) == (whole.content, whole.reasoning)
    assert streamed.tool_calls == whole.tool_calls
    assert streamed.finish_reason == whole.finish_reason
    assert streamed.extras == whole.extras
    assert streamed.usage.output_tokens == whole.usage.output_tokens


@pytest.mark.parametrize("options", [{}, {"stream_options": {"include_usage": True}}])
async def test_usage_is_streamed_only_when_asked_for(
    echo: Brain, a_body: Callable[..., dict[str, Any]], options: dict[str, Any]
) -> None:
    body = orjson.dumps(a_body(stream=True, **options))
    async with (
        running(StandinSettings(), echo) as url,
        aiohttp.ClientSession() as session,
        session.post(f"{url}/chat/completions", data=body) as answer,
    ):
        assert answer.content_type == "text/event-stream"
        text = await answer.read()
    assert text.endswith(b"data: [DONE]\n\n")
    assert (b'"usage":{"prompt_tokens"' in text) == bool(options)
