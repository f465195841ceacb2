"""Past leads: found by distance, each once, never the lead itself."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from leads.decision import Prediction, Tier
from model.reasons.similar import NO_LEVEL, Past, key_of, path_of, read_past, write_past

DIGEST = "ab" * 32
IDS = ("near", "near", "far", "middle", "me")
SHARES = ((0.1, 0.0), (0.2, 0.0), (3.0, -4.0), (1.0, 0.0), (0.0, 0.0))


def past() -> Past:
    """Keep five snapshots of four leads, one of which is the lead asked about."""
    return Past(
        digest=DIGEST,
        names=("visit", "source"),
        shares=np.array(SHARES, np.float32),
        key=np.array([key_of(one, DIGEST) for one in IDS], np.uint64),
        day=np.array([20_000, 20_001, 20_002, 20_003, 20_004], np.int32),
        chance=np.array([0.1, 0.2, 0.3, 0.4, 0.5], np.float32),
        tier=np.array([2, 1, 0, 2, 0], np.int8),
        converted=np.array([True, False, False, True, True]),
        days=np.array([4.5, np.nan, np.nan, np.nan, 1.0], np.float32),
        stage=np.array([0, 1, NO_LEVEL, 0, 0], np.int16),
        source=np.array([NO_LEVEL] * 5, np.int16),
        stages=("new", "offer"),
        sources=(),
    )


def prediction(lead_id: str = "me", digest: str = DIGEST) -> Prediction:
    """Predict the lead asked about."""
    return Prediction(
        lead_id, datetime(2026, 1, 1, tzinfo=UTC), 14, 0.5, 0.0, 0.0, Tier.COLD,
        {"source": 0.0, "visit": 0.0}, (), "1", digest,
    )  # fmt: skip


def test_the_nearest_come_first_each_lead_once_and_never_itself() -> None:
    """Distance is Euclid's in log-odds; one lead's snapshots count once."""
    found = past().nearest(prediction())

    assert [one.distance for one in found] == pytest.approx([0.1, 1.0, 5.0], rel=1e-6)
    first = found[0]
    assert (first.converted, first.days, first.stage, first.source) == (
        True, 4.5, "new", None,
    )  # fmt: skip
    assert first.day == date(2024, 10, 4)
    assert found[1].days is None
    assert len(past().nearest(prediction("stranger"), count=2)) == 2


def test_another_models_past_leads_say_nothing() -> None:
    """Shares of two models cannot be compared, nor can none."""
    other = prediction(digest="cd" * 32)

    assert past().nearest(other) == ()


def test_what_is_kept_reads_back_and_damage_is_nothing(tmp_path: Path) -> None:
    """A file reads back to the same neighbours; a damaged or foreign one to None."""
    path = write_past(past(), tmp_path)
    kept = read_past(tmp_path, DIGEST)

    assert kept is not None
    assert kept.nearest(prediction()) == past().nearest(prediction())
    assert read_past(tmp_path, "cd" * 32) is None
    path.rename(path_of(tmp_path, "cd" * 32))
    assert read_past(tmp_path, "cd" * 32) is None
    path.write_bytes(b"PK\x03\x04 and then nothing")
    assert read_past(tmp_path, DIGEST) is None


def test_a_forgotten_lead_is_nobodys_neighbour() -> None:
    """Striking a lead out removes all its snapshots and leaves the rest as it was."""
    left = past().without({"near"})

    assert [one.distance for one in left.nearest(prediction())] == pytest.approx(
        [1.0, 5.0], rel=1e-6
    )
    assert len(left.key) == 3
