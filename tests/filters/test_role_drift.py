"""Speaking in another one's role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simkit.filters.rules.role_drift import RoleDrift

Build = Callable[..., Any]


@pytest.fixture
def masked(a_trajectory: Build) -> Callable[..., list[int | None]]:
    """The turns that the check objects to, for the given messages."""
    return lambda *messages: [o.turn for o in RoleDrift().check(a_trajectory(messages=messages))]


@pytest.mark.parametrize(
    "drifted",
    [
        "Hi, I'd like to book a flight from Oslo to Rome on May 20.",
        "Can you help me find a hotel in Oslo?",
        "Thank you so much for your help! That's all I needed.",
        "I can't find my reservation. My last name is Lund.",
        '{"celsius": 21.5, "city": "Oslo"}',
        "User: How warm is it?\nAssistant: It is 21.5 degrees.",
    ],
)
def test_an_assistant_who_speaks_as_a_user_or_a_tool_is_masked(
    masked: Build, user: Build, says: Build, drifted: str
) -> None:
    assert masked(user(), says(), user("And now?"), says(drifted)) == [3]


def test_an_assistant_who_repeats_the_user_word_for_word_is_masked(
    masked: Build, user: Build, says: Build
) -> None:
    asked = "Merhaba, Oslo'da hava bugün kaç derece acaba?"
    assert masked(user(asked), says(asked)) == [1]


@pytest.mark.parametrize(
    "drifted",
    [
        "How can I help you today?",
        "Let me check the weather for you.",
        "I've booked the room for you. Is there anything else I can assist you with?",
        "As an AI, I have no access to that.",
        "Your reservation has been cancelled.",
    ],
)
def test_who_answers_a_user_that_serves_is_masked(
    masked: Build, user: Build, says: Build, drifted: str
) -> None:
    rest = (user("Thanks."), says("Bye."))
    assert masked(user(), says(), user(drifted), says("Good."), *rest) == [3]


def test_a_user_who_serves_in_half_of_the_messages_spoils_the_whole(
    masked: Build, user: Build, says: Build
) -> None:
    assert masked(user(), says(), user("How may I assist you?"), says()) == [None]


@pytest.mark.parametrize(
    "drifted",
    [
        "I found 3 flights for you. Would you like me to book one?",
        "Sure! It is 21.5 degrees in Oslo.",
        "I'm sorry, but I could not find that city.",
    ],
)
def test_who_answers_a_tool_that_chats_is_masked(
    masked: Build, user: Build, calls: Build, result: Build, says: Build, drifted: str
) -> None:
    assert masked(user(), calls(a={}), result("a", drifted), says()) == [3]


@pytest.mark.parametrize(
    "plain",
    [
        "Error: user not found",
        "Transfer successful",
        "1436.0",
        "Certificate certificate_3221322 added to user mia_li_3668 with amount 100.",
        '{"message": "I found 3 flights for you. Would you like me to book one?"}',
    ],
)
def test_plain_text_that_only_tells_is_a_tools_right(
    masked: Build, user: Build, calls: Build, result: Build, says: Build, plain: str
) -> None:
    assert masked(user(), calls(a={}), result("a", plain), says()) == []


@pytest.mark.parametrize(
    "sound",
    [
        "To cancel, I need your reservation ID. Could you please provide it?",
        "I'd like to confirm your address first. My functions are limited to weather.",
        'You can write: "I would like to cancel my booking".',
        "Thank you for your help in confirming the details.",
    ],
)
def test_an_assistant_who_asks_and_quotes_is_in_its_role(
    masked: Build, user: Build, says: Build, sound: str
) -> None:
    assert masked(user(), says(sound)) == []


def test_a_text_for_another_mouth_may_speak_in_its_voice(
    masked: Build, user: Build, says: Build
) -> None:
    wanted = user("Write a letter to my bank, please.")
    assert masked(wanted, says("Dear bank, I'd like to cancel my card.")) == []


def test_a_sentence_in_the_place_of_a_declared_object_is_no_result(
    masked: Build, user: Build, calls: Build, result: Build, says: Build
) -> None:
    told = "The temperature was measured, and it was passed on to the customer."
    assert masked(user(), calls(a={}), result("a", told), says()) == [3]
    assert masked(user(), calls("note", a={}), result("a", told), says()) == []
    assert masked(user(), calls(a={}), result("a", f"Error: {told}"), says()) == []


@pytest.mark.parametrize(
    "drifted",
    [
        "I've been waiting for my parcel since Monday, and I was told it would be here by now.",
        "I'd rather have the window seat, please.",
        "Hm, that one is too expensive. I don't need breakfast anyway.",
        "Both are okay with me.",
    ],
)
def test_two_hints_of_a_user_and_none_of_an_assistant_tell_a_user(
    masked: Build, user: Build, says: Build, drifted: str
) -> None:
    assert masked(user(), says(), user("And now?"), says(drifted)) == [3]
    assert masked(user(drifted), says(), user("And now?"), says()) == []


@pytest.mark.parametrize(
    "drifted",
    [
        "Unfortunately we cannot refund that; you will receive a voucher instead.",
        "Which date would you prefer? Please note that seats are limited.",
        "Based on your budget, I would suggest the earlier train.",
    ],
)
def test_two_hints_of_an_assistant_and_none_of_a_user_tell_an_assistant(
    masked: Build, user: Build, says: Build, drifted: str
) -> None:
    assert masked(user(), says(), user(drifted), says("I see."), user("Well.")) == [3]
    assert masked(user(), says(drifted)) == []


def test_hints_of_both_sides_tell_nobody(masked: Build, user: Build, says: Build) -> None:
    both = "I don't know my way around there, but you can take the bus; here is your ticket."
    assert masked(user(), says(both)) == []


@pytest.mark.parametrize(
    "chat", ["I took a look and saw nothing odd.", "Good news, it works again."]
)
def test_a_tool_that_speaks_of_itself_or_exclaims_masks_the_answer(
    masked: Build, user: Build, says: Build, calls: Build, result: Build, chat: str
) -> None:
    assert masked(user(), calls(a={}), result("a", chat), says()) == [3]
    assert masked(user(), calls(a={}), result("a", "Error: I cannot do that."), says()) == []
