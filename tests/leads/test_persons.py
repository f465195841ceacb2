"""Who stands behind leads is kept apart, in one form, and for its owner alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
from tests.model.cleaning.invented_dump import history_of

from leads.persons import (
    FILE,
    Person,
    gathered,
    keep,
    known_persons,
    reached_by,
    strike,
)
from leads.settings import Clean
from leads.tombstones import bury

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = int((START + timedelta(days=9)).timestamp()) * 1_000_000
ANNA = Person(
    "A", phone="8 (000) 345-67-80; 000", email="Anna+crm@YA.example", name="Анна",
    contact_id="7",
)  # fmt: skip


def table(*people: Person) -> pl.DataFrame:
    """Gather a CRM's word and three cards: one has a phone, one a tax number."""
    frame = pl.DataFrame(
        {
            "lead_id": ["A", "B", "C"],
            "created_at": [START] * 3,
            "Телефон": ["+7 000 111-22-33", None, None],
            "company: ИНН": [None, 7707083893.0, None],
        }
    )
    return gathered(people, history_of(frame, paid=[]), Clean(), NOW)


def test_the_crms_word_and_the_cards_are_one_row_in_one_form() -> None:
    """Numbers of both count, written one way; leads that nobody knows are absent."""
    persons = table(ANNA).to_dicts()

    assert persons[0] == {
        "lead_id": "A", "phones": ["+70003456780", "+70001112233"],
        "mails": ["anna@ya.example"], "inns": [], "name": "Анна", "company": "",
        "contact_id": "7", "company_id": "",
    }  # fmt: skip
    assert [(one["lead_id"], one["inns"]) for one in persons[1:]] == [
        ("B", ["7707083893"])
    ]


def test_the_table_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Nobody else on the machine may read it, whatever the umask says."""
    keep(table(ANNA), tmp_path)

    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert known_persons(tmp_path) is not None
    assert known_persons(tmp_path / "elsewhere") is None


def test_who_was_erased_stays_out(tmp_path: Path) -> None:
    """An erased lead leaves the table, and no later ingest brings it back."""
    keep(table(ANNA), tmp_path)
    bury(tmp_path, ["A"])
    gone = strike(tmp_path, ["A"])

    keep(table(ANNA), tmp_path)

    persons = known_persons(tmp_path)
    assert gone == 1
    assert persons is not None
    assert persons["lead_id"].to_list() == ["B"]
    assert strike(tmp_path, ["A"]) == 0


def test_a_person_is_found_by_phone_and_address(tmp_path: Path) -> None:
    """However an address is written, and with or without a country code."""
    keep(table(ANNA), tmp_path)

    assert reached_by(tmp_path, mails=["ANNA@ya.example"]) == {"A"}
    assert reached_by(tmp_path, last_digits=["0001112233"]) == {"A"}
    assert reached_by(tmp_path, mails=["other@ya.example"]) == set()
