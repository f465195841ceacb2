from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from leads.decision import Reason, mean_slope
from model.bundle.whole import Bundle
from model.features.catalog import FeatureTable, Numbers
from model.learning import Trained
from model.reasons.explanation import fields_of, shares
from model.reasons.sentences import (
    LEAST_LEADS,
    LEAST_SHARE,
    MOST,
    explained,
    fact_of,
)


def reasons(
    bundle: Bundle, table: FeatureTable, row: int, given: Numbers
) -> tuple[Reason, ...]:
    """Explain one row by itself."""
    one = slice(row, row + 1)
    log_odds = bundle.base + given[one].sum(axis=1)
    return explained(bundle, table.rows(one), given[one], log_odds)[0][1]


def every_reason(trained: Trained) -> list[tuple[Reason, ...]]:
    """Explain every test row."""
    given = trained.bundle.contributions(trained.table)
    rows = range(len(trained.labels))
    return [reasons(trained.bundle, trained.table, row, given) for row in rows]


def one_lead(trained: Trained, **values: float | str | None) -> FeatureTable:
    """Make one lead with chosen values, the rest as the first test row has them."""
    catalog, first = trained.bundle.catalog, trained.table.rows(slice(0, 1))
    numbers, texts = first.numbers.copy(), first.texts.copy()
    for name, value in values.items():
        place = catalog.names.index(name)
        if place < numbers.shape[1]:
            numbers[0, place] = value
        else:
            texts[0, place - numbers.shape[1]] = value
    return FeatureTable(numbers, texts)


def reason_of(bundle: Bundle, table: FeatureTable, field: str) -> Reason:
    """Explain one lead and find the reason of a field."""
    found = reasons(bundle, table, 0, bundle.contributions(table))
    return next(reason for reason in found if reason.field == field)


def test_shares_add_up_by_business_field(trained: Trained) -> None:
    """Every column's contribution is in its field's share, and in no other."""
    given = trained.bundle.contributions(trained.table)
    fields, summed = shares(trained.bundle, given)

    assert fields == ("visits", "budget", "phone", "city", "source")
    assert np.allclose(summed[:, 0], given[:, :3].sum(axis=1), atol=1e-12, rtol=0)
    assert np.array_equal(summed[:, 1:], given[:, 3:])


def test_three_for_and_three_against_the_strongest_first(trained: Trained) -> None:
    """Reasons for come first, each side falls in strength, trifles are left out."""
    for found in every_reason(trained):
        positive = [r.share for r in found if r.share > 0]
        negative = [r.share for r in found if r.share < 0]
        assert [r.share for r in found] == positive + negative
        assert positive == sorted(positive, reverse=True)
        assert negative == sorted(negative)
        assert max(len(positive), len(negative)) <= MOST
        assert len(found) == 1 or all(abs(r.share) >= LEAST_SHARE for r in found)


def test_reasons_are_the_fields_shares(trained: Trained) -> None:
    """A reason claims what its field gave; the greatest that may speak is named."""
    mute = trained.bundle.reference.mute
    fields, summed = shares(trained.bundle, trained.bundle.contributions(trained.table))
    for found, row in zip(every_reason(trained), summed, strict=True):
        for reason in found:
            assert reason.share == row[fields.index(reason.field)]
        heard = [
            0.0 if field in mute else abs(share)
            for field, share in zip(fields, row, strict=True)
        ]
        strongest = fields[int(np.argmax(heard))]
        assert strongest in {reason.field for reason in found}


def recounted(bundle: Bundle, leads: int, won: float) -> Bundle:
    """Pretend that so many training leads were in Kazan, and so many converted."""
    reference = bundle.reference
    spread = reference.spreads["city"]
    other = replace(
        spread, leads=(0, leads, *spread.leads[2:]), won=(0.0, won, *spread.won[2:])
    )
    spreads = {**reference.spreads, "city": other}
    return replace(bundle, reference=replace(reference, rate=0.12, spreads=spreads))


def test_a_sentence_says_value_count_and_usual_rate(trained: Trained) -> None:
    """Both languages say the value, how many such leads, and how they converted."""
    bundle = recounted(trained.bundle, 412, 128.0)
    found = reason_of(bundle, one_lead(trained, city="Казань"), "city")

    assert (found.value, found.count, found.rate) == ("Казань", 412, 128 / 412)
    plain = {k: text.replace("\u00a0", " ") for k, text in found.text.items()}
    assert plain == {
        "en": "City: Казань. Of 412 such leads 31% converted, usual is 12%.",
        "ru": "Город: Казань. Из 412 таких лидов сконвертировались 31 %, обычно 12 %.",
    }


def test_russian_counts_decline(trained: Trained) -> None:
    """Fifty-one takes the singular, as a person would say it."""
    bundle = recounted(trained.bundle, 51, 30.0)
    found = reason_of(bundle, one_lead(trained, city="Казань"), "city")

    assert "Из 51 такого лида" in found.text["ru"]


def test_what_is_not_known_is_said_in_words(trained: Trained) -> None:
    """A missing value is named, never shown as nan or None."""
    found = reason_of(trained.bundle, one_lead(trained, city=None), "city")

    assert found.text["en"].startswith("City: not filled in.")
    assert found.text["ru"].startswith("Город: не заполнено.")


