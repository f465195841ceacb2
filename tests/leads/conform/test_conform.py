from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from leads.conform import Rules, conform
from leads.conform.raw import RawTable
from leads.errors import BadInput, Fault
from leads.tables import SCHEMAS, FieldType, Tables

RULES = Rules(ZoneInfo("Europe/Moscow"))
NUMBERS = Rules(RULES.zone, fields={"budget": FieldType.NUMBER})
Frames = dict[str, dict[str, list[Any]]]


def company(**changed: dict[str, list[Any]] | None) -> Frames:
    """Make a sound source of two leads, some of its tables changed or left out."""
    frames: Frames = {
        "leads": {
            "lead_id": ["b", "a"],
            "created_at": ["2026-01-02 10:00", "2026-01-01 10:00"],
            "budget": ["12,5", None],
        },
        "events": {
            "lead_id": ["a", "b"],
            "at": ["2026-01-05", "2026-01-03"],
            "kind": ["visit", "call"],
        },
        "stages": {"lead_id": ["a"], "at": ["2026-01-06"], "stage": ["new"]},
        "payments": {"lead_id": ["a"], "at": ["2026-01-07"], "amount": ["19.99"]},
        "field_changes": {
            "lead_id": ["a"],
            "at": ["2026-01-08"],
            "field": ["budget"],
            "value": ["3,75"],
        },
    }
    kept = {name: frame for name, frame in changed.items() if frame is not None}
    frames = {n: f for n, f in frames.items() if changed.get(n, f) is not None}
    return frames | kept


def read(frames: Frames, rules: Rules = RULES) -> Tables:
    """Conform frames as if each were a CSV file."""
    raw = {
        name: RawTable(
            pl.DataFrame(frame),
            f"{name}.csv",
            pl.Series(range(2, 2 + len(next(iter(frame.values()))))),
            typed=False,
        )
        for name, frame in frames.items()
    }
    return conform(raw, rules)


def faults_of(frames: Frames, rules: Rules = RULES) -> tuple[Fault, ...]:
    """Conform a source that must be refused."""
    with pytest.raises(BadInput) as refusal:
        read(frames, rules)
    return refusal.value.faults


def test_a_sound_source_becomes_canonical() -> None:
    """Times are UTC, money minor units, fields typed, and every schema is met."""
    tables = read(company())

    for name, schema in SCHEMAS.items():
        assert {c: tables[name].schema[c] for c in schema} == dict(schema)
    assert tables.leads["lead_id"].to_list() == ["a", "b"]
    assert tables.leads["created_at"][0] == datetime(2026, 1, 1, 7, tzinfo=UTC)
    assert tables.leads["budget"].to_list() == [None, 12.5]
    assert tables.fields == {"budget": FieldType.NUMBER}
    assert tables.payments["amount_minor"].to_list() == [1999]
    assert tables.payments["currency"].to_list() == ["RUB"]
    assert tables.field_changes["value"].to_list() == ["3.75"]
    assert tables.cut_off == datetime(2026, 1, 7, 21, tzinfo=UTC)
    assert tables.doubled == {}


