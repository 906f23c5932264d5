"""The table of a server that models are asked at."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator

from simkit.config_section import Names, Section, quoted

_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CALL_PATH = re.compile(r"/(?:chat/completions|messages)/*$")
_KEY_HEADER = re.compile(r"auth|api-?key|token|secret|cookie|password", re.IGNORECASE)

ProviderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
PerMinute = Annotated[float, Field(gt=0), AfterValidator(lambda given: _a_second_too(given))]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class ProviderConfig(Section):
    """``[providers.NAME]``: a server that models are asked at."""

    api: Literal["openai", "anthropic"] = "openai"
    """What it speaks: chat completions as OpenAI and many others, or Anthropic's Messages."""
    base_url: str
    """Address up to, not including, ``/chat/completions`` or ``/messages``, e.g.
    ``https://host/v1``."""
    api_key_env: Names = Field(default=(), strict=False)
    """Name of the environment variable that holds the key, or several names: each key is an
    account with limits of its own. The key itself never stands here."""
    weight: float = Field(default=1.0, gt=0, le=1_000)
    """Share of the calls where a model has several providers."""
    requests_per_minute: PerMinute | None = None
    """Most requests a minute; unset: learned from the provider's answers."""
    tokens_per_minute: PerMinute | None = None
    """Most tokens a minute, input and output together; unset: learned."""
    input_tokens_per_minute: PerMinute | None = None
    """Most input tokens a minute, where the provider counts them apart; unset: learned."""
    output_tokens_per_minute: PerMinute | None = None
    """Most output tokens a minute, where the provider counts them apart; unset: learned."""
    max_calls_in_flight: int | None = Field(default=None, ge=1, le=100_000)
    """Most calls at once; unset: learned."""
    connect_seconds: Seconds = 10.0
    """Give up on a connection that does not come about for so long."""
    first_byte_seconds: Seconds = 120.0
    """Give up on a call when nothing has come back for so long."""
    total_seconds: Seconds = 300.0
    """Give up on a call that is not complete after so long."""
    retry_attempts: int = Field(default=8, ge=1, le=100)
    """Calls in all for a request that the provider fails to answer; waiting out a rate limit
    uses up none of them."""
    retry_min_pause_seconds: Seconds = 1.0
    """Shortest pause before another call; it doubles, with jitter, up to a minute."""
    hedge_share: float = Field(default=0.0, ge=0, le=0.1)
    """Share of the calls that may be asked a second time when they take unusually long; the
    first answer counts. 0: none."""
    stream: bool = False
    """Have replies sent in pieces, so that a silent call is noticed early."""
    tool_mode: Literal["native", "json_schema", "prompt"] = "native"
    """How functions are offered: as tools, as a JSON schema that the reply must follow, or in
    words only."""
    extra_headers: dict[str, str] = Field(default={})
    """Sent with every request; not for keys."""

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        # What may be a password or a key in the address is never repeated in an error.
        if "@" in url:
            raise ValueError("must not hold a user name or password; use api_key_env for the key")
        if "?" in url or "#" in url:
            raise ValueError("must end with the path; nothing may follow ? or #")
        if _CALL_PATH.search(url):
            raise ValueError("must end before /chat/completions or /messages, which are added")
        if not _is_http(url):
            raise ValueError(
                "expected an http or https address with a host, such as "
                f'"https://api.example.com/v1", found {quoted(url)}'
            )
        return url.rstrip("/")

    @field_validator("api_key_env")
    @classmethod
    def _are_names(cls, variables: Names) -> Names:
        for name in variables:
            if not _VARIABLE_NAME.fullmatch(name):
                raise ValueError(
                    "expected the name of an environment variable, such as EXAMPLE_API_KEY, "
                    "found something else (not shown: it may be a key)"
                )
        return variables

    @field_validator("extra_headers")
    @classmethod
    def _hold_no_key(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if _KEY_HEADER.search(name):
                raise ValueError(f"{quoted(name)} looks like it holds a key; use api_key_env")
            if not (name + value).isprintable() or not name.strip():
                raise ValueError(f"{quoted(name)} is not a header of one line")
        return headers


def _a_second_too(per_minute: float) -> float:
    if per_minute / 60 <= 0:  # so small that no float is a 60th of it
        raise ValueError("expected more than 0 a second, too")
    return per_minute


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port  # reading it checks it
    except ValueError:
        return False
    return (
        parts.scheme in {"http", "https"}
        and bool(parts.hostname)
        and not re.search(r"[\s\x00-\x1f]", url)
    )
