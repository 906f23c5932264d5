"""Other people's text, made fit for one line of a terminal or a log."""

from __future__ import annotations


def printable_line(text: str) -> str:
    """*text* without line ends and other characters that a terminal would act on."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
