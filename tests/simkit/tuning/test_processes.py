"""Several processes work at once, and none outlives the block."""

from __future__ import annotations

import math
import multiprocessing
import operator
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from simkit.tuning.processes import ProcessDied, open_processes

DEADLINE_SECONDS = 30.0

SLEEPER = """
import multiprocessing, time
from simkit.tuning.processes import open_processes

if __name__ == "__main__":
    with open_processes(2) as processes:
        for _ in processes.results(time.sleep, [0.0, 3600.0, 3600.0]):
            print(*(child.pid for child in multiprocessing.active_children()), flush=True)
"""


BUSY = SLEEPER.replace(
    "time.sleep, [0.0, 3600.0, 3600.0]", "busy_for, [0.0, 3600.0, 3600.0]"
).replace(
    "if __name__",
    """def busy_for(seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        sum(range(1_000))

if __name__""",
)


def test_results_come_in_the_order_of_the_items():
    with open_processes(2) as processes:
        assert processes.each(math.sqrt, [9.0, 4.0, 1.0, 0.0]) == [3.0, 2.0, 1.0, 0.0]
        assert processes.each(partial(operator.add, 10), [1, 2, 3]) == [11, 12, 13]
        assert processes.each(math.sqrt, []) == []


def test_what_is_ready_first_comes_first():
    with open_processes(2) as processes:
        list(processes.results(time.sleep, [0.0, 0.0]))  # both are up

        order = [position for position, _ in processes.results(time.sleep, [1.0, 0.0, 0.0])]

    assert order == [1, 2, 0]


def test_an_error_comes_out_as_itself():
    with open_processes(1) as processes:
        with pytest.raises(ValueError, match="invalid literal for int"):
            processes.each(int, ["5", "five"])
        with pytest.raises(FileNotFoundError) as missing:
            processes.each(os.listdir, ["/no/such/folder"])
    assert missing.value.filename == "/no/such/folder"


def test_an_error_that_cannot_travel_is_told_with_its_place():
    source = "class Odd(Exception): ...\nraise Odd('for once')"

    with open_processes(1) as processes, pytest.raises(RuntimeError, match="Odd: for once"):
        processes.each(exec, [source])


def test_a_process_that_is_killed_is_told_of():
    with open_processes(1) as processes, pytest.raises(ProcessDied, match="ended too early"):
        processes.each(os._exit, [3])


def test_no_process_is_left_after_the_block():
    with open_processes(2) as processes:
        list(processes.results(time.sleep, [0.0, 0.0]))
        assert len(multiprocessing.active_children()) == 2
    assert not multiprocessing.active_children()


def test_an_interruption_ends_all_of_it_at_once(tmp_path: Path):
    script = tmp_path / "sleeper.py"
    script.write_text(SLEEPER)
    sleeper = subprocess.Popen(
        [sys.executable, script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert sleeper.stdout is not None
    at_work = [int(pid) for pid in sleeper.stdout.readline().split()]
    assert len(at_work) == 2

    os.killpg(sleeper.pid, signal.SIGINT)  # as Ctrl+C does
    began = time.monotonic()
    _, told = sleeper.communicate(timeout=DEADLINE_SECONDS)

    assert time.monotonic() - began < 5
    assert told.count("KeyboardInterrupt") == 1  # of the one that was asked to end
    for pid in at_work:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_none_works_on_when_the_one_that_asked_is_killed(tmp_path: Path):
    script = tmp_path / "busy.py"
    script.write_text(BUSY)
    asking = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    assert asking.stdout is not None
    at_work = [int(pid) for pid in asking.stdout.readline().split()]
    assert len(at_work) == 2

    asking.kill()
    asking.communicate(timeout=DEADLINE_SECONDS)  # it ends when nobody holds the pipe any more
