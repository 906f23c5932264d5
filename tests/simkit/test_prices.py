"""Files of prices, and what a call costs."""

from __future__ import annotations

from pathlib import Path

import pytest

from simkit.config import ConfigError
from simkit.prices import Prices, load_prices
from simkit.traces.calls import Usage

HEAD = 'currency = "USD"\nsource = "made up"\ndate = 2026-01-01\n'


def prices(tmp_path: Path, *entries: str) -> Prices:
    path = tmp_path / "prices.toml"
    path.write_text(HEAD + f"prices = [{', '.join(entries)}]")
    return load_prices(path)


def test_the_shipped_prices_name_their_source_and_are_not_free() -> None:
    shipped = load_prices(None)
    assert shipped.currency == "USD"
    assert shipped.source
    assert len(shipped.prices) >= 30
    for price in shipped.prices:
        assert 0 < price.input <= price.output
        assert price.cached_input is None or price.cached_input < price.input
    assert shipped.of("any", "standin") is None


def test_a_dated_name_has_the_price_of_its_model_and_a_longer_name_has_not() -> None:
    shipped = load_prices(None)
    assert shipped.of("any", "gpt-5-2025-08-07") == shipped.of("any", "gpt-5")
    assert shipped.of("any", "gpt-5-mini") != shipped.of("any", "gpt-5")
    assert shipped.of("any", "gpt-5-never-heard-of") is None


def test_cached_input_has_its_own_price_and_reasoning_is_output(tmp_path: Path) -> None:
    found = prices(
        tmp_path,
        '{ models = ["a"], input = 2, cached_input = 0.5, output = 10 }',
        '{ models = ["b"], input = 2, output = 10 }',
    )
    usage = Usage(
        input_tokens=1_000_000,
        cached_input_tokens=400_000,
        output_tokens=100_000,
        reasoning_tokens=90_000,
    )
    a, b = found.of("p", "a"), found.of("p", "b")
    assert a is not None
    assert b is not None
    assert a.of(usage) == pytest.approx(0.6 * 2 + 0.4 * 0.5 + 0.1 * 10)
    assert b.of(usage) == pytest.approx(2 + 0.1 * 10)


@pytest.mark.parametrize(
    ("provider", "model", "input_price"),
    [
        ("p", "big-model", 1),  # exact, before any pattern
        ("p", "big-model-2", 3),  # the longest pattern
        ("p", "big", 2),
        ("mine", "big-model", 4),  # that provider's, before any provider's
        ("mine", "other", 5),
    ],
)
def test_the_nearest_entry_counts(
    tmp_path: Path, provider: str, model: str, input_price: float
) -> None:
    found = prices(
        tmp_path,
        '{ models = ["big*"], input = 2, output = 0 }',
        '{ models = ["big-model"], input = 1, output = 0 }',
        '{ models = ["big-model-*"], input = 3, output = 0 }',
        '{ models = ["big*"], provider = "mine", input = 4, output = 0 }',
        '{ models = ["*"], provider = "mine", input = 5, output = 0 }',
    )
    price = found.of(provider, model)
    assert price is not None
    assert price.input == input_price


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            HEAD + 'prices = [{ models = ["a"], input = 1, output = 1e308 }]',
            "prices[0].output: expected at most 1e+09, found 1e+308",
        ),
        (
            HEAD + 'prices = [{ models = ["a"], input = -1, output = 1 }]',
            "prices[0].input: expected at least 0, found -1",
        ),
        (HEAD + 'prices = [{ models = ["a"], input = 1 }]', "prices[0].output: is required"),
        (
            HEAD + 'prices = [{ models = ["a"], input = 1, output = 1, x = 1 }]',
            "prices[0].x: unknown key; known: models",
        ),
        (HEAD + 'prices = [{ models = ["a", "a"], input = 1, output = 1 }]', "a has two prices"),
        ("prices = []", "currency: is required"),
        ("prices = []\ncurrency = =", "line 2, column 12"),
        ("prices = [\n{", "line 2, column 2"),
    ],
)
def test_a_wrong_file_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"wrong\.toml") as raised:
        load_prices(path)
    assert told in raised.value.problems[0]


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read"):
        load_prices(tmp_path / "none.toml")
