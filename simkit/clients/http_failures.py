"""What an HTTP answer that is no success means, in the words of the contract."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from simkit.clients.endpoint import Endpoint
from simkit.clients.exceeded_limit import exceeded_limit
from simkit.clients.retry_after import retry_after_in_words, retry_after_seconds
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
_PLACE = ("unsupported_country",)

_EMPTY_ACCOUNT = re.compile(
    r"insufficient (?:account )?(?:balance|credit|funds)|out of credits?\b|account .{0,20}arrears"
    r"|(?:balance|credits?) (?:is |are |has been |have been )?(?:too low|insufficient|exhausted)"
)
_ABOUT_CONTENT = re.compile(
    r"moderation|content (?:policy|filter|management)|(?:safety|usage) polic|flagged|inappropriate"
)
_ABOUT_PLACE = re.compile(
    r"(?:country|region|territory|location)\b.{0,40}(?:not (?:be )?(?:supported|available|allowed)"
    r"|unsupported|restricted)"
    r"|(?:not (?:supported|available|allowed)|unsupported|restricted)\b.{0,40}"
    r"(?:country|region|territory|location)"
)

_PASSING = (408, 409, 425, 498)
"""Below 500, but of the moment; 498 is how Groq says that it has no capacity left."""

_CERTAIN_RETURN_SECONDS = 60.0
"""A provider that says it answers again after so long speaks of a quota, not of money."""

_READ_CHARACTERS = 4000

_QUOTA_SECONDS = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What a provider says about a failure."""

    message: str
    """Empty when the body is not JSON that says something."""
    words: str
    """Its ``code`` and ``type``, in small letters."""
    text: str
    """The beginning of the message, in small letters."""
    retry_after_seconds: float | None
    """What its words say."""
    shown: str
    """The message, or whatever came instead, fit to be quoted."""

    def has(self, words: tuple[str, ...]) -> bool:
        return any(word in self.words for word in words)


def read_complaint(body: bytes, endpoint: Endpoint) -> Complaint:
    """Find the complaint in the body of a failure, whatever its shape."""
    try:
        value = parse_json(body)
    except ValueError:
        return Complaint(
            message="",
            words="",
            text="",
            retry_after_seconds=None,
            shown=describe_body(body, endpoint),
        )
    error = _error_object(value)
    message = error.get("message") or error.get("detail") or error.get("error") or ""
    text = message if isinstance(message, str) else orjson.dumps(message).decode()
    return Complaint(
        message=text,
        words=f"{error.get('code')} {error.get('type')}".lower(),
        text=text[:_READ_CHARACTERS].lower(),
        # Google's is beside the message, in a member retryDelay.
        retry_after_seconds=retry_after_in_words(body.decode(errors="replace")),
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
    wait = retry_after_seconds(headers, endpoint.doubt)
    if status >= 500 or status in _PASSING:
        return ProviderUnavailable(happened, retry_after_seconds=wait)
    wait = said.retry_after_seconds if wait is None else wait
    if _is_balance(status, said):
        if wait is None or wait < _CERTAIN_RETURN_SECONDS:
            return BalanceExhausted(f"{happened}. The account is out of credit: top it up.")
        return _rate_limited(happened, wait, said)
    if status == 429:
        return _rate_limited(happened, wait, said)
    return _refusal(status, said, happened, endpoint)


def _is_balance(status: int, said: Complaint) -> bool:
    if status == 402:
        return True
    out_of_credit = said.has(_BALANCE) or _EMPTY_ACCOUNT.search(said.text) is not None
    return status in (400, 403, 429) and out_of_credit


def _rate_limited(happened: str, wait: float | None, said: Complaint) -> RateLimited:
    # A long wait is a quota that is used up: asking more slowly would not have helped.
    is_pace = wait is None or wait < _QUOTA_SECONDS
    advice = ". If this repeats, lower the limits set for this provider." if is_pace else ""
    return RateLimited(
        f"{happened}{advice}",
        retry_after_seconds=wait,
        limit=exceeded_limit(said.words, said.text),
    )


def _refusal(status: int, said: Complaint, happened: str, endpoint: Endpoint) -> ProviderError:
    if said.has(_FILTER) or (status == 403 and _ABOUT_CONTENT.search(said.text)):
        return ContentRefused(happened)
    if said.has(_PLACE) or (status in (400, 403) and _ABOUT_PLACE.search(said.text)):
        return Unreachable(
            f"{happened}. It does not serve the place that the calls come from: use another "
            "provider, or another base URL of this one."
        )
    if said.has(_MODEL) or (status == 404 and "model" in said.text):
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
