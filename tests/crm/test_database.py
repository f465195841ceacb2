from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from crm.export import open_source
from leads.errors import BadConfig, BadInput
from leads.settings import Settings
from leads.tables import FieldType

STATEMENTS = """
CREATE TABLE deals (
  id {uuid} PRIMARY KEY, opened {time} NOT NULL, budget NUMERIC(12, 2), vip BOOLEAN,
  secret TEXT);
INSERT INTO deals VALUES ('11111111-1111-1111-1111-111111111111',
  '2026-01-01 10:00:00{zone}', 1234.50, true, 'x');
INSERT INTO deals VALUES ('22222222-2222-2222-2222-222222222222',
  '2026-07-01 10:00:00{zone}', NULL, false, 'y');
CREATE TABLE events (
  lead_id {uuid}, at {time}, kind TEXT, value {double}, properties {json});
INSERT INTO events VALUES ('11111111-1111-1111-1111-111111111111',
  '2026-01-02 10:00:00{zone}', 'visit', 1.5, '{{"page": "/prices"}}');
CREATE TABLE invoices (deal {uuid}, paid {time}, cents BIGINT, cur TEXT);
INSERT INTO invoices VALUES ('11111111-1111-1111-1111-111111111111',
  '2026-01-03 10:00:00{zone}', 1999, 'EUR');
"""
SQLITE = {
    "uuid": "TEXT", "time": "TEXT", "zone": "+00:00", "double": "REAL", "json": "TEXT",
}  # fmt: skip
POSTGRES = {
    "uuid": "UUID", "time": "TIMESTAMPTZ", "zone": "+00:00",
    "double": "DOUBLE PRECISION", "json": "JSONB",
}  # fmt: skip


def fill(url: str, words: dict[str, str]) -> None:
    """Make the tables of a company that keeps its leads in a database."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in STATEMENTS.format(**words).split(";\n")[:-1]:
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql("CREATE VIEW open_deals AS SELECT * FROM deals")
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the URL of a filled database of each kind."""
    if request.param == "sqlite":
        made = f"sqlite:///{tmp_path / 'company.db'}"
        fill(made, SQLITE)
    else:
        made = str(request.getfixturevalue("postgres_url"))
        fill(made, POSTGRES)
    return made


def settings_of(url: str, **changed: Any) -> Settings:
    """Make the settings of that company."""
    source = {
        "kind": "sql",
        "url": url,
        "exclude": ["secret"],
        "leads": {
            "table": "open_deals",
            "columns": {"lead_id": "id", "created_at": "opened"},
        },
        "payments": {
            "sql": "SELECT deal, paid AS at, cents, cur FROM invoices WHERE cents > 0",
            "columns": {"lead_id": "deal", "amount_minor": "cents", "currency": "cur"},
        },
    }
    return Settings.model_validate({"source": source | changed})


def test_a_database_becomes_tables(url: str) -> None:
    """Tables, views and queries give the same rows out of SQLite and PostgreSQL."""
    tables = open_source(settings_of(url)).read()

    assert [lead[:2] for lead in tables.leads["lead_id"]] == ["11", "22"]
    assert [str(t) for t in tables.leads["created_at"]] == [
        "2026-01-01 10:00:00+00:00", "2026-07-01 10:00:00+00:00",
    ]  # fmt: skip
    assert tables.leads["budget"].to_list() == [1234.5, None]
    assert tables.fields["budget"] is FieldType.NUMBER
    assert tables.fields.keys() == {"budget", "vip"}
    assert tables.events.select("kind", "value").rows() == [("visit", 1.5)]
    assert tables.events["properties"].item().replace(" ", "") == '{"page":"/prices"}'
    assert tables.payments.select("amount_minor", "currency").rows() == [(1999, "EUR")]


def test_all_that_is_wrong_with_a_database_comes_at_once(url: str) -> None:
    """A failed query does not hide a missing table, nor the other way round."""
    settings = settings_of(
        url,
        leads={"table": "no_such"},
        stages={"sql": "SELECT nothing FROM deals"},
        payments={"table": "invoices"},
    )

    with pytest.raises(BadInput) as refusal:
        open_source(settings).read()

    told = [(fault.where, fault.what.split(":")[0]) for fault in refusal.value.faults]
    assert ("table no_such", "the database has no such table") in told
    assert ("sql of stages", "the query failed") in told
    assert any(where == "table invoices" for where, _ in told)


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """SQLite would create an empty file and call it a database."""
    path = tmp_path / "absent.db"

    with pytest.raises(BadConfig, match=r"no database file"):
        open_source(settings_of(f"sqlite:///{path}")).read()

    assert not path.exists()


@pytest.mark.parametrize("url", ["nonsense", "cobol://x/y"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    """The refusal does not repeat the URL, which may hold a password."""
    with pytest.raises(BadConfig) as refusal:
        open_source(settings_of(url)).read()

    assert url not in str(refusal.value)
