"""The stand-in as Anthropic's Messages API, over real HTTP on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import anyio
import orjson
import pytest

from simkit.agents import PROMPTS as AGENT_PROMPTS
from simkit.agents.conversation import Cast, Conversations
from simkit.agents.limits import Limits
from simkit.clients.anthropic_chat import AnthropicChat
from simkit.clients.http_session import open_session
from simkit.config_dialogue import DialogueSection
from simkit.dialogue_plans import DialoguePlanner
from simkit.filters.evidence import Evidence
from simkit.filters.judges import PROMPTS as FILTER_PROMPTS
from simkit.filters.judges import TrajectoryJudge
from simkit.graph.catalog import read_catalogs
from simkit.graph.chains.planner import Planner
from simkit.graph.chains.rules import ChainRules
from simkit.graph.function_graph import FunctionGraph
from simkit.graph.lexical import Lexical
from simkit.graph.walk import Walker
from simkit.scenarios import Ground
from simkit.standin.brain import ScriptedBrain
from simkit.standin.brain_contract import Brain
from simkit.standin.server import running
from simkit.standin.settings import StandinSettings
from simkit.traces.calls import ChatClient
from simkit.traces.prompts import PromptSet
from simkit.traces.records import Scenario, Trajectory
from simkit.traces.voice import Voice

Reply = tuple[int, dict[str, Any], Mapping[str, str]]
VERSION = {"anthropic-version": "2023-06-01"}

TOOL = {
    "name": "get_temperature",
    "description": "Get it.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}
USE = {"type": "tool_use", "id": "toolu_1", "name": "get_temperature", "input": {"city": "Oslo"}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "21"}


def a_body(content: Any = "hello", **fields: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": content}]
    return {"model": "standin", "max_tokens": 100, "messages": messages} | fields


def dialogue(*contents: Any) -> list[dict[str, Any]]:
    """Messages of user and assistant in turn."""
    roles = ("user", "assistant")
    return [
        {"role": roles[index % 2], "content": content} for index, content in enumerate(contents)
    ]


class Caller:
    """A client of one stand-in provider."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str) -> None:
        self.session = session
        self.base_url = base_url

    async def ask(self, body: Any, headers: Mapping[str, str] = VERSION) -> Reply:
        """Status, parsed body and headers of one answer."""
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        url = f"{self.base_url}/messages"
        async with self.session.post(url, data=raw, headers=headers) as answer:
            return answer.status, orjson.loads(await answer.read()), answer.headers

    async def models_status(self, headers: Mapping[str, str]) -> int:
        async with self.session.get(f"{self.base_url}/models", headers=headers) as answer:
            return answer.status

    async def stats(self) -> dict[str, Any]:
        root = self.base_url.removesuffix("/v1")
        async with self.session.get(f"{root}/stats") as answer:
            stats: dict[str, Any] = orjson.loads(await answer.read())
            return stats


@asynccontextmanager
async def calling(brain: Brain, **settings: Any) -> AsyncIterator[Caller]:
    async with (
        running(StandinSettings(**settings), brain) as base_url,
        aiohttp.ClientSession() as session,
    ):
        yield Caller(session, base_url)


