"""``/v1/embeddings``, as OpenAI has it: texts that share words get vectors that are near."""

from __future__ import annotations

import base64
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from aiohttp import web
from numpy.typing import NDArray

from simkit.graph.lexical import Lexical
from simkit.standin.account import Account
from simkit.standin.api_style import Asked, Written
from simkit.standin.invalid_request import InvalidRequest, shown
from simkit.standin.openai_style import OPENAI
from simkit.standin.replies import NOTICE, estimated_tokens

DIMS = 256
MAX_TEXTS = 2048
MAX_TEXT_TOKENS = 8192
MAX_TOKENS = 300_000
"""Of all texts of a request together."""
_FIELDS = {"encoding_format", "input", "model", "user"}


class EmbeddingsApi:
    """Checks requests for vectors, and makes them."""

    def __init__(self, models: Collection[str], account: Account) -> None:
        self._models = models
        self._account = account

    async def embeddings(self, request: web.BaseRequest) -> web.StreamResponse:
        """``POST /v1/embeddings``; any of the models will do."""
        return await self._account.answer(request, self._write, OPENAI)

    def _write(self, asked: Asked) -> Written:
        checked = _checked(asked.raw, self._models)
        return Written(body=_reply(checked, asked.input_tokens), output_tokens=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Texts:
    """A sound request."""

    model: str
    texts: tuple[str, ...]
    as_base64: bool


def _checked(raw: bytes, models: Collection[str]) -> _Texts:
    """The request in *raw*, for one of *models*; as strict as OpenAI's own API.

    Raises:
        InvalidRequest: The first fault found; it names the place.
    """
    body = _parsed(raw)
    model = _model(body.get("model"), models)
    for name in body:
        if name not in _FIELDS:
            known = ", ".join(sorted(_FIELDS))
            raise InvalidRequest(name, f"unknown field; this server knows {known}")
    form = body.get("encoding_format", "float")
    if form not in ("float", "base64"):
        raise InvalidRequest("encoding_format", f"must be float or base64, not {shown(form)}")
    return _Texts(model=model, texts=_texts(body.get("input")), as_base64=form == "base64")


def _reply(asked: _Texts, tokens: int) -> bytes:
    """The answer to *asked*: the same text always gets the same vector."""
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": _base64(row) if asked.as_base64 else row,
        }
        for index, row in enumerate(_vectors(asked.texts))
    ]
    reply = {
        "object": "list",
        "data": data,
        "model": asked.model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        "standin": {"notice": NOTICE},
    }
    return orjson.dumps(reply, option=orjson.OPT_SERIALIZE_NUMPY)


def _vectors(texts: tuple[str, ...]) -> NDArray[np.float32]:
    """Shape ``(texts, DIMS)``, rows of length 1: `Lexical` with its dimensions folded."""
    rows = Lexical().embed(texts).reshape(len(texts), -1, DIMS).sum(axis=1)
    rows[~rows.any(axis=1), 0] = 1  # a text of stop words only: a model has a vector for it
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def _base64(row: NDArray[np.float32]) -> str:
    return base64.b64encode(row.astype("<f4").tobytes()).decode()


def _texts(given: object) -> tuple[str, ...]:
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not 1 <= len(texts) <= MAX_TEXTS:
        raise InvalidRequest("input", f"must be a text or a list of 1 to {MAX_TEXTS} texts")
    for index, text in enumerate(texts):
        where = f"input[{index}]"
        if not isinstance(text, str):
            raise InvalidRequest(where, f"must be a text, not {shown(text)}")
        if not text:
            raise InvalidRequest(where, "must not be empty")
        if (tokens := estimated_tokens(len(text))) > MAX_TEXT_TOKENS:
            raise InvalidRequest(where, f"has {tokens} tokens, more than {MAX_TEXT_TOKENS}")
    if (tokens := sum(estimated_tokens(len(text)) for text in texts)) > MAX_TOKENS:
        raise InvalidRequest("input", f"has {tokens} tokens, more than {MAX_TOKENS}")
    return tuple(texts)


def _model(name: object, models: Collection[str]) -> str:
    if not isinstance(name, str) or not name:
        raise InvalidRequest("model", "you must name a model")
    if name not in models:
        raise InvalidRequest(
            "model",
            f"the model {shown(name)} does not exist; there is {', '.join(models)}",
            status=404,
            code="model_not_found",
        )
    return name


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(None, f"The body of your request is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise InvalidRequest(None, "The body of your request must be a JSON object")
    return body
