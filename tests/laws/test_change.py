"""What the split of a change keeps, whatever changed and whatever is gone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.serve.company import invented_tables, learned, settings_in

from leads.decision import Prediction, probability_of
from leads.history import History, LeadHistory, microseconds
from leads.lead import EPOCH
from model.bundle.whole import Bundle
from model.change.road import Sources, road
from model.change.split import Stop, split
from model.change.telling import Ends, lines
from model.features.twin import build_one
from serve.scoring import predict

DAY = 86_400_000_000
LOG_ODDS = st.floats(-40, 40)


@dataclass(frozen=True)
class Company:
    """A history and two models of it with different catalogs."""

    history: History
    old: Bundle
    new: Bundle


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Learn one model, and another that may not look at the city."""
    folder = tmp_path_factory.mktemp("change")
    settled, tables = settings_in(folder), invented_tables(200)
    quick = settled.model.model_copy(update={"minimum": 20, "rounds": 20, "folds": 2})
    blind = quick.model_copy(update={"exclude": ("owner", "city")})
    old, new = (
        learned(tables, settled.model_copy(update={"model": model}), folder / name)
        for name, model in (("old", quick), ("new", blind))
    )
    assert old.manifest.enough, "else every lead is told the usual rate"
    assert old.catalog.digest != new.catalog.digest
    return Company(History(tables), old, new)


def said_of(
    bundle: Bundle, lead: LeadHistory, moment: int, *, reasons: bool = True
) -> Prediction:
    """Predict one lead at a moment."""
    table = build_one(bundle.catalog, lead, moment)
    as_of = EPOCH + timedelta(microseconds=moment)
    ids = [lead.lead_id]
    return predict(bundle, table, ids, [as_of], version="1", reasons=reasons)[0]


@given(
    stops=st.lists(
        st.tuples(LOG_ODDS, st.dictionaries(st.sampled_from("abc"), LOG_ODDS)),
        min_size=2,
        max_size=6,
    ),
)
def test_parts_add_up_from_any_start_to_any_end(
    stops: list[tuple[float, dict[str, float]]],
) -> None:
    """Parts sum to the change of log-odds and of probability, whatever lies between."""
    made = [Stop(base + sum(s.values()), base, s) for base, s in stops]

    parts = split(made, [("data",)] * (len(made) - 1))

    moved = made[-1].log_odds - made[0].log_odds
    chances = probability_of(made[-1].log_odds) - probability_of(made[0].log_odds)
    assert sum(part.log_odds for part in parts) == pytest.approx(moved, abs=1e-9)
    assert sum(part.points for part in parts) == pytest.approx(chances, abs=1e-9)
    for part in parts:
        if part.fields is not None and part.base is not None:
            within = part.base + sum(part.fields.values())
            assert within == pytest.approx(part.log_odds, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    number=st.integers(0, 199),
    ages=st.tuples(st.integers(0, 30 * DAY), st.integers(0, 30 * DAY)),
    models=st.tuples(st.booleans(), st.booleans()),
    gone=st.sets(st.sampled_from(["old", "new", "lead", "reasons"])),
)
def test_a_road_leads_from_what_was_stored_to_what_was_stored(
    company: Company,
    number: int,
    ages: tuple[int, int],
    models: tuple[bool, bool],
    gone: set[str],
) -> None:
    """Parts and lines sum to the stored change, up or down, whatever is gone."""
    lead = company.history.lead(f"L{number:05d}")
    first, last = (company.new if newer else company.old for newer in models)
    before = said_of(first, lead, lead.created_at + ages[0])
    after = said_of(
        last, lead, lead.created_at + ages[1], reasons="reasons" not in gone
    )
    sources = Sources(
        old=None if "old" in gone else first,
        new=None if "new" in gone else last,
        lead=None if "lead" in gone else lead,
    )

    found = road(before, after, sources)
    catalog = sources.new.catalog if sources.new else None
    told = lines(found, Ends(before, after, catalog, UTC))

    moved = after.log_odds - before.log_odds
    points = after.probability - before.probability
    for pieces in (found.parts, told):
        assert sum(one.log_odds for one in pieces) == pytest.approx(moved, abs=1e-9)
        assert sum(one.points for one in pieces) == pytest.approx(points, abs=1e-9)
    causes = [cause for part in found.parts for cause in part.causes]
    assert len(causes) == len(set(causes))


