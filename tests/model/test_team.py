from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import polars as pl
import pytest

from model.metrics import log_odds_of, probabilities
from model.team import FEWEST, Team, compare, poisson_binomial


def rows_of(
    owners: Sequence[str | None], log_odds: list[float], won: list[bool]
) -> pl.DataFrame:
    """Make one row per lead."""
    schema = {"owner": pl.String, "log_odds": pl.Float64, "label": pl.Boolean}
    made = pl.DataFrame([list(owners), log_odds, won], schema=schema)
    ids = pl.format("L{}", pl.int_range(pl.len()))
    return made.with_columns(lead_id=ids, moment=pl.int_range(pl.len()))


def dealt(seed: int, managers: int = 12, leads: int = 60) -> pl.DataFrame:
    """Let chance alone decide among managers with unlike leads."""
    rng = np.random.default_rng(seed)
    better = np.repeat(rng.normal(0, 0.7, managers), leads)
    log_odds = -1.8 + better + rng.normal(0, 0.8, managers * leads)
    won = rng.random(len(log_odds)) < probabilities(log_odds)
    owners = [f"M{i:02}" for i in range(managers) for _ in range(leads)]
    return rows_of(owners, log_odds.tolist(), won.tolist())


def test_the_distribution_is_that_of_unequal_coins() -> None:
    """Summing over every way to convert gives the same likelihoods."""
    chances = np.array([0.1, 0.35, 0.8, 0.5])
    by_hand = np.zeros(5)
    for count in range(5):
        for chosen in combinations(range(4), count):
            on = np.isin(np.arange(4), chosen)
            by_hand[count] += np.prod(np.where(on, chances, 1 - chances))

    assert poisson_binomial(chances) == pytest.approx(by_hand, abs=1e-15)


def test_luck_marks_somebody_in_one_team_of_twenty_at_most() -> None:
    """Of 200 teams of equals, in at most 5 % and a little luck anybody stands out."""
    teams = [compare(dealt(seed)) for seed in range(200)]

    marked = sum(any(m.standing != "luck" for m in t.managers) for t in teams)
    alone = sum(not m.low <= m.actual <= m.high for t in teams for m in t.managers)
    assert marked <= 16
    assert 0.01 < alone / (200 * 12) < 0.06  # single limits do hold one in twenty


def test_who_really_differs_stands_out() -> None:
    """A manager who converts twice as many as promised is marked, and only that one."""
    rows = dealt(3, leads=150)
    chances = probabilities(rows["log_odds"].to_numpy() + 1.6)
    lucky = np.random.default_rng(4).random(len(rows)) < chances
    better = pl.when(pl.col("owner") == "M05").then(pl.lit(lucky)).otherwise("label")

    team = compare(rows.with_columns(label=better))

    assert [m.name for m in team.managers if m.standing == "more"] == ["M05"]
    assert not any(m.standing == "fewer" for m in team.managers)


def test_better_leads_are_no_merit() -> None:
    """Whose leads promise thrice as much converts thrice as many, within luck."""
    owners = ["rich"] * 200 + ["poor"] * 200
    log_odds = [log_odds_of(0.6)] * 200 + [log_odds_of(0.2)] * 200
    won = [i % 10 < 6 for i in range(200)] + [i % 10 < 2 for i in range(200)]

    rich, poor = sorted(compare(rows_of(owners, log_odds, won)).managers,
                        key=lambda m: -m.actual)  # fmt: skip

    assert (rich.actual, poor.actual) == (120, 40)
    assert (rich.standing, poor.standing) == ("luck", "luck")
    assert rich.expected == pytest.approx(120, abs=1e-3)


def test_a_model_that_hopes_too_much_blames_nobody() -> None:
    """Chances twice too high are levelled to the team before anybody is compared."""
    rows = dealt(8)
    hopeful = rows.with_columns(log_odds=pl.col("log_odds") + 1.0)

    team, levelled = compare(rows), compare(hopeful)

    assert levelled.moved == pytest.approx(team.moved - 1.0, abs=1e-4)
    assert sum(m.expected for m in levelled.managers) == pytest.approx(team.converted)
    assert [m.standing for m in levelled.managers] == [
        m.standing for m in team.managers
    ]


def test_small_numbers_say_nothing() -> None:
    """With fewer leads than twenty even a perfect record is no verdict."""
    owners = ["few"] * (FEWEST - 1) + ["many"] * 400
    log_odds = [log_odds_of(0.1)] * len(owners)
    won = [True] * (FEWEST - 1) + [i % 10 == 0 for i in range(400)]

    team = compare(rows_of(owners, log_odds, won))

    assert [(m.name, m.standing) for m in team.managers][1] == ("few", "few")


def test_a_lead_counts_once_for_its_first_manager() -> None:
    """Later looks, and a manager who took over later, add nothing."""
    rows = pl.DataFrame(
        {
            "lead_id": ["a", "a", "a", "b", "c"],
            "moment": [1, 2, 3, 1, 1],
            "owner": [None, "x", "y", "y", None],
            "log_odds": [0.0] * 5,
            "label": [True, True, True, False, False],
        }
    )

    team = compare(rows)

    assert {(m.name, m.leads) for m in team.managers} == {("x", 1), ("y", 1)}
    assert (team.leads, team.converted, team.unowned) == (2, 1, 1)


def test_without_managers_there_is_nobody_to_compare() -> None:
    """Leads that nobody owns make an empty team, not a failure."""
    team = compare(rows_of([None, None], [0.0, 0.0], [True, False]))

    assert team == Team(unowned=2)
    assert Team.from_facts(json.loads(json.dumps(team.to_facts()))) == team


def test_the_order_is_by_leads_not_by_success() -> None:
    """No ranking: those with the most leads come first, whatever they reached."""
    team = compare(
        rows_of(["a"] * 30 + ["b"] * 90, [0.0] * 120, [True] * 30 + [False] * 90)
    )

    assert [m.name for m in team.managers] == ["b", "a"]
