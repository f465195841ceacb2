from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from model.features.catalog import Numbers
from model.leaks.probes import (
    EMPTY,
    RARE,
    Mask,
    alone,
    are_plans,
    auc,
    binned,
    compare_fill,
    fill_rules,
    halves,
    later_than_seen,
    rules,
    unheard_of,
)
from model.metrics import Codes

DAY = 86_400_000_000
N = 4_000


@pytest.fixture
def rng() -> np.random.Generator:
    """Give dice that fall the same way in each test."""
    return np.random.default_rng(5)


@pytest.fixture
def labels(rng: np.random.Generator) -> Numbers:
    """Make outcomes of which one in five is a conversion."""
    return (rng.random(N) < 0.2).astype(float)


@pytest.fixture
def fit() -> Mask:
    """Mark every second lead."""
    return halves(np.arange(N), seed=3)


def test_no_lead_is_on_both_halves() -> None:
    """All snapshots of a lead fall into one half, and both halves are used."""
    leads = np.repeat(np.arange(500), 3)

    fit = halves(leads, seed=1)

    assert all(len(set(fit[leads == lead])) == 1 for lead in range(500))
    assert 700 < fit.sum() < 800


def test_codes_tell_empty_rare_and_frequent_apart() -> None:
    """An unknown text, a rare one and each frequent one have codes of their own."""
    texts = pl.Series("city", ["a"] * 20 + ["b"] * 20 + ["c"] + [None])

    codes = binned(texts, np.ones(42, dtype=np.bool_))

    assert codes[-1] == EMPTY
    assert codes[-2] == RARE
    assert len({codes[0], codes[20], EMPTY, RARE}) == 4


def test_a_frequent_number_is_a_level_of_its_own(rng: np.random.Generator) -> None:
    """Zero does not share its bin with the small numbers beside it."""
    values = np.concatenate([np.zeros(40), rng.uniform(0.001, 1.0, 960)])

    codes = binned(pl.Series("v", values), np.ones(1000, dtype=np.bool_))

    assert set(codes[:40]).isdisjoint(codes[40:])


def test_auc_counts_pairs(rng: np.random.Generator) -> None:
    """It is the part of unlike pairs ranked right, ties half."""
    scores, labels = rng.integers(0, 5, 60).astype(float), rng.random(60) < 0.4
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[labels] for b in scores[~labels]]

    assert auc(scores, labels.astype(float)) == pytest.approx(np.mean(pairs))


