"""The stand-in provider without HTTP: a whole run against it can be played in virtual time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import anyio

from simkit.clients.endpoint import Endpoint
from simkit.clients.openai_chat import encode_request
from simkit.clients.openai_reply import completion_of
from simkit.config import ProviderConfig
from simkit.standin.brain import ScriptedBrain
from simkit.standin.checks import RequestChecker
from simkit.standin.faults import FaultMix
from simkit.standin.latency import draw_latency, slowed
from simkit.standin.replies import completion, estimated_tokens, output_tokens
from simkit.standin.settings import StandinSettings
from simkit.traces.calls import Answer, CallTimes, ChatRequest, Completion
from simkit.traces.seeds import stream
from simkit.tuning.simulated_provider import SimulatedProvider
from simkit.tuning.terms import ProviderTerms

EPOCH = 1_700_000_000.0
"""The moment at which every virtual clock shows 0."""


class InMemoryStandin:
    """One account of a stand-in with *settings*; made inside the event loop that asks it.

    It says the same to the same request as that stand-in does over HTTP, and takes as long.
    Attempts that fail, fail in one way, and which ones do depends on the order of the calls.

    Args:
        not_ours: What a transport over HTTP needs besides.
    """

    def __init__(self, settings: StandinSettings, *, model: str, **not_ours: Any) -> None:
        self._settings = settings
        self._endpoint = Endpoint(
            base_url=not_ours.get("base_url", "memory"),
            model=model,
            api_key=None,
            extra_headers={},
            key_hint=None,
        )
        self._brain = ScriptedBrain(mistakes=settings.mistakes)
        self._checker = RequestChecker(settings.models)
        self._latencies = FaultMix(StandinSettings(seed=settings.seed))
        self.provider = SimulatedProvider(
            terms_of(settings),
            failure_share=settings.faults,
            draw=stream(settings.seed, "faults", model),
        )
        self.answered = 0
        """Calls so far."""

    @property
    def model(self) -> str:
        return self._endpoint.model

    async def complete(self, request: ChatRequest) -> Answer:
        """As `Client` has it."""
        raw = encode_request(request, self.model)
        body_hash = hashlib.blake2b(raw, digest_size=16).digest()
        reply = self._reply(raw, body_hash)
        used = reply.usage
        _, draw = self._latencies.next_attempt(body_hash)

        def seconds(in_flight: int, fails: bool) -> float:
            said = 0 if fails else used.output_tokens
            latency = draw_latency(self._settings.latency_seconds, said, draw)
            return slowed(latency, in_flight, self._settings.slowdown_at)

        asked = anyio.current_time()
        allowances = await self.provider.serve(used.input_tokens, used.output_tokens, seconds)
        self.answered += 1
        took = anyio.current_time() - asked
        times = CallTimes(started_at=EPOCH + asked, provider_seconds=took, total_seconds=took)
        return Answer(completion=reply, times=times, allowances=allowances)

    async def check(self) -> None:
        """It is there."""

    def _reply(self, raw: bytes, body_hash: bytes) -> Completion:
        body = self._checker.checked(raw)
        reply = self._brain.reply(body, stream(self._settings.seed, "reply", body_hash.hex()))
        answer = completion(
            reply,
            model=self.model,
            body_hash=body_hash,
            prompt_tokens=estimated_tokens(len(raw)),
            completion_tokens=output_tokens(reply),
        )
        return completion_of(answer, self._endpoint)


class InMemoryStandins:
    """As the ``transports`` of a run: an `InMemoryStandin` for each account, and all of them."""

    def __init__(self, settings: StandinSettings) -> None:
        self._settings = settings
        self.made: list[InMemoryStandin] = []

    def __call__(self, _: ProviderConfig) -> Callable[..., InMemoryStandin]:
        return self._make

    def _make(self, _: object, **options: Any) -> InMemoryStandin:
        self.made.append(InMemoryStandin(self._settings, **options))
        return self.made[-1]


def terms_of(settings: StandinSettings) -> ProviderTerms:
    """What a stand-in with *settings* enforces and tells."""
    return ProviderTerms(
        requests_per_minute=settings.rpm,
        tokens_per_minute=settings.tpm,
        input_tokens_per_minute=settings.itpm,
        output_tokens_per_minute=settings.otpm,
        max_calls_in_flight=settings.concurrency,
        window_seconds=settings.window_seconds,
        hints=settings.hints,
        refused_requests_cost=settings.refused_requests_cost,
    )
