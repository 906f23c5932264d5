"""Judges that are relatives of what they judge: models are kind to their own kind.

See "LLM Evaluators Recognize and Favor Their Own Generations" (arXiv 2404.13076).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from simkit.config import RunConfig

_FAMILIES = {
    "GPT": r"(?:chat)?gpt|o[1-9](?:$|-)",
    "Claude": r"claude",
    "Gemini": r"gemini",
    "Gemma": r"gemma",
    "Llama": r"(?:meta-)?llama",
    "Qwen": r"qwen|qwq",
    "Mistral": r"mistral|mixtral|ministral|magistral|codestral|devstral",
    "DeepSeek": r"deepseek",
    "GLM": r"(?:chat)?glm",
    "Kimi": r"kimi|moonshot",
    "Phi": r"phi(?:$|-|\d)",
}
_PATTERNS = {family: re.compile(pattern) for family, pattern in _FAMILIES.items()}


def family_of(model: str) -> str | None:
    """The family that *model* belongs to by its name; None when that tells nothing.

    What hosts put before the name does not count, as in ``openai/gpt-4o``,
    ``accounts/fireworks/models/llama-v3p1-8b`` and ``us.anthropic.claude-sonnet-4``.
    """
    name = model.lower().rsplit("/", 1)[-1]
    for candidate in (name, *_after_dots(name)):
        for family, pattern in _PATTERNS.items():
            if pattern.match(candidate):
                return family
    return None


def _after_dots(name: str) -> Iterable[str]:
    """*name* without the vendors that some hosts put before it, each with a dot."""
    while found := re.match(r"[a-z][a-z-]*\.", name):
        name = name[found.end() :]
        yield name


def related_judges(judges: Iterable[str], players: RunConfig) -> list[str]:
    """A line for each model of *judges* that is of one family with a model that *players* name."""
    roles = [role for role in players.roles_in_use if role != "judge"]
    models = {role: players.roles.of(role).model or players.model.name or "" for role in roles}
    lines = []
    for judge in dict.fromkeys(judges):
        family = family_of(judge)
        relatives = [role for role, model in models.items() if family_of(model) == family]
        if family is not None and relatives:
            lines.append(
                f"the judge {judge} is of one family ({family}) with what plays "
                f"{_listed(relatives)}; judges favor what models like them write, so better let "
                "another family judge"
            )
    return lines


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
