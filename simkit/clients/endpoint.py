"""Where a model is asked, and how to speak of it without telling the key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from yarl import URL

from simkit.traces.provider_errors import KeyRefused

QUOTE_CHARACTERS = 300
"""Longest piece of other people's text in an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
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

    @property
    def shown_url(self) -> str:
        """The address as errors may show it: user, password and query left out."""
        try:
            return str(URL(self.base_url).with_user(None).with_query(None))
        except ValueError:
            return self.quote(self.base_url)

    @property
    def who(self) -> str:
        """The model and the address, for errors."""
        return f"{self.model} at {self.shown_url}"

    def headers(self) -> dict[str, str]:
        """The headers of each call."""
        key = {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}
        return {**key, "Content-Type": "application/json", **self.extra_headers}

    def quote(self, text: str) -> str:
        """*text* from outside, on one line, cut to `QUOTE_CHARACTERS`, without our secrets."""
        for secret in self._secrets():
            text = text.replace(secret, "[key]")
        text = " ".join(text.split())
        return text if len(text) <= QUOTE_CHARACTERS else text[: QUOTE_CHARACTERS - 1] + "…"

    def without_key(self, body: bytes) -> bytes:
        """A reply from which an echoed key is removed before anything is kept of it."""
        # Local servers are given words like "EMPTY" for a key, which models also say.
        if self.api_key is None or len(self.api_key) < 16:
            return body
        return body.replace(self.api_key.encode(), b"[key]")

    def _secrets(self) -> list[str]:
        # Some providers take the key in a header of their own; short values are no keys.
        values = [value for value in self.extra_headers.values() if len(value) >= 8]
        return [self.api_key, *values] if self.api_key else values
