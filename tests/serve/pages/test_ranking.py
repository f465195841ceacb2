"""The ranking in memory is what the journal would give if it were read whole."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa
from tests.serve import example

from leads.decision import Outlook, Prediction, Tier
from leads.forgetting import forget_leads
from leads.ranks import entries_before
from leads.records import LATEST
from serve.pages.listing import Wanted
from serve.pages.ranking import LONGEST_HELD, By, Ranking
from serve.pages.sight import Sight
from serve.pages.whereabouts import Places, whereabouts


@pytest.fixture
def sight(tmp_path: Path) -> Iterator[Sight]:
    """Open a company with forty leads."""
    with example.sight(tmp_path, example.lead_ids(40)) as opened:
        yield opened


def worth(made: Prediction, minor: int | None) -> Prediction:
    """Expect money of a lead."""
    return replace(made, outlook=Outlook(0.1, 0.9, {}, None, minor, "RUB"))


@pytest.mark.parametrize("by", ["chance", "money"])
def test_what_is_put_in_stands_where_a_whole_reading_puts_it(
    sight: Sight, by: By
) -> None:
    """After each of many predictions and erasures both rankings are equal."""
    rng, history = random.Random(3), sight.history()
    assert history is not None
    places = Places(whereabouts(history, sight.settings))
    held = Ranking(clock=lambda: 0.0)
    held.of(sight.journal, places, by)
    for step in range(12):
        lead_ids = [f"L-{rng.randrange(50):05d}" for _ in range(rng.choice((1, 3)))]
        made = [example.prediction(lead_id, rng) for lead_id in lead_ids]
        money = [worth(one, rng.choice((None, 2**40, 700))) for one in made]
        sight.journal.record(money, made_at=example.NOW + timedelta(hours=step),
                             channel="api")  # fmt: skip
        if step % 4 == 3:
            forget_leads(sight.journal, [f"L-{rng.randrange(1, 41):05d}"])

        found = held.of(sight.journal, places, by)
        whole = Ranking().of(sight.journal, places, by)
        assert found.frame.equals(whole.frame), step
        assert found.choices == whole.choices


def test_only_what_is_new_is_read(sight: Sight) -> None:
    """A new prediction is in its place, and leads it does not touch stay as held."""
    places, ranking = Places(), Ranking(clock=lambda: 0.0)
    before = ranking.of(sight.journal, places).frame
    first, last = before["lead_id"][0], before["lead_id"][-1]
    told = before.filter(pl.col("lead_id") == first).row(0)
    with sight.journal.writing() as connection:  # behind the back of the mark
        hidden = sa.update(LATEST).where(LATEST.c.lead_id == first)
        connection.execute(hidden.values(probability=0.0))
    said = example.prediction(last, random.Random(8))
    sure = replace(said, probability=0.999)

    sight.journal.record([sure], made_at=example.NOW, channel="api")
    after = ranking.of(sight.journal, places).frame

    assert after["lead_id"][0] == last
    assert after.filter(pl.col("lead_id") == first).row(0) == told
    assert sorted(after["lead_id"]) == sorted(before["lead_id"])
    assert Ranking().of(sight.journal, places).frame["lead_id"][-1] == first


def test_an_entry_whose_id_was_used_again_is_noticed_in_time(sight: Sight) -> None:
    """Erasing the last entry and recording another leaves the mark as it was."""
    now = [0.0]
    history = sight.history()
    assert history is not None
    places, rng = Places(whereabouts(history, sight.settings)), random.Random(5)
    held = Ranking(clock=lambda: now[0])
    last = example.prediction("z", rng)
    sight.journal.record([last], made_at=example.NOW, channel="api")
    held.of(sight.journal, places)
    mark = sight.journal.mark()
    forget_leads(sight.journal, ["z"])
    later = example.NOW + timedelta(hours=1)
    sight.journal.record([replace(last, lead_id="y")], made_at=later, channel="api")
    assert sight.journal.mark() == mark

    now[0] = LONGEST_HELD
    assert "y" in held.of(sight.journal, places).frame["lead_id"]


def test_money_sorts_where_tiers_are_made_by_money(sight: Sight) -> None:
    """The most expected money comes first, whatever the chance."""
    rng = random.Random(4)
    said = replace(example.prediction("rich", rng), tier=Tier.HOT)
    rich, poor = worth(said, 2**40), worth(replace(said, lead_id="poor"), 100)
    made = [replace(rich, probability=0.01), replace(poor, probability=0.99)]
    sight.journal.record(made, made_at=example.NOW, channel="api")
    proved = example.evidence()
    model = replace(proved.model, by="money")
    money = replace(sight, evidence=lambda: replace(proved, model=model))

    by_chance = sight.listing(Wanted(closed=True)).rows
    by_money = money.listing(Wanted(closed=True))

    assert by_chance[0].lead_id == "poor"
    assert [row.lead_id for row in by_money.rows[:2]] == ["rich", "poor"]
    assert all(row.expected_minor is None for row in by_money.rows[2:])
    assert by_money.by == "money"


def test_the_entry_before_is_the_one_before_the_latest(sight: Sight) -> None:
    """Leads predicted once have none; all others the entry just below."""
    once = example.prediction("once", random.Random(6))
    sight.journal.record([once], made_at=example.NOW, channel="api")

    found = entries_before(sight.journal, ["L-00001", "once", "nobody"])

    latest, earlier = sight.journal.history("L-00001")
    assert latest.id > earlier.id
    assert found == {"L-00001": earlier}
    assert entries_before(sight.journal, []) == {}
