"""The stand-in's assistant, asked in each tool mode, alone and in whole conversations."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import aiohttp
import anyio
import orjson
import pytest

from simkit.agents import PROMPTS as AGENT_PROMPTS
from simkit.agents.conversation import Cast, Conversations
from simkit.agents.limits import Limits
from simkit.clients.http_session import open_session
from simkit.clients.openai_chat import OpenAIChat
from simkit.clients.tool_mode import tool_mode_client
from simkit.clients.tool_mode_json import CallsAsJson
from simkit.clients.tool_mode_schema import calls_schema
from simkit.config_dialogue import DialogueSection
from simkit.dialogue_plans import DialoguePlanner
from simkit.filters.judges import PROMPTS as FILTER_PROMPTS
from simkit.filters.judges import TrajectoryJudge, TurnJudge
from simkit.filters.panel import TrajectoryPanel, TurnPanel
from simkit.filters.pipeline import FilterPipeline
from simkit.filters.rules import default_checks
from simkit.graph.catalog import read_catalogs
from simkit.graph.chains.planner import Planner
from simkit.graph.chains.rules import ChainRules
from simkit.graph.function_graph import FunctionGraph
from simkit.graph.lexical import Lexical
from simkit.graph.walk import Walker
from simkit.scenarios import Ground
from simkit.standin.brain import ScriptedBrain
from simkit.standin.server import running
from simkit.standin.settings import StandinSettings
from simkit.standin.tool_checks import ToolChecker
from simkit.standin.values import make_value
from simkit.traces.arguments import schema_problem
from simkit.traces.calls import Answer, ChatClient, ChatRequest
from simkit.traces.prompts import PromptSet
from simkit.traces.records import Scenario, Trajectory
from simkit.traces.voice import Voice

Mode = Literal["native", "json_schema", "prompt"]
MODES: tuple[Mode, ...] = ("native", "json_schema", "prompt")


class Overheard:
    """Any client, with what was asked and answered kept."""

    def __init__(self, inner: ChatClient) -> None:
        self._inner = inner
        self.exchanges: list[tuple[ChatRequest, Answer]] = []

    @property
    def model(self) -> str:
        return self._inner.model

    async def complete(self, request: ChatRequest) -> Answer:
        answer = await self._inner.complete(request)
        self.exchanges.append((request, answer))
        return answer


@asynccontextmanager
async def wire(*, mistakes: float = 0.0) -> AsyncIterator[Overheard]:
    """A client of a stand-in, over HTTP; no request was refused and nothing broke."""
    brain = ScriptedBrain(mistakes=mistakes)
    async with (
        running(StandinSettings(mistakes=mistakes), brain) as base_url,
        open_session(max_connections=20) as session,
    ):
        yield Overheard(
            OpenAIChat(
                session,
                base_url=base_url,
                model="standin",
                api_key=None,
                first_byte_seconds=10,
                total_seconds=20,
            )
        )
        async with (
            aiohttp.ClientSession() as other,
            other.get(f"{base_url.removesuffix('/v1')}/stats") as answer,
        ):
            stats: dict[str, Any] = await answer.json()
        assert not stats["refused"], stats
        assert not stats["broken"], stats


@pytest.fixture(scope="module")
def scenarios() -> list[Scenario]:
    catalog = read_catalogs((), demo=True)
    graph = FunctionGraph.build(catalog.functions, Lexical())
    ground = Ground(
        graph=graph,
        walker=Walker(graph, seed=7, min_length=2, max_length=4),
        planner=Planner(graph, ChainRules()),
        dialogues=DialoguePlanner(DialogueSection()),
        seed=7,
        facts={},
    )
    return list(ground.scenarios(12))


async def play(client: ChatClient, mode: Mode, scenarios: list[Scenario]) -> list[Trajectory]:
    """The conversations of *scenarios*, the assistant in *mode*, everyone else natively."""
    assistant = Voice(role="assistant", client=tool_mode_client(client, mode))
    writer, user, tool = (Voice(role=role, client=client) for role in ("writer", "user", "tool"))
    cast = Cast(writer=writer, user=user, assistant=assistant, tool=tool)
    return await _played(cast, scenarios)


async def _played(cast: Cast, scenarios: list[Scenario]) -> list[Trajectory]:
    conversations = Conversations(cast, PromptSet(AGENT_PROMPTS), Limits(), run_seed=7)
    played: dict[int, Trajectory] = {}

    async def play_one(scenario: Scenario) -> None:
        played[scenario.number] = await conversations.play(scenario)

    async with anyio.create_task_group() as group:
        for scenario in scenarios:
            group.start_soon(play_one, scenario)
    return [played[scenario.number] for scenario in scenarios]


async def test_the_three_modes_give_the_same_conversations(scenarios: list[Scenario]) -> None:
    made = {}
    for mode in MODES:
        async with wire() as client:
            made[mode] = await play(client, mode, scenarios)
    calls = [call for t in made["native"] for m in t.messages for call in m.tool_calls]
    assert len(calls) > 12
    assert made["native"] == made["json_schema"] == made["prompt"]


async def test_every_reply_follows_the_schema_that_was_sent(scenarios: list[Scenario]) -> None:
    async with wire() as client:
        await play(client, "json_schema", scenarios)
    checked = 0
    for request, answer in client.exchanges:
        schema = request.reply_schema
        if schema is not None and schema.name == "answer_or_calls":
            reply = orjson.loads(answer.completion.content)
            assert schema_problem(schema.schema, reply) is None
            checked += 1
    assert checked > 24


@pytest.mark.parametrize("mode", MODES)
async def test_a_run_in_which_every_role_has_the_mode_keeps_conversations_with_calls(
    mode: Mode, scenarios: list[Scenario]
) -> None:
    async with wire(mistakes=0.1) as client:
        moded = tool_mode_client(client, mode)
        writer, user, assistant, tool = (
            Voice(role=role, client=moded) for role in ("writer", "user", "assistant", "tool")
        )
        cast = Cast(writer=writer, user=user, assistant=assistant, tool=tool)
        played = await _played(cast, scenarios)
        judge = Voice(role="judge", client=moded)
        prompts = PromptSet(FILTER_PROMPTS)
        pipeline = FilterPipeline(
            default_checks(),
            TrajectoryPanel([TrajectoryJudge(judge, prompts)]),
            TurnPanel([TurnJudge(judge, prompts)]),
        )
        verdicts = [await pipeline.judge(trajectory) for trajectory in played]
    assert [t.ended for t in played] == ["user_done"] * len(played)
    kept = [t for t, verdict in zip(played, verdicts, strict=True) if verdict.outcome == "kept"]
    assert len(kept) > len(played) // 2
    assert all(any(message.tool_calls for message in t.messages) for t in kept)
    assert any(verdict.masked for verdict in verdicts)
    if mode != "native":
        assert not any(request.tools for request, _ in client.exchanges)


@pytest.mark.parametrize("mode", MODES)
async def test_mistakes_are_made_and_labelled_in_every_mode(
    mode: Mode, scenarios: list[Scenario]
) -> None:
    async with wire(mistakes=1.0) as client:
        played = await play(client, mode, scenarios[:6])
    labels = {answer.completion.extras["standin"]["mistake"] for _, answer in client.exchanges} - {
        None
    }
    assert len(labels) >= 3
    assert any(message.tool_calls for t in played for message in t.messages)


@pytest.mark.parametrize(
    "system",
    [
        "<tools>[]</tools>",
        "<tools>not JSON</tools>",
        '<tools>["f", 5]</tools>',
        '<tools>[{"function": {}}]</tools>',
        "<tools>",
        "<reply_schema>{}</reply_schema>",
    ],
)
def test_tags_of_the_same_name_in_other_prompts_get_a_plain_answer(system: str) -> None:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": "hello"}]
    reply = ScriptedBrain().reply({"model": "standin", "messages": messages}, random.Random(1))
    assert reply.content == "You said: hello"
    assert reply.tool_calls == ()


def test_real_functions_give_sound_schemas_that_right_calls_fit(shared_data: Path) -> None:
    functions = read_catalogs((shared_data / "mcp_servers", shared_data / "bfcl")).functions
    referring = [function for function in functions if b'"$ref"' in function.tool_json]
    chosen = [*referring[:40], *functions[:: max(1, len(functions) // 150)]]
    called = 0
    for start in range(0, len(chosen), 10):
        tools = tuple({tool.name: tool for tool in chosen[start : start + 10]}.values())
        asked = calls_schema(tools)
        ToolChecker().check_response_format(orjson.loads(asked.wire))
        for tool in tools:
            arguments = make_value(tool.parameters, "", random.Random(1))
            right = schema_problem(tool.parameters, arguments) is None
            reply = CallsAsJson().write("", [(tool.name, orjson.dumps(arguments).decode())])
            fits = schema_problem(asked.schema, orjson.loads(reply)) is None
            assert fits is right, tool.name
            called += right
    assert called > 150
