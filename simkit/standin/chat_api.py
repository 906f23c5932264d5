"""``/v1/chat/completions`` and ``/v1/models``, as OpenAI-compatible APIs have them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from simkit.standin.account import Account
from simkit.standin.api_style import Asked, Written
from simkit.standin.brain_contract import Brain
from simkit.standin.checks import RequestChecker
from simkit.standin.openai_style import OPENAI
from simkit.standin.replies import completion, output_tokens
from simkit.standin.settings import StandinSettings
from simkit.standin.streaming import as_events
from simkit.traces.seeds import stream


class ChatApi:
    """Checks chat requests, has the brain answer them, and lists the models."""

    def __init__(self, settings: StandinSettings, brain: Brain, account: Account) -> None:
        self._settings = settings
        self._brain = brain
        self._account = account
        self._checker = RequestChecker(settings.models)

    async def chat(self, request: web.BaseRequest) -> web.StreamResponse:
        """``POST /v1/chat/completions``."""
        return await self._account.answer(request, self._write, OPENAI)

    async def models(self, request: web.BaseRequest) -> web.StreamResponse:
        """``GET /v1/models``; costs nothing."""
        entries = [
            {"id": model, "object": "model", "created": 0, "owned_by": "simkit"}
            for model in self._settings.models
        ]
        body = orjson.dumps({"object": "list", "data": entries})
        return self._account.free_answer(request, lambda: body, OPENAI)

    def _write(self, asked: Asked) -> Written:
        body = self._checker.checked(asked.raw)
        streamed = bool(body.get("stream"))
        body_hash = _hash_of_what_is_asked(body) if streamed else asked.body_hash
        draw = stream(self._settings.seed, "reply", body_hash.hex())
        reply = self._brain.reply(body, draw)
        said = output_tokens(reply)
        answer = completion(
            reply,
            model=body["model"],
            body_hash=body_hash,
            prompt_tokens=asked.input_tokens,
            completion_tokens=said,
        )
        with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        return Written(
            body=as_events(answer, with_usage=with_usage) if streamed else orjson.dumps(answer),
            output_tokens=said,
            mistake=reply.mistake,
            content_type="text/event-stream" if streamed else "application/json",
        )


def _hash_of_what_is_asked(body: Mapping[str, Any]) -> bytes:
    """The hash of the same request, not streamed: how a reply is sent does not change it."""
    asked = {key: value for key, value in body.items() if not key.startswith("stream")}
    return hashlib.blake2b(orjson.dumps(asked), digest_size=16).digest()
