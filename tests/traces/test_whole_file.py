"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from simkit.traces.whole_file import written_whole


def test_a_file_is_replaced_when_the_block_ends_and_left_when_it_raises(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_bytes(b"before")
    with pytest.raises(ZeroDivisionError), written_whole(path) as file:
        file.write(b"half" * (1 // 0))
    assert path.read_bytes() == b"before"
    with written_whole(path) as file:
        file.write(b"after")
        assert path.read_bytes() == b"before"
    assert path.read_bytes() == b"after"
    assert [one.name for one in tmp_path.iterdir()] == ["out.txt"]


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(path.read_bytes()))
    reader.start()
    with written_whole(path) as file:
        file.write(b"line\n")
    reader.join(timeout=60)
    assert received == [b"line\n"]
    assert path.is_fifo()


def test_standard_output_by_its_name_is_written_to_and_stays_where_it_was(tmp_path: Path) -> None:
    script = (
        "from pathlib import Path\n"
        "from simkit.traces.whole_file import written_whole\n"
        "with written_whole(Path('/dev/stdout')) as file: file.write(b'line')\n"
    )
    out = tmp_path / "out.txt"
    with out.open("wb") as file:
        subprocess.run([sys.executable, "-c", script], stdout=file, check=True)
    assert out.read_bytes() == b"line"
    assert Path("/dev/stdout").is_symlink()
