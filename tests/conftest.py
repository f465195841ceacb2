"""What several parts' tests need: the real data sets, and a real PostgreSQL."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import structlog
from sqlalchemy import URL

ROOT = Path(__file__).resolve().parents[1]
SERVER_USER = "postgres"  # PostgreSQL refuses to run as root


@pytest.fixture(autouse=True)
def _own_logs() -> Iterator[None]:
    """Forget the stream that a command of this test sent its logs to."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the public data sets; the test is skipped where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"REAL DATA ABSENT: no folder {folder}; nothing proved on it")
    return folder


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Path]:
    """Socket folder of a PostgreSQL that lives as long as the test session."""
    initdb, pg_ctl = _binary("initdb"), _binary("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("POSTGRESQL ABSENT: no initdb and pg_ctl; nothing proved on it")
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short: a socket path has 107 bytes
    as_user = _as_server_user(folder)
    data, log = folder / "data", folder / "log"
    _run(
        [*as_user, initdb, "-D", str(data), "-U", SERVER_USER, "-A", "trust",
         "-E", "UTF8", "--locale", "C", "--no-sync"],
        folder,
    )  # fmt: skip
    options = (
        f"-k {folder} -c listen_addresses='' -c fsync=off -c shared_buffers=16MB"
        " -c max_connections=40"
    )
    control = [*as_user, pg_ctl, "-D", str(data), "-w"]
    _run([*control, "-l", str(log), "-o", options, "start"], folder)
    yield folder
    _run([*control, "-m", "immediate", "stop"], folder)
    shutil.rmtree(folder)


@pytest.fixture
def postgres_url(postgres_server: Path) -> Iterator[str]:
    """SQLAlchemy URL of an empty PostgreSQL database of this test's own."""
    name = f"t{uuid4().hex}"
    admin = f"host={postgres_server} user={SERVER_USER} dbname=postgres"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    url = URL.create(
        "postgresql+psycopg",
        username=SERVER_USER,
        database=name,
        query={"host": str(postgres_server)},
    )
    yield url.render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _binary(name: str) -> str | None:
    """Find a server binary; Debian keeps them off the path, newest version last."""
    found = [str(p) for p in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))]
    return shutil.which(name) or next(reversed(found), None)


def _as_server_user(folder: Path) -> list[str]:
    if os.geteuid() != 0:
        return []
    runuser = shutil.which("runuser") or shutil.which("runuser", path="/usr/sbin")
    if runuser is None:
        pytest.skip(
            "POSTGRESQL REFUSES ROOT, and there is no runuser to step down with"
        )
    try:
        shutil.chown(folder, SERVER_USER)
    except LookupError:
        pytest.skip(f"POSTGRESQL REFUSES ROOT, and there is no user {SERVER_USER!r}")
    return [runuser, "-u", SERVER_USER, "--"]


def _run(command: Sequence[str], folder: Path) -> None:
    # Output to a file: the server inherits it and would keep a pipe open for ever.
    with (folder / "output").open("w+") as output:
        done = subprocess.run(
            command, cwd=folder, stdout=output, stderr=subprocess.STDOUT, check=False
        )
        output.seek(0)
        assert done.returncode == 0, output.read()
