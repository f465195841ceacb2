from __future__ import annotations

import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.__main__ import app

CONFIG = '[source]\nkind = "files"\nfolder = "."\n'


@pytest.fixture
def config(tmp_path: Path) -> str:
    """Write the smallest configuration."""
    path = tmp_path / "company.toml"
    path.write_text(CONFIG)
    return str(path)


def test_a_taken_port_is_said_in_words(config: str) -> None:
    """A service that cannot listen ends with 4 and names the address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = CliRunner().invoke(app, ["serve", "-c", config, "--port", port])

    assert done.exit_code == 4
    assert port in done.stderr


@pytest.mark.parametrize(
    "address", [["--host", "0.0.0.0"], ["--port", "70000"], ["--host", "::"]]
)
def test_an_address_given_by_hand_follows_the_rules(
    config: str, address: list[str]
) -> None:
    """--host and --port are held to what the configuration is held to."""
    done = CliRunner().invoke(app, ["serve", "-c", config, *address])

    assert done.exit_code == 2
    assert "BadConfig" in done.stderr