def test_a_column_is_judged_on_leads_it_was_not_fitted_on(
    rng: np.random.Generator, labels: Numbers, fit: Mask
) -> None:
    """A hundred meaningless levels rank nothing, though in-sample they seem to."""
    codes = rng.integers(2, N // 20, N).astype(np.intp)

    assert alone(codes, labels, fit) == pytest.approx(0.5, abs=0.04)


def test_a_column_that_copies_the_outcome_ranks_everybody(
    labels: Numbers, fit: Mask
) -> None:
    """The outcome under another name has AUC 1."""
    assert alone(labels.astype(np.intp) + 2, labels, fit) == 1.0


def _planted_never(labels: Numbers, rng: np.random.Generator) -> Codes:
    return np.where((labels == 0) & (rng.random(N) < 0.6), 2, 3).astype(np.intp)


def _planted_always(labels: Numbers, rng: np.random.Generator) -> Codes:
    return np.where((labels == 1) & (rng.random(N) < 0.6), 2, 3).astype(np.intp)


@pytest.mark.parametrize(
    ("planted", "converts"), [(_planted_never, False), (_planted_always, True)]
)
def test_a_planted_rule_is_found_with_its_reach(
    planted: Callable[[Numbers, np.random.Generator], Codes],
    converts: bool,  # noqa: FBT001
    labels: Numbers,
    fit: Mask,
    rng: np.random.Generator,
) -> None:
    """A level that decides the outcome is a rule; its cover is what it foretells."""
    (rule,) = rules(planted(labels, rng), labels, fit)

    assert rule.converts is converts
    assert rule.rate == float(converts)
    assert rule.cover == pytest.approx(0.6, abs=0.08)


def test_a_strong_level_is_no_rule(
    labels: Numbers, fit: Mask, rng: np.random.Generator
) -> None:
    """Converting five times as often, or a fifth as often, is honest strength."""
    high = (labels == 1) & (rng.random(N) < 0.4)
    codes = np.where(high | (rng.random(N) < 0.05), 2, 3).astype(np.intp)

    assert labels[codes == 2].mean() > 0.6
    assert rules(codes, labels, fit) == ()


def test_a_few_rows_make_no_rule(labels: Numbers, fit: Mask) -> None:
    """That none of forty leads converts may be chance."""
    codes = np.full(N, 3)
    codes[np.flatnonzero(labels == 0)[:40]] = 2

    assert rules(codes, labels, fit) == ()


def test_a_rule_seen_only_where_it_was_fitted_is_none(
    labels: Numbers, fit: Mask
) -> None:
    """What decides the outcome on one half only is not confirmed on the other."""
    codes = np.where((labels == 1) & fit, 2, 3).astype(np.intp)
    codes[np.flatnonzero(~fit)[:800]] = 2

    assert rules(codes, labels, fit) == ()


def test_filled_only_for_winners_is_found(
    labels: Numbers, fit: Mask, rng: np.random.Generator
) -> None:
    """A contract's number stands only on the cards of those who bought."""
    filled = (labels == 1) & (rng.random(N) < 0.5)

    (rule,) = fill_rules(filled, labels, fit)

    assert rule.converts


def test_who_left_no_telephone_may_never_buy(
    labels: Numbers, fit: Mask, rng: np.random.Generator
) -> None:
    """That nobody converts whose field is empty is no leak by itself."""
    filled = (labels == 1) | (rng.random(N) < 0.5)

    assert labels[~filled].sum() == 0
    assert fill_rules(filled, labels, fit) == ()


def test_what_fresh_leads_never_have_is_absent(rng: np.random.Generator) -> None:
    """Filled for half of the past leads and for no open one: filled at the close."""
    past = rng.random(1_000) < 0.5

    assert compare_fill(past, np.zeros(200, dtype=np.bool_)).absent
    assert not compare_fill(past, rng.random(200) < 0.25).absent


def test_too_few_fresh_leads_prove_nothing(rng: np.random.Generator) -> None:
    """With twenty open leads it may be chance that none has it."""
    past = rng.random(1_000) < 0.5

    assert not compare_fill(past, np.zeros(20, dtype=np.bool_)).absent


def test_levels_that_no_fresh_lead_has_are_weighed() -> None:
    """Three in four past rows are won or lost; open ones are neither."""
    past, fresh = np.array([2, 3, 3, 4]), np.array([4, 4])

    assert unheard_of(past, fresh, levels=(2, 3, 4)) == 0.75
    assert unheard_of(past, past, levels=(2, 3, 4)) == 0.0


def test_stamps_are_told_from_plans(rng: np.random.Generator) -> None:
    """Plans lie in the future for the newest leads; stamps never do, slips rarely."""
    cut_off = 400 * DAY
    created = rng.integers(0, 400, 5_000) * DAY
    stamps = np.minimum(created + rng.integers(-5, 60, 5_000) * DAY, cut_off)
    slip = np.append(stamps, cut_off + 900 * DAY)
    plans = created + rng.integers(0, 20, 5_000) * DAY

    assert not are_plans(stamps, cut_off)
    assert not are_plans(slip, cut_off)
    assert are_plans(plans, cut_off)


def test_dates_are_held_against_the_moment() -> None:
    """Two of four dates come after the moment at which the lead is looked at."""
    assert later_than_seen(np.array([1, 2, 3, 4]), np.array([2, 2, 2, 2])) == 0.5
    assert later_than_seen(np.array([], dtype=np.int64), np.array([])) == 0.0
