"""The model-call contract: what agents and judges ask, and how a provider may fail.

::

    ProviderError
    |-- Retryable            worth another try
    |   |-- RateLimited          HTTP 429: we asked too fast
    |   |-- ProviderUnavailable  timeout, 5xx, lost connection
    |   `-- UnusableReply        the transport delivered something that is no reply
    |-- Refused              another try cannot help; the conversation fails, the run goes on
    |   |-- RequestRefused       HTTP 400 and the like: our request is wrong
    |   `-- ContentRefused       the provider's content filter
    `-- AccountProblem       no call can succeed until a person acts; the run stops
        |-- KeyRefused           HTTP 401, 403
        |-- ModelUnknown         HTTP 404
        |-- Unreachable          nothing answers at the address
        `-- BalanceExhausted     out of credit, not a rate limit
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import orjson

from simkit.traces.functions import Function, Schema
from simkit.traces.records import Message

AgentRole = Literal["writer", "user", "assistant", "tool", "judge"]
"""Who asks. Each may use its own provider and model."""


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
class Answer:
    """A completion together with how it was got."""

    completion: Completion
    times: CallTimes


class ChatClient(Protocol):
    """One model at one provider.

    Retries, limits and the journal wrap a client and are clients themselves.
    """

    @property
    def model(self) -> str:
        """The name that the provider knows the model by."""
        ...

    async def complete(self, request: ChatRequest) -> Answer:
        """Get the reply to *request*.

        Raises:
            Retryable: Worth another try, by whoever owns retries.
            Refused: Another try cannot help.
            AccountProblem: No call can succeed until a person acts.

        Safe to cancel at any point: the connection is closed and no share of any limit
        stays taken, though the provider may still bill the call.
        """
        ...


class ProviderError(Exception):
    """A provider did not give a reply; the message says what happened and what to change."""

    cause = "provider_error"
    """Machine-readable; becomes the cause of a failed trajectory."""


class Retryable(ProviderError):
    """Worth another try."""

    cause = "provider_retryable"

    queued_seconds = 0.0
    """How long the attempt had waited for the limits before it failed."""


class RateLimited(Retryable):
    """HTTP 429: the provider says that we ask too fast."""

    cause = "rate_limited"

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        """What the provider asked for, or None when it gave no hint."""


class ProviderUnavailable(Retryable):
    """A timeout, a 5xx answer or a lost connection."""

    cause = "provider_unavailable"

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class UnusableReply(Retryable):
    """Something arrived that is no reply: HTML, cut JSON, no choices, a null message."""

    cause = "unusable_reply"


class Refused(ProviderError):
    """Another try with the same request cannot help."""

    cause = "refused"


class RequestRefused(Refused):
    """The provider says that the request itself is wrong."""

    cause = "request_refused"


class ContentRefused(Refused):
    """The provider's content filter stopped the request or the reply."""

    cause = "content_refused"


class AccountProblem(ProviderError):
    """No call can succeed until a person acts; the run stops and keeps everything."""

    cause = "account_problem"


class KeyRefused(AccountProblem):
    """The API key is missing, wrong, or not allowed to do this."""

    cause = "key_refused"


class ModelUnknown(AccountProblem):
    """The provider does not have the model."""

    cause = "model_unknown"


class Unreachable(AccountProblem):
    """Nothing that speaks the API answers at the address."""

    cause = "unreachable"


class BalanceExhausted(AccountProblem):
    """The account is out of credit; waiting a minute will not help."""

    cause = "balance_exhausted"
