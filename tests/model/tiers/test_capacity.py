from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.model.invented import flat_settings, invented_task
from tests.model.invented_history import (
    FIRST,
    company_settings,
    invented_history,
)

from leads.decision import Tier
from leads.errors import DataRefused
from leads.history import microseconds
from leads.settings import Tiers
from model.examples.snapshots import take
from model.features.batch import build
from model.learning import learn
from model.metrics import log_odds_of, probabilities
from model.proof.counting import Cases
from model.tiers.borders import Borders, Cut
from model.tiers.capacity import WEEK, Scored, place_borders, recent_inflow, what_if
from model.training import train

WEEKS, WEEKLY, LOOKS = 20, 50, 3


def season(seed: int) -> Scored:
    """Make leads of twenty weeks, each looked at three times, in two pipelines."""
    rng = np.random.default_rng(seed)
    leads = np.repeat(np.arange(WEEKS * WEEKLY), LOOKS)
    keen = np.repeat(rng.beta(2, 5, WEEKS * WEEKLY), LOOKS)
    scores = np.clip(keen + rng.normal(0, 0.05, len(leads)), 0.001, 0.999)
    pipelines = ["partners" if lead % 5 == 0 else "sales" for lead in leads.tolist()]
    return Scored(scores, leads, pipelines)


INFLOW = {"partners": WEEKLY / 5, "sales": WEEKLY * 4 / 5}


def called(borders: Borders, scored: Scored) -> dict[str, float]:
    """Count the leads that were hot at any time, per week and pipeline."""
    hot = {
        (lead, pipeline)
        for score, lead, pipeline in zip(
            scored.scores.tolist(), scored.leads.tolist(), scored.pipelines, strict=True
        )
        if borders.tier_of(score, pipeline) == "hot"
    }
    names = [pipeline for _, pipeline in hot]
    return {name: names.count(name) / WEEKS for name in INFLOW}


def test_the_team_gets_about_as_many_hot_leads_as_it_can_call() -> None:
    """Borders of one season make about ten leads a week hot in the next one."""
    tiers = Tiers(hot_per_week=10)
    borders = place_borders(season(1), tiers, floor=0.0, inflow=INFLOW)

    assert sum(called(borders, season(2)).values()) == pytest.approx(10, rel=0.15)


def test_each_pipeline_has_its_own_team() -> None:
    """Six a week of the sales and three of the partners, whichever are the better."""
    tiers = Tiers(hot_per_week={"sales": 6, "partners": 3})
    borders = place_borders(season(1), tiers, floor=0.0, inflow=INFLOW)
    found = called(borders, season(2))

    assert found["sales"] == pytest.approx(6, rel=0.2)
    assert found["partners"] == pytest.approx(3, rel=0.2)


def test_a_capacity_is_a_ceiling_not_a_quota() -> None:
    """A team larger than the inflow calls nobody at or below the floor."""
    tiers = Tiers(hot_per_week=1_000)
    borders = place_borders(season(1), tiers, floor=0.4, inflow=INFLOW)

    assert borders.hot == 0.4
    assert borders.tier_of(0.4) == "warm"


def test_without_a_capacity_shares_count_as_ever() -> None:
    """The best tenth of the snapshots is hot, whatever comes in."""
    scored = season(1)
    borders = place_borders(scored, Tiers(), floor=0.0, inflow={})

    assert (scored.scores > borders.hot).mean() == pytest.approx(0.1, abs=0.001)
    assert borders.hysteresis == Tiers().hysteresis


def test_few_leads_of_a_pipeline_borrow_the_ranking_of_all() -> None:
    """Nineteen leads say too little of where a border lies: those of all are ranked."""
    scored = season(1)
    few = replace(
        scored,
        pipelines=["new" if lead < 19 else "sales" for lead in scored.leads.tolist()],
    )
    tiers = Tiers(hot_per_week={"new": 2})
    borders = place_borders(few, tiers, floor=0.0, inflow={"new": 10.0, "sales": 40.0})
    all_leads = place_borders(scored, Tiers(hot_per_week=10), floor=0.0, inflow=INFLOW)

    assert borders.cut_of("new").hot == all_leads.hot


@pytest.mark.parametrize(
    ("asked", "inflow", "known", "why"),
    [
        (10, {}, True, "no dates"),
        ({"slaes": 3}, INFLOW, True, "slaes"),
        ({"sales": 3}, INFLOW, False, "not among the model's features"),
    ],
)
def test_a_capacity_that_cannot_be_placed_is_refused(
    *, asked: object, inflow: dict[str, float], known: bool, why: str
) -> None:
    """Without dates, in an unknown pipeline or unseen ones, words say what to do."""
    scored = season(1)
    unseen = [None] * len(scored.pipelines)
    scored = scored if known else replace(scored, pipelines=unseen)
    tiers = Tiers.model_validate({"hot_per_week": asked})

    with pytest.raises(DataRefused, match=why):
        place_borders(scored, tiers, floor=0.0, inflow=inflow)


def test_only_the_newest_weeks_say_how_many_come_in() -> None:
    """A busy year before the last eight weeks does not count."""
    busy = [week * WEEK for week in range(40) for _ in range(100)]
    quiet = [(40 + week) * WEEK + 1 for week in range(9) for _ in range(3)]
    leads = pl.DataFrame({"created_at": busy + quiet, "pipeline": None})

    assert recent_inflow(leads.cast({"pipeline": pl.String})) == {"": 3.0}


