"""Which reason a list says of each lead."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.serve import example

from leads.decision import Prediction, Reason, Tier
from leads.pointed import Pointed, by_points
from serve.pages.distinction import WORTH, telling_reasons

SHARES = st.lists(
    st.tuples(
        st.sampled_from(["visit", "call", "mail", "stage"]),
        st.floats(-2, 2, allow_nan=False),
    ),
    max_size=6,
    unique_by=lambda pair: pair[0],
)


def lead(*shares: tuple[str, float]) -> Prediction:
    """Predict a lead for these reasons."""
    said = example.prediction("L-1", random.Random(1))
    reasons = tuple(
        Reason(field, share, "1", 100, 0.3, {"en": field, "ru": field})
        for field, share in shares
    )
    return replace(said, reasons=reasons)


def fields(*leads: Prediction) -> list[str | None]:
    """Name the reason that is said of each."""
    return [None if one is None else one.field for one in telling_reasons(leads)]


def test_what_speaks_for_all_gives_way_to_what_speaks_for_one() -> None:
    """Three leads visited most; each is told by what only it did."""
    found = fields(
        lead(("visit", 1.0), ("call", 0.9)),
        lead(("visit", 1.0), ("mail", 0.6)),
        lead(("visit", 1.0)),
    )

    assert found == ["call", "mail", "visit"]


def test_a_weak_reason_is_not_put_forward_for_being_rare() -> None:
    """Below half of the strongest it is not worth the line; against is never for."""
    strong, against = lead(("visit", 1.0), ("mail", 0.49)), lead(("call", -3.0))

    assert fields(strong, lead(("visit", 0.2)), against) == ["visit", "visit", None]


def test_alone_the_strongest_is_said() -> None:
    """With nobody beside it a lead is told by its main reason."""
    assert fields(lead(("mail", 0.8), ("visit", 1.0))) == ["visit"]


@given(st.lists(SHARES, max_size=8))
def test_what_is_said_is_the_leads_own_and_strong(
    made: list[list[tuple[str, float]]],
) -> None:
    """Whoever stands beside it: one of its reasons for, at least half its strongest."""
    leads = [lead(*shares) for shares in made]

    for one, said in zip(leads, telling_reasons(leads), strict=True):
        speaking = [reason for reason in one.reasons if reason.share > 0]
        assert (said is None) == (not speaking)
        if said is not None:
            assert said in speaking
            assert said.share >= WORTH * max(reason.share for reason in speaking)


def test_where_points_stand_for_the_tier_they_are_told() -> None:
    """Nothing speaks in log-odds there, and "nothing speaks for it" would be untrue."""
    points = Pointed(20, 5, "A2", {"en": "By points: 25"})

    found = telling_reasons([by_points(lead(), points, Tier.HOT), lead()])

    assert [one and one.text["en"] for one in found] == ["By points: 25", None]