@pytest.mark.parametrize(
    ("table", "columns", "expected"),
    [
        (
            "leads",
            {"lead_id": ["a", None, " "], "created_at": ["2026-01-01"] * 3},
            ("leads.csv", "lead_id", (3, 4)),
        ),
        (
            "leads",
            {"lead_id": ["a", "b"], "created_at": ["2026-01-01", None]},
            ("leads.csv", "created_at", (3,)),
        ),
        (
            "leads",
            {"lead_id": ["a", "b"], "created_at": ["2026-01-01", "9999-12-31"]},
            ("leads.csv", "created_at", (3,)),
        ),
        (
            "leads",
            {
                "lead_id": ["a", "b", "a"],
                "created_at": ["2026-01-01", "2026-01-01", "2026-01-02"],
            },
            ("leads.csv", "lead_id", (2, 4)),
        ),
        (
            "leads",
            {"lead_id": ["a", "b"], "created_at": ["2026-01-01", "2026-01-01T00:00Z"]},
            ("leads.csv", "created_at", (3,)),
        ),
        ("leads", {"lead_id": [], "created_at": []}, ("leads.csv", None, ())),
        (
            "events",
            {"lead_id": ["a", "x"], "at": ["2026-01-05"] * 2, "kind": ["k"] * 2},
            ("events.csv", "lead_id", (3,)),
        ),
        (
            "events",
            {"lead_id": ["a", "b"], "at": ["soon", "2026-01-05"], "kind": ["k"] * 2},
            ("events.csv", "at", (2,)),
        ),
        (
            "events",
            {"lead_id": ["a"], "at": ["2026-01-05"], "kind": ["k"], "value": ["ten"]},
            ("events.csv", "value", (2,)),
        ),
        (
            "stages",
            {"lead_id": ["a"], "at": ["2026-01-05"], "stage": [None]},
            ("stages.csv", "stage", (2,)),
        ),
        ("stages", {"lead_id": ["a"], "stage": ["new"]}, ("stages.csv", None, ())),
        (
            "payments",
            {"lead_id": ["b"], "at": ["2026-01-02 09:59"], "amount": ["1"]},
            ("payments.csv", "at", (2,)),
        ),
        (
            "payments",
            {"lead_id": ["a"], "at": ["2026-01-05"], "amount": ["nan"]},
            ("payments.csv", "amount", (2,)),
        ),
        (
            "payments",
            {"lead_id": ["a"], "at": ["2026-01-05"], "amount": [None]},
            ("payments.csv", "amount", (2,)),
        ),
        (
            "payments",
            {"lead_id": ["a"], "at": ["2026-01-05"]},
            ("payments.csv", None, ()),
        ),
        (
            "payments",
            {
                "lead_id": ["a", "a"],
                "at": ["2026-01-05"] * 2,
                "amount": ["1", "2"],
                "currency": ["EUR", "USD"],
            },
            ("payments.csv", "currency", (2, 3)),
        ),
        (
            "payments",
            {
                "lead_id": ["a"],
                "at": ["2026-01-05"],
                "amount": ["1"],
                "currency": ["EURO"],
            },
            ("payments.csv", "currency", (2,)),
        ),
        (
            "field_changes",
            {
                "lead_id": ["a"],
                "at": ["2026-01-05"],
                "field": ["created_at"],
                "value": ["2026-01-01"],
            },
            ("field_changes.csv", "field", (2,)),
        ),
    ],
)  # fmt: skip
def test_each_fault_is_told_with_file_column_and_rows(
    table: str, columns: dict[str, list[Any]], expected: tuple[Any, ...]
) -> None:
    """Whatever breaks a rule is refused where it is, and with a remedy."""
    frames = company(**{table: columns})
    if table == "leads":
        frames = {"leads": columns}

    faults = faults_of(frames)

    assert [(f.where, f.column, tuple(f.rows)) for f in faults] == [expected]
    assert all(fault.remedy.endswith(".") for fault in faults)


def test_all_faults_come_at_once() -> None:
    """One run names what is wrong in every table, not only the first thing."""
    frames = company(
        events={"lead_id": ["x"], "at": ["soon"], "kind": [None]},
        payments={"lead_id": ["a"], "amount": ["1"]},
        stages={"lead_id": ["a"], "at": ["2026-01-06"]},
    )

    faults = faults_of(frames)

    assert sorted((f.where, f.column or "") for f in faults) == [
        ("events.csv", "at"),
        ("events.csv", "kind"),
        ("events.csv", "lead_id"),
        ("payments.csv", ""),
        ("stages.csv", ""),
    ]


def test_rows_of_missing_leads_are_not_called_orphans() -> None:
    """Where the leads themselves have no id, one fault is enough."""
    frames = company(leads={"id": ["a", "b"], "created_at": ["2026-01-01"] * 2})

    faults = faults_of(frames)

    assert [fault.what.split(";")[0] for fault in faults] == ["no column 'lead_id'"]


def test_a_second_delivery_counts_once() -> None:
    """Identical rows are dropped and counted, in leads and everywhere else."""
    frames = company()
    twice = {
        name: {column: values * 2 for column, values in frame.items()}
        for name, frame in frames.items()
    }

    tables = read(twice)

    assert tables.doubled == {
        "leads": 2, "events": 2, "stages": 1, "payments": 1, "field_changes": 1,
    }  # fmt: skip
    assert tables.leads.height == 2
    assert any("payment" in note for note in tables.notes)


def test_recorded_at_is_the_rows_own_time_where_nothing_is_said() -> None:
    """A row that says when it was recorded keeps that, even before its own time."""
    events: dict[str, list[Any]] = {
        "lead_id": ["a", "a", "a"],
        "at": ["2026-01-03", "2026-01-04", "2026-01-05"],
        "recorded_at": [None, "2026-02-01", "2026-01-01 12:00"],
        "kind": ["visit"] * 3,
    }

    tables = read(company(events=events, field_changes=None))

    days = tables.events["recorded_at"].dt.convert_time_zone("Europe/Moscow").dt.date()
    assert [str(day) for day in days] == ["2026-01-03", "2026-02-01", "2026-01-01"]
    assert tables.cut_off == datetime(2026, 1, 31, 21, tzinfo=UTC)


def test_a_field_known_only_from_its_changes_is_a_card_field() -> None:
    """It has a type and a column in leads, empty until the first change."""
    changes = {
        "lead_id": ["a", "b"],
        "at": ["2026-01-08"] * 2,
        "field": ["vip", "meeting"],
        "value": ["TRUE", "10.01.2026 12:00"],
    }

    tables = read(company(field_changes=changes))

    assert tables.fields["vip"] is FieldType.FLAG
    assert tables.fields["meeting"] is FieldType.TIME
    assert tables.leads["vip"].null_count() == 2
    assert set(tables.field_changes["value"]) == {
        "true", "2026-01-10T09:00:00.000000+00:00",
    }  # fmt: skip


