"""A configuration with every option and what it means."""

from __future__ import annotations

from pathlib import Path

import pytest

from simkit.config import BudgetSection, ProviderConfig, RunConfig
from simkit.config_file import load_config
from simkit.config_listing import listing

FULL = """
[model]
name = "m"
provider = ["east", "west"]
fallback = [{ provider = "west", model = "other" }]
[roles.judge]
temperature = 0.5
fallback = []
[budget]
money = 3.5
prices = "/prices.toml"
[providers.east]
base_url = "https://east.example/v1"
api_key_env = ["A", "B"]
extra_headers = { X-Team = "a", "X Odd" = "b" }
[providers.west]
base_url = "https://west.example/v1"
max_calls_in_flight = 7
[[filters.panel]]
model = "judge"
[[filters.panel]]
model = "other"
provider = "east"
temperature = 0.2
"""


@pytest.mark.parametrize("text", ["", FULL])
def test_a_listing_loads_as_the_configuration_that_it_lists(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.toml"
    path.write_text(text)
    config = load_config(path, {})
    path.write_text(listing(config))

    assert load_config(path, {}) == config


def test_every_option_is_there_with_its_meaning_and_its_choices() -> None:
    lines = listing(RunConfig()).splitlines()

    for name in [*BudgetSection.model_fields, *ProviderConfig.model_fields]:
        place = next(i for i, line in enumerate(lines) if line.startswith(f"# {name} ="))
        assert lines[place - 1].startswith("# ")
        assert "``" not in lines[place - 1]
    modes = lines[lines.index('# tool_mode = "native"') - 1]
    assert modes.endswith("One of: native, json_schema, prompt.")


def test_meanings_are_told_once_for_tables_of_one_kind(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text(FULL)
    text = listing(load_config(path, {}))

    assert text.count("# Most calls at once; unset: learned.") == 1
    assert text.count("# output_tokens_per_minute =") == 2
