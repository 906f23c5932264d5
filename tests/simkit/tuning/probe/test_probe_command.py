"""``simkit tune --live`` as a person meets it: how it ends, what it refuses and returns."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from simkit.cli.main import main
from tests.simkit.tuning.probe.commands import SIMKIT, a_standin

PATIENCE_SECONDS = 30.0
PROBE = ("tune", "mine.toml", "--live", "--budget", "900000")


def configured(folder: Path, base_url: str) -> None:
    (folder / "mine.toml").write_text(
        f'[providers.default]\nbase_url = "{base_url}"\n[model]\nname = "standin"\n'
        '[catalog]\ndemo = true\n[graph]\nembedder = "lexical"\n'
        "[walk]\nmin_length = 2\nmax_length = 4\n[run]\nconversations = 400\n"
    )


def started(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    places = {"XDG_CACHE_HOME": folder / "cache", "XDG_RUNTIME_DIR": folder}
    return subprocess.Popen(
        [*SIMKIT, *arguments],
        cwd=folder,
        env={**os.environ, **{name: str(path) for name, path in places.items()}},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, " ".join(out.split()), " ".join(err.split())


def status(folder: Path) -> tuple[int, str, str]:
    """Of the probe in *folder*, once it can be asked."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = ended(started(folder, "status", "runs/mine-probe-1"))
        if found[0] == 0 or time.monotonic() > until:
            return found
        time.sleep(0.1)


def test_a_probe_takes_no_orders_and_tells_what_it_has_found_when_it_is_interrupted(
    tmp_path: Path,
) -> None:
    with a_standin("--latency", "0.1") as base_url:
        configured(tmp_path, base_url)
        probe = started(tmp_path, *PROBE)
        try:
            code, _, err = status(tmp_path)
            assert code == 0, err
            for order in (["set", "runs/mine-probe-1", "concurrency=40"], ["pause"]):
                folder = ["runs/mine-probe-1"] * (len(order) == 1)
                code, _, err = ended(started(tmp_path, *order, *folder))
                assert code == 2
                assert "this is a probe, which sets these itself; stop it with Ctrl+C" in err
            probe.send_signal(signal.SIGINT)
            code, out, err = ended(probe)
        finally:
            probe.kill()
    assert code == 130, err
    assert "The probe ended because it was interrupted" in out
    assert "requests a minute" in out
    assert "simkit: interrupted; everything so far is stored" in err
    # A stage takes ten seconds at least.
    assert "Nothing is recommended: " in out
    assert not list(tmp_path.glob("runs/*.toml"))


def test_a_provider_that_refuses_nearly_everything_is_a_run_that_failed(tmp_path: Path) -> None:
    with a_standin("--rpm", "0.01", "--latency", "0.02") as base_url:
        configured(tmp_path, base_url)
        code, out, err = ended(started(tmp_path, *PROBE))
    assert code == 1, err
    assert "Nothing is recommended: " in out
    assert re.search(r"the provider asks for a rest of (5,9\d\d|6,000) s", out)
    assert not list(tmp_path.glob("runs/*.toml"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--html", "runs/mine-probe-1.toml"], "is the file of --html"),
        (["--html", "runs/mine-probe-1"], "is the file of --html"),
        (["--html", "both", "--out", "both"], "choose another name"),
        (["--out", "runs/mine-probe-1/run.toml"], "there is no folder runs/mine-probe-1"),
        (["--out", "mine.toml"], "choose another name"),
    ],
)
def test_files_that_would_destroy_one_another_are_refused_before_anything_is_spent(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    configured(tmp_path, "http://127.0.0.1:9/v1")
    with pytest.raises(SystemExit) as left:
        main([*PROBE, *options])
    assert left.value.code == 2
    assert said in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert not list((tmp_path / "runs").iterdir())
