"""The loop whose clock jumps."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import aiohttp
import anyio
import anyio.from_thread
import anyio.to_process
import anyio.to_thread
import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from simkit.filters.sole_error import sole_error_raised
from simkit.tuning.virtual_time import VirtualTimeError, VirtualTimeLoop, run_virtually

HALF_A_YEAR = 200 * 86_400.0


def test_an_hour_of_sleep_takes_no_time() -> None:
    async def sleep() -> float:
        await anyio.sleep(3600)
        return anyio.current_time()

    began = time.perf_counter()
    assert run_virtually(sleep) == 3600
    assert time.perf_counter() - began < 5  # generous: the machine may be busy


def test_each_loop_begins_at_0_and_time_stands_still_during_work() -> None:
    async def work() -> tuple[float, float]:
        began = anyio.current_time()
        time.sleep(0.01)  # noqa: ASYNC251  # it is the real clock that moves here
        worked = anyio.current_time()
        await anyio.sleep(5)
        return began, worked

    assert [run_virtually(work), run_virtually(work)] == [(0, 0), (0, 0)]


@given(st.lists(st.sampled_from([0.1, 0.2, 0.30000000000000004, 0.3, 1, 1e-12, 7]), max_size=40))
@settings(max_examples=60)
def test_timers_go_off_in_the_order_of_their_moments_and_then_of_their_setting(
    delays: list[float],
) -> None:
    async def main() -> list[tuple[float, int, float]]:
        loop = asyncio.get_running_loop()
        fired: list[tuple[float, int, float]] = []

        def fire(moment: float, number: int) -> None:
            fired.append((moment, number, loop.time()))

        for number, delay in enumerate(delays):
            loop.call_at(delay, fire, delay, number)
        await anyio.sleep(8)
        return fired

    fired = run_virtually(main)
    assert [one[:2] for one in fired] == sorted((at, n) for n, at in enumerate(delays))
    assert all(now == moment for moment, _, now in fired)


def test_a_timer_that_was_cancelled_moves_no_clock() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        for number in range(300):  # more than asyncio leaves lying about
            timer = loop.call_later(1 + number, pytest.fail, "it was cancelled")
            timer.cancel()
        await anyio.sleep(1000)
        return loop.time()

    assert run_virtually(main) == 1000


def test_timers_still_go_off_when_the_clock_is_too_far_on_to_count_nanoseconds() -> None:
    async def main() -> list[float]:
        await anyio.sleep(HALF_A_YEAR)
        moments = []
        for _ in range(3):
            await anyio.sleep(0.25)
            moments.append(anyio.current_time() - HALF_A_YEAR)
        return moments

    assert run_virtually(main) == [0.25, 0.5, 0.75]


def test_deadlines_pass_at_their_exact_moments() -> None:
    async def main() -> list[float]:
        moments = []
        with anyio.move_on_after(0.7):
            await anyio.sleep_forever()
        moments.append(anyio.current_time())
        with pytest.raises(TimeoutError), anyio.fail_after(1e5 / 3):
            await anyio.sleep(80_000)
        moments.append(anyio.current_time())
        with anyio.move_on_after(10) as scope:
            await anyio.sleep(9.999_999_999)
        assert not scope.cancelled_caught
        return moments

    assert run_virtually(main) == [0.7, 0.7 + 1e5 / 3]


def test_what_can_run_at_once_runs_before_the_clock_moves() -> None:
    async def main() -> list[tuple[int, float]]:
        send, receive = anyio.create_memory_object_stream[int](0)

        async def hand_on() -> None:
            with send:
                for number in range(100):
                    await send.send(number)

        async with anyio.create_task_group() as group, receive:
            group.start_soon(anyio.sleep, 60)
            group.start_soon(hand_on)
            return [(number, anyio.current_time()) async for number in receive]

    assert run_virtually(main) == [(number, 0) for number in range(100)]


def _in_default_thread(work: Callable[[], None]) -> Awaitable[None]:
    return anyio.to_thread.run_sync(work)


def _in_thread_of_a_limiter(work: Callable[[], None]) -> Awaitable[None]:
    return anyio.to_thread.run_sync(work, limiter=anyio.CapacityLimiter(1))


def _in_default_executor(work: Callable[[], None]) -> Awaitable[None]:
    return asyncio.get_running_loop().run_in_executor(None, work)


def _in_asyncios_thread(work: Callable[[], None]) -> Awaitable[None]:
    return asyncio.to_thread(work)


async def _in_own_executor(work: Callable[[], None]) -> None:
    with ThreadPoolExecutor(1) as threads:
        await asyncio.get_running_loop().run_in_executor(threads, work)


@pytest.mark.parametrize(
    "in_thread",
    [
        _in_default_thread,
        _in_thread_of_a_limiter,
        _in_default_executor,
        _in_asyncios_thread,
        _in_own_executor,
    ],
)
def test_the_clock_stands_still_while_a_thread_works(
    in_thread: Callable[[Callable[[], None]], Awaitable[None]],
) -> None:
    """However often, and after an error as well; then it goes on."""

    def fail() -> None:
        raise KeyError("in the thread")

    async def main() -> list[float]:
        moments = []
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.sleep, 100)  # what the clock could jump to
            for work in (partial(time.sleep, 0.06), partial(time.sleep, 0.001), fail):
                try:
                    await in_thread(work)
                except KeyError:
                    moments.append(-1.0)
                moments.append(anyio.current_time())
                await anyio.sleep(1)
        moments.append(anyio.current_time())
        return moments

    assert run_virtually(main) == [0, 1, -1, 2, 100]


def test_threads_that_were_used_hold_up_nothing() -> None:
    """anyio ends those that were idle for ten seconds, which here are over at once."""

    async def main() -> None:
        for _ in range(100):
            async with anyio.create_task_group() as group:
                for _ in range(4):
                    group.start_soon(anyio.to_thread.run_sync, int)
            await anyio.sleep(60)

    began = time.perf_counter()
    run_virtually(main)
    assert time.perf_counter() - began < 3  # a look at each would make it five times as long


def test_a_thread_may_tell_the_loop_something_before_it_is_done() -> None:
    async def main() -> list[tuple[str, float]]:
        told: list[tuple[str, float]] = []

        def work() -> None:
            for word in ("half", "done"):
                time.sleep(0.01)
                anyio.from_thread.run_sync(lambda word=word: told.append((word, loop.time())))

        loop = asyncio.get_running_loop()
        with anyio.move_on_after(1):
            await anyio.to_thread.run_sync(work)
        return told

    assert run_virtually(main) == [("half", 0), ("done", 0)]


async def _ask_over_http(address: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(address):
        pass


async def _listen() -> None:
    runner = web.AppRunner(web.Application())
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
    finally:
        await runner.cleanup()


async def _wait_for_socket() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        await anyio.wait_readable(ours)


@pytest.mark.parametrize(
    "work",
    [
        partial(_ask_over_http, "http://127.0.0.1:9/"),
        partial(_ask_over_http, "http://localhost:9/"),
        partial(_ask_over_http, "http://nowhere.invalid/"),
        _listen,
        _wait_for_socket,
        partial(anyio.connect_tcp, "127.0.0.1", 9),
        partial(anyio.connect_tcp, "localhost", 9),
        partial(anyio.create_tcp_listener, local_host="127.0.0.1"),
        partial(anyio.create_udp_socket, local_host="127.0.0.1"),
        partial(anyio.run_process, [sys.executable, "-c", ""]),
        partial(anyio.run_process, "exit"),
        partial(anyio.to_process.run_sync, int),
    ],
)
def test_networks_and_processes_are_refused_with_what_to_do(
    work: Callable[[], Awaitable[object]],
) -> None:
    async def main() -> None:
        with sole_error_raised():  # anyio tries the addresses of a host in a group
            await work()

    with pytest.raises(VirtualTimeError, match="a client that answers in memory") as refused:
        run_virtually(main)
    assert "run in real time" in str(refused.value)


@pytest.mark.parametrize(
    "forever", [anyio.sleep_forever, partial(anyio.sleep, float("inf"))], ids=["event", "timer"]
)
def test_tasks_that_all_wait_for_ever_are_an_error_and_their_ends_run(
    forever: Callable[[], Awaitable[None]],
) -> None:
    ended = set()

    async def wait(number: int) -> None:
        try:
            await forever()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(3)  # there is time again once somebody sets a timer
            ended.add((number, anyio.current_time()))

    async def main() -> None:
        await anyio.sleep(5)
        async with anyio.create_task_group() as group:
            group.start_soon(wait, 1)
            group.start_soon(wait, 2)

    with pytest.raises(VirtualTimeError, match="nothing will ever happen"):
        run_virtually(main)
    assert ended == {(1, 8), (2, 8)}


def test_an_error_comes_out_as_itself_and_a_result_as_it_is() -> None:
    async def fail(message: str) -> None:
        await anyio.sleep(1)
        raise LookupError(message)

    async def answer(value: int) -> int:
        return value

    with pytest.raises(LookupError, match="lost"):
        run_virtually(fail, "lost")
    assert run_virtually(answer, 42) == 42


def test_a_computation_takes_the_time_that_is_let_pass() -> None:
    async def main() -> list[float]:
        moments: list[float] = []

        async def tick() -> None:
            for _ in range(3):
                await anyio.sleep(1)
                moments.append(anyio.current_time())

        async with anyio.create_task_group() as group:
            group.start_soon(tick)
            await anyio.sleep(0.5)
            loop = asyncio.get_running_loop()
            assert isinstance(loop, VirtualTimeLoop)
            loop.let_pass(10)
        return moments

    assert run_virtually(main) == [10.5, 11.5, 12.5]


BUSY = """
import sys
import anyio
from simkit.tuning.virtual_time import run_virtually

