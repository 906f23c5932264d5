"""The bus informs; it never holds a run back and never raises."""

from __future__ import annotations

from simkit.bus import Bus
from simkit.traces.events import ConversationStarted, Event


def started(scenario: int) -> Event:
    return ConversationStarted(scenario=scenario)


async def test_every_watcher_receives_every_event_in_order() -> None:
    bus = Bus()
    with bus.subscribe(10) as one, bus.subscribe(10) as other:
        for scenario in range(3):
            bus.publish(started(scenario))
        bus.close()

        assert [event async for event in one] == [started(n) for n in range(3)]
        assert [event async for event in other] == [started(n) for n in range(3)]
    assert bus.dropped == 0


async def test_a_slow_watcher_misses_events_which_are_counted_and_others_miss_none() -> None:
    bus = Bus()
    with bus.subscribe(2) as slow, bus.subscribe(10) as quick:
        for scenario in range(5):
            bus.publish(started(scenario))
        bus.close()

        assert [event async for event in slow] == [started(0), started(1)]
        assert len([event async for event in quick]) == 5
    assert bus.dropped == 3


async def test_a_watcher_that_left_costs_nothing() -> None:
    bus = Bus()
    with bus.subscribe(1):
        pass
    with bus.subscribe(1) as closed_early:
        closed_early.close()
        bus.publish(started(0))
    bus.publish(started(1))

    assert bus.dropped == 0


async def test_a_bus_without_watchers_may_be_told_anything_and_closed_twice() -> None:
    bus = Bus()
    bus.publish(started(0))
    bus.close()
    bus.close()
    bus.publish(started(1))

    assert bus.dropped == 0
