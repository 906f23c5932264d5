"""Where a model is asked, and how to speak of it without telling the key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import structlog
from yarl import URL

from simkit.traces.provider_errors import KeyRefused

_log = structlog.get_logger()

QUOTE_CHARACTERS = 300
"""Longest piece of other people's text in an error."""


# Without slots, so that what each call needs is worked out once.
@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One model at one address, with what is needed to be let in.

    Raises:
        KeyRefused: The key cannot be sent, whatever the provider would say to it.
    """

    base_url: str
    """Without a slash at its end; usually ends in ``/v1``."""
    model: str
    api_key: str | None = field(repr=False)
    extra_headers: Mapping[str, str] = field(repr=False)
    key_hint: str | None
    """The environment variable that the key comes from."""
    key_header: Literal["Authorization", "x-api-key"] = "Authorization"
    """Carries the key; ``Authorization`` as a bearer token."""
    api_headers: Mapping[str, str] = field(default_factory=dict)
    """What the API wants in each call besides; no secrets."""

    _doubted: set[str] = field(default_factory=set, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.api_key:
            return
        source = self.key_hint or "the environment"
        if not (self.api_key.isascii() and self.api_key.isprintable()):
            raise KeyRefused(
                f"the API key from {source} holds a line break or a character outside ASCII: "
                "copy it again, without what surrounds it"
            )
        if "@" in self.base_url.partition("://")[2].partition("/")[0]:
            raise KeyRefused(
                f"the base URL names a user, and {source} gives an API key: a call can carry "
                "only one of them, so remove the other"
            )

    @cached_property
    def shown_url(self) -> str:
        """The address as errors may show it: user, password and query left out."""
        try:
            return str(URL(self.base_url).with_user(None).with_query(None))
        except ValueError:
            return self.quote(self.base_url)

    @cached_property
    def who(self) -> str:
        """The model and the address, for errors."""
        return f"{self.model} at {self.shown_url}"

    def headers(self) -> dict[str, str]:
        """The headers of each call; those of the user win."""
        return {
            **self._key_headers(),
            "Content-Type": "application/json",
            # Named, since what aiohttp would ask for depends on what else is installed.
            "Accept-Encoding": "gzip, deflate",
            **self.api_headers,
            **self.extra_headers,
        }

    def _key_headers(self) -> dict[str, str]:
        if not self.api_key:
            return {}
        bearer = self.key_header == "Authorization"
        return {self.key_header: f"Bearer {self.api_key}" if bearer else self.api_key}

    def doubt(self, header: str, value: str) -> None:
        """Log that *header* says something that is not believed; once for each header."""
        if header not in self._doubted:
            self._doubted.add(header)
            _log.warning(
                "a provider sends a header that makes no sense; it is ignored",
                provider=self.who,
                header=header,
                value=self.quote(value),
            )

    def quote(self, text: str) -> str:
        """*text* from outside, on one line, cut to `QUOTE_CHARACTERS`, without our secrets."""
        for secret in self._secrets():
            text = text.replace(secret, "[key]")
        text = " ".join(text.split())
        return text if len(text) <= QUOTE_CHARACTERS else text[: QUOTE_CHARACTERS - 1] + "…"

    def without_key(self, body: bytes) -> bytes:
        """A reply from which an echoed key is removed before anything is kept of it."""
        key = self._removed_key
        return body.replace(key, b"[key]") if key else body

    def without_key_text(self, text: str) -> str:
        """As `without_key`, for text that was put together from pieces."""
        key = self._removed_key
        return text.replace(key.decode(), "[key]") if key else text

    @cached_property
    def _removed_key(self) -> bytes:
        # Local servers are given words like "EMPTY" for a key, which models also say.
        key = self.api_key or ""
        return key.encode() if len(key) >= 16 else b""

    def _secrets(self) -> list[str]:
        # Some providers take the key in a header of their own. Short values are no secrets:
        # local servers are given keys like "x", which words hold too.
        values = [self.api_key or "", *self.extra_headers.values()]
        return [value for value in values if len(value) >= 8]
