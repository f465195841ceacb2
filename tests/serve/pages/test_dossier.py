import math
import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serve import example

from leads.decision import Prediction
from leads.history import History
from leads.journal import Stored
from leads.tables import UNDATED
from serve.pages.dossier import MOST_HAPPENINGS, MOST_STEPS, compile_dossier, moves_of
from serve.pages.story import Sort, story_of


def stored(number: int, days: float, prediction: Prediction) -> Stored:
    """Keep a prediction that was made some days ago."""
    return Stored(number, prediction, example.NOW - timedelta(days=days), "score")


def said(**changes: object) -> Prediction:
    """Predict a lead."""
    made = example.prediction("L-00001", random.Random(3))
    return replace(made, **changes)  # type: ignore[arg-type]


@given(
    shares=st.dictionaries(st.text(max_size=5), st.floats(-5, 5), max_size=40),
    base=st.floats(-5, 5),
)
def test_moves_add_up(shares: dict[str, float], base: float) -> None:
    """Base plus moves is the log-odds, and each move begins where the last ended."""
    moves = moves_of(said(shares=shares, base=base))

    level = base
    for move in moves:
        assert move.before == pytest.approx(level, abs=1e-9)
        level = move.after
    assert level == pytest.approx(base + math.fsum(shares.values()), abs=1e-9)
    assert len(moves) <= MOST_STEPS + 1


def test_small_moves_are_joined_not_dropped() -> None:
    """With many fields the heaviest stand alone and the rest are one move together."""
    shares = {f"f{i}": 1.0 / (i + 1) for i in range(20)}

    moves = moves_of(said(shares=shares))

    assert [move.field for move in moves] == [f"f{i}" for i in range(8)] + [None]
    assert moves[-1].share == pytest.approx(sum(1 / (i + 1) for i in range(8, 20)))


def test_newest_prediction_is_shown() -> None:
    """The page shows what was said last, also if it fell, and lists the others."""
    high, low = said(probability=0.8), said(probability=0.2)
    entries = [stored(2, 0, low), stored(1, 3, high)]

    dossier = compile_dossier(entries, None)

    assert dossier.probability == 0.2
    assert [e.id for e in dossier.earlier] == [1]


@pytest.mark.parametrize(
    ("probability", "compared"),
    [(0.30, "above"), (0.12, "about"), (0.14, "about"), (0.05, "below")],
)
def test_comparison_with_the_usual_chance(probability: float, compared: str) -> None:
    """A chance is above, about or below the usual one of 12%."""
    dossier = compile_dossier([stored(1, 0, said(probability=probability))], None)

    assert dossier.compared == compared
    assert dossier.usual == pytest.approx(0.12)


def test_reasons_are_parted_by_side() -> None:
    """Reasons for and against are apart, each the strongest first."""
    dossier = compile_dossier([stored(1, 0, said())], None)

    assert [r.share > 0 for r in dossier.reasons_for] == [True] * 3
    assert all(r.share < 0 for r in dossier.reasons_against)
    shares = [r.share for r in dossier.reasons_for]
    assert shares == sorted(shares, reverse=True)


def test_story_tells_all_newest_first() -> None:
    """Every row known of a lead is told, and the latest comes first."""
    tables = example.tables(example.lead_ids(40))
    history = History(tables)

    for lead_id in example.lead_ids(40):
        story = story_of(history.lead(lead_id))

        moments = [happening.at for happening in story]
        assert moments == sorted(moments, reverse=True)
        rows = sum(
            (tables[name]["lead_id"] == lead_id).sum()
            for name in ("events", "stages", "payments", "field_changes")
        )
        assert len(story) == rows + 1


def test_negative_payment_is_a_refund() -> None:
    """Money given back is told as a refund, not as a payment."""
    tables = example.tables(example.lead_ids(40))
    refunded = tables.payments.filter(tables.payments["amount_minor"] < 0)["lead_id"][0]

    story = story_of(History(tables).lead(refunded))

    told = {h.sort: h.value for h in story if h.currency}
    assert told == {Sort.PAYMENT: 1_250_000, Sort.REFUND: -1_250_050}


def test_long_story_is_cut_and_counted(tmp_path: Path) -> None:
    """Only the latest happenings are listed; the rest are counted, not forgotten."""
    lead = History(example.tables(["L-1"])).lead("L-1")
    event = lead.events[0]
    many = tuple(event._replace(at=event.at + i) for i in range(500))
    lead = replace(lead, events=many)

    dossier = compile_dossier([stored(1, 0, said())], lead)

    assert len(dossier.story) == MOST_HAPPENINGS
    assert dossier.untold + MOST_HAPPENINGS == len(story_of(lead))


def test_flat_table_has_no_clock() -> None:
    """A lead of a flat table without times is not dated."""
    assert not compile_dossier([stored(1, 0, said(as_of=UNDATED))], None).dated
    assert compile_dossier([stored(1, 0, said())], None).dated
