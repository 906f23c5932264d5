"""``/v1/messages`` and ``/v1/models``, as Anthropic's API has them, over the same brains."""

from __future__ import annotations

import hashlib
from functools import partial

import orjson
from aiohttp import web

from simkit.standin.account import Account
from simkit.standin.anthropic_chat_form import chat_form, forced_tool
from simkit.standin.anthropic_checks import checked_messages_request
from simkit.standin.anthropic_replies import as_events, message
from simkit.standin.anthropic_style import ANTHROPIC
from simkit.standin.api_style import Asked, Written
from simkit.standin.brain_contract import Brain
from simkit.standin.checks import RequestChecker
from simkit.standin.invalid_request import InvalidRequest
from simkit.standin.replies import output_tokens
from simkit.standin.settings import StandinSettings
from simkit.traces.seeds import stream

VERSION_HEADER = "anthropic-version"


class AnthropicApi:
    """Checks requests as that API would, has the brain answer them, and lists the models.

    What the API shares with chat completions, such as sound schemas, is checked in that
    form: complaints about it name the place there.
    """

    def __init__(self, settings: StandinSettings, brain: Brain, account: Account) -> None:
        self._settings = settings
        self._brain = brain
        self._account = account
        self._checker = RequestChecker(settings.models)

    async def messages(self, request: web.BaseRequest) -> web.StreamResponse:
        """``POST /v1/messages``."""
        write = partial(self._write, version=request.headers.get(VERSION_HEADER))
        return await self._account.answer(request, write, ANTHROPIC)

    async def models(self, request: web.BaseRequest) -> web.StreamResponse:
        """``GET /v1/models``; costs nothing."""
        entries = [
            {
                "type": "model",
                "id": model,
                "display_name": model,
                "created_at": "1970-01-01T00:00:00Z",
            }
            for model in self._settings.models
        ]
        body = orjson.dumps({"data": entries, "has_more": False})
        return self._account.free_answer(request, lambda: body, ANTHROPIC)

    def _write(self, asked: Asked, *, version: str | None) -> Written:
        if not version:
            raise InvalidRequest(None, f"{VERSION_HEADER}: header is required")
        body = checked_messages_request(asked.raw)
        chat_request = orjson.dumps(chat_form(body))
        form = self._checker.checked(chat_request)
        # Not that of the body: what is streamed is the same reply as what is not.
        request_hash = hashlib.blake2b(chat_request, digest_size=16).digest()
        reply = self._brain.reply(form, stream(self._settings.seed, "reply", request_hash.hex()))
        said = output_tokens(reply)
        forced = forced_tool(body)
        answer = message(
            reply,
            model=body["model"],
            request_hash=request_hash,
            input_tokens=asked.input_tokens,
            output_tokens=said,
            forced_tool=forced["name"] if forced else None,
        )
        streamed = body.get("stream", False)
        return Written(
            body=as_events(answer) if streamed else orjson.dumps(answer),
            output_tokens=said,
            mistake=reply.mistake,
            content_type="text/event-stream" if streamed else "application/json",
        )
