"""Embeddings as providers send them, read with suspicion."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from simkit.clients.endpoint import Endpoint
from simkit.clients.http_failures import describe_body
from simkit.clients.openai_reply import raise_error_of, reply_object
from simkit.traces.calls import Usage
from simkit.traces.provider_errors import UnusableReply

MAX_DIMS = 16_384
_MAX_NUMBER = 1e9
"""Numbers of embeddings are below 1, or a few hundred where they are not normalised."""
_MAX_TOKENS = 10**12


def read_embeddings(
    body: bytes, count: int, endpoint: Endpoint
) -> tuple[NDArray[np.float32], Usage]:
    """The vectors in *body*, shape ``(count, dims)``, in the order of the texts; and the usage.

    Vectors may be lists of numbers or base64 of little-endian float32. An entry without an
    ``index`` counts as standing in its place: some servers leave out what is 0.

    Raises:
        UnusableReply: Not JSON, not one vector for each text, vectors of different lengths
            or of more than `MAX_DIMS` numbers, or something that is no finite number.
        ProviderError: The body reports an error, as some gateways do with HTTP 200.
    """
    try:
        reply = _reply_object(body, endpoint)
        entries = _in_order(reply.get("data"), count)
        vectors = [_vector(entry.get("embedding")) for entry in entries]
        return _stacked(vectors), _usage(reply.get("usage"))
    except _Fault as fault:
        raise UnusableReply(f"{endpoint.who} sent embeddings {fault}") from None


class _Fault(Exception):
    """What is wrong with a reply; completes "sent embeddings ..."."""


def _reply_object(body: bytes, endpoint: Endpoint) -> dict[str, Any]:
    # Not `reply_object` for all: it looks at how deep the JSON is by writing it again, which
    # for a hundred thousand numbers takes longer than reading it did.
    try:
        reply = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise _Fault(f"that are no usable JSON: {describe_body(body, endpoint)}") from None
    if not isinstance(reply, dict):
        raise _Fault("that are no JSON object")
    if reply.get("error"):
        raise_error_of(reply_object(body, endpoint), endpoint)
    return reply


def _in_order(data: Any, count: int) -> list[dict[str, Any]]:
    if not isinstance(data, list) or not all(isinstance(entry, dict) for entry in data):
        raise _Fault("without a list of vectors")
    if len(data) != count:
        raise _Fault(f"of {len(data)} texts, and was asked for {count}")
    placed: dict[int, dict[str, Any]] = {}
    for position, entry in enumerate(data):
        index = entry.get("index")
        placed[position if index is None else _as_index(index, count)] = entry
    if len(placed) != count:
        raise _Fault("with the same index twice")
    return [placed[index] for index in range(count)]


def _as_index(index: Any, count: int) -> int:
    if type(index) is not int or not 0 <= index < count:
        raise _Fault(f"with an index that is not in 0 to {count - 1}")
    return index


def _vector(given: Any) -> NDArray[np.float64]:
    try:
        if isinstance(given, str):
            packed = np.frombuffer(base64.b64decode(given, validate=True), "<f4")
            numbers = packed.astype(np.float64)
        else:
            numbers = np.array(given)
    except ValueError:  # no base64, no whole number of floats, lists of unequal lengths
        numbers = np.array(None)
    # Text, null or lists among the numbers give an array of another kind or shape.
    if numbers.ndim != 1 or numbers.dtype.kind not in "fiu":
        raise _Fault("that are no lists of numbers")
    if not 1 <= len(numbers) <= MAX_DIMS:
        raise _Fault(f"with vectors of {len(numbers)} numbers")
    if not (np.abs(numbers) <= _MAX_NUMBER).all():  # false for NaN, too
        raise _Fault("with numbers that are not finite or absurdly large")
    return numbers.astype(np.float64)


def _stacked(vectors: list[NDArray[np.float64]]) -> NDArray[np.float32]:
    if len({len(vector) for vector in vectors}) != 1:
        raise _Fault("with vectors of different lengths")
    return np.array(vectors, np.float32)


def _usage(usage: Any) -> Usage:
    tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    if type(tokens) is not int or not 0 <= tokens <= _MAX_TOKENS:
        tokens = 0
    return Usage(input_tokens=tokens)
