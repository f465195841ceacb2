from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
from tests.serve.company import invented_tables

from leads.history import History
from leads.lead import microseconds
from leads.settings import Clean
from leads.tables import INSTANT, Tables
from serve.returning import Returning

PAID = datetime(2026, 2, 1, 12, tzinfo=UTC)
BOOKED = PAID + timedelta(days=2)


def history(phones: dict[str, str | None], mails: dict[str, str | None]) -> History:
    """Make a company whose first lead paid, with these contacts on the cards."""
    made = invented_tables(4, seed=1)
    ids = made.leads["lead_id"].to_list()
    leads = made.leads.with_columns(
        phone=pl.Series([phones.get(one) for one in ids], dtype=pl.String),
        email=pl.Series([mails.get(one) for one in ids], dtype=pl.String),
    )
    payments = pl.DataFrame(
        [(ids[0], PAID, BOOKED, 5_000, "RUB"), (ids[1], PAID, PAID, -900, "RUB")],
        schema=made.payments.schema,
        orient="row",
    ).with_columns(pl.col("at", "recorded_at").cast(INSTANT))
    fields = {**made.fields, "email": made.fields["phone"]}
    parts = {n: made[n] for n in ("events", "stages", "field_changes", "outcomes")}
    return History(
        Tables(
            leads=leads, payments=payments, fields=fields, cut_off=made.cut_off, **parts
        )
    )


def returning(
    phones: dict[str, str | None], mails: dict[str, str | None], *, days: float = 10
) -> list[str]:
    """Name the leads whose person had paid elsewhere so many days after the payment."""
    made = history(phones, mails)
    known = Returning(made, Clean())
    now = microseconds(PAID + timedelta(days=days))
    return [one for one in made.leads["lead_id"] if known(one, now)]


def test_the_same_phone_or_mail_is_the_same_person() -> None:
    """However the number is written, and whatever the case of the address."""
    phones = {"L00000": "8 (912) 345-67-89", "L00001": "+7 912 345 67 89"}
    mails = {"L00000": "a@firm.example", "L00002": " A@Firm.example"}

    assert returning(phones, mails) == ["L00001", "L00002"]


def test_who_paid_is_not_returning_by_its_own_payment() -> None:
    """Only what another lead paid makes a lead come back."""
    assert returning({"L00000": "8 912 345-67-89"}, {}) == []


def test_a_payment_counts_only_from_when_it_was_known() -> None:
    """Booked two days later, it was not known the day after it was made."""
    phones = {"L00000": "8 912 345-67-89", "L00003": "8 912 345-67-89"}

    assert returning(phones, {}, days=1) == []
    assert returning(phones, {}, days=2) == ["L00003"]


def test_what_everybody_types_joins_nobody() -> None:
    """An office box, a number of one digit, half a number: strangers stay strangers."""
    same = dict.fromkeys(("L00000", "L00001", "L00002", "L00003"))

    assert returning(dict.fromkeys(same, "+7 999 000-00-00"), {}) == []
    assert returning(dict.fromkeys(same, "12-34"), {}) == []
    assert returning({}, dict.fromkeys(same, "info@firm.example")) == []


def test_a_refund_is_no_payment() -> None:
    """Whose only payment went back has not paid."""
    phones = {"L00001": "8 912 345-67-89", "L00003": "8 912 345-67-89"}

    assert returning(phones, {}) == []