def test_no_column_name_reaches_a_person(trained: Trained) -> None:
    """Sentences hold words of the catalog, never the names of columns."""
    names = [feature.name for feature in trained.bundle.catalog.features[:3]]
    for found in every_reason(trained):
        for reason in found:
            for sentence in reason.text.values():
                assert not any(name in sentence for name in names)
                assert not re.search(r"\bnan\b|None|_", sentence)


def test_few_leads_give_no_rate(trained: Trained) -> None:
    """Of fewer than 30 like leads no rate is claimed."""
    bundle = recounted(trained.bundle, LEAST_LEADS - 1, 5.0)
    found = reason_of(bundle, one_lead(trained, city="Казань"), "city")

    assert (found.count, found.rate) == (None, None)
    assert found.text["en"] == "City: Казань."


@pytest.mark.parametrize(
    ("language", "turn"), [("en", "it speaks for"), ("ru", "это говорит за")]
)
def test_a_rate_that_points_the_other_way_is_owned_up_to(
    trained: Trained, language: str, turn: str
) -> None:
    """Where the count alone speaks against a reason for, the sentence says so."""
    bundle = recounted(trained.bundle, 400, 4.0)
    found = reason_of(bundle, one_lead(trained, city="Казань"), "city")

    assert found.share > 0
    assert turn in found.text[language]


def test_fields_come_in_the_catalogs_order(trained: Trained) -> None:
    """Each field is listed once, where the catalog first names it."""
    assert fields_of(trained.bundle.catalog)[0] == "visits"
    assert len(set(fields_of(trained.bundle.catalog))) == 5


def test_points_are_the_share_at_the_mean_slope(trained: Trained) -> None:
    """Every reason's points are its share times the slope of its own prediction."""
    bundle = trained.bundle
    log_odds = bundle.log_odds(trained.table).tolist()
    for found, odds in zip(every_reason(trained), log_odds, strict=True):
        for reason in found:
            slope = mean_slope(odds, bundle.base)
            assert reason.points == pytest.approx(reason.share * slope, abs=1e-12)


def test_one_and_many_are_said_alike(trained: Trained) -> None:
    """A lead explained alone has the reasons it has among hundreds, to the bit."""
    bundle, table = trained.bundle, trained.table
    log_odds, given, _ = bundle.explain(table)
    many = explained(bundle, table, given, log_odds)

    for row in range(0, len(table), 7):
        one = table.rows(slice(row, row + 1))
        alone_odds, alone_given, _ = bundle.explain(one)
        assert explained(bundle, one, alone_given, alone_odds) == [many[row]]


@pytest.mark.parametrize(
    ("leads", "won", "advisable"),
    [(400, 300.0, True), (400, 4.0, False), (9, 9.0, False)],
)
def test_thin_data_and_odd_directions_are_no_advice(
    trained: Trained, leads: int, won: float, *, advisable: bool
) -> None:
    """Advice needs thirty like leads whose outcomes speak the way the share does."""
    bundle = recounted(trained.bundle, leads, won)
    found = reason_of(bundle, one_lead(trained, city="Казань"), "city")

    assert found.share > 0
    assert found.advisable is advisable


def test_a_rare_level_is_not_named(trained: Trained) -> None:
    """What few leads have may name a person: it is called rare, and so is its count."""
    found = reason_of(trained.bundle, one_lead(trained, city="Anna Petrova"), "city")

    assert "Anna" not in found.text["en"] + found.text["ru"] + (found.value or "")
    assert found.text["en"].startswith("City: a rare one.")


def test_the_column_whose_count_agrees_speaks_for_its_field(trained: Trained) -> None:
    """Of two columns that pull alike, the one whose like leads agree is named."""
    bundle, table = trained.bundle, trained.table
    columns = [f.name for f in bundle.catalog.features if f.field == "visits"]
    given = np.zeros((len(table), len(bundle.catalog.features)))
    given[:, :2] = 0.5, 0.4
    spreads = dict(bundle.reference.spreads)
    for name, rate in zip(columns, (0.0, 1.0, 0.0), strict=True):
        spread = spreads[name]
        many = tuple(100 for _ in spread.leads)
        spreads[name] = replace(spread, leads=many, won=tuple(100 * rate for _ in many))
    odd = replace(
        bundle, reference=replace(bundle.reference, rate=0.5, spreads=spreads)
    )

    (found,) = reasons(odd, table, 0, given)

    assert found.rate == 1.0
    assert found.advisable


def test_a_value_that_says_nothing_of_the_lead_is_not_named(trained: Trained) -> None:
    """That nobody knows the usual time is no fact of a lead while others pull."""
    bundle = trained.bundle
    (first, *_) = [f.name for f in bundle.catalog.features if f.field == "visits"]
    features = tuple(
        replace(f, kind="stage_age_relative") if f.name == first else f
        for f in bundle.catalog.features
    )
    blind = replace(bundle, catalog=replace(bundle.catalog, features=features))
    given = np.zeros((1, len(features)))
    given[:, :2] = 0.5, 0.1

    (found,) = reasons(blind, one_lead(trained, **{first: math.nan}), 0, given)

    assert "usual time is not known" not in found.text["en"]
    assert found.field == "visits"


def test_the_fact_is_the_sentence_without_its_count(trained: Trained) -> None:
    """Label and value are left, in both languages."""
    bundle = recounted(trained.bundle, 412, 128.0)
    found = reason_of(bundle, one_lead(trained, city="Казань"), "city")

    assert fact_of(found, "en") == "City: Казань"
    assert fact_of(found, "ru") == "Город: Казань"
