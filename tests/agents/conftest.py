"""A cast whose models say what a test tells them to."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import anyio
import orjson
import pytest

from simkit.agents import PROMPTS
from simkit.agents.beginning import Beginning
from simkit.agents.conversation import Cast, Conversations
from simkit.agents.limits import Limits
from simkit.traces.calls import AgentRole, Answer, CallTimes, ChatRequest, Completion, RequestedCall
from simkit.traces.prompts import PromptSet
from simkit.traces.provider_errors import ProviderError
from simkit.traces.voice import Voice

Line = str | Completion | ProviderError | None
"""What a player says; None: it never answers."""

INTENT = orjson.dumps(
    {
        "role": "a traveller",
        "style": "brief",
        "goals": [{"text": "learn the temperature", "known": [{"name": "city", "value": "Oslo"}]}],
        "unknown": ["celsius"],
    }
).decode()


@pytest.fixture
def calls() -> Callable[..., Completion]:
    """Build a reply that calls functions: pairs of name and argument JSON."""

    def build(*wanted: tuple[str, str], **fields: str) -> Completion:
        requested = tuple(
            RequestedCall(id="same_everywhere", name=name, arguments=arguments)
            for name, arguments in wanted
        )
        return Completion(tool_calls=requested, finish_reason="tool_calls", **fields)  # type: ignore[arg-type]

    return build


class Player:
    """Says its lines one after the other and remembers what it was asked."""

    model = "scripted"

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = iter(lines)
        self.requests: list[ChatRequest] = []

    async def complete(self, request: ChatRequest) -> Answer:
        self.requests.append(request)
        line = next(self._lines)
        if line is None:
            await anyio.sleep_forever()
        if isinstance(line, ProviderError):
            raise line
        completion = Completion(content=line) if isinstance(line, str) else line
        return Answer(completion=completion, times=CallTimes(started_at=0.0))


class Company:
    """Conversations whose four models are players."""

    def __init__(
        self,
        limits: Limits,
        lines: dict[AgentRole, Iterable[Line]],
        beginning: Beginning | None = None,
        *,
        fault_rate: float = 0.0,
        gated: bool = False,
    ) -> None:
        roles: list[AgentRole] = ["writer", "user", "assistant", "tool"]
        roles += ["reasoner"] if "reasoner" in lines else []
        self.players = {role: Player(lines.get(role, ())) for role in roles}
        cast = Cast(
            **{role: Voice(role=role, client=player) for role, player in self.players.items()}
        )
        conversations = Conversations(
            cast,
            PromptSet(PROMPTS),
            limits,
            run_seed=1,
            beginning=beginning,
            fault_rate=fault_rate,
            gated=gated,
        )
        self.play = conversations.play


@pytest.fixture
def intent() -> str:
    """What the writer of a company writes unless told otherwise."""
    return INTENT


@pytest.fixture
def company() -> Callable[..., Company]:
    """Build a company from lines by role; the writer writes a fixed intent by default."""

    def build(
        limits: Limits | None = None,
        beginning: Beginning | None = None,
        *,
        fault_rate: float = 0.0,
        gated: bool = False,
        **lines: Iterable[Line],
    ) -> Company:
        by_role: dict[AgentRole, Iterable[Line]] = {"writer": [INTENT], **lines}  # type: ignore[dict-item]
        return Company(limits or Limits(), by_role, beginning, fault_rate=fault_rate, gated=gated)

    return build
