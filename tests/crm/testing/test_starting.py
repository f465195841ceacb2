"""Doubles that are started by hand say where they really are."""

from __future__ import annotations

import socket
import subprocess
import sys
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

DOUBLES = ["crm.testing.bitrix24", "crm.testing.amocrm", "crm.testing.bitrix24.showing"]


@pytest.mark.parametrize("double", DOUBLES)
def test_a_double_on_any_free_port_is_where_it_says(double: str) -> None:
    """The address that it prints for port 0 is one at which it answers."""
    asked = [sys.executable, "-u", "-m", double, "--port", "0", "--leads", "1"]
    with subprocess.Popen(asked, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split()[1]
            with pytest.raises(HTTPError) as refused:
                urlopen(address.rstrip("/") + "/nothing.there", timeout=20)
            refused.value.close()
        finally:
            process.kill()

    assert refused.value.code >= 400


@pytest.mark.parametrize("double", DOUBLES)
def test_a_port_that_is_taken_is_named(double: str) -> None:
    """Nothing is promised at an address that somebody else has."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        asked = [sys.executable, "-m", double, "--port", port, "--leads", "1"]
        ended = subprocess.run(asked, capture_output=True, text=True, timeout=60)

    assert ended.returncode == 2
    assert f"Port {port} cannot be had" in ended.stderr
    assert not ended.stdout
