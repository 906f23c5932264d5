"""Room for connections, in a process with the limits that systems start programs with."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
from simkit.open_files import allow_connections
soft, hard, wanted = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(allow_connections(wanted), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "possible", "soft_after"),
    [
        (1024, 4096, 3000, 3000, 3256),
        (1024, 2048, 3000, 1792, 2048),
        (1024, 1024, 500, 500, 1024),
        (300, 300, 500, 44, 300),
    ],
)
def test_the_soft_limit_is_raised_as_far_as_needed_and_allowed(
    soft: int, hard: int, wanted: int, possible: int, soft_after: int
) -> None:
    command = [sys.executable, "-c", PROGRAM, str(soft), str(hard), str(wanted)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert output.split() == [str(possible), str(soft_after), str(hard)]
