"""Credentials in what would be trained on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simkit.filters.rules.secrets import Secrets

Build = Callable[..., Any]


@pytest.fixture
def masked(a_trajectory: Build) -> Callable[..., list[int | None]]:
    """The turns that the check objects to, for the given messages."""
    return lambda *messages: [o.turn for o in Secrets().check(a_trajectory(messages=messages))]


# Made up here, in pieces, so that nobody's scanner takes them for real ones.
GITHUB = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
AWS = "AKIA" + "Z7Q4HNB2XKLM3P5R"
TOKEN = ".".join(["eyJ" + "hbGciOiJIUzI1NiJ9", "eyJ" + "zdWIiOiI5ODc2NSJ9", "q8Zk3LmN0pQrStUv"])
CARD = "4539 1488" + " 0343 6467"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"Use {GITHUB} for it.", "GitHub token"),
        (f"The key is {AWS}.", "AWS access key"),
        ("-----BEGIN RSA " + "PRIVATE KEY-----", "private key"),
        (f"Your session is {TOKEN}", "JSON web token"),
        ("The password is " + "hunter2!x", "password"),
        ("Go to https://anna:" + "Tr0ub4dor@db.internal/x", "password in an address"),
        (f"I charged your card {CARD}.", "card number"),
    ],
)
def test_a_secret_is_masked_and_its_kind_is_told_without_it(
    a_trajectory: Build, user: Build, says: Build, text: str, kind: str
) -> None:
    (found,) = Secrets().check(a_trajectory(messages=(user(), says(text))))
    assert found.turn == 1
    assert kind in found.message
    longest = max(text.split(), key=len)
    assert longest not in found.message


@pytest.mark.parametrize(
    "sound",
    [
        "Put sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx there.",
        "Use AKIAIOSFODNN7EXAMPLE in tests.",
        "Your card 4111 1111 1111 1111 works in the sandbox.",
        "The order 4539148803436467 is on its way.",
        "The password is required.",
        "Your visa card ending in 6467 was charged.",
    ],
)
def test_stand_ins_and_other_numbers_are_no_secrets(
    masked: Build, user: Build, says: Build, sound: str
) -> None:
    assert masked(user(), says(sound)) == []


def test_a_key_in_the_arguments_of_a_call_is_masked(
    masked: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    given = user(f"My key is {GITHUB}.")
    assert masked(given, calls(a={"key": GITHUB}), result("a"), says()) == [1]


@pytest.mark.parametrize("value", [TOKEN, CARD])
def test_what_was_given_may_be_handed_on_to_a_function(
    masked: Build, user: Build, calls: Build, result: Build, says: Build, value: str
) -> None:
    call = calls(a={"card_number": value.replace(" ", "")})
    assert masked(user(f"Take {value}."), call, result("a"), says()) == []
    assert masked(user("Take mine."), call, result("a"), says()) == [1]


def test_a_password_that_a_function_made_may_be_told(
    masked: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    made = result("a", '{"password": "hunter2!x"}')
    assert masked(user(), calls(a={}), made, says("Your password is hunter2!x")) == []