async def test_an_answer_has_the_shape_of_a_message_and_says_who_wrote_it(echo: Brain) -> None:
    async with calling(echo) as caller:
        status, reply, _ = await caller.ask(a_body("a longer question"))
        _, again, _ = await caller.ask(a_body("a longer question"))

    assert status == 200
    assert (reply["type"], reply["role"], reply["model"]) == ("message", "assistant", "standin")
    assert reply["content"] == [{"type": "text", "text": "a longer question"}]
    assert (reply["stop_reason"], reply["stop_sequence"]) == ("end_turn", None)
    sent = len(orjson.dumps(a_body("a longer question")))
    assert reply["usage"] == {"input_tokens": -(-sent // 4), "output_tokens": 5}
    assert "never for training" in reply["standin"]["notice"]
    assert again == reply


async def test_calls_are_blocks_with_objects_for_input_and_thinking_comes_first(
    echo: Brain,
) -> None:
    async with calling(echo) as caller:
        _, reply, _ = await caller.ask(a_body("call", tools=[TOOL]))

    thinking, first, second = reply["content"]
    assert (thinking["type"], thinking["thinking"]) == ("thinking", "as asked")
    assert first["name"] == "get_temperature"
    assert isinstance(first["input"]["city"], str)
    assert first["id"].startswith("toolu_")
    assert first["id"] != second["id"]
    assert reply["stop_reason"] == "tool_use"
    assert reply["standin"]["mistake"] == "duplicate_call"


async def test_results_systems_and_block_lists_reach_the_brain(echo: Brain) -> None:
    said = [{"type": "text", "text": "and"}, {"type": "text", "text": "now?"}]
    silent = {"type": "tool_result", "tool_use_id": "toolu_1"}
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "x"}
    async with calling(echo) as caller:
        results = []
        for last in ([RESULT, *said], [RESULT], [silent]):
            messages = dialogue("Go.", [thought, {"type": "text", "text": "So."}, USE], last)
            status, reply, _ = await caller.ask(
                a_body(messages=messages, system=[{"type": "text", "text": "Be brief."}])
            )
            assert status == 200, reply
            results.append(reply["content"][0]["text"])

    assert results == ["and\n\nnow?", "21", "(no output)"]


async def test_a_forced_tool_is_given_the_reply_that_its_schema_asks_for() -> None:
    choice = {"type": "tool", "name": "get_temperature", "disable_parallel_tool_use": True}
    async with calling(ScriptedBrain()) as caller:
        status, reply, _ = await caller.ask(a_body("Which?", tools=[TOOL], tool_choice=choice))

    assert status == 200, reply
    [use] = reply["content"]
    assert (use["type"], use["name"]) == ("tool_use", "get_temperature")
    assert isinstance(use["input"]["city"], str)
    assert reply["stop_reason"] == "tool_use"


def text(words: Any) -> dict[str, Any]:
    return {"type": "text", "text": words}


@pytest.mark.parametrize(
    ("body", "status", "complaint"),
    [
        (b"{", 400, "not valid JSON"),
        (b"[]", 400, "JSON object"),
        ({"model": "standin", "messages": dialogue("a")}, 400, "max_tokens"),
        (a_body(max_tokens=0), 400, "max_tokens"),
        (a_body(model="other"), 404, "other"),
        (a_body(temperature=1.2), 400, "temperature"),
        (a_body(seed=3), 400, "seed"),
        (a_body(system=" "), 400, "non-whitespace"),
        (a_body(system=3), 400, "system"),
        (a_body(system=[{"type": "image"}]), 400, "system.0"),
        (a_body(messages=[]), 400, "at least one"),
        (a_body(messages=[{"role": "system", "content": "a"}]), 400, "messages.0.role"),
        (a_body(messages=[{"role": "assistant", "content": "a"}]), 400, "first message"),
        (a_body(messages=dialogue("a", "b")), 400, "end with a user message"),
        (a_body(messages=[{"role": "user", "content": "a", "name": "x"}]), 400, "messages.0"),
        (a_body(""), 400, "non-whitespace"),
        (a_body([text("a"), text("\n")]), 400, "messages.0.content.1.text"),
        (a_body([]), 400, "at least one block"),
        (a_body([{"type": "image"}]), 400, "messages.0.content.0"),
        (a_body([USE]), 400, "messages.0.content.0"),
        (a_body([RESULT]), 400, "toolu_1"),
        (a_body(messages=dialogue("a", [USE], "b")), 400, "tool_result"),
        (a_body(messages=dialogue("a", [USE], [text("b"), RESULT])), 400, "beginning"),
        (a_body(messages=dialogue("a", [USE], [RESULT, RESULT])), 400, "once"),
        (a_body(messages=dialogue("a", [USE, USE], [RESULT])), 400, "unique"),
        (a_body(messages=dialogue("a", [USE], [RESULT], [USE], [RESULT])), 400, "unique"),
        (a_body(messages=dialogue("a", [USE | {"input": "x"}], [RESULT])), 400, "input"),
        (a_body(messages=dialogue("a", [USE | {"id": "a b"}], [RESULT])), 400, "id"),
        (a_body(messages=dialogue("a", [USE], [RESULT | {"content": ""}])), 400, "content"),
        (a_body(tools=[TOOL | {"parameters": {}}]), 400, "tools.0.parameters"),
        (a_body(tools=[{"name": "f"}]), 400, "input_schema"),
        (a_body(tools=[TOOL, TOOL]), 400, "used twice"),
        (a_body(tools=[TOOL | {"input_schema": {"type": "string"}}]), 400, "object"),
        (a_body(tool_choice={"type": "auto"}), 400, "tool_choice"),
        (a_body(tools=[TOOL], tool_choice={"type": "tool", "name": "x"}), 400, "tool_choice.name"),
    ],
)
async def test_what_the_real_api_would_refuse_is_refused_in_its_words(
    echo: Brain, body: Any, status: int, complaint: str
) -> None:
    async with calling(echo) as caller:
        found, reply, _ = await caller.ask(body)

    assert (found, reply["type"]) == (status, "error")
    assert complaint in reply["error"]["message"]
    kind = "not_found_error" if status == 404 else "invalid_request_error"
    assert reply["error"]["type"] == kind


async def test_a_request_needs_a_version_and_the_key_in_its_own_header(echo: Brain) -> None:
    async with calling(echo, api_key="secret-key") as caller:
        bearer = {**VERSION, "authorization": "Bearer secret-key"}
        right = {**VERSION, "x-api-key": "secret-key"}
        refused, complaint, _ = await caller.ask(a_body(), bearer)
        answered, _, _ = await caller.ask(a_body(), right)
        unversioned, _, _ = await caller.ask(a_body(), {"x-api-key": "secret-key"})
        asks = (right, bearer, {"authorization": "Bearer secret-key"})
        statuses = [await caller.models_status(headers) for headers in asks]

    assert (refused, complaint["error"]["type"]) == (401, "authentication_error")
    assert "secret-key" not in str(complaint)
    assert (answered, unversioned) == (200, 400)
    assert statuses == [200, 401, 200]  # the last one asks as OpenAI's clients do


async def test_limits_are_told_by_kind_with_the_moment_of_their_reset(echo: Brain) -> None:
    async with calling(echo, rpm=60, itpm=6000, otpm=1200) as caller:
        _, _, headers = await caller.ask(a_body())

    assert headers["anthropic-ratelimit-requests-limit"] == "60"
    assert headers["anthropic-ratelimit-requests-remaining"] == "0"
    assert headers["anthropic-ratelimit-input-tokens-limit"] == "6000"
    assert headers["anthropic-ratelimit-output-tokens-limit"] == "1200"
    assert "anthropic-ratelimit-tokens-limit" not in headers
    reset = datetime.fromisoformat(headers["anthropic-ratelimit-requests-reset"])
    assert 1 <= (reset - parsedate_to_datetime(headers["Date"])).total_seconds() <= 3


async def test_a_spent_limit_is_a_rate_limit_error_that_names_it(echo: Brain) -> None:
    async with calling(echo, itpm=60) as caller:
        await caller.ask(a_body())
        status, reply, headers = await caller.ask(a_body())

    assert status == 429
    assert reply["error"]["type"] == "rate_limit_error"
    assert "60 input tokens per minute" in reply["error"]["message"]
    assert float(headers["retry-after"]) > 1
    assert headers["anthropic-ratelimit-input-tokens-remaining"] == "0"


async def test_faults_look_like_this_apis_errors(echo: Brain) -> None:
    async with calling(echo, faults=1.0, seed=3) as caller:
        kinds = set()
        for number in range(60):
            try:
                status, reply, _ = await caller.ask(a_body(f"hello {number}"))
            except (aiohttp.ClientError, orjson.JSONDecodeError):
                continue
            if status >= 500:
                assert reply["type"] == "error"
                kinds.add(reply["error"]["type"])

    assert kinds == {"api_error"}


async def test_a_streamed_answer_is_told_by_the_events_of_this_api(echo: Brain) -> None:
    body = a_body("call", tools=[TOOL], stream=True)
    async with calling(echo) as caller:
        url = f"{caller.base_url}/messages"
        async with caller.session.post(url, data=orjson.dumps(body), headers=VERSION) as answer:
            assert answer.content_type == "text/event-stream"
            lines = (await answer.read()).split(b"\n")

    names = [line.removeprefix(b"event: ").decode() for line in lines if line[:6] == b"event:"]
    events = [orjson.loads(line.removeprefix(b"data: ")) for line in lines if line[:5] == b"data:"]
    assert [event["type"] for event in events] == names
    assert (names[0], names[-1]) == ("message_start", "message_stop")
    assert names.count("content_block_start") == names.count("content_block_stop") == 3
    assert events[-2]["delta"]["stop_reason"] == "tool_use"


def some_scenarios() -> list[Scenario]:
    graph = FunctionGraph.build(read_catalogs((), demo=True).functions, Lexical())
    ground = Ground(
        graph=graph,
        walker=Walker(graph, seed=7, min_length=2, max_length=4),
        planner=Planner(graph, ChainRules()),
        dialogues=DialoguePlanner(DialogueSection()),
        seed=7,
        facts={},
    )
    return list(ground.scenarios(8))


async def played(client: ChatClient, scenarios: list[Scenario]) -> list[Trajectory]:
    """All roles by one model, all conversations at once."""
    writer, user, assistant, tool = (
        Voice(role=role, client=client) for role in ("writer", "user", "assistant", "tool")
    )
    cast = Cast(writer=writer, user=user, assistant=assistant, tool=tool)
    conversations = Conversations(cast, PromptSet(AGENT_PROMPTS), Limits(), run_seed=7)
    found: dict[int, Trajectory] = {}

    async def play(scenario: Scenario) -> None:
        found[scenario.number] = await conversations.play(scenario)

    async with anyio.create_task_group() as group:
        for scenario in scenarios:
            group.start_soon(play, scenario)
    return [found[scenario.number] for scenario in scenarios]


async def test_conversations_are_played_and_judged_without_a_refusal_streamed_or_not() -> None:
    """
    Writer, user, assistant, tool and judge speak through the client of this API.
    """
    scenarios = some_scenarios()
    async with calling(ScriptedBrain()) as caller, open_session(max_connections=20) as session:
        whole, streamed = (
            AnthropicChat(
                session,
                base_url=caller.base_url,
                model="standin",
                api_key=None,
                connect_seconds=5,
                first_byte_seconds=10,
                total_seconds=20,
                stream=stream,
            )
            for stream in (False, True)
        )
        await whole.check()
        made = await played(whole, scenarios)
        same = await played(streamed, scenarios)
        judge = TrajectoryJudge(Voice(role="judge", client=whole), PromptSet(FILTER_PROMPTS))
        rulings = [await judge.judge(Evidence(trajectory)) for trajectory in made]
        stats = await caller.stats()

    assert {trajectory.ended for trajectory in made} <= {"user_done", "user_out_of_scope"}
    assert sum(len(m.tool_calls) for trajectory in made for m in trajectory.messages) > 8
    assert all("never for training" in str(trajectory.provenance.notice) for trajectory in made)
    assert sum(ruling.ok for ruling in rulings) > len(rulings) / 2, rulings
    assert made == same
    assert (stats["refused"], stats["broken"]) == ({}, 0)
