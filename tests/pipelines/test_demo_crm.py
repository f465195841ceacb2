"""The whole loop beside a CRM runs by itself to its end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.serve.service import ROOT, environment

CONFIG = ROOT / "pipelines" / "config" / "demo_crm.toml"


def ran(config: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run the verb in a process of its own."""
    command = [sys.executable, "-m", "pipelines", "demo-crm", "--config", str(config)]
    return subprocess.run(
        [*command, *more],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.long
def test_the_loop_is_closed(tmp_path: Path) -> None:
    """From an empty store to cards, robot and tab; all processes end with it."""
    folder = tmp_path / "pipelines" / "config"
    folder.mkdir(parents=True)
    config = folder / "demo_crm.toml"
    for name in (CONFIG.name, "demo_crm.playbook.yaml"):
        text = CONFIG.with_name(name).read_text(encoding="utf-8")
        (folder / name).write_text(text, encoding="utf-8")

    done = ran(config, "--no-serve", "--leads", "600")
    assert done.returncode == 0, done.stderr[-2_000:]
    said = " ".join(done.stdout.replace("│", " ").split())
    assert "cards written" in said
    assert "07:00 digest" in said
    assert "leads, first" in said
    assert said.count("predicted after") == 3
    assert "on the card after" in said
    assert "are on it" in said


def test_a_real_account_is_never_cleared(tmp_path: Path) -> None:
    """The demo clears its store first, so another account's is refused."""
    config = tmp_path / "acme.toml"
    text = CONFIG.read_text(encoding="utf-8").replace('"demo"', '"acme"')
    config.write_text(text, encoding="utf-8")

    done = ran(config, "--no-serve")
    assert done.returncode == 2
    assert "double alone" in done.stderr
