"""The baselines, on functions small enough to see what is right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simkit.graph.lexical import Lexical
from simkit.traces.functions import Function
from tests.bench.edges.feeding import Feeding
from tests.bench.edges.gold import Input, questions_about
from tests.bench.edges.scorers import EmbeddedTexts, SameName, Scorer, TfIdf

Build = Callable[..., Function]


def schema(**properties: str) -> dict[str, Any]:
    """An object schema: names to descriptions."""
    return {
        "type": "object",
        "properties": {
            name: {"type": "string", "description": said} for name, said in properties.items()
        },
    }


@pytest.fixture
def shop(a_function: Build) -> list[Function]:
    return [
        a_function("buy", parameters=schema(item_id="Identifier of the item to buy")),
        a_function("find", outputs=schema(itemId="Identifier of the item", price="Its price")),
        a_function("weigh", outputs=schema(weight="Weight in grams")),
        a_function("look", outputs=schema(item_id="The item's identifier", shelf="Where it is")),
    ]


ASKED = [Input(0, "item_id")]


def test_the_same_name_comes_before_the_same_words(shop: list[Function]) -> None:
    (row,) = SameName().scores(shop, ASKED)
    assert row.tolist() == [0, 1, 0, 2]


@pytest.mark.parametrize("scorer", [TfIdf(), EmbeddedTexts(Lexical(), "words")])
def test_texts_that_share_words_score_above_those_that_do_not(
    shop: list[Function], scorer: Scorer
) -> None:
    (row,) = scorer.scores(shop, ASKED)
    assert min(row[1], row[3]) > row[2]
    assert row.max() <= 1.001


def test_a_function_without_outputs_can_be_ranked(a_function: Build, shop: list[Function]) -> None:
    (row,) = TfIdf().scores([*shop, a_function("pay", outputs=None)], ASKED)
    assert len(row) == 5
    assert row[4] >= 0


def test_a_question_is_asked_once_of_an_input_with_several_producers(shop: list[Function]) -> None:
    gold = questions_about(
        shop,
        [
            Feeding("buy", "item_id", "find", "itemId"),
            Feeding("buy", "item_id", "look", "items[0].id"),
        ],
    )

    (question,) = gold.questions
    assert question.input == Input(0, "item_id")
    assert question.producers == {1, 3}
    assert (gold.pairs, gold.outputs_known, gold.outputs_found) == (2, 2, 1)


def test_pairs_that_the_catalog_does_not_have_are_kept_apart(shop: list[Function]) -> None:
    missing = (
        Feeding("buy", "colour", "find"),
        Feeding("sell", "item_id", "find"),
        Feeding("buy", "item_id", "guess"),
    )
    gold = questions_about(shop, missing)
    assert gold.questions == ()
    assert gold.missing == missing


def test_a_function_that_had_to_be_renamed_is_found_by_its_first_name(a_function: Build) -> None:
    functions = [
        a_function("shop_find", original_name="shop.find", outputs=schema(item_id="")),
        a_function("buy", parameters=schema(colour="")),
        a_function("buy_2", original_name="buy", parameters=schema(item_id="")),
    ]

    gold = questions_about(functions, [Feeding("buy", "item_id", "shop.find")])

    assert gold.questions[0].input == Input(2, "item_id")
    assert gold.questions[0].producers == {0}
