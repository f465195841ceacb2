"""Which features a card field gives, judged by what is in it."""

from __future__ import annotations

import polars as pl
import pytest

from leads.tables import FieldType
from model.features.fields import use_of

MANY = range(100)


@pytest.mark.parametrize(
    ("name", "kind", "values", "expected"),
    [
        ("rooms", "number", [float(i % 4) for i in MANY], ("card_number",)),
        ("budget", "number", [i * 17.5 % 999 for i in MANY], ("card_number",)),
        ("price", "number", [float(i * 7919 % 10_007) for i in MANY], ("card_number",)),
        ("number", "number", [float(i) for i in MANY], ()),
        ("deal_id", "number", [float(i * 7919 % 10_007) for i in MANY], ()),
        ("phone", "number", [79120000000.0 + i for i in MANY], ("contact_phone",)),
        ("phone", "text", [f"8 912 345-{i:04d}" for i in MANY], ("contact_phone",)),
        ("mail", "text", [f"a{i}@acme.example" for i in MANY], ("contact_mail",)),
        ("size", "text", ["small", "large"] * 50, ("card_text",)),
        ("site", "text", [f"id-{i}" for i in MANY], ("card_filled",)),
        (
            "wish",
            "text",
            [f"please call me back {i} times" for i in MANY],
            ("card_text_length", "card_filled"),
        ),
        ("wish", "text", ["please call me back very soon"] * 100, ("card_text",)),
        ("vip", "flag", [True, None] * 50, ("card_flag",)),
        ("due", "time", [0, None] * 50, ("card_time_age",)),
        ("gone", "text", [None] * 100, ()),
        ("few", "text", [f"id-{i}" for i in range(5)], ("card_text",)),
    ],
)
def test_a_field_is_used_for_what_it_holds(
    name: str, kind: str, values: list[object], expected: tuple[str, ...]
) -> None:
    """Contacts, ids, prose, levels and numbers are told apart by their content."""
    dtype = pl.String() if kind == "text" else None

    use = use_of(pl.Series(name, values, dtype=dtype), FieldType(kind), region="RU")

    assert use.kinds == expected
    assert (use.note is not None) == (expected in {(), ("card_filled",)})


def test_phone_numbers_without_a_country_need_to_know_it() -> None:
    """Digits alone are a phone number in one country and nothing in another."""
    local = pl.Series("phone", [f"(912) 345-{i:04d}" for i in MANY])

    russian = use_of(local, FieldType.TEXT, region="RU")
    nowhere = use_of(local, FieldType.TEXT, region=None)

    assert russian.kinds == ("contact_phone",)
    assert "contact_phone" not in nowhere.kinds
