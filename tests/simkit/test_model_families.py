"""Judges that are relatives of what they judge."""

from __future__ import annotations

import pytest

from simkit.config_file import load_config
from simkit.model_families import family_of, related_judges


@pytest.mark.parametrize(
    ("family", "models"),
    [
        ("GPT", "gpt-4o openai/gpt-4.1-mini o3 o1-preview openai/gpt-oss-120b chatgpt-4o-latest"),
        ("Claude", "claude-sonnet-4 anthropic/claude-3.5 us.anthropic.claude-3-haiku"),
        ("Gemini", "gemini-2.5-pro google/gemini-flash"),
        ("Gemma", "google/gemma-3-27b-it"),
        ("Llama", "meta-llama/Llama-3.3-70B accounts/fireworks/models/llama-v3p1-8b meta.llama3-1"),
        ("Qwen", "Qwen/Qwen3-32B qwen-max qwq-32b"),
        ("Mistral", "mistral-large mistralai/Mixtral-8x7B open.mistral-7b"),
        ("DeepSeek", "deepseek-chat deepseek/deepseek-r1"),
        ("GLM", "glm-4.5 zai-org/GLM-4.6 chatglm3"),
        ("Kimi", "moonshotai/Kimi-K2 kimi-k2"),
        ("Phi", "phi-4 microsoft/Phi-3-mini"),
        (None, "standin olmo-2 phineas philosopher-7b command-r my.model"),
    ],
)
def test_a_family_is_known_by_the_name_whoever_hosts_the_model(
    family: str | None, models: str
) -> None:
    assert {model: family_of(model) for model in models.split()} == dict.fromkeys(
        models.split(), family
    )


def test_a_judge_of_the_players_family_is_told_of_with_whom_it_is_related_to() -> None:
    config = load_config(
        None,
        {
            "model.name": "gpt-4o",
            "roles.assistant.model": "qwen-max",
            "roles.judge.model": "openai/gpt-4.1",
            "filters.panel": [{"model": "Qwen/Qwen3-32B"}, {"model": "claude-sonnet-4"}],
        },
    )
    gpt, qwen = related_judges([judge.model for judge in config.judges], config)
    assert "openai/gpt-4.1 is of one family (GPT) with what plays writer, user and tool" in gpt
    assert "Qwen/Qwen3-32B is of one family (Qwen) with what plays assistant" in qwen


def test_models_of_no_known_family_are_no_relatives() -> None:
    config = load_config(None, {"model.name": "standin"})
    assert related_judges([judge.model for judge in config.judges], config) == []
