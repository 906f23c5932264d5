"""What only a stand-in has: its counters, its time line, and limits to change while it runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import anyio
import orjson
from aiohttp import web

from simkit.standin.account import Account
from simkit.standin.invalid_request import InvalidRequest, error_json, shown
from simkit.standin.openai_style import OPENAI
from simkit.standin.settings import LIMIT_NAMES, StandinError, StandinSettings

_CONTROLLED = (*LIMIT_NAMES.values(), "concurrency")


class StatusApi:
    """Shows and changes the state of one account."""

    def __init__(self, account: Account) -> None:
        self._account = account

    async def stats(self, request: web.BaseRequest) -> web.StreamResponse:
        """``GET /stats``: what has happened so far; needs no key."""
        now = anyio.current_time()
        limits = self._account.limits
        return _json(
            {
                **self._account.stats.as_json(),
                "in_flight": limits.in_flight,
                "peak_in_flight": limits.peak_in_flight,
                "elapsed_seconds": self._account.timeline.elapsed(now),
                "limits": limits.as_json(now),
            }
        )

    async def timeline(self, request: web.BaseRequest) -> web.StreamResponse:
        """``GET /timeline``: the counts of each second; needs no key."""
        return _json(self._account.timeline.as_json(anyio.current_time()))

    async def control(self, request: web.BaseRequest) -> web.StreamResponse:
        """``POST /control``: change limits, and show those in force; needs the key."""
        raw = await request.read()
        return self._account.free_answer(request, lambda: self._control(raw), OPENAI)

    def _control(self, raw: bytes) -> bytes:
        account = self._account
        account.change_limits(_changed(account.settings, raw))
        return orjson.dumps({name: getattr(account.settings, name) for name in _CONTROLLED})


async def unknown(request: web.BaseRequest) -> web.StreamResponse:
    """Any other address."""
    message = f"Unknown request URL: {request.method} {request.path}"
    return _json(error_json(message, "invalid_request_error", code="unknown_url"), status=404)


def _changed(settings: StandinSettings, raw: bytes) -> StandinSettings:
    """*settings* with the limits in *raw*; those it does not name stay."""
    try:
        limits = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(None, f"The limits must be JSON: {error}") from error
    if not isinstance(limits, dict):
        raise InvalidRequest(None, f"The limits must be a JSON object, not {shown(limits)}")
    for name, value in limits.items():
        _check_limit(name, value)
    try:
        return replace(settings, **limits)
    except StandinError as error:
        raise InvalidRequest(None, str(error)) from error


def _check_limit(name: str, value: Any) -> None:
    if name not in _CONTROLLED:
        raise InvalidRequest(name, f"no such limit; there is {', '.join(_CONTROLLED)}")
    whole = name == "concurrency"
    types = int if whole else (int, float)
    if value is not None and (isinstance(value, bool) or not isinstance(value, types)):
        rule = "a whole number" if whole else "a number"
        raise InvalidRequest(name, f"must be {rule}, or null for no limit, not {shown(value)}")


def _json(body: object, *, status: int = 200) -> web.Response:
    headers = {"content-type": "application/json"}
    return web.Response(status=status, body=orjson.dumps(body), headers=headers)
