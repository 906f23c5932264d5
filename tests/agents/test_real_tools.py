"""Functions that really run: what the tool agent makes of what they give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from simkit.agents import PROMPTS
from simkit.agents.conversation import Cast, Conversations
from simkit.agents.faults import Faults
from simkit.agents.limits import Limits
from simkit.agents.tool import ToolAgent
from simkit.clients.scripted import Scripted
from simkit.traces.calls import ChatRequest, Completion
from simkit.traces.functions import Function
from simkit.traces.prompts import PromptSet
from simkit.traces.records import Scenario, ToolCall
from simkit.traces.voice import Voice

SIMULATED = '<func_return>{"celsius": 1}</func_return>'


def real(*results: dict[str, Any]) -> Scripted:
    """What runs functions; it gives *results* one after the other."""
    return Scripted(
        [Completion(content=orjson.dumps(one).decode(), model="python") for one in results],
        model="python",
    )


@pytest.fixture
def agent(a_scenario: Callable[..., Scenario]) -> Callable[..., ToolAgent]:
    """Build the agent for functions, of which those of ``shop.py`` really run."""

    def build(
        runs: Scripted, *functions: Function, rate: float = 0.0, model: Scripted | None = None
    ) -> ToolAgent:
        return ToolAgent(
            Voice(role="tool", client=model or Scripted([])),
            PromptSet(PROMPTS),
            a_scenario(0, *functions),
            Faults(7, rate),
            {"shop.py": Voice(role="tool", client=runs)},
        )

    return build


def call(name: str = "get_temperature", arguments: str = '{"city":"Oslo"}') -> ToolCall:
    return ToolCall(id="call_1", name=name, arguments=arguments)


async def result(agent: ToolAgent, wanted: ToolCall, turn: int = 1, part: int = 0) -> Any:
    given = await agent.run(wanted, turn=turn, part=part)
    assert given.fault is None
    agent.remember((wanted,), [given.message])
    return orjson.loads(given.message.content)


async def test_a_call_is_asked_by_the_name_that_the_file_knows(
    agent: Callable[..., ToolAgent], a_function: Callable[..., Function]
) -> None:
    runs = real({"celsius": -3.5})
    tools = agent(runs, a_function("weather_2", source="shop.py", original_name="weather"))
    assert await result(tools, call("weather_2"), turn=4, part=2) == {"celsius": -3.5}
    (request,) = runs.requests
    assert (request.site.role, request.site.turn, request.site.part) == ("tool", 4, 2)
    (message,) = request.messages
    assert orjson.loads(message.content) == {"name": "weather", "arguments": {"city": "Oslo"}}


async def test_wrong_arguments_never_reach_the_function(
    agent: Callable[..., ToolAgent], a_function: Callable[..., Function]
) -> None:
    runs = real()
    tools = agent(runs, a_function(source="shop.py"))
    wrong = await result(tools, call(arguments='{"town":"Oslo"}'))
    assert wrong["error"]["type"] == "invalid_arguments"
    assert runs.requests == []


async def test_the_same_call_is_run_again_and_may_give_something_else(
    agent: Callable[..., ToolAgent], a_function: Callable[..., Function]
) -> None:
    tools = agent(real({"celsius": 1}, {"celsius": 2}), a_function(source="shop.py"))
    assert [await result(tools, call(), turn) for turn in (1, 3)] == [
        {"celsius": 1},
        {"celsius": 2},
    ]


async def test_nothing_goes_wrong_on_purpose_and_errors_are_results(
    agent: Callable[..., ToolAgent], a_function: Callable[..., Function]
) -> None:
    error = {"error": {"type": "timeout", "message": "the function did not return within 10 s"}}
    tools = agent(real(error, {"celsius": 2}), a_function(source="shop.py"), rate=1.0)
    assert await result(tools, call(), 1) == error
    assert await result(tools, call(), 3) == {"celsius": 2}


async def test_functions_of_other_sources_are_simulated_beside_them(
    agent: Callable[..., ToolAgent], a_function: Callable[..., Function]
) -> None:
    model = Scripted([SIMULATED])
    functions = (a_function("real_one", source="shop.py"), a_function("other"))
    tools = agent(real({"celsius": 2}), *functions, model=model)
    assert await result(tools, call("real_one")) == {"celsius": 2}
    assert await result(tools, call("other"), turn=3) == {"celsius": 1}
    assert "real_one" in model.requests[0].messages[-1].content  # the model knows what was before


async def test_a_conversation_tells_that_something_really_ran(
    a_scenario: Callable[..., Scenario], a_function: Callable[..., Function], intent: str
) -> None:
    def assistant(request: ChatRequest) -> Completion | str:
        if request.messages[-1].role == "tool":
            return "It is 21.5 degrees in Oslo."
        return replace(
            Completion(finish_reason="tool_calls"),
            tool_calls=(call(),),  # type: ignore[arg-type]
        )

    players = {
        "writer": Scripted([intent]),
        "user": Scripted(["How warm is it in Oslo?", "###STOP###"]),
        "assistant": Scripted(assistant),
        "tool": Scripted([]),
    }
    voices: dict[str, Any] = {
        role: Voice(role=role, client=client)  # type: ignore[arg-type]
        for role, client in players.items()
    }
    runs = Voice(role="tool", client=real({"celsius": 21.5}))
    cast = Cast(**voices, real={"shop.py": runs})
    stage = Conversations(cast, PromptSet(PROMPTS), Limits(), run_seed=1)
    trajectory = await stage.play(a_scenario(0, a_function(source="shop.py")))
    assert [m.content for m in trajectory.messages if m.role == "tool"] == ['{"celsius":21.5}']
    assert trajectory.provenance.answered_by["tool"] == ("python",)
    assert trajectory.provenance.sources == {"shop.py": ("Apache-2.0",)}
