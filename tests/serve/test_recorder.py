from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from leads.decision import Prediction, Tier
from leads.errors import BadInput, Unavailable
from leads.journal import Journal
from serve.recorder import Recorder

NOW = datetime(2026, 6, 2, tzinfo=UTC)
SAID = Prediction(
    "L", NOW, 30, 0.5, 0.0, -1.0, Tier.WARM, {}, (), "1", "d" * 64
)  # fmt: skip


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Open an empty journal."""
    opened = Journal(f"sqlite:///{tmp_path / 'journal.db'}")
    yield opened
    opened.close()


@pytest.fixture
def recorder(journal: Journal) -> Iterator[Recorder]:
    """Record into it."""
    started = Recorder(journal, channel="api", now=lambda: NOW)
    started.start()
    yield started
    started.stop()


def record_all(recorder: Recorder, predictions: list[Prediction]) -> list[object]:
    """Record many at once; give what each waiting request got."""

    async def together() -> list[object]:
        waiting = (recorder.record(said, b"x") for said in predictions)
        return list(await asyncio.gather(*waiting, return_exceptions=True))

    return asyncio.run(together())


def test_what_was_awaited_is_in_the_journal(
    recorder: Recorder, journal: Journal
) -> None:
    """When record returns, every prediction can be read back."""
    many = [replace(SAID, lead_id=f"L{number}") for number in range(300)]

    got = record_all(recorder, many)

    assert got == [None] * 300
    assert [journal.latest(said.lead_id) for said in many] == many


def test_one_that_cannot_be_kept_does_not_cost_the_others(
    recorder: Recorder, journal: Journal
) -> None:
    """Of predictions that go in together only the impossible one is refused."""
    good = [replace(SAID, lead_id=f"L{number}") for number in range(20)]
    bad = replace(SAID, lead_id="half\ud800")

    got = record_all(recorder, [*good[:10], bad, *good[10:]])

    assert isinstance(got.pop(10), BadInput)
    assert got == [None] * 20
    assert all(journal.latest(said.lead_id) == said for said in good)


def test_what_waits_at_the_end_is_still_recorded(journal: Journal) -> None:
    """Stopping loses nothing that was handed in."""
    recorder = Recorder(journal, channel="api", now=lambda: NOW)
    recorder.start()

    async def hand_in_and_stop() -> None:
        waiting = [
            asyncio.create_task(recorder.record(replace(SAID, lead_id=str(i)), b""))
            for i in range(300)
        ]
        await asyncio.sleep(0)
        await asyncio.to_thread(recorder.stop)
        await asyncio.gather(*waiting)

    asyncio.run(hand_in_and_stop())

    assert all(journal.latest(str(i)) is not None for i in range(300))


def test_a_journal_that_is_away_is_opened_when_it_comes(tmp_path: Path) -> None:
    """A service started before its database refuses at first and then records."""
    blocker = tmp_path / "folder"
    blocker.write_text("a file where the folder shall be")
    journal = Journal(f"sqlite:///{blocker / 'journal.db'}")
    recorder = Recorder(journal, channel="api", now=lambda: NOW, retry_seconds=0.05)
    recorder.start()
    early = record_all(recorder, [SAID])
    blocker.unlink()
    blocker.mkdir()
    asyncio.run(_until_open(recorder))
    late = record_all(recorder, [SAID])
    recorder.stop()
    journal.close()

    assert isinstance(early[0], Unavailable)
    assert late == [None]


async def _until_open(recorder: Recorder) -> None:
    async with asyncio.timeout(5):
        while not recorder.is_open:
            await asyncio.sleep(0.02)
