"""One line of a file of chat requests, read with suspicion."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import orjson

from simkit.clients.raw_chat import RawRequest
from simkit.traces.shallow_json import parse_json

CHAT_PATH = "/chat/completions"

CustomId = str | int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLine:
    """A line that can be asked."""

    line: int
    """1 for the first line of the file; empty lines count, too."""
    custom_id: CustomId
    request: RawRequest

    @property
    def digest(self) -> int:
        """64 bits that are equal when what is sent and the ``custom_id`` are equal; never 0."""
        asked = hashlib.blake2b(self.request.body, digest_size=8)
        asked.update(orjson.dumps(self.custom_id))
        return int.from_bytes(asked.digest(), "big") or 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedLine:
    """A line that cannot be asked, and why."""

    line: int
    custom_id: CustomId
    reason: str


def read_request_line(line: int, text: bytes, *, model: str | None) -> RequestLine | DamagedLine:
    """Read *text*, line number *line*: a body of chat completions, or the form of batches.

    The body is passed on byte for byte. It is encoded anew (which rounds whole numbers of more
    than 64 bits) where something in it must change:

    - a ``custom_id`` beside its fields is taken out;
    - ``model`` is set where *model* says so;
    - ``stream`` is turned off (and ``stream_options``, which needs it, left out): the reply
      is written as a whole, and says the same.

    The form of batches is ``{"custom_id", "method", "url", "body"}``.
    """
    custom_id: CustomId = None
    try:
        value = _json_object(text)
        custom_id = _custom_id(value)
        body, changed = _body(value)
        changed |= _set_model(body, model)
        changed |= _turn_streaming_off(body)
    except ValueError as problem:
        return DamagedLine(line=line, custom_id=custom_id, reason=str(problem))
    request = RawRequest(
        number=line,
        body=orjson.dumps(body) if changed else text,
        max_output_tokens=_max_output_tokens(body),
    )
    return RequestLine(line=line, custom_id=custom_id, request=request)


def _json_object(text: bytes) -> dict[str, Any]:
    try:
        value = parse_json(text)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at character {error.pos + 1}") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object; expected the body of a chat-completions request")
    return value


def _custom_id(value: dict[str, Any]) -> CustomId:
    custom_id = value.get("custom_id")
    if custom_id is None or isinstance(custom_id, str) or type(custom_id) is int:
        return custom_id
    raise ValueError("custom_id is neither text nor a whole number")


def _body(value: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """What is to be sent, and whether it differs from the line."""
    changed = "custom_id" in value
    body = value
    if "messages" not in value and "body" in value:
        body, changed = _batch_body(value), True
    body.pop("custom_id", None)
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise ValueError('no "messages"; expected a list of at least one')
    return body, changed


def _batch_body(value: dict[str, Any]) -> dict[str, Any]:
    method, url, body = value.get("method", "POST"), value.get("url", CHAT_PATH), value["body"]
    if method != "POST":
        raise ValueError('its "method" is not POST')
    if not isinstance(url, str) or not url.endswith(CHAT_PATH):
        raise ValueError(f'its "url" does not end in {CHAT_PATH}: only chat is answered')
    if not isinstance(body, dict):
        raise ValueError('its "body" is not a JSON object')
    return body


def _set_model(body: dict[str, Any], model: str | None) -> bool:
    found = body.get("model")
    if model is None:
        if not isinstance(found, str) or not found:
            raise ValueError('no "model"; name it in the line or with --model')
        return False
    body["model"] = model
    return found != model


def _turn_streaming_off(body: dict[str, Any]) -> bool:
    if not body.get("stream"):
        return False
    body["stream"] = False
    body.pop("stream_options", None)
    return True


def _max_output_tokens(body: dict[str, Any]) -> int | None:
    """The most that all replies to one request (``n``) may hold."""
    most = body.get("max_completion_tokens", body.get("max_tokens"))
    replies = body.get("n")
    if type(most) is not int or most < 1:
        return None
    return most * (replies if type(replies) is int and replies > 1 else 1)
