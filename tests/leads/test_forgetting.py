from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from leads.decision import Override, Prediction, Reason, Tier, mean_slope
from leads.errors import BadInput
from leads.forgetting import Forgotten, forget_before, forget_leads
from leads.journal import Journal
from leads.overruling import overrule, standing_override, withdraw
from leads.records import LATEST, OVERRIDES, PREDICTIONS

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def say(journal: Journal, lead_id: str, *, at: datetime = NOW) -> None:
    """Put a prediction with a reason and inputs into the journal."""
    reason = Reason("visits", 0.5, "3", 120, 0.18, {"en": "a", "ru": "б"}, 0.07)
    said = Prediction(
        lead_id=lead_id,
        as_of=at,
        horizon_days=30,
        probability=0.25,
        log_odds=-1.1,
        base=-1.6,
        tier=Tier.WARM,
        shares={"visits": 0.5},
        reasons=(reason,),
        model_version="3",
        bundle_digest="ab" * 32,
    )
    journal.record(
        [said], made_at=at, inputs=[b"CANARY" + lead_id.encode()], channel="x"
    )


def counts(journal: Journal) -> tuple[int, ...]:
    """Count the rows of every table."""
    with journal.reading() as connection:
        return tuple(
            connection.execute(
                sa.select(sa.func.count()).select_from(table)
            ).scalar_one()
            for table in (PREDICTIONS, LATEST, OVERRIDES)
        )


def test_retention_takes_what_is_a_moment_too_old_and_nothing_younger(
    journal: Journal,
) -> None:
    """An entry from just before the limit goes with its reasons; one at it stays."""
    limit = NOW - 30 * DAY
    say(journal, "old", at=limit - timedelta(microseconds=1))
    say(journal, "just", at=limit)
    say(journal, "both", at=limit - DAY)
    say(journal, "both", at=NOW)

    gone = forget_before(journal, limit)

    assert gone == Forgotten(predictions=2, latest=1)
    assert journal.latest("old") is None
    assert journal.latest("just") is not None
    assert [entry.made_at for entry in journal.history("both")] == [NOW]
    assert forget_before(journal, limit) == Forgotten()


def test_retention_keeps_an_override_that_stands(journal: Journal) -> None:
    """However old, what a person decided last stands; what it replaced is forgotten."""
    early = Override("L", Tier.HOT, "u1", NOW - 90 * DAY)
    overrule(journal, early)
    overrule(journal, replace(early, tier=Tier.COLD, made_at=NOW - 80 * DAY))

    gone = forget_before(journal, NOW - 30 * DAY)

    assert gone.overrides == 1
    standing = standing_override(journal, "L", now=NOW)
    assert standing is not None
    assert standing.tier is Tier.COLD


def test_erasing_leaves_nothing_of_a_lead_and_all_of_the_others(
    journal: Journal,
) -> None:
    """Entries, reasons, inputs, latest and overrides of the named leads are gone."""
    for lead_id in ("a", "b", "c"):
        say(journal, lead_id)
        say(journal, lead_id, at=NOW + DAY)
        overrule(journal, Override(lead_id, Tier.HOT, "u1", NOW))

    gone = forget_leads(journal, ["a", "c", "a", "unknown"])

    assert gone == Forgotten(predictions=4, latest=2, overrides=2)
    assert counts(journal) == (2, 1, 1)
    assert journal.history("a") == []
    assert standing_override(journal, "c", now=NOW) is None
    assert forget_leads(journal, ["a", "c"]) == Forgotten()


def test_erasing_leaves_no_trace_in_the_files(tmp_path: Path) -> None:
    """What was erased cannot be read out of the database's pages or its log."""
    journal = Journal(f"sqlite:///{tmp_path / 'journal.db'}")
    journal.upgrade()
    say(journal, "someone")
    say(journal, "other")

    forget_leads(journal, ["someone"])

    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    journal.close()
    assert b"CANARYsomeone" not in kept
    assert b"CANARYother" in kept


def test_a_persons_tier_stands_until_its_end(journal: Journal) -> None:
    """It is there from when it was set to the moment before its end."""
    overrule(journal, Override("L", Tier.HOT, "u1", NOW, NOW + DAY))

    standing = standing_override(
        journal, "L", now=NOW + DAY - timedelta(microseconds=1)
    )
    assert standing == Override("L", Tier.HOT, "u1", NOW, NOW + DAY)
    assert standing_override(journal, "L", now=NOW + DAY) is None
    assert standing_override(journal, "other", now=NOW) is None


def test_withdrawing_ends_it_and_leaves_a_trail(journal: Journal) -> None:
    """The machine's tier stands alone again; who did what stays on record."""
    overrule(journal, Override("L", Tier.HOT, "u1", NOW))
    withdraw(journal, "L", by="u2", now=NOW + DAY)
    withdraw(journal, "L", by="u2", now=NOW + DAY)

    assert standing_override(journal, "L", now=NOW + DAY) is None
    assert counts(journal)[2] == 2


def test_an_override_never_touches_what_the_machine_said(journal: Journal) -> None:
    """Tier and reasons of the prediction read back the same, override or none."""
    say(journal, "L")
    before = journal.latest("L")

    overrule(journal, Override("L", Tier.COLD, "u1", NOW))

    assert journal.latest("L") == before


def test_every_fault_of_an_override_is_named(journal: Journal) -> None:
    """No id, no zone and no true tier are refused at once, and nothing is kept."""
    bad = Override("L", Tier.NO_DATA, " ", NOW.replace(tzinfo=None))

    with pytest.raises(BadInput) as refusal:
        overrule(journal, bad)

    assert {fault.column for fault in refusal.value.faults} == {"by", "made_at", "tier"}
    with pytest.raises(BadInput, match="not later than now"):
        overrule(journal, Override("L", Tier.HOT, "u", NOW, NOW))
    assert counts(journal)[2] == 0


def test_reasons_from_before_there_were_points_read_back_with_them(
    journal: Journal,
) -> None:
    """Points are derived from the stored share, log-odds and base; nothing else is."""
    say(journal, "L")
    with journal.writing() as connection:
        old = [{"field": "visits", "share": 0.5, "value": "3", "count": 120,
                "rate": 0.18, "text": {"en": "a", "ru": "б"}}]  # fmt: skip
        connection.execute(sa.update(PREDICTIONS).values(reasons=old))

    read = journal.latest("L")

    assert read is not None
    assert read.reasons[0].points == 0.5 * mean_slope(read.log_odds, read.base)
    assert read.reasons[0].advisable
