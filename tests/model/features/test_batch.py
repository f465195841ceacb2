"""Features of a lead that can be counted by hand, from the batch and the twin."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from leads.errors import BadInput, UnknownLead
from leads.history import History
from leads.lead import LeadHistory
from leads.tables import FIELD_DTYPES, LEADS, SCHEMAS, FieldType, Tables
from model.features.batch import build
from model.features.catalog import Catalog, Feature, FeatureTable, Kind, Words
from model.features.twin import build_one

HOUR = 3_600_000_000
DAY = 24 * HOUR
MOMENT = 19_000 * DAY + 9 * HOUR  # Saturday 2022-01-08 09:00 UTC
CREATED = MOMENT - 90 * DAY - 10 * HOUR  # Saturday 2021-10-09 23:00 UTC
WEEK = 7 * 86_400
NOBODY = Words("", "")


def typed(rows: list[tuple[Any, ...]], schema: dict[str, Any]) -> pl.DataFrame:
    """Make a canonical frame of rows whose instants are integers."""
    integers = {c: pl.Int64() if c.endswith("at") else t for c, t in schema.items()}
    frame = pl.DataFrame(rows, schema=integers, orient="row")
    made = frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
    return made.unique().sort(made.columns)


def dated(name: str, *rows: tuple[Any, ...]) -> pl.DataFrame:
    """Make a table of rows (age at the moment, delay, ...) of lead ``a``."""
    told = [
        ("a", MOMENT - age, MOMENT - age + late, *rest) for age, late, *rest in rows
    ]
    return typed(told, dict(SCHEMAS[name]))


def company(**tables: pl.DataFrame) -> History:
    """Make a history of lead ``a`` with a card and these tables."""
    fields = {
        "budget": FieldType.NUMBER,
        "note": FieldType.TEXT,
        "vip": FieldType.FLAG,
        "met_at": FieldType.TIME,
        "phone": FieldType.NUMBER,
    }
    schema = {**LEADS, **{name: FIELD_DTYPES[kind] for name, kind in fields.items()}}
    card = ("a", CREATED, CREATED, "ads", "sales", None)
    values = (5.5, "привет", True, MOMENT + DAY, 79123456789.0)
    whole = {name: dated(name) for name in ("events", "stages", "payments")} | tables
    return History(
        Tables(
            leads=typed([(*card, *values)], schema),
            events=whole["events"],
            stages=whole["stages"],
            payments=whole["payments"],
            field_changes=dated("field_changes"),
            outcomes=pl.DataFrame(schema=dict(SCHEMAS["outcomes"])),
            fields=fields,
            cut_off=datetime(2030, 1, 1, tzinfo=UTC),
        )
    )


def value_of(
    history: History, kind: Kind, *, of: str | None = None, window: int | None = None
) -> float | str | None:
    """Compute one feature of lead ``a`` both ways."""
    feature = Feature("it", kind, "it", NOBODY, of=of, window=window)
    catalog = Catalog(
        (feature,),
        levels={"it": ()} if feature.is_text else {},
        event_kinds=("visit",),
        stage_order={"sales": ("new", "talk", "won"), "renewal": ("new", "talk")},
        stage_normal_seconds={"sales": {"talk": 12 * 3_600.0}},
        timezone="Europe/Moscow",
        currency="RUB",
    )
    moments = pl.DataFrame({"lead_id": ["a"], "moment": [MOMENT]})
    batch = _only(build(catalog, history, moments))
    alone = _only(build_one(catalog, history.lead("a"), MOMENT))
    assert batch == alone or (batch != batch and alone != alone)
    return batch


def _only(table: FeatureTable) -> float | str | None:
    found: list[Any] = [*table.numbers[0].tolist(), *table.texts[0].tolist()]
    assert len(found) == 1
    value: float | str | None = found[0]
    return value


VISITS = company(
    events=dated(
        "events",
        (0, 0, "visit", 1.5, None),  # at the moment itself
        (7 * DAY - 1, 0, "visit", 0.1, None),  # the last microsecond of the week
        (7 * DAY, 0, "visit", 0.2, None),  # just before the week
        (14 * DAY, 0, "visit", None, None),  # before the week before
        (-1, 0, "visit", 9.0, None),  # later
        (DAY, 2 * DAY, "visit", 9.0, None),  # recorded later
        (DAY, DAY, "sneeze", 7.0, None),  # recorded at the moment
    )
)
STAGES = company(
    stages=dated(
        "stages",
        (9 * DAY, 0, "sales", "new"),
        (8 * DAY, 0, "sales", "talk"),
        (7 * DAY, 0, "sales", "new"),
        (3 * DAY, 0, None, "talk"),  # the lead's own pipeline
        (1 * DAY, 0, "sales", "talk"),  # told again
        (0, 1, "sales", "won"),  # recorded later
    )
)
PIPELINES = company(
    stages=dated(
        "stages", (9 * DAY, 0, "sales", "talk"), (8 * DAY, 0, "renewal", "new")
    )
)
PAYMENTS = company(
    payments=dated(
        "payments",
        (10 * DAY, 0, 30_000, "RUB"),
        (4 * DAY, 0, 10_050, "RUB"),
        (3 * DAY, 0, -5_000, "RUB"),
        (2 * DAY, 0, 70_000, "EUR"),
        (1 * DAY, 0, 0, "RUB"),
    )
)


@pytest.mark.parametrize(
    ("history", "kind", "of", "window", "expected"),
    [
        (VISITS, "event_count", "visit", None, 4),
        (VISITS, "event_count", "visit", WEEK, 2),
        (VISITS, "event_count", "(other)", None, 1),
        (VISITS, "event_count", None, None, 5),
        (VISITS, "event_days", "visit", WEEK, 2),
        (VISITS, "event_days", "visit", 2 * WEEK, 3),
        (VISITS, "event_sum", "visit", None, 1.8),
        (VISITS, "event_sum", "visit", WEEK, 1.6),
        (VISITS, "event_recency", "visit", None, 0),
        (VISITS, "event_recency", "(other)", None, 24),
        (VISITS, "event_gap", "visit", None, 14 * 24 / 3),
        (VISITS, "event_gap", "(other)", None, math.nan),
        (VISITS, "event_gap_relative", "visit", None, 0),
        (VISITS, "event_trend", "visit", WEEK, 1),
        (VISITS, "kinds_distinct", None, WEEK, 2),
        (STAGES, "stage", None, None, "talk"),
        (STAGES, "stage_age", None, None, 3 * 24),
        (STAGES, "stage_age_relative", None, None, 6),
        (STAGES, "stage_position", None, None, 1),
        (STAGES, "stage_moves", None, None, 3),
        (STAGES, "stage_moves_back", None, None, 1),
        (PIPELINES, "stage_moves", None, None, 1),
        (PIPELINES, "stage_moves_back", None, None, 0),  # forward, in another one
        (PAYMENTS, "payment_count", None, None, 3),
        (PAYMENTS, "payment_days", None, WEEK, 2),
        (PAYMENTS, "payment_sum", None, None, 350.5),
        (PAYMENTS, "payment_sum", None, WEEK, 50.5),
        (PAYMENTS, "payment_recency", None, None, 48),
        (PAYMENTS, "payment_gap", None, None, 96),
        (PAYMENTS, "payment_gap_relative", None, None, 0.5),
        (PAYMENTS, "refund_count", None, None, 1),
        (VISITS, "card_number", "budget", None, 5.5),
        (VISITS, "card_flag", "vip", None, 1),
        (VISITS, "card_time_age", "met_at", None, -1),
        (VISITS, "card_text", "note", None, "привет"),
        (VISITS, "card_text_length", "note", None, 6),
        (VISITS, "card_filled", "note", None, 1),
        (VISITS, "contact_phone", "phone", None, 1),
        (VISITS, "contact_mail", "note", None, "none"),
        (VISITS, "source", None, None, "ads"),
        (VISITS, "pipeline", None, None, "sales"),
        (VISITS, "lead_age", None, None, 90 * 24 + 10),
        (VISITS, "hour", None, None, 2),  # 02:00 in Moscow, on Sunday
        (VISITS, "weekday", None, None, 7),
        (VISITS, "month", None, None, 10),
    ],
)
def test_features_are_what_one_counts_by_hand(
    history: History,
    kind: Kind,
    of: str | None,
    window: int | None,
    expected: float | str,
) -> None:
    """A window holds ages from 0 up to its length, and nothing that came later."""
    value = value_of(history, kind, of=of, window=window)

    assert value == expected or (value != value and expected != expected)


BUDGET = Catalog((Feature("it", "card_number", "it", NOBODY, of="budget"),))
GONE = Catalog((Feature("it", "card_number", "it", NOBODY, of="gone"),))
NOTE = Catalog((Feature("it", "card_number", "it", NOBODY, of="note"),))
ASKED = pl.DataFrame({"lead_id": ["a"], "moment": [MOMENT]})


@pytest.mark.parametrize("catalog", [GONE, NOTE])
def test_a_card_without_what_the_model_reads_is_refused(catalog: Catalog) -> None:
    """A field that was not ingested, or holds something else, is named, not emptied."""
    of = catalog.features[0].of

    with pytest.raises(BadInput, match=rf"'{of}'"):
        build(catalog, company(), ASKED)


def test_every_fault_of_the_card_is_named_at_once() -> None:
    """All fields that are not as the model needs them come in one refusal."""
    catalog = Catalog(
        (GONE.features[0], replace(NOTE.features[0], name="another")),
    )

    with pytest.raises(BadInput) as refused:
        build(catalog, company(), ASKED)

    assert len(refused.value.faults) == 2


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("card_number", "5"),
        ("card_number", True),
        ("card_flag", 1.0),
        ("card_text", 5.0),
        ("card_text_length", 5.0),
        ("contact_phone", True),
    ],
)
def test_one_lead_with_a_value_of_another_type_is_refused(
    kind: Kind, value: float | str
) -> None:
    """The twin refuses what the model did not learn from, and names the field."""
    catalog = Catalog((Feature("it", kind, "it", NOBODY, of="budget"),), {"it": ()})
    lead: LeadHistory = company().lead("a")

    with pytest.raises(BadInput, match="'budget'"):
        build_one(catalog, replace(lead, fields={"budget": value}), MOMENT)


def test_a_field_that_was_not_sent_is_not_known() -> None:
    """The CRM may leave out what is empty."""
    lead = replace(company().lead("a"), fields={})

    assert math.isnan(build_one(BUDGET, lead, MOMENT).numbers[0, 0])


def test_an_unknown_lead_is_refused() -> None:
    """Nobody gets features of a lead that was not ingested."""
    with pytest.raises(UnknownLead, match="'nobody'"):
        build(BUDGET, company(), ASKED.with_columns(lead_id=pl.lit("nobody")))
