"""Opening a bundle in another process first: a damaged one can kill who parses it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from model.bundle.manifest import damaged


def verify_in_child(path: Path, *, seconds: float = 120.0) -> None:
    """Let another process open a bundle and predict its golden rows.

    Raises
    ------
    DamagedBundle
        The child refused it, crashed on it, or did not end in time.
    """
    # The child finds this very code, whether it is installed or on a test's path.
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-m", "model.bundle.child", str(path)]
    try:
        child = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False,
            timeout=seconds,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise damaged(path, f"opening it took over {seconds:g} s") from error
    if child.returncode:
        last = (child.stderr.strip().splitlines() or ["no word"])[-1]
        raise damaged(path, f"a trial process ended with {child.returncode}: {last}")
