"""Every configuration of a public data set, taken in from the set itself."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from crm.export import open_source, read_leads_file
from leads.settings import Settings, TableSource, read_settings
from leads.tables import FieldType, Tables

CONFIGS = Path(__file__).resolve().parents[2] / "pipelines" / "config"
ROWS = {
    "bank_marketing": {"leads": 41_188, "outcomes": 41_188},
    "bank_marketing_temporal": {"leads": 41_188, "outcomes": 41_188},
    "bpi2012": {"leads": 13_087, "events": 201_351, "stages": 60_849},
    "maven_crm": {"leads": 6_711, "outcomes": 6_711},
    "online_retail": {"leads": 4_372, "events": 22_094, "payments": 22_094},
    "online_shoppers": {"leads": 12_330, "outcomes": 12_330},
}
LEAKS = {"duration", "PageValues", "close_value", "days_to_close", "y", "split"}


def settings_of(name: str, real_data: Path) -> Settings:
    """Read a configuration, with its data where they are beside this checkout."""
    settings = read_settings(CONFIGS / f"{name}.toml")
    source: Any = settings.source
    key = "path" if isinstance(source, TableSource) else "folder"
    old = getattr(source, key).resolve()
    where = real_data / Path(*old.parts[old.parts.index("data") + 1 :])
    return settings.model_copy(
        update={"source": source.model_copy(update={key: where})}
    )


@pytest.fixture(scope="module")
def taken(real_data: Path) -> dict[str, Tables]:
    """Take in every set once."""
    return {n: open_source(settings_of(n, real_data)).read() for n in ROWS}


def test_every_configuration_is_of_a_known_set() -> None:
    """A new configuration of public data gets its figures here."""
    found = {path.stem for path in CONFIGS.glob("*.toml")}

    assert ROWS.keys() <= found


@pytest.mark.parametrize("name", ROWS)
def test_a_public_set_is_taken_in_whole(name: str, taken: dict[str, Tables]) -> None:
    """Row by row what its publisher says there is, and no column that leaks."""
    tables = taken[name]

    rows = {table: tables[table].height for table in ("leads", "events", "stages",
            "payments", "field_changes", "outcomes")}  # fmt: skip
    assert {table: count for table, count in rows.items() if count} == ROWS[name]
    assert not LEAKS & tables.fields.keys()
    assert tables.doubled == {}


def test_rates_and_holdout_are_those_published(taken: dict[str, Tables]) -> None:
    """The outcome of the held-out rows has the rate that the set's card states."""
    rates = {}
    for name in ("bank_marketing", "online_shoppers", "maven_crm"):
        held = taken[name].outcomes.filter("holdout")
        rates[name] = (
            held.height,
            round(float(held["outcome"].sum()) / held.height, 4),
        )

    assert rates == {
        "bank_marketing": (12_357, 0.1126),
        "online_shoppers": (3_699, 0.1546),
        "maven_crm": (2_021, 0.6220),
    }


def test_no_money_of_the_wholesaler_is_lost(
    taken: dict[str, Tables], real_data: Path
) -> None:
    """To the penny the payments are what the lines of known customers sum to."""
    lines = pl.read_parquet(real_data / "online_retail" / "online_retail.parquet")
    known = lines.filter(pl.col("CustomerID").is_not_null())
    total = (known["Quantity"] * known["UnitPrice"]).sum()

    payments = taken["online_retail"].payments

    assert payments["amount_minor"].sum() / 100 == pytest.approx(total, abs=0.06)
    assert set(payments["currency"]) == {"GBP"}


def test_approved_loans_are_those_of_the_log(taken: dict[str, Tables]) -> None:
    """Each of the 2,246 approvals is one stage change of one application."""
    stages = taken["bpi2012"].stages

    approved = stages.filter(pl.col("stage") == "A_APPROVED")

    assert approved.height == approved["lead_id"].n_unique() == 2_246
    assert taken["bpi2012"].fields == {"amount_req": FieldType.NUMBER}


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_part_of_a_public_set_can_be_predicted(
    taken: dict[str, Tables], real_data: Path, tmp_path: Path, ending: str
) -> None:
    """The same rows as CSV or Parquet, without outcomes, are the same leads."""
    settings = settings_of("online_shoppers", real_data)
    source: Any = settings.source
    part = pl.read_parquet(source.path).head(200).drop("y", "split", "PageValues")
    path = tmp_path / f"new.{ending}"
    getattr(part, f"write_{ending}")(path)

    tables = read_leads_file(path, settings, taken["online_shoppers"])

    wanted = taken["online_shoppers"].leads.filter(
        pl.col("lead_id").cast(pl.Int64) < 200
    )
    assert tables.leads.equals(wanted)
