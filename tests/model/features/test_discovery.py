"""What is discovered in an invented company's data, and what is left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from leads.errors import DataRefused
from leads.history import History
from leads.settings import Company, FilesSource, Model, Settings, Title
from leads.tables import FIELD_DTYPES, LEADS, SCHEMAS, FieldType, Tables
from model.features import discovery
from model.features.batch import build
from model.features.catalog import OTHER_KINDS, Catalog
from model.features.discovery import discover

DAY = 86_400_000_000
START = 1_700_000_000_000_000
LEADS_MADE = 240
SETTINGS = Settings(
    source=FilesSource(kind="files", folder=Path("nowhere")),
    company=Company(language="ru", timezone="Europe/Moscow"),
)

FIELDS = {
    "budget": FieldType.NUMBER,
    "rooms": FieldType.NUMBER,
    "crm_id": FieldType.NUMBER,
    "contract": FieldType.TEXT,
    "comment": FieldType.TEXT,
    "city": FieldType.TEXT,
    "constant": FieldType.TEXT,
    "empty": FieldType.TEXT,
    "phone": FieldType.TEXT,
    "mail": FieldType.TEXT,
    "vip": FieldType.FLAG,
    "met_at": FieldType.TIME,
    "budget_again": FieldType.NUMBER,
}


def typed(columns: dict[str, Any], schema: dict[str, Any]) -> pl.DataFrame:
    """Make a canonical frame of columns whose instants are integers."""
    frame = pl.DataFrame(columns, strict=False)
    made = frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
    return made.sort(made.columns)


@lru_cache(maxsize=1)
def tables() -> Tables:
    """Invent a company with one field of every sort."""
    random = np.random.default_rng(3)
    n = LEADS_MADE
    ids = [f"lead-{i:04d}" for i in range(n)]
    created = START + np.sort(random.integers(0, 60 * DAY, n))
    budget = random.gamma(2.0, 30_000.0, n)
    words = ["хочет", "скидку", "позвонить", "позже", "думает", "сравнивает", "цену"]
    leads = {
        "lead_id": ids,
        "created_at": created,
        "recorded_at": created,
        "source": random.choice(["ads", "search"], n),
        "pipeline": ["sales"] * n,
        "owner": random.choice(["first", "second"], n),
        "budget": budget,
        "rooms": random.integers(1, 4, n),
        "crm_id": 70_000 + np.arange(n) * 3,
        "contract": [f"C-{i * 7919 % 10_007}" for i in range(n)],
        "comment": [" ".join(random.choice(words, 8)) + f" {i}" for i in range(n)],
        # Of most cities there are 6 leads: too few, though their snapshots are 18.
        "city": [None, *(city_of(i) for i in range(1, n))],
        "constant": ["same"] * n,
        "empty": [None] * n,
        "phone": [f"+7 912 {i:03d}-45-67" if i % 3 else None for i in range(n)],
        "mail": [f"a{i}@{'mail.ru' if i % 2 else 'acme.example'}" for i in range(n)],
        "vip": random.random(n) < 0.5,
        "met_at": created - random.integers(0, 9 * DAY, n),
        "budget_again": budget,
    }  # fmt: skip
    schema = {**LEADS, **{name: FIELD_DTYPES[kind] for name, kind in FIELDS.items()}}
    return Tables(
        leads=typed(leads, schema),
        events=_events(random, ids, created),
        stages=_stages(ids, created),
        payments=_payments(random, ids, created),
        field_changes=pl.DataFrame(schema=dict(SCHEMAS["field_changes"])),
        outcomes=pl.DataFrame(schema=dict(SCHEMAS["outcomes"])),
        fields=FIELDS,
        cut_off=datetime(2030, 1, 1, tzinfo=UTC),
    )


def city_of(lead: int) -> str:
    """Live in one of two towns, or in one of 16 villages."""
    return ["Омск", "Омск", "Томск"][lead % 5] if lead % 5 < 3 else str(lead // 5 % 16)


def _dated(
    ids: list[str], who: np.ndarray[Any, Any], at: np.ndarray[Any, Any]
) -> dict[str, Any]:
    return {"lead_id": [ids[i] for i in who], "at": at, "recorded_at": at}


def _events(
    random: np.random.Generator, ids: list[str], created: np.ndarray[Any, Any]
) -> pl.DataFrame:
    who = random.integers(0, len(ids), 4_000)
    at = created[who] + random.integers(0, 40 * DAY, len(who))
    kinds = [f"kind_{i:02d}" for i in range(24)]
    kind = random.choice(["visit_pricing", "call", *kinds], len(who),
                         p=[0.3, 0.2, *[0.5 / 24] * 24])  # fmt: skip
    value = np.where(kind == "call", random.integers(1, 600, len(who)), np.nan)
    columns = {
        **_dated(ids, who, at),
        "kind": kind,
        "value": pl.Series(value).fill_nan(None),
        "properties": pl.repeat(None, len(who), dtype=pl.String, eager=True),
    }
    return typed(columns, dict(SCHEMAS["events"]))


def _stages(ids: list[str], created: np.ndarray[Any, Any]) -> pl.DataFrame:
    """Every lead is new for 2 days, then spoken to; every third one goes back."""
    n = len(ids)
    who = np.repeat(np.arange(n), 3)
    at = (created[:, None] + np.array([0, 2, 9]) * DAY).ravel()
    last = np.where(np.arange(n) % 3 == 0, "new", "offer")
    stage = np.stack([np.full(n, "new"), np.full(n, "talk"), last], axis=1).ravel()
    columns = {**_dated(ids, who, at), "pipeline": None, "stage": stage}
    return typed(columns, dict(SCHEMAS["stages"]))


def _payments(
    random: np.random.Generator, ids: list[str], created: np.ndarray[Any, Any]
) -> pl.DataFrame:
    who = random.integers(0, len(ids), 200)
    at = created[who] + random.integers(0, 30 * DAY, len(who))
    columns = {
        **_dated(ids, who, at),
        "amount_minor": random.choice([100_00, 250_00, -50_00], len(who)),
        "currency": random.choice(["RUB", "EUR"], len(who), p=[0.9, 0.1]),
    }
    return typed(columns, dict(SCHEMAS["payments"]))


def snapshots() -> pl.DataFrame:
    """Take every lead at 3, 10 and 30 days."""
    leads = tables().leads.select("lead_id", pl.col("created_at").cast(pl.Int64()))
    days = pl.DataFrame({"days": [3, 10, 30]}, schema={"days": pl.Int64()})
    moment = pl.col("created_at") + pl.col("days") * DAY
    return leads.join(days, how="cross").select("lead_id", moment=moment)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """Discover the invented company once."""
    return discover(History(tables()), snapshots(), SETTINGS)


def test_every_sort_of_field_becomes_what_it_is_good_for(catalog: Catalog) -> None:
    """Numbers, levels, lengths, contacts, ages; ids and constants become nothing."""
    card = {f.name: f.kind for f in catalog.features if f.name.startswith("card.")}

    assert card == {
        "card.budget": "card_number",
        "card.rooms": "card_number",
        "card.comment.length": "card_text_length",
        "card.city": "card_text",
        "card.phone.present": "contact_phone",
        "card.mail.kind": "contact_mail",
        "card.vip": "card_flag",
        "card.met_at.age_days": "card_time_age",
    }


def test_what_is_left_out_is_said(catalog: Catalog) -> None:
    """Each field that gives no feature has a note that says why."""
    notes = "\n".join(catalog.notes)

    for field in ("crm_id", "contract", "constant", "empty", "budget_again"):
        assert field in notes
    assert "'contract' differs for every lead: an id" in catalog.notes
    assert "'card.budget_again' is the same as 'card.budget'" in catalog.notes


def test_kinds_of_events_are_capped(catalog: Catalog) -> None:
    """The 20 most frequent kinds stand alone, the rest together."""
    assert len(catalog.event_kinds) == 20
    assert catalog.event_kinds[:2] == ("visit_pricing", "call")
    assert any(feature.of == OTHER_KINDS for feature in catalog.features)


def test_only_kinds_with_values_are_added_up(catalog: Catalog) -> None:
    """Calls have minutes; visits have nothing to add up."""
    summed = {f.of for f in catalog.features if f.kind == "event_sum"}

    assert summed == {"call"}


def test_a_companys_unit_goes_with_the_values_of_its_events() -> None:
    """What [words] says of a kind is in the catalog; an unknown unit is refused."""
    words = {"call": Title(en="Calls", ru="Звонки", unit="seconds")}
    settings = SETTINGS.model_copy(update={"words": words})

    found = discover(History(tables()), snapshots(), settings)

    assert {f.unit for f in found.features if f.kind == "event_sum"} == {"seconds"}
    with pytest.raises(ValueError, match="unit"):
        Title(en="Calls", ru="Звонки", unit="parsecs")


def test_rare_levels_are_not_kept(catalog: Catalog) -> None:
    """A level needs ten leads; a city of one lead is one of the others."""
    assert set(catalog.levels["card.city"]) == {"Омск", "Томск"}
    assert set(catalog.levels["card.mail.kind"]) == {"free", "corporate"}


def test_normal_stays_are_learned_from_stays_that_ended(catalog: Catalog) -> None:
    """Leads are new for 2 days and spoken to for 7; nobody has left the offer."""
    assert catalog.stage_normal_seconds == {
        "sales": {"new": 2 * 86_400.0, "talk": 7 * 86_400.0}
    }
    assert catalog.stage_order["sales"] == ("new", "talk", "offer")
    assert catalog.currency == "RUB"


def test_normal_stays_know_nothing_after_the_training_moments() -> None:
    """Stays that end after the last training moment are not learned from."""
    early = snapshots().filter(
        pl.col("moment") == pl.col("moment").min().over("lead_id")
    )

    catalog = discover(History(tables()), early, SETTINGS)

    assert catalog.stage_normal_seconds == {"sales": {"new": 2 * 86_400.0}}


def test_every_kept_feature_tells_something(catalog: Catalog) -> None:
    """No column is constant at the training moments, and no two are the same."""
    matrix = catalog.encode(build(catalog, History(tables()), snapshots()))

    assert len({column.tobytes() for column in matrix.T}) == len(catalog.features)
    for name, column in zip(catalog.names, matrix.T, strict=True):
        assert len(np.unique(column)) > 1, name


def test_thinning_keeps_all_snapshots_of_a_lead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Half of the snapshots show every age; every second one would show one age."""
    twice = snapshots().filter(
        pl.col("moment") > pl.col("moment").min().over("lead_id")
    )
    monkeypatch.setattr(discovery, "MOST_SNAPSHOTS", LEADS_MADE)

    catalog = discover(History(tables()), twice, SETTINGS)

    assert "lead.age_hours" in catalog.names