def test_leads_without_dates_have_no_inflow() -> None:
    """One moment for all says nothing of how many come per week."""
    leads = pl.DataFrame({"created_at": [7, 7, 7], "pipeline": ["a"] * 3})

    assert recent_inflow(leads) == {}


def cases() -> Cases:
    """Make test rows of a hundred leads, likelier and likelier, looked at twice."""
    chances = np.repeat(np.linspace(0.01, 0.99, 100), 2)
    chances[::2] -= 0.005  # the second look is a little warmer
    rng = np.random.default_rng(3)
    labels = (rng.random(200) < chances).astype(float)
    odds = np.array([log_odds_of(chance) for chance in chances])
    return Cases.of(odds, labels, np.repeat(np.arange(100), 2))


def test_a_larger_team_catches_more_and_finds_less() -> None:
    """Along capacities the border falls and the caught share grows, to all of them."""
    tiers = Tiers(hot_per_week=10)
    rows = what_if(cases(), Borders(0.6, 0.2), tiers, inflow={"": 40.0})

    assert [row.per_week for row in rows] == [2, 5, 8, 10, 15, 20, 30]
    assert [row.per_week for row in rows if row.present] == [10]
    assert all(a.border > b.border for a, b in pairwise(rows))
    assert all(a.caught < b.caught for a, b in pairwise(rows))
    assert all(row.reached == pytest.approx(row.per_week, abs=0.5) for row in rows)
    for row in rows:
        assert row.low is not None
        assert row.said is not None
        assert row.high is not None
        assert row.low <= row.said <= row.high


def test_what_is_counted_is_the_moment_of_the_call() -> None:
    """A lead counts once, at its first look over the border, by what came of it."""
    chances = np.array([0.2, 0.8, 0.9, 0.1, 0.1, 0.1])
    labels = np.array([1.0, 1.0, 0.0, 0.0, 0.0, 1.0])
    leads = np.array([0, 0, 0, 1, 2, 3])
    odds = np.array([log_odds_of(chance) for chance in chances])
    rows = what_if(
        Cases.of(odds, labels, leads),
        Borders(0.5, 0.2, floor=0.3),
        Tiers(hot_per_week=2),
        inflow={"": 4.0},
    )
    present = next(row for row in rows if row.present)

    assert present.floored
    assert (present.reached, present.said, present.happened) == (1.0, 0.8, 1.0)
    assert present.caught == 0.5


def test_undated_leads_have_no_other_capacity(tmp_path: Path) -> None:
    """The proof of a flat table without time says nothing of weeks."""
    assert what_if(cases(), Borders(0.6, 0.2), Tiers(), inflow={}) == ()


def test_borders_that_are_kept_are_kept(tmp_path: Path) -> None:
    """Kept borders go into the new bundle as they are, with today's hysteresis."""
    kept = Borders(0.77, 0.33, floor=0.3, pipelines={"a": Cut(0.6, 0.3)})
    settings = flat_settings(tmp_path)
    made = learn(replace(invented_task(), kept=kept), settings, workdir=tmp_path)

    assert made.bundle.borders == replace(kept, hysteresis=settings.tiers.hysteresis)


def test_tiers_by_money_need_amounts(tmp_path: Path) -> None:
    """A model without expected amounts cannot cut by money, and says so."""
    tiers = Tiers(by="money")
    settings = flat_settings(tmp_path).model_copy(update={"tiers": tiers})

    with pytest.raises(DataRefused, match="needs expected amounts"):
        learn(invented_task(), settings, workdir=tmp_path)


def test_tiers_by_money_put_the_most_money_first(tmp_path: Path) -> None:
    """Where amounts are known, hot leads promise more money than all others."""
    tiers = Tiers(by="money", floor=0.0)
    settings = company_settings(tmp_path).model_copy(update={"tiers": tiers})

    made = train(invented_history(), settings, workdir=tmp_path)

    log_odds = made.log_odds.tolist()
    promised = [
        said.expected_minor if said and said.expected_minor else 0
        for said in made.bundle.outlooks(made.table, log_odds)
    ]
    named = made.bundle.tiers(made.table, log_odds)
    hot = [p for p, tier in zip(promised, named, strict=True) if tier is Tier.HOT]
    rest = [p for p, tier in zip(promised, named, strict=True) if tier is not Tier.HOT]
    assert 0 < len(hot) < len(rest)
    assert min(hot) >= max(rest)


def test_a_trained_model_fits_the_team(tmp_path: Path) -> None:
    """Of leads that came after training about as many a week are hot as was asked."""
    history = invented_history(leads=2_400)
    settings = company_settings(tmp_path)
    tiers = Tiers(hot_per_week=10, floor=0.0)
    asked = settings.model_copy(update={"tiers": tiers})
    day = microseconds(FIRST + timedelta(days=140))
    bundle = train(history.until(day), asked, workdir=tmp_path).bundle
    later = take(history, asked).filter(pl.col("created_at") > day)
    table = build(bundle.catalog, history, later)
    hot = later.filter(
        pl.Series(probabilities(bundle.log_odds(table)) > bundle.borders.hot)
    )

    assert hot["lead_id"].n_unique() / (40 / 7) == pytest.approx(10, rel=0.3)
