"""Which limit a provider means when it answers HTTP 429."""

from __future__ import annotations

import re

from simkit.traces.calls import LimitKind

_NAMED: dict[str, LimitKind] = {
    "requests": "requests",
    "tokens": "tokens",
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "concurrency": "concurrency",
}

# The first that matches counts: what is said about input tokens also speaks of tokens, and
# most complaints about tokens also speak of the request that was one too many.
_SIGNS: tuple[tuple[LimitKind, re.Pattern[str]], ...] = (
    (
        "concurrency",
        re.compile(
            r"concurren|simultaneous|in[ -]flight|parallel (?:requests?|calls?)|at the same time"
        ),
    ),
    ("input_tokens", re.compile(r"\b(?:input|prompt)[ _]tokens?\b|\bitp[md]\b")),
    ("output_tokens", re.compile(r"\b(?:output|completion|generated)[ _]tokens?\b|\botp[md]\b")),
    (
        "tokens",
        re.compile(r"\btokens(?![a-z])|\btoken[ _-](?:rate|limit|quota|usage)|\btp[mdsh]\b"),
    ),
    (
        "requests",
        re.compile(
            r"\b(?:requests?|quer(?:y|ies)|calls?)(?:[ _/-](?:per|an?|each|every|rate|limit|quota)"
            r"(?![a-z])|/| in (?:an?|one|\d))|\b[rq]p[mdsh]\b|\bnumber of requests\b"
        ),
    ),
)


def exceeded_limit(words: str, message: str) -> LimitKind | None:
    """The limit that a complaint is about, or None when it does not say.

    Args:
        words: Its code and type, in small letters, which count before the message.
        message: In small letters.

    "Too many requests" alone is only the name of the status and says nothing.
    """
    for word in words.split():
        if word in _NAMED:
            return _NAMED[word]
    text = f"{words} {message}"
    return next((kind for kind, sign in _SIGNS if sign.search(text)), None)
