"""What an HTTP answer that is no success means, in the words of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from simkit.clients.endpoint import Endpoint
from simkit.clients.retry_after import retry_after_seconds
from simkit.traces.provider_errors import (
    BalanceExhausted,
    ContentRefused,
    KeyRefused,
    ModelUnknown,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    RequestRefused,
    Unreachable,
)
from simkit.traces.shallow_json import parse_json

_BALANCE = ("insufficient_quota", "exceeded_current_quota", "insufficient_balance", "billing")
_FILTER = ("content_filter", "content_policy", "moderation", "data_inspection")
_MODEL = ("model_not_found", "invalid_model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What a provider says about a failure."""

    message: str
    """Empty when the body is not JSON that says something."""
    words: str
    """Its ``code`` and ``type``, in small letters."""
    shown: str
    """The message, or whatever came instead, fit to be quoted."""

    def has(self, words: tuple[str, ...]) -> bool:
        return any(word in self.words for word in words)


def read_complaint(body: bytes, endpoint: Endpoint) -> Complaint:
    """Find the complaint in the body of a failure, whatever its shape."""
    try:
        value = parse_json(body)
    except ValueError:
        return Complaint(message="", words="", shown=describe_body(body, endpoint))
    error = _error_object(value)
    message = error.get("message") or error.get("detail") or error.get("error") or ""
    text = message if isinstance(message, str) else orjson.dumps(message).decode()
    return Complaint(
        message=text,
        words=f"{error.get('code')} {error.get('type')}".lower(),
        shown=f"it says: {endpoint.quote(text)}" if text else "it gives no reason",
    )


def describe_body(body: bytes, endpoint: Endpoint) -> str:
    """What kind of text came where JSON was expected, with its beginning."""
    start = body[:4096].decode(errors="replace").strip()
    if not start:
        return "the body is empty"
    kind = "an HTML page" if start.startswith("<") else "text that is not JSON"
    return f"the body is {kind}: {endpoint.quote(start)}"


def failure(
    status: int, headers: Mapping[str, str], body: bytes, endpoint: Endpoint
) -> ProviderError:
    """The error for an answer with *status*, which is not in 200 to 299.

    Args:
        headers: A mapping that ignores case; read for ``Retry-After`` and ``Location``.
        body: Its first kilobytes are enough.
    """
    said = read_complaint(body, endpoint)
    happened = f"{endpoint.who} answered HTTP {status}: {said.shown}"
    if 300 <= status < 400:
        return _redirected(status, headers, endpoint)
    if status >= 500 or status in (408, 409, 425):
        return ProviderUnavailable(happened, retry_after_seconds=retry_after_seconds(headers))
    if status == 402 or (status in (400, 403, 429) and said.has(_BALANCE)):
        return BalanceExhausted(f"{happened}. The account is out of credit: top it up.")
    if status == 429:
        return RateLimited(
            f"{happened}. If this repeats, lower the limits set for this provider.",
            retry_after_seconds=retry_after_seconds(headers),
        )
    return _refusal(status, said, happened, endpoint)


def _refusal(status: int, said: Complaint, happened: str, endpoint: Endpoint) -> ProviderError:
    if said.has(_FILTER) or (status == 403 and "moderation" in said.message.lower()):
        return ContentRefused(happened)
    if said.has(_MODEL) or (status == 404 and "model" in said.message.lower()):
        return ModelUnknown(f"{happened}. Check the model's name.")
    if status in (401, 403):
        return KeyRefused(f"{happened}. {_key_advice(endpoint)}")
    if status in (404, 405, 407, 410):
        return Unreachable(f"{happened}. Check the base URL: it usually ends in /v1.")
    return RequestRefused(happened)


def _redirected(status: int, headers: Mapping[str, str], endpoint: Endpoint) -> Unreachable:
    target = endpoint.quote(headers.get("Location", "an address it does not name"))
    return Unreachable(
        f"{endpoint.who} answered HTTP {status} and points to {target}. Redirects are not "
        "followed, so that the key goes to no other host: set the base URL to the address meant."
    )


def _key_advice(endpoint: Endpoint) -> str:
    if not endpoint.api_key:
        where = f" in {endpoint.key_hint}" if endpoint.key_hint else ""
        return f"No API key was sent: provide one{where}."
    where = f" (it comes from {endpoint.key_hint})" if endpoint.key_hint else ""
    return f"Check the API key{where} and what it may be used for."


def _error_object(value: Any) -> dict[str, Any]:
    """The object that tells what is wrong: ``error``, or the whole where there is none."""
    if isinstance(value, list):  # Gemini wraps its error in a list
        value = value[0] if value else None
    if not isinstance(value, dict):
        return {}
    error = value.get("error")
    return error if isinstance(error, dict) else value
