"""Reasoning that stands in the content, between ``<think>`` tags in front of the answer."""

from __future__ import annotations

import re

_THOUGHT = re.compile(r"\s*<think>(.*?)</think>\s*", re.DOTALL)


def with_thought(reasoning: str | None, content: str) -> str:
    """*content* with *reasoning* in front of it; with empty tags where there is none."""
    thought = f"<think>\n{(reasoning or '').strip()}\n</think>"
    return f"{thought}\n\n{content}" if content else thought


def split_thought(content: str) -> tuple[str | None, str]:
    """The reasoning at the start of *content*, if there is any, and what follows it."""
    found = _THOUGHT.match(content)
    if found is None:
        return None, content
    return found[1].strip() or None, content[found.end() :]
