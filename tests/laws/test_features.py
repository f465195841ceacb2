"""Laws of every feature, on random histories: late rows, ties, gaps, unknowns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leads.history import History
from leads.lead import LeadHistory
from leads.tables import FIELD_DTYPES, LEADS, SCHEMAS, FieldType, Tables
from model.features import batch as features
from model.features.batch import build
from model.features.candidates import Found, candidates
from model.features.catalog import TEXT_KINDS, Catalog, FeatureTable, Kind
from model.features.twin import build_one
from model.features.wording import UNITS

HOUR = 3_600_000_000
DAY = 24 * HOUR
START = 1_700_000_000_000_000
FIELDS = {
    "budget": FieldType.NUMBER,
    "city": FieldType.TEXT,
    "note": FieldType.TEXT,
    "vip": FieldType.FLAG,
    "met_at": FieldType.TIME,
    "phone": FieldType.TEXT,
    "mobile": FieldType.NUMBER,
    "mail": FieldType.TEXT,
}
USES: Mapping[str, tuple[Kind, ...]] = {
    "budget": ("card_number", "card_filled"),
    "city": ("card_text",),
    "note": ("card_text_length",),
    "vip": ("card_flag",),
    "met_at": ("card_time_age",),
    "phone": ("contact_phone",),
    "mobile": ("contact_phone",),
    "mail": ("contact_mail",),
}
CATALOG = Catalog(
    candidates(
        Found(
            event_kinds=("visit", "call", "payments"),
            valued_kinds=frozenset({"visit"}),
            other_events=True,
            currency="RUB",
            stages=True,
            fields=USES,
            owner=True,
            months=True,
            criteria={
                "right_person": "city",
                "right_plan": "budget",
                "right_budget": "vip",
            },
            cycles=True,
        )
    ),
    cycle_seconds={"sales": 86_400.3, "": 3 * 86_400.0},
    refusals=("омск", "0", "false"),
    event_kinds=("visit", "call", "payments"),
    stage_order={"sales": ("new", "talk", "won"), "": ("new", "talk")},
    stage_normal_seconds={"sales": {"new": 3_600.0, "talk": 86_400.7}},
    timezone="Europe/Moscow",
    currency="RUB",
)

DATED = ("events", "stages", "payments")

# Few distinct instants, so that rows meet each other, the windows' ends, the moments.
instants = st.builds(
    lambda days, hours, ticks: START + days * DAY + hours * HOUR + ticks,
    st.sampled_from([0, 1, 2, 6, 7, 14, 29, 30, 60, 90, 200]),
    st.sampled_from([0, 0, 1, 23]),
    st.sampled_from([0, 0, -1, 1]),
)
delays = st.sampled_from([0, 0, 0, HOUR, 7 * DAY, 40 * DAY])
leads = st.sampled_from(["a", "b", "c"])
values = st.none() | st.sampled_from([0.1, 0.2, 0.3, -1.5, 1e-7, 1e12, 2 / 3, 0.0])
texts = st.none() | st.sampled_from(["", "Омск", "a b c", "длинный текст " * 9])


def rows_of(*columns: st.SearchStrategy[Any], most: int) -> st.SearchStrategy[Any]:
    """Draw rows (lead, at, delay, ...) of a dated table."""
    return st.lists(st.tuples(leads, instants, delays, *columns), max_size=most)


events = rows_of(
    st.sampled_from(["visit", "call", "payments", "never seen", "(other)"]),
    values,
    st.none() | st.just("{}"),
    most=25,
)
stages = rows_of(
    st.none() | st.sampled_from(["sales", "unseen"]),
    st.sampled_from(["new", "talk", "won", "unseen"]),
    most=12,
)
payments = rows_of(
    st.sampled_from([100, -100, 1, 0, 10**15, -(10**13)]),
    st.sampled_from(["RUB", "EUR"]),
    most=8,
)
changes = rows_of(
    st.sampled_from(["budget", "city", "vip", "met_at", "pipeline"]),
    st.none() | st.sampled_from(["1", "12.5", "true", "2026-01-01T00:00:00+00:00"]),
    most=8,
)
cards = st.tuples(
    instants,
    delays,
    texts,  # source
    st.none() | st.just("sales"),
    texts,  # owner
    st.none() | st.sampled_from([0.0, -0.0, 1.5, 1e300]),  # budget
    texts,
    texts,
    st.none() | st.booleans(),
    st.none() | instants,
    st.none() | st.sampled_from(["+7 912 345-67-89", "later"]),
    st.none() | st.sampled_from([79123456789.0, 12.0]),
    st.none() | st.sampled_from(["a@mail.ru", "a@acme.example", "later"]),
)
histories = st.builds(
    lambda *drawn: tables_of(*drawn),
    st.tuples(cards, cards, cards),
    events,
    stages,
    payments,
    changes,
)
asked = st.lists(st.tuples(leads, instants), min_size=1, max_size=12)


def canonical(name: str, rows: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    """Make a canonical table of rows (lead, at, delay, ...): unique, in order."""
    dated = [(lead, at, at + delay, *rest) for lead, at, delay, *rest in rows]
    frame = typed(dated, SCHEMAS[name])
    return frame.unique().sort(frame.columns)


def typed(
    rows: Sequence[tuple[Any, ...]], schema: Mapping[str, pl.DataType]
) -> pl.DataFrame:
    """Make a frame of rows whose instants are integers."""
    integers = {c: pl.Int64() if c.endswith("at") else t for c, t in schema.items()}
    frame = pl.DataFrame(rows, schema=integers, orient="row")
    return frame.select(pl.col(c).cast(t) for c, t in schema.items())


def tables_of(
    cards: Sequence[tuple[Any, ...]],
    events: Sequence[tuple[Any, ...]] = (),
    stages: Sequence[tuple[Any, ...]] = (),
    payments: Sequence[tuple[Any, ...]] = (),
    changes: Sequence[tuple[Any, ...]] = (),
) -> Tables:
    """Make canonical tables of leads a, b, c and rows (lead, at, delay, ...)."""
    schema = {**LEADS, **{name: FIELD_DTYPES[kind] for name, kind in FIELDS.items()}}
    named = [
        (lead, at, at + delay, *rest)
        for lead, (at, delay, *rest) in zip("abc", cards, strict=True)
    ]
    return Tables(
        leads=typed(named, schema),
        events=canonical("events", events),
        stages=canonical("stages", stages),
        payments=canonical("payments", payments),
        field_changes=canonical("field_changes", changes),
        outcomes=pl.DataFrame(schema=dict(SCHEMAS["outcomes"])),
        fields=FIELDS,
        cut_off=datetime(2030, 1, 1, tzinfo=UTC),
    )


def moments_of(pairs: Sequence[tuple[str, int]]) -> pl.DataFrame:
    """Make snapshots of (lead, moment)."""
    schema = {"lead_id": pl.String(), "moment": pl.Int64()}
    return pl.DataFrame(pairs, schema=schema, orient="row").with_row_index("row")


def assert_same(one: FeatureTable, other: FeatureTable) -> None:
    """Compare to the bit, and name the features that differ."""
    names = [feature.name for feature in CATALOG.number_features]
    unlike = one.numbers.view(np.int64) != other.numbers.view(np.int64)
    unlike &= ~(np.isnan(one.numbers) & np.isnan(other.numbers))
    assert not unlike.any(), [
        (names[j], one.numbers[i, j], other.numbers[i, j])
        for i, j in np.argwhere(unlike)
    ]
    assert one.texts.tolist() == other.texts.tolist()


@given(histories, asked)
@settings(max_examples=40, deadline=None)
def test_one_lead_and_a_batch_agree_to_the_bit(
    tables: Tables, pairs: list[tuple[str, int]]
) -> None:
    """The twin gives for one lead what the engine gives for it among others."""
    history = History(tables)

    batch = build(CATALOG, history, moments_of(pairs))

    for row, (lead_id, moment) in enumerate(pairs):
        alone = build_one(CATALOG, history.lead(lead_id), moment)
        assert_same(batch.rows(slice(row, row + 1)), alone)


@given(histories, histories, leads, instants)
@settings(max_examples=40, deadline=None)
def test_later_rows_change_nothing(
    tables: Tables, more: Tables, lead_id: str, moment: int
) -> None:
    """Rows that happen or are recorded after a moment do not change its features."""
    cut = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment)
    later = (pl.col("at") > cut) | (pl.col("recorded_at") > cut)
    before: dict[str, Any] = {n: tables[n].filter(~later) for n in DATED}
    after: dict[str, Any] = {
        name: pl.concat([frame, more[name].filter(later)]).unique().sort(frame.columns)
        for name, frame in before.items()
    }
    asked = moments_of([(lead_id, moment)])

    short = build(CATALOG, History(replace(tables, **before)), asked)
    long = build(CATALOG, History(replace(tables, **after)), asked)

    assert_same(short, long)


def test_ten_thousand_cuts_show_no_future() -> None:
    """The engine, which has all rows, agrees with the twin, which has no later ones."""
    random = np.random.default_rng(11)
    history = History(random_tables(random))
    who = random.choice(list("abc"), 10_000)
    when = START + random.integers(-DAY, 120 * DAY, 10_000)
    pairs = list(zip(who.tolist(), when.tolist(), strict=True))

    batch = build(CATALOG, history, moments_of(pairs))

    whole = {lead_id: history.lead(lead_id) for lead_id in "abc"}
    alone = [
        build_one(CATALOG, cut_off(whole[lead_id], moment), moment)
        for lead_id, moment in pairs
    ]
    numbers = np.concatenate([table.numbers for table in alone])
    texts = np.concatenate([table.texts for table in alone])
    assert len(numbers) == 10_000
    assert_same(batch, FeatureTable(numbers, texts))


def random_tables(random: np.random.Generator) -> Tables:
    """Make three leads with dozens of rows each, a third of them recorded late."""

    def rows(count: int, *columns: Sequence[Any]) -> list[tuple[Any, ...]]:
        at = START + random.integers(0, 100 * DAY, count)
        late = (random.random(count) < 0.3) * random.integers(0, 20 * DAY, count)
        drawn = [random.choice(np.array(c, dtype=object), count) for c in columns]
        lead = random.choice(list("abc"), count)
        return list(zip(*(c.tolist() for c in (lead, at, late, *drawn)), strict=True))

    card = (START, 0, "ads", "sales", "me", 1.0, "Омск", "a b", True, START + DAY,
            "+7 912 345-67-89", None, "a@mail.ru")  # fmt: skip
    return tables_of(
        [card] * 3,
        rows(150, ["visit", "call", "new"], [None, 0.1, 2 / 3, -3.3], [None]),
        rows(30, ["sales", None], ["new", "talk", "won"]),
        rows(20, [100, -50, 333], ["RUB", "EUR"]),
        rows(20, ["budget", "city"], ["1", "2.5", None]),
    )


def cut_off(lead: LeadHistory, moment: int) -> LeadHistory:
    """Take later rows away, but for changes of fields.

    That a field will change tells that its last value was not there from the start, so
    a card without its later changes is another card.
    """
    kept: dict[str, Any] = {
        name: tuple(
            row
            for row in getattr(lead, name)
            if row.at <= moment and row.recorded_at <= moment
        )
        for name in DATED
    }
    return replace(lead, **kept)


@given(histories, asked, st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None)
def test_order_and_doubled_delivery_change_nothing(
    tables: Tables, pairs: list[tuple[str, int]], chance: Any
) -> None:
    """Rows of one lead may come in any order, and twice."""
    lead_id, moment = pairs[0]
    lead = History(tables).lead(lead_id)
    untidy: dict[str, Any] = {}
    for name in (*DATED, "field_changes"):
        rows = [*getattr(lead, name)] * 2
        chance.shuffle(rows)
        untidy[name] = tuple(rows)

    tidy = build_one(CATALOG, lead, moment)
    assert_same(tidy, build_one(CATALOG, replace(lead, **untidy), moment))


@given(histories, asked, st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None)
def test_order_of_snapshots_and_size_of_chunks_change_nothing(
    tables: Tables, pairs: list[tuple[str, int]], chance: Any
) -> None:
    """A snapshot's features do not depend on the snapshots beside it."""
    history = History(tables)
    order = list(range(len(pairs)))
    chance.shuffle(order)
    whole = build(CATALOG, history, moments_of(pairs))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "CHUNK", 2)
        shuffled = build(CATALOG, history, moments_of([pairs[i] for i in order]))

    assert_same(whole.rows(np.array(order, dtype=np.intp)), shuffled)