async def work():
    {thread}
    print("working", flush=True)
    while True:
        await anyio.sleep({seconds})

run_virtually(work)
"""


@pytest.mark.parametrize("thread", ["pass", "await anyio.to_thread.run_sync(int)"])
@pytest.mark.parametrize("seconds", [0, 1])
def test_ctrl_c_ends_it_however_busy_it_is(thread: str, seconds: int) -> None:
    program = BUSY.format(thread=thread, seconds=seconds)
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "working\n"
            child.send_signal(signal.SIGINT)
            _, told = child.communicate(timeout=20)
        finally:
            child.kill()
    assert child.returncode != 0
    assert told.rstrip().endswith("KeyboardInterrupt")


@pytest.mark.parametrize("seconds", [0, 1])
def test_signals_reach_those_who_wait_for_them_however_busy_it_is(seconds: int) -> None:
    async def main() -> None:
        async def be_busy() -> None:
            give_up = time.perf_counter() + 10
            while time.perf_counter() < give_up:  # noqa: ASYNC110  # nothing to wait for
                await anyio.sleep(seconds)
            raise TimeoutError

        with anyio.open_signal_receiver(signal.SIGUSR1) as signals:
            async with anyio.create_task_group() as group:
                group.start_soon(be_busy)
                signal.raise_signal(signal.SIGUSR1)
                async for number in signals:
                    assert number == signal.SIGUSR1
                    group.cancel_scope.cancel()

    run_virtually(main)


async def _plays_dice() -> list[tuple[int, float]]:
    lock, log = anyio.Lock(), []

    async def work(number: int) -> None:
        for turn in range(5):
            await anyio.sleep((number * 7 + turn) % 5)
            async with lock:
                await anyio.sleep(0.5)
                log.append((number, anyio.current_time()))

    async with anyio.create_task_group() as group:
        for number in range(40):
            group.start_soon(work, number)
    return log


def test_the_same_program_passes_the_same_moments_in_the_same_order() -> None:
    assert run_virtually(_plays_dice) == run_virtually(_plays_dice)


def test_loops_in_two_threads_do_not_wait_for_each_other() -> None:
    moments: list[float] = []

    async def sleep() -> float:
        await anyio.to_thread.run_sync(time.sleep, 0.01)
        await anyio.sleep(60)
        return anyio.current_time()

    threads = [
        threading.Thread(target=lambda: moments.append(run_virtually(sleep))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert moments == [60, 60]
