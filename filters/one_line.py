"""Text from elsewhere, made fit for a reason: one line of bounded length."""

from __future__ import annotations


def one_line(text: str, *, limit: int = 300) -> str:
    """*text* with every run of white space as one space, cut to *limit* characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
