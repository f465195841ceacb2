from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from tests.serve.company import invented_tables, promoted, settings_in

from leads import store
from leads.errors import BadInput, Unavailable
from leads.history import History
from leads.journal import Journal
from leads.settings import JournalKept, Settings
from leads.tables import SCHEMAS, Tables
from leads.tombstones import FILE, bury, without_buried
from pipelines.erase import erase_leads, leads_of
from pipelines.report import report_leads
from pipelines.score import score_open

NOW = datetime(2026, 6, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def company() -> Tables:
    """Invent a company in which two leads are one person, written two ways."""
    tables = invented_tables()
    ids = tables.leads["lead_id"]
    number = pl.Series(["8 (912) 345-67-89" if i == "L00390" else None for i in ids])
    other = pl.Series(["+79123456789" if i == "L00391" else None for i in ids])
    mail = pl.Series(["Ann@Example.org " if i == "L00392" else None for i in ids])
    named = pl.coalesce(number, other, mail, pl.col("phone"))
    return Tables(
        **{**tables.__dict__, "leads": tables.leads.with_columns(phone=named)}
    )


@pytest.fixture(scope="module")
def scored(company: Tables, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Ingest it, promote its model, predict its open leads and write the reports."""
    folder = tmp_path_factory.mktemp("company")
    settings = settings_in(folder)
    promoted(company, settings, folder / "work")
    score_open(settings, None, as_of=None, now=NOW)
    report_leads(settings, now=NOW, pages=500)
    return settings


def texts_of(folder: Path) -> str:
    """Read every report."""
    return "".join(p.read_text("utf-8") for p in folder.rglob("*.*") if p.is_file())


def test_a_person_is_found_however_the_contact_is_written(scored: Settings) -> None:
    """Signs, country codes, case and blanks make no other person."""
    assert leads_of(scored, [], email=None, phone="+7 912 345 67 89") == [
        "L00390", "L00391",
    ]  # fmt: skip
    assert leads_of(scored, ["x"], email="ann@example.ORG", phone=None) == [
        "L00392", "x",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("email", "phone"), [(None, None), (None, "12"), ("nobody@example.org", None)]
)
def test_who_cannot_be_found_is_refused(
    scored: Settings, email: str | None, phone: str | None
) -> None:
    """Nobody named, too short a number and an unknown address erase nothing."""
    with pytest.raises(BadInput):
        leads_of(scored, [], email=email, phone=phone)


def test_an_erased_lead_is_nowhere_and_never_comes_back(
    scored: Settings, company: Tables
) -> None:
    """Journal, tables and reports hold nothing of it, and the next ingest neither."""
    history = History(store.load(scored.store.folder))
    journal = Journal(scored.store.database)
    gone, kept = (lead for lead, *_ in journal.ranking()[:2])
    assert gone in texts_of(scored.store.folder / "reports")
    events = sum(event is not None for event in history.lead(gone).events)

    act = erase_leads(scored, [gone], now=NOW)

    again = erase_leads(scored, [gone], now=NOW)
    tables = store.load(scored.store.folder)
    back = without_buried(company, scored.store.folder)
    assert (act.journal.predictions, act.journal.latest) == (1, 1)
    assert (act.rows["leads"], act.rows["events"]) == (1, events)
    assert (again.rows, again.journal.predictions) == ({}, 0)
    assert journal.latest(gone) is None
    assert journal.latest(kept) is not None
    journal.close()
    for held in (tables, back):
        ids = pl.concat([held[name]["lead_id"] for name in SCHEMAS])
        assert gone not in ids
        assert kept in ids
    assert gone not in texts_of(scored.store.folder / "reports")
    assert kept in texts_of(scored.store.folder / "reports")
    assert gone not in (scored.store.folder / FILE).read_text("utf-8")
    assert len(list((scored.store.folder / "tables").glob("*/"))) == 1


def test_a_damaged_list_of_erased_leads_stops_the_ingest(
    company: Tables, tmp_path: Path
) -> None:
    """Rather no ingest than one that brings erased persons back."""
    bury(tmp_path, ["L00001"])
    (tmp_path / FILE).write_text("{", "utf-8")

    with pytest.raises(Unavailable, match="erased"):
        without_buried(company, tmp_path)


def test_scoring_forgets_what_is_past_its_time(scored: Settings) -> None:
    """With ``keep_days`` the daily job drops what is older, reasons and all."""
    keeping = scored.model_copy(update={"journal": JournalKept(keep_days=10)})
    later = NOW + timedelta(days=11)

    score_open(keeping, None, as_of=NOW + timedelta(days=1), now=later)

    journal = Journal(scored.store.database)
    entries = journal.entries([entry for _, entry, _, _ in journal.ranking()])
    journal.close()
    assert {entry.made_at for entry in entries.values()} == {later}
