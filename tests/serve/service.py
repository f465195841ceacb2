"""A service as a process of its own, for tests that need a real one."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from leads.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 180.0


@dataclass(frozen=True)
class Service:
    """A running process and where it answers."""

    process: subprocess.Popen[bytes]
    url: str
    ready_after: float
    """Seconds from its start until it was ready."""

    def get(self, path: str) -> tuple[int, bytes]:
        """Ask for an address; give status and body."""
        return _ask(Request(self.url + path))

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Send JSON; give status and body."""
        headers = {"Content-Type": "application/json"}
        return _ask(Request(self.url + path, data=body, headers=headers))

    def terminate(self, *, seconds: float = 20.0) -> int:
        """Ask the process to end; give its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=seconds)


def _ask(request: Request) -> tuple[int, bytes]:
    try:
        with urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read()


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def environment() -> dict[str, str]:
    """Let a child find this code, installed or not, and this interpreter's commands."""
    paths = [str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")]
    commands = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PATH": os.pathsep.join(filter(None, commands)),
    }


def config_of(settings: Settings, folder: Path) -> Path:
    """Write settings as a configuration file."""
    sections = settings.model_dump(mode="json", exclude_none=True)
    assert not settings.questionnaire, "lists of sections are not written"
    sections = {name: one for name, one in sections.items() if isinstance(one, dict)}
    lines = []
    for name, section in sections.items():
        lines.append(f"[{name}]")
        for key, value in section.items():
            if not isinstance(value, Mapping):
                lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}")
    path = folder / "company.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@contextmanager
def running(command: list[str], port: int, ready: str) -> Iterator[Service]:
    """Run a process until the block ends, once it answers 200 at ``ready``."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, env=environment(), stdout=said, stderr=subprocess.STDOUT
        )
        started = time.monotonic()
        url = f"http://127.0.0.1:{port}"
        try:
            while not _is_ready(url + ready):
                if process.poll() is not None or (
                    time.monotonic() - started > READY_SECONDS
                ):
                    said.seek(0)
                    raise AssertionError(said.read().decode()[-4_000:])
                time.sleep(0.02)
            yield Service(process, url, time.monotonic() - started)
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(timeout=20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def _is_ready(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (HTTPError, URLError, OSError):
        return False


@contextmanager
def serving(settings: Settings, folder: Path) -> Iterator[Service]:
    """Run ``python -m pipelines serve`` with these settings."""
    port = free_port()
    command = [
        sys.executable, "-m", "pipelines", "serve",
        "--config", str(config_of(settings, folder)), "--port", str(port),
    ]  # fmt: skip
    with running(command, port, "/readyz") as service:
        yield service
