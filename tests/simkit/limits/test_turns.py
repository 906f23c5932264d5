"""Whose turn it is."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simkit.limits.turns import Turns

Share = Literal["a", "b"]
EQUAL: dict[Share, float] = {"a": 1.0, "b": 1.0}


def drain(turns: Turns[Share, str], cost: float = 1.0) -> str:
    taken = ""
    while (head := turns.head()) is not None:
        taken += head
        turns.pop(cost)
    return taken


def test_lower_order_goes_first_and_equal_ones_by_arrival() -> None:
    turns: Turns[Share, str] = Turns(EQUAL)
    for order, item in [((2,), "x"), ((1, 5), "y"), ((1, 4), "z"), ((2,), "w")]:
        turns.add("a", order, item)
    assert len(turns) == 4
    assert drain(turns) == "zyxw"


def test_weights_decide_how_much_each_share_gets() -> None:
    turns: Turns[Share, str] = Turns({"a": 3.0, "b": 1.0})
    for _ in range(30):
        turns.add("a", (0,), "a")
        turns.add("b", (0,), "b")
    assert drain(turns)[:40].count("a") == 30


def test_a_share_alone_gets_everything() -> None:
    turns: Turns[Share, str] = Turns(EQUAL)
    for _ in range(10):
        turns.add("b", (0,), "b")
    assert drain(turns) == "b" * 10


def test_a_share_that_was_alone_for_long_owes_nothing_to_one_that_comes_later() -> None:
    turns: Turns[Share, str] = Turns(EQUAL)
    for _ in range(100):
        turns.add("a", (0,), "a")
    drain(turns)
    shares: tuple[Share, ...] = ("b", "a")
    for share in shares:
        for _ in range(10):
            turns.add(share, (0,), share)
    assert "aaa" not in (taken := drain(turns))
    assert "bbb" not in taken


def test_who_has_withdrawn_is_never_next() -> None:
    turns: Turns[Share, str] = Turns(EQUAL)
    tickets = [turns.add("a", (0,), item) for item in "xyz"]
    turns.withdraw(tickets[0])
    turns.withdraw(tickets[1])
    assert (len(turns), turns.head()) == (1, "z")
    turns.withdraw(tickets[2])
    assert (len(turns), turns.head()) == (0, None)
    with pytest.raises(IndexError, match="nobody waits"):
        turns.pop(1)


steps = st.lists(
    st.tuples(
        st.sampled_from(["add a", "add b", "pop", "pop", "withdraw"]),
        st.integers(1, 100),
    ),
    max_size=200,
)


@given(steps)
def test_while_both_shares_wait_neither_gets_more_than_two_large_calls_ahead(
    plan: list[tuple[str, int]],
) -> None:
    turns: Turns[Share, tuple[Share, int]] = Turns(EQUAL)
    waiting: dict[int, tuple[Share, int]] = {}
    lead = 0.0
    leads = [0.0]
    for step, number in plan:
        if step.startswith("add"):
            share: Share = "a" if step.endswith("a") else "b"
            item = (share, number)
            waiting[turns.add(share, (0,), item)] = item
        elif step == "withdraw" and waiting:
            ticket = list(waiting)[number % len(waiting)]
            turns.withdraw(ticket)
            del waiting[ticket]
        elif step == "pop" and (head := turns.head()) is not None:
            share, cost = head
            ticket = next(ticket for ticket, item in waiting.items() if item[0] == share)
            assert waiting.pop(ticket) is head  # first come, first served within a share
            turns.pop(cost)
            lead += cost if share == "a" else -cost
            leads.append(lead)
        assert len(turns) == len(waiting)
        if {share for share, _ in waiting.values()} != {"a", "b"}:
            leads = [lead]  # one is alone, and may have everything
        assert max(leads) - min(leads) <= 200
