"""How each kind of fault looks on the wire."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

import anyio
from aiohttp import web

from simkit.standin.api_style import ApiStyle
from simkit.standin.durations import decimal_seconds
from simkit.standin.faults import FaultKind

_HTML = (
    b"<html><head><title>Please wait</title></head>"
    b"<body><h1>We are checking your connection</h1></body></html>"
)
_GATEWAY_HTML = b"<html><body><center><h1>502 Bad Gateway</h1></center></body></html>"
_EMPTY = b'{"id":"chatcmpl-empty","object":"chat.completion","choices":[]}'
_BEGINNING = b'{"id":"chatcmpl-cut","object":"chat.completion","choices":[{"index":0,"mess'
_PROMISED_BYTES = 700  # more than is sent, so that the client can see the cut


async def fault_answer(
    kind: FaultKind,
    request: web.BaseRequest,
    draw: random.Random,
    style: ApiStyle,
    headers: Mapping[str, str],
) -> web.StreamResponse:
    """Fail in the way of *kind*, with *headers*; a hang lasts until the client gives up."""
    match kind:
        case "server_error":
            text = "The server had an error while processing your request"
            return _json(500, style.server_error(text), headers)
        case "unavailable":
            retry_after = {"retry-after": decimal_seconds(draw.random())}
            text = "The engine is currently overloaded, please try again later"
            return _json(503, style.server_error(text), {**headers, **retry_after})
        case "bad_gateway":
            return _html(502, _GATEWAY_HTML, headers)
        case "html_page":
            return _html(200, _HTML, headers)
        case "empty_choices":
            return _json(200, _EMPTY, headers)
        case "truncated_body":
            return await _cut(request, headers)
        case "dropped_connection":
            return _dropped(request)
        case "hang":
            await anyio.sleep(math.inf)
    raise AssertionError(kind)


def _json(status: int, body: bytes, headers: Mapping[str, str]) -> web.Response:
    every = {**headers, "content-type": "application/json"}
    return web.Response(status=status, body=body, headers=every)


def _html(status: int, page: bytes, headers: Mapping[str, str]) -> web.Response:
    return web.Response(status=status, body=page, headers={**headers, "content-type": "text/html"})


async def _cut(request: web.BaseRequest, headers: Mapping[str, str]) -> web.StreamResponse:
    response = web.StreamResponse(headers={**headers, "content-type": "application/json"})
    response.content_length = _PROMISED_BYTES
    await response.prepare(request)
    await response.write(_BEGINNING)
    response.force_close()
    if request.transport is not None:
        request.transport.close()  # what was written is still sent
    return response


def _dropped(request: web.BaseRequest) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()  # reaches nobody
