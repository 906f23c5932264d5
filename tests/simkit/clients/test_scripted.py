"""The scripted model."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simkit.clients.scripted import Scripted
from simkit.traces.calls import ChatRequest, Completion
from simkit.traces.provider_errors import RequestRefused

ARequest = Callable[..., ChatRequest]


async def test_a_script_answers_in_turn_and_keeps_what_it_was_asked(a_request: ARequest) -> None:
    client = Scripted(["a", Completion(content="b"), RequestRefused("no")], model="m")
    assert (await client.complete(a_request(1))).completion == Completion(content="a", model="m")
    assert (await client.complete(a_request(2))).completion == Completion(content="b")
    with pytest.raises(RequestRefused, match="no"):
        await client.complete(a_request(3))
    with pytest.raises(LookupError, match=r"no reply left for CallSite\(scenario=4"):
        await client.complete(a_request(4))
    assert [request.site.scenario for request in client.requests] == [1, 2, 3, 4]


async def test_a_function_may_find_the_reply(a_request: ARequest) -> None:
    client = Scripted(lambda request: f"you are {request.site.scenario}")
    assert (await client.complete(a_request(5))).completion.content == "you are 5"


async def test_calls_may_take_differently_long(a_request: ARequest) -> None:
    client = Scripted(["a", "b"], seconds=lambda request: request.scenario / 1000)
    assert (await client.complete(a_request(0))).times.total_seconds == 0
    assert (await client.complete(a_request(3))).times.total_seconds == 0.003
