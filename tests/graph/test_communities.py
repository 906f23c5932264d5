"""Names of communities: telling, unique, and the same each time."""

from __future__ import annotations

from simkit.graph.communities import community_names


def test_a_community_is_named_by_words_that_others_do_not_use() -> None:
    names = ["get_flight_status", "bookFlight", "flight.seats", "get_order_status", "cancel_order"]
    assert community_names(names, [0, 0, 0, 1, 1], 2) == ["flight book", "order status"]


def test_names_stay_unique_where_functions_are_called_alike() -> None:
    names = ["song_play", "play_song", "song_play_loud", "get", "list"]
    assert community_names(names, [0, 1, 2, 3, 4], 5) == [
        "play song",
        "play song 2",
        "loud play",
        "community 4",
        "community 5",
    ]


def test_a_function_in_no_community_names_none() -> None:
    assert community_names(["alpha", "beta"], [-1, 0], 1) == ["beta"]


def test_other_peoples_names_give_plain_words() -> None:
    names = ["<script>alert</script>", "\x00\u202e42", "x" * 500]
    assert community_names(names, [0, 1, 2], 3) == ["alert script", "community 2", "x" * 30]