@given(histories, asked)
@settings(max_examples=10, deadline=None)
def test_inputs_are_not_changed(tables: Tables, pairs: list[tuple[str, int]]) -> None:
    """Building leaves the tables and the moments as they were."""
    names = ("leads", "events", "stages", "payments", "field_changes")
    before = {name: tables[name].clone() for name in names}
    asked = moments_of(pairs)
    kept = asked.clone()

    build(CATALOG, History(tables), asked)

    assert asked.equals(kept)
    assert all(tables[name].equals(frame) for name, frame in before.items())


def test_an_empty_history_survives() -> None:
    """Of a lead with nothing but an id every count is 0 and every other unknown."""
    nothing = (START, 0, *[None] * 11)
    history = History(tables_of([nothing] * 3))

    table = build(CATALOG, history, moments_of([("a", START + DAY)]))

    known = {
        feature.kind
        for feature, value in zip(
            CATALOG.number_features, table.numbers[0], strict=True
        )
        if not np.isnan(value)
    }
    assert known == {
        "event_count", "event_days", "event_sum", "event_trend", "kinds_distinct",
        "payment_count", "payment_days", "payment_sum", "refund_count",
        "stage_moves", "stage_moves_back", "card_filled", "contact_phone",
        "lead_age", "lead_age_relative", "hour", "weekday", "month",
    }  # fmt: skip
    mail = [feature.kind for feature in CATALOG.text_features].index("contact_mail")
    assert [t for j, t in enumerate(table.texts[0]) if j != mail] == [None] * 5
    assert table.texts[0, mail] == "none"


def test_no_snapshots_give_an_empty_table() -> None:
    """Asked about nobody, the table has no rows and all columns."""
    history = History(tables_of([(START, 0, *[None] * 11)] * 3))

    table = build(CATALOG, history, moments_of([]))

    assert table.numbers.shape == (0, len(CATALOG.number_features))
    assert table.texts.shape == (0, len(CATALOG.text_features))


def test_every_feature_has_words_in_both_languages_and_a_unit() -> None:
    """Nobody meets a feature without words, or a number without its measure."""
    members = CATALOG.features
    own_measure = {"card_number", "event_sum", *TEXT_KINDS}

    for feature in members:
        for words in (feature.words.en, feature.words.ru):
            assert words.strip(), feature.name
            assert "{" not in words, feature.name
        known = feature.unit in {*UNITS.values(), CATALOG.currency}
        assert known != (feature.kind in own_measure), feature.name

    assert {feature.kind for feature in members} == set(get_args(Kind))
    assert len(get_args(Kind)) == 37
    assert len(members) == 78
