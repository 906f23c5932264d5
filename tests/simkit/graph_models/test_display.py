"""What people are told while a model is asked."""

from __future__ import annotations

from simkit.graph_models.display import facts
from simkit.graph_models.tally import Tally
from simkit.spending import Spending


def test_progress_tells_how_far_how_fast_what_it_costs_and_how_long_still() -> None:
    tally = Tally(things="functions", wanted=100, started_at=0.0)
    tally.count(20, 18, 10.0)
    tally.fail(10, "HTTP 500\nagain")
    spending = (
        Spending(unit="tokens", spent=1_234.0, limit=None, forecast=None),
        Spending(unit="USD", spent=0.0123, limit=1.0, forecast=None),
    )
    assert facts(tally, spending=spending, limiting="requests", now=10.0) == [
        "30 of 100 functions",
        "12 without a usable reply",
        "2.0/s",
        "1,234 tokens",
        "0.0123 USD",
        "limited by requests",
        "about 0:00:35 left",
    ]
    assert tally.problem == "HTTP 500 again"
