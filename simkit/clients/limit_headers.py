"""What the headers of an answer say about the limits of the account."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

from simkit.clients.header_times import seconds_until
from simkit.traces.calls import Allowance, LimitKind

MAX_COUNT = 1e12
"""More than any account may send in a day."""

LONGEST_MINUTE_SECONDS = 90.0
"""A limit by the minute is whole again after 60 s, and some round up. Where a header does not
name its period and the limit takes longer, the period is some other one."""

LONGEST_PACED_SECONDS = 120
"""A quota of an hour or a day is not spread over it: whoever needs less has finished sooner,
and whoever runs out rests until it is back."""

_KINDS: dict[str, LimitKind] = {
    "": "requests",
    "request": "requests",
    "requests": "requests",
    "req": "requests",
    "token": "tokens",
    "tokens": "tokens",
    "input-tokens": "input_tokens",
    "tokens-prompt": "input_tokens",
    "prompt-tokens": "input_tokens",
    "output-tokens": "output_tokens",
    "tokens-generated": "output_tokens",
    "generated-tokens": "output_tokens",
    "concurrent": "concurrency",
    "concurrent-requests": "concurrency",
    "concurrency": "concurrency",
}
_PERIOD_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}

_KIND = rf"(?P<kind>{'|'.join(filter(None, _KINDS))})"
_NAMES = (
    re.compile(
        rf"(?:x-)?ratelimit-(?P<told>limit|remaining|reset|policy)(?:-{_KIND})?"
        rf"(?:-(?P<period>{'|'.join(_PERIOD_SECONDS)}))?"
    ),
    re.compile(rf"anthropic-ratelimit-{_KIND}-(?P<told>limit|remaining|reset)"),
)
_POLICY = re.compile(r"(\d+(?:\.\d+)?)\s*;\s*w\s*=\s*(\d+)")


_Read = Callable[[str, Mapping[str, str]], float | None]
"""What a value says, given all headers of the answer; None for nonsense."""


class _Header(NamedTuple):
    """What a header is about, as its name says."""

    told: str
    read: _Read
    kind: LimitKind
    period_seconds: int | None
    group: str
    """Headers of one limit share it."""


def allowances(
    headers: Mapping[str, str], on_nonsense: Callable[[str, str], None]
) -> tuple[Allowance, ...]:
    """Read the limits that *headers* tell of, one for each kind and period, in their order.

    Known are the forms ``x-ratelimit-remaining-tokens`` of OpenAI and many others, with or
    without a period such as ``-day`` after it, ``anthropic-ratelimit-tokens-remaining``, and
    ``ratelimit-remaining`` with ``ratelimit-policy: 100;w=60``
    (draft-ietf-httpapi-ratelimit-headers-06). A limit without a period counts as one by the
    minute, unless it takes longer than that to be whole again.

    Args:
        headers: A mapping that ignores case, as aiohttp's do.
        on_nonsense: Gets the name and the value of a header that makes no sense; it counts
            as not sent.

    Never raises. Takes a microsecond or two where there are no such headers.
    """
    limits: dict[str, tuple[_Header, dict[str, float]]] = {}
    for name, value in headers.items():
        # Cheaper than a change to small letters; nobody writes it any other way.
        if "atelimit" not in name and "ateLimit" not in name and "ATELIMIT" not in name:
            continue
        header = _read_name(name)
        if header is None:
            continue
        number = header.read(value, headers)
        if number is None:
            on_nonsense(name, value)
        elif (limit := limits.get(header.group)) is not None:
            limit[1][header.told] = number
        else:
            limits[header.group] = header, {header.told: number}
    return tuple([_allowance(header, told) for header, told in limits.values()]) if limits else ()


@lru_cache(maxsize=256)
def _read_name(name: str) -> _Header | None:
    for pattern in _NAMES:
        found = pattern.fullmatch(name.lower())
        if found is None:
            continue
        parts = found.groupdict(default="")
        kind = _KINDS[parts["kind"]]
        period = parts.get("period", "minute")  # Anthropic's limits are all by the minute
        group = f"{parts['kind']} {parts.get('period', '')}"
        told = parts["told"]
        return _Header(told, _READ[told], kind, _PERIOD_SECONDS.get(period), group)
    return None


def _count(text: str, headers: Mapping[str, str]) -> float | None:
    try:
        count = float(text)
    except ValueError:
        return None
    # Written so that NaN is refused too.
    return count if 0 <= count <= MAX_COUNT else None


def _limit(text: str, headers: Mapping[str, str]) -> float | None:
    count = _count(text, headers)
    # Some write 0 where there is none. Less than one is no count of anything, and believing it
    # would hold back every call for ever.
    return count if count is not None and count >= 1 else None


def _policy(text: str, headers: Mapping[str, str]) -> float | None:
    """Units a minute, of a policy that is no list; 0 for one of a long period."""
    found = _POLICY.fullmatch(text.strip()) if len(text) < 64 else None
    if found is None:
        return None
    limit, seconds = float(found[1]), float(found[2])
    if not (1 <= limit <= MAX_COUNT and 0 < seconds <= 31 * 86400):
        return None
    return limit * 60 / seconds if seconds <= LONGEST_PACED_SECONDS else 0.0


_READ: dict[str, _Read] = {
    "limit": _limit,
    "remaining": _count,
    "reset": seconds_until,
    "policy": _policy,
}


def _allowance(header: _Header, told: dict[str, float]) -> Allowance:
    return Allowance(
        limit=header.kind,
        per_minute=(told["policy"] or None) if "policy" in told else _per_minute(header, told),
        remaining=told.get("remaining"),
        reset_seconds=told.get("reset"),
    )


def _per_minute(header: _Header, told: dict[str, float]) -> float | None:
    limit = told.get("limit")
    if limit is None or header.kind == "concurrency":
        return limit
    if header.period_seconds is not None:
        paced = header.period_seconds <= LONGEST_PACED_SECONDS
        return limit * 60 / header.period_seconds if paced else None
    by_the_minute = told.get("reset", 0.0) <= LONGEST_MINUTE_SECONDS and header.group != " "
    return limit if by_the_minute else None