def test_the_owner_may_change_like_a_field() -> None:
    """A lead that is handed over keeps who had it before, as text."""
    changes = {
        "lead_id": ["a", "a"],
        "at": ["2026-01-08", "2026-01-09"],
        "field": ["owner", "owner"],
        "value": ["7", "12,5"],
    }

    tables = read(company(field_changes=changes))

    assert tables.field_changes["value"].to_list() == ["7", "12,5"]
    assert tables.fields.keys() == {"budget"}


def test_a_field_and_its_changes_agree_on_a_type() -> None:
    """One word among the changes makes the whole field text."""
    changes = {
        "lead_id": ["a"],
        "at": ["2026-01-08"],
        "field": ["budget"],
        "value": ["unknown"],
    }

    tables = read(company(field_changes=changes))

    assert tables.fields == {"budget": FieldType.TEXT}
    assert tables.leads["budget"].to_list() == [None, "12,5"]


def test_an_empty_column_is_left_out_and_said() -> None:
    """A column without a value can teach nothing."""
    frames = company()
    frames["leads"]["notes"] = ["", None]

    tables = read(frames)

    assert "notes" not in tables.leads.columns
    assert tables.notes == ("leads.csv: column 'notes' is empty and was left out",)


@pytest.mark.parametrize("where", ["leads", "field_changes"])
def test_an_excluded_field_is_nowhere(where: str) -> None:
    """Neither the card nor its changes keep a field that is excluded."""
    frames = company() if where == "field_changes" else company(field_changes=None)

    tables = read(frames, Rules(ZoneInfo("UTC"), exclude=frozenset({"budget"})))

    assert tables.fields == {}
    assert tables.field_changes.is_empty()


def test_a_misspelt_exclusion_is_refused() -> None:
    """A slip in the list of leaks must not let the leak through."""
    rules = Rules(ZoneInfo("UTC"), exclude=frozenset({"budgte"}))

    faults = faults_of(company(), rules)

    assert "'budgte'" in faults[0].what


def _money(values: list[Any], column: str, currency: str) -> Frames:
    return company(
        payments={
            "lead_id": ["a"] * len(values),
            "at": ["2026-01-07"] * len(values),
            column: values,
            "currency": [currency] * len(values),
        }
    )


@pytest.mark.parametrize(
    ("make", "minor"),
    [
        (lambda: _money([19.99, -0.1], "amount", "eur"), [-10, 1999]),
        (lambda: _money(["1 234,50"], "amount", "RUB"), [123450]),
        (lambda: _money([500], "amount", "JPY"), [500]),
        (lambda: _money([1999, 5], "amount_minor", "USD"), [5, 1999]),
    ],
)
def test_money_comes_in_main_units_or_minor_ones(
    make: Callable[[], Frames], minor: list[int]
) -> None:
    """An amount is exact, whatever its currency and however it is written."""
    tables = read(make())

    assert sorted(tables.payments["amount_minor"]) == minor


def changed_later(**columns: list[Any]) -> Frames:
    """Make a source where a lead's budget changed twice after its creation."""
    changes = {
        "lead_id": ["a", "a"],
        "at": ["2026-01-09", "2026-01-08"],
        "field": ["budget", "budget"],
        "value": ["5,0", "3,75"],
    }
    return company(field_changes=changes | columns)


def test_a_field_is_known_from_the_beginning_by_its_first_old_value() -> None:
    """The old value of the first change holds from the lead's creation on."""
    tables = read(changed_later(old_value=["3,75", "2,5"]))

    changes = tables.field_changes
    assert changes["value"].to_list() == ["2.5", "3.75", "5.0"]
    assert changes["at"][0] == tables.leads["created_at"][0]
    assert changes["recorded_at"][0] == tables.leads["recorded_at"][0]
    assert tables.doubled == {}


@pytest.mark.parametrize("old", [[None, None], ["3,75", None], ["3,75", " "]])
def test_no_old_value_adds_nothing(old: list[str | None]) -> None:
    """A first change from nothing, or an old value of a later one, begins nothing."""
    tables = read(changed_later(old_value=old))

    assert tables.field_changes.equals(read(changed_later()).field_changes)


def test_an_old_value_must_fit_the_field() -> None:
    """What is no number is refused in the old value as in the new one, by its row."""
    (fault,) = faults_of(changed_later(old_value=["3,75", "much"]), NUMBERS)

    assert fault.where == "field_changes.csv"
    assert tuple(fault.rows) == (3,)


def test_doubled_changes_begin_once() -> None:
    """A change that was delivered twice is counted as such and begins once."""
    frames = changed_later(old_value=["3,75", "2,5"])
    twice = {
        name: [*values, values[1]] for name, values in frames["field_changes"].items()
    }

    tables = read(company(field_changes=twice))

    assert tables.field_changes.height == 3
    assert tables.doubled == {"field_changes": 1}
