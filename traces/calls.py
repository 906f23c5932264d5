"""The model-call contract: what agents and judges ask, and what providers answer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

import orjson

from simkit.traces.functions import Function, Schema
from simkit.traces.records import Message

AgentRole = Literal["writer", "user", "assistant", "reasoner", "tool", "judge"]
"""Who asks. Each may use its own provider and model."""

LimitKind = Literal["requests", "tokens", "input_tokens", "output_tokens", "concurrency"]
"""What a provider may limit; ``tokens`` are input and output together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSite:
    """Which call of which conversation this is: an address that timing cannot change."""

    scenario: int
    role: AgentRole
    turn: int
    """Index of the message that the call is made for; -1 for calls about the whole."""
    part: int = 0
    """Tells apart calls made for the same message, e.g. two parallel tool calls."""
    ask: int = 0
    """0 for the first ask, then 1, 2, ... when a reply could not be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplySchema:
    """A JSON Schema that the reply must follow (structured output)."""

    name: str
    """Matches ``[a-zA-Z0-9_-]{1,64}``."""
    schema: Schema

    _wire: bytes | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def wire(self) -> bytes:
        """The ``response_format`` of chat completions; encoded once."""
        encoded = self._wire
        if encoded is None:
            encoded = orjson.dumps(
                {
                    "type": "json_schema",
                    "json_schema": {"name": self.name, "strict": True, "schema": self.schema},
                }
            )
            object.__setattr__(self, "_wire", encoded)
        return encoded


def ruling_schema(name: str) -> ReplySchema:
    """What a model must reply that rules 0 or 1 and says why."""
    return ReplySchema(
        name=name,
        schema={
            "type": "object",
            # The reason first: a model that has to explain before it rules, rules better.
            "properties": {
                "reason": {"type": "string"},
                "verdict": {"type": "integer", "enum": [0, 1]},
            },
            "required": ["reason", "verdict"],
            "additionalProperties": False,
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """One question to a model."""

    site: CallSite
    messages: tuple[Message, ...]
    """At least one; a system message only in first place."""
    tools: tuple[Function, ...] = ()
    reply_schema: ReplySchema | None = None
    temperature: float | None = None
    """None leaves it to the provider."""
    max_output_tokens: int | None = None
    seed: int | None = None
    """Sent to the provider, in [0, 2**31); also makes the requests of two conversations differ."""

    @property
    def scenario(self) -> int:
        return self.site.scenario

    @property
    def role(self) -> str:
        return self.site.role

    def fingerprint(self, model: str) -> bytes:
        """16 bytes that are equal exactly when site, model and all that is asked are equal.

        The endpoint, the limits and the time-outs are not part of it: they change how a
        reply is got, not which one.
        """
        digest = hashlib.blake2b(digest_size=16)
        site = self.site
        settings = (
            model,
            (site.scenario, site.role, site.turn, site.part, site.ask),
            self.temperature,
            self.max_output_tokens,
            self.seed,
            len(self.messages),
            len(self.tools),
        )
        digest.update(orjson.dumps(settings))
        for message in self.messages:
            _update(digest, message.wire)
        for tool in self.tools:
            _update(digest, tool.tool_json)
        if self.reply_schema is not None:
            _update(digest, self.reply_schema.wire)
        return digest.digest()

    @property
    def input_characters(self) -> int:
        """Size of what is sent, in bytes of JSON: the ground of a token estimate."""
        size = sum(len(message.wire) for message in self.messages)
        size += sum(len(tool.tool_json) for tool in self.tools)
        return size + (len(self.reply_schema.wire) if self.reply_schema else 0)


def _update(digest: hashlib.blake2b, part: bytes) -> None:
    digest.update(len(part).to_bytes(4, "big"))
    digest.update(part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one call, as the provider counted them."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    """Part of ``input_tokens`` that the provider served from its prompt cache."""
    reasoning_tokens: int = 0
    """Part of ``output_tokens`` spent on reasoning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedCall:
    """A function call in a reply, as the provider wrote it."""

    id: str
    name: str
    arguments: str


FinishReason = Literal["stop", "tool_calls", "length", "content_filter", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """A model's reply."""

    content: str = ""
    reasoning: str | None = None
    tool_calls: tuple[RequestedCall, ...] = ()
    finish_reason: FinishReason = "stop"
    usage: Usage = Usage()
    model: str = ""
    """The model that the provider says has answered."""
    extras: Mapping[str, Any] = field(default_factory=dict)
    """What else the provider put at the top of its reply, e.g. ``system_fingerprint``."""
    schema: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTimes:
    """When a call happened and where its time went; never part of a trajectory."""

    started_at: float
    """Seconds since the epoch, when the caller asked."""
    queued_seconds: float = 0.0
    """Waiting for the limits, over all attempts."""
    provider_seconds: float = 0.0
    """From the last attempt's sending to its whole reply."""
    total_seconds: float = 0.0
    """From asking to answer, retries and their pauses included."""
    attempts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What an answer's headers say about one limit of the account, read with suspicion."""

    limit: LimitKind
    per_minute: float | None = None
    """The limit itself, above 0; of concurrency, the calls at once. None when not told."""
    remaining: float | None = None
    """What was left when the answer was written, at least 0."""
    reset_seconds: float | None = None
    """Until the limit is whole again, at least 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a provider's answer tells besides its content, whatever was asked."""

    times: CallTimes
    allowances: tuple[Allowance, ...] = field(default=(), compare=False)
    """Limits that the answer told of; never stored."""

    @property
    def usage(self) -> Usage:
        """Tokens that the call has cost; all 0 when the provider did not say."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Answered):
    """A completion together with how it was got."""

    completion: Completion

    @property
    def usage(self) -> Usage:
        return self.completion.usage


class Request(Protocol):
    """What retries, limits and pools need to know of any question to a provider."""

    @property
    def scenario(self) -> int:
        """Its conversation; waiting calls of lower ones go first."""
        ...

    @property
    def role(self) -> str:
        """Who asks: calls of one role are alike in size."""
        ...

    @property
    def input_characters(self) -> int:
        """Size of what is sent, in bytes: the ground of a token estimate."""
        ...

    @property
    def max_output_tokens(self) -> int | None:
        """Longest reply that was asked for; None when the provider decides."""
        ...


RequestT = TypeVar("RequestT", bound=Request, contravariant=True)
AnswerT = TypeVar("AnswerT", bound=Answered, covariant=True)


class Client(Protocol[RequestT, AnswerT]):
    """One model at one provider.

    Retries, limits, pools and the journal wrap a client and are clients themselves.
    """

    @property
    def model(self) -> str:
        """The name that the provider knows the model by."""
        ...

    async def complete(self, request: RequestT) -> AnswerT:
        """Get the reply to *request*.

        Raises:
            Retryable: Worth another try, by whoever owns retries.
            Refused: Another try cannot help.
            AccountProblem: No call can succeed until a person acts.

        Safe to cancel at any point: the connection is closed and no share of any limit
        stays taken, though the provider may still bill the call.
        """
        ...


class ChatClient(Client[ChatRequest, Answer], Protocol):
    """A client for chat requests: what agents and judges are given."""
