"""What is in the tree is in the wheel, through the links."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("simkit", "agents", "filters", "graph", "traces")
IGNORED = shutil.ignore_patterns("__pycache__")


def tree() -> set[str]:
    """Every tracked kind of file of the packages, named as it is imported."""
    files = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                name = path.relative_to(ROOT).as_posix()
                files.add(name if package == "simkit" else f"simkit/{name}")
    return files


def test_a_wheel_holds_every_module_prompt_and_sample_of_the_tree(tmp_path: Path) -> None:
    # From a copy: a build leaves files behind, and would pack what an earlier one left.
    copy = tmp_path / "copy"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, symlinks=True, ignore=IGNORED)
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, copy)
    # Without isolation: the build tools of this environment, no network.
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(tmp_path)]
    built = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("simkit/")}
    assert packed == tree()