@settings(max_examples=40, deadline=None)
@given(number=st.integers(0, 199), age=st.integers(0, 30 * DAY), days=st.integers(0, 9))
def test_each_cause_is_what_it_says(
    company: Company, number: int, age: int, days: int
) -> None:
    """Model: same data, other model. Time: same rows seen later. Data: the rest."""
    lead, old, new = company.history.lead(f"L{number:05d}"), company.old, company.new
    then, now = lead.created_at + age, lead.created_at + age + days * DAY
    before, after = said_of(old, lead, then), said_of(new, lead, now)

    found = road(before, after, Sources(old, new, lead))

    by_cause = {part.causes: part.log_odds for part in found.parts}
    frozen = replace(
        lead,
        events=tuple(r for r in lead.events if max(r.at, r.recorded_at) <= then),
        stages=tuple(r for r in lead.stages if max(r.at, r.recorded_at) <= then),
        payments=tuple(r for r in lead.payments if max(r.at, r.recorded_at) <= then),
    )
    # A city not yet recorded then stays unknown; the new model does not look at it.
    at_once, later = said_of(new, lead, then), said_of(new, frozen, now)
    expected = {
        ("rewritten",): 0.0,
        ("model",): at_once.log_odds - before.log_odds,
        ("time",): later.log_odds - at_once.log_odds,
        ("data",): after.log_odds - later.log_odds,
    }
    assert by_cause == pytest.approx(expected, abs=1e-9)
    if days == 0:
        assert by_cause[("time",)] == by_cause[("data",)] == 0.0
        assert not found.arrivals
    came = sum(one.count for one in found.arrivals)
    seen, known = lead.as_of(now), lead.as_of(then)
    tables = ("events", "stages", "payments", "field_changes")
    assert came == sum(
        len(getattr(seen, name)) - len(getattr(known, name)) for name in tables
    )


def test_one_model_and_one_moment_change_nothing(company: Company) -> None:
    """The same model asked twice of the same data tells of no cause."""
    lead = company.history.lead("L00010")
    said = said_of(company.old, lead, lead.created_at + 5 * DAY)

    found = road(said, said, Sources(company.old, company.old, lead))

    assert {part.log_odds for part in found.parts} == {0.0}


def test_what_cannot_be_told_apart_is_joined(company: Company) -> None:
    """Without history time and data are one; without the old model its part is open."""
    lead, old, new = company.history.lead("L00010"), company.old, company.new
    before = said_of(old, lead, lead.created_at + DAY)
    after = said_of(new, lead, lead.created_at + 4 * DAY)
    again = said_of(old, lead, lead.created_at + 4 * DAY)

    alone = road(before, again, Sources(old, old, None))
    unknown = road(before, after, Sources(old, new, None))
    gone = road(before, after, Sources(None, new, lead))

    assert [part.causes for part in alone.parts] == [("model",), ("time", "data")]
    assert [part.causes for part in unknown.parts] == [("model", "time", "data")]
    assert [part.causes for part in gone.parts] == [
        ("rewritten", "model"), ("time",), ("data",),
    ]  # fmt: skip
    assert alone.missing == unknown.missing == ("history",)
    assert gone.missing == ("old_model",)


def test_corrected_data_are_no_news(company: Company) -> None:
    """What the history says otherwise of the old moment is a correction, not data."""
    lead, old = company.history.lead("L00010"), company.old
    then, now = lead.created_at + 6 * DAY, lead.created_at + 7 * DAY
    poorer = replace(lead, events=lead.events[:1])
    before, after = said_of(old, poorer, then), said_of(old, lead, now)

    found = road(before, after, Sources(old, old, lead))

    by_cause = {part.causes: part.log_odds for part in found.parts}
    once = said_of(old, lead, then)
    assert by_cause[("rewritten",)] == pytest.approx(once.log_odds - before.log_odds)
    assert by_cause[("rewritten",)] != 0.0
    assert microseconds(before.as_of) == then