def test_excluded_fields_never_become_features(catalog: Catalog) -> None:
    """The owner is left out by default; other fields by name."""
    settings = SETTINGS.model_copy(
        update={"model": Model(exclude=("budget", "visit_pricing"))}
    )

    without = discover(History(tables()), snapshots(), settings)

    assert "owner" not in {feature.field for feature in catalog.features}
    fields = {feature.field for feature in without.features}
    assert not {"budget", "visit_pricing"} & fields
    assert {"owner", "budget_again"} <= fields


def test_order_of_snapshots_does_not_matter(catalog: Catalog) -> None:
    """The same snapshots in another order give the same catalog, to the byte."""
    shuffled = snapshots().sample(fraction=1.0, shuffle=True, seed=5)

    assert discover(History(tables()), shuffled, SETTINGS).digest == catalog.digest


def test_a_catalog_survives_json(catalog: Catalog) -> None:
    """What is read back computes the same and has the same digest."""
    again = Catalog.from_json(catalog.to_json())

    assert again == catalog
    assert again.digest == catalog.digest
    assert hash(again) == hash(catalog)


def test_a_flat_table_gives_its_card_and_nothing_else() -> None:
    """Without times there are no ages, clocks, events, stages or payments."""
    dated = tables()
    never = pl.lit(0).cast(LEADS["created_at"])
    names = ("events", "stages", "payments")
    bare: dict[str, Any] = {name: dated[name].clear() for name in names}
    leads = dated.leads.with_columns(created_at=never, recorded_at=never)
    flat = replace(dated, leads=leads, dated=False, **bare)
    moments = dated.leads.select("lead_id", moment=pl.lit(0, dtype=pl.Int64()))

    catalog = discover(History(flat), moments, SETTINGS)

    groups = {name.partition(".")[0] for name in catalog.names}
    assert groups == {"card", "source"}
    assert catalog.event_kinds == ()
    assert not any("created" in note or "lead.age" in note for note in catalog.notes)


def test_no_snapshots_are_refused() -> None:
    """Nothing can be found in nothing."""
    with pytest.raises(DataRefused, match="no training snapshots"):
        discover(History(tables()), snapshots().clear(), SETTINGS)


def test_leads_without_any_difference_are_refused() -> None:
    """If all leads are alike at every moment, there is nothing to learn from."""
    dated = tables()
    names = ("events", "stages", "payments")
    bare: dict[str, Any] = {name: dated[name].clear() for name in names}
    leads = dated.leads.select(LEADS.keys()).with_columns(
        pl.lit(None, dtype=pl.String()).alias("source"),
        created_at=pl.lit(START).cast(LEADS["created_at"]),
    )
    alike = replace(dated, leads=leads, fields={}, **bare)
    moments = dated.leads.select("lead_id", moment=pl.lit(START + 90 * DAY))

    with pytest.raises(DataRefused, match="Nothing is known"):
        discover(History(alike), moments, SETTINGS)
