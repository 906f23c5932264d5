"""The brain for measuring clients."""

from __future__ import annotations

import random
from typing import Any

import pytest

from simkit.standin.echo import DEFAULT_TOKENS, EchoBrain
from simkit.standin.replies import output_tokens


@pytest.mark.parametrize(
    ("fields", "tokens"),
    [
        ({}, DEFAULT_TOKENS),
        ({"max_tokens": 1}, 1),
        ({"max_tokens": 1000}, 1000),
        ({"max_completion_tokens": 7, "max_tokens": None}, 7),
        ({"max_tokens": 10**15}, 100_000),
    ],
)
def test_the_reply_repeats_the_question_up_to_the_length_asked_for(
    fields: dict[str, Any], tokens: int
) -> None:
    body = {"messages": [{"role": "user", "content": "how are you?"}], **fields}
    reply = EchoBrain().reply(body, random.Random(0))
    assert output_tokens(reply) == tokens
    assert reply.content is not None
    assert reply.content.startswith("how are you? how are you?"[: 4 * tokens])


def test_content_that_is_no_text_is_answered_all_the_same() -> None:
    parts = [{"type": "text", "text": "hello"}]
    for content in (parts, "", None):
        body = {"messages": [{"role": "user", "content": content}]}
        assert EchoBrain().reply(body, random.Random(0)).content
