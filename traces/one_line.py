"""Text from elsewhere, made fit for a reason: one line of bounded length."""

from __future__ import annotations


def one_line(text: str, *, limit: int = 300) -> str:
    """*text* with every run of white space as one space, cut to *limit* characters.

    Half of a surrogate pair, which JSON can spell but UTF-8 cannot, becomes "?".
    """
    line = " ".join(text.encode(errors="replace").decode().split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
