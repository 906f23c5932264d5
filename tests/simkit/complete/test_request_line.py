"""Lines of requests: what is sent for them, and what cannot be."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simkit.complete.request_line import DamagedLine, RequestLine, read_request_line

MESSAGES = [{"role": "user", "content": "Grüße"}]


def asked(line: dict[str, Any] | str, *, model: str | None = None) -> RequestLine:
    text = line if isinstance(line, str) else json.dumps(line, ensure_ascii=False)
    read = read_request_line(3, text.encode(), model=model)
    assert isinstance(read, RequestLine), read
    return read


def test_a_body_is_passed_on_byte_for_byte() -> None:
    text = '{"model" : "m", "messages": [{"role":"user"}], "seed": 1e1, "x": {"y": [ ]}}'

    assert asked(text).request.body == text.encode()
    assert asked(text, model="m").request.body == text.encode()
    assert (asked(text).line, asked(text).custom_id) == (3, None)


def test_what_must_change_is_all_that_changes() -> None:
    line = {"custom_id": "a", "model": "m", "messages": MESSAGES, "x": {"y": 1.5}}

    assert json.loads(asked(line, model="n").request.body) == {
        "model": "n",
        "messages": MESSAGES,
        "x": {"y": 1.5},
    }
    assert asked(line).custom_id == "a"


def test_the_form_of_batches_is_unwrapped() -> None:
    body = {"model": "m", "messages": MESSAGES}
    line = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": body}

    assert json.loads(asked(line).request.body) == body
    assert asked(line).custom_id == "a"


def test_streaming_is_turned_off() -> None:
    line = {
        "model": "m",
        "messages": MESSAGES,
        "stream": True,
        "stream_options": {"include_usage": True},
    }

    assert json.loads(asked(line).request.body) == {
        "model": "m",
        "messages": MESSAGES,
        "stream": False,
    }


@pytest.mark.parametrize(
    ("fields", "tokens"),
    [
        ({}, None),
        ({"max_tokens": 10}, 10),
        ({"max_tokens": 10, "max_completion_tokens": 20}, 20),
        ({"max_tokens": 10, "n": 3}, 30),
        ({"max_tokens": "10"}, None),
        ({"max_tokens": -1}, None),
    ],
)
def test_the_longest_reply_is_read_from_the_body(
    fields: dict[str, Any], tokens: int | None
) -> None:
    line = asked({"model": "m", "messages": MESSAGES, **fields})

    assert line.request.max_output_tokens == tokens


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not JSON"),
        ("[" * 500 + "]" * 500, "nested too deeply"),
        ("[1]", "not a JSON object"),
        ('{"model": "m"}', '"messages"'),
        ('{"model": "m", "messages": []}', '"messages"'),
        ('{"model": "m", "messages": "hi"}', '"messages"'),
        ('{"messages": [1]}', "--model"),
        ('{"model": "m", "messages": [1], "custom_id": [1]}', "custom_id"),
        ('{"custom_id": "a", "body": 3}', '"body"'),
        ('{"custom_id": "a", "body": {}, "url": "/v1/embeddings"}', '"url"'),
        ('{"custom_id": "a", "body": {}, "method": "GET"}', '"method"'),
    ],
)
def test_a_line_that_cannot_be_asked_says_why(text: str, reason: str) -> None:
    line = read_request_line(1, text.encode(), model=None)

    assert isinstance(line, DamagedLine)
    assert reason in line.reason
    assert line.custom_id == ("a" if '"a"' in text else None)


def test_a_digest_tells_requests_and_ids_apart() -> None:
    line = {"custom_id": "a", "model": "m", "messages": MESSAGES}
    digests = [
        asked(line).digest,
        asked(line, model="n").digest,
        asked({**line, "custom_id": "b"}).digest,
        asked({**line, "custom_id": 1}).digest,
        asked({**line, "custom_id": "1"}).digest,
        asked({**line, "seed": 1}).digest,
    ]

    assert len(set(digests)) == len(digests)
    assert asked(line).digest == asked({**line, "model": "z"}, model="m").digest
