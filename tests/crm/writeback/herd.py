"""Worker processes that are killed and born again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.crm.writeback.cardstore import CardStore
from tests.crm.writeback.nursery import Job

from crm.writeback.upkeep import Upkeep
from leads.journal import Journal

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Herd:
    """Workers by their process ids."""

    nursery: subprocess.Popen[str]
    alive: list[int] = field(default_factory=list)

    def bear(self, job: Job) -> int:
        """Start a worker."""
        assert self.nursery.stdin is not None
        assert self.nursery.stdout is not None
        self.nursery.stdin.write(json.dumps(asdict(job)) + "\n")
        self.nursery.stdin.flush()
        child = int(self.nursery.stdout.readline())
        self.alive.append(child)
        return child

    def kill(self, child: int, how: signal.Signals = signal.SIGKILL) -> None:
        """End a worker, at whatever it is doing."""
        with suppress(ProcessLookupError):
            os.kill(child, how)
        self.alive.remove(child)

    def wake(self, child: int) -> None:
        """Let a worker that was stopped go on."""
        os.kill(child, signal.SIGCONT)

    def is_alive(self, child: int) -> bool:
        """Whether a worker runs."""
        return Path(f"/proc/{child}").exists()


@contextmanager
def herd() -> Iterator[Herd]:
    """Open a nursery; whoever lives at the end is killed."""
    nursery = subprocess.Popen(
        [sys.executable, "-m", "tests.crm.writeback.nursery"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    made = Herd(nursery)
    try:
        yield made
    finally:
        for child in list(made.alive):
            made.kill(child)
        assert nursery.stdin is not None
        nursery.stdin.close()
        nursery.wait(timeout=10)
        assert nursery.stdout is not None
        nursery.stdout.close()


def drained(journal: Journal, *, seconds: float) -> float:
    """Wait until nothing waits; give how long that took, or fail."""
    upkeep = Upkeep(journal, "acme")
    begun = time.monotonic()
    while (state := upkeep.state()).waiting or state.checking:
        assert time.monotonic() - begun < seconds, f"not drained: {state}"
        time.sleep(0.1)
    return time.monotonic() - begun


def lost(journal: Journal, store: CardStore) -> list[str]:
    """Name the cards that do not show the newest prediction of their lead."""
    missed = []
    for entity, fields in store.cards.items():
        latest = journal.latest(entity.removeprefix("lead:"))
        if latest is not None and fields.get("tier") != latest.tier.value:
            missed.append(entity)
    return missed
