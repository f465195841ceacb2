from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from leads.decision import Tier
from leads.settings import Promotion
from model.features.catalog import Numbers
from model.metrics import (
    log_odds_of,
    paired_differences,
    probabilities,
    row_losses,
)
from model.points.record import Against, Rival
from model.promotion.evaluation import (
    Gate,
    Judged,
    Verdict,
    against_base_rate,
    against_champion,
    against_points,
    tier_moves,
)

TRUTH = np.random.default_rng(1).normal(-1.0, 1.2, 3_000)
LABELS = (np.random.default_rng(2).random(3_000) < probabilities(TRUTH)).astype(float)
ROWS = Judged(LABELS, np.arange(3_000))


def blurred(amount: float, seed: int = 3) -> Numbers:
    """Blur the true log-odds."""
    noise = np.random.default_rng(seed).normal(0.0, amount, len(TRUTH))
    return np.asarray(TRUTH + noise)


def test_a_better_challenger_passes_with_the_numbers() -> None:
    """Clearly nearer to the truth passes; both losses and the interval are said."""
    verdict = against_champion(ROWS, TRUTH, blurred(1.5), seed=7)

    assert verdict.passed
    assert verdict.difference.high < 0
    assert "The challenger is better: log-loss 0." in verdict.words
    assert "3,000 judged snapshots with" in verdict.words


def test_a_worse_challenger_is_refused() -> None:
    """Clearly further from the truth is refused as worse."""
    verdict = against_champion(ROWS, blurred(1.5), TRUTH, seed=7)

    assert not verdict.passed
    assert "is worse" in verdict.words


@pytest.mark.parametrize("seed", range(8))
def test_equal_is_not_better(seed: int) -> None:
    """Two models equally far from the truth cannot be told apart: refused."""
    verdict = against_champion(
        ROWS, blurred(0.3, seed), blurred(0.3, seed + 100), seed=7
    )

    assert not verdict.passed
    assert "equal is not better" in verdict.words or "is worse" in verdict.words


def test_the_same_model_is_not_better_than_itself() -> None:
    """With no difference at all nothing is promoted."""
    assert not against_champion(ROWS, TRUTH, TRUTH, seed=7).passed


def test_few_rows_prove_nothing() -> None:
    """With 19 conversions a difference, however large, does not count."""
    labels = np.zeros(400)
    labels[:19] = 1.0
    rows = Judged(labels, np.arange(400))

    verdict = against_champion(rows, 4 * labels - 2, 2 * labels - 1, seed=7)

    assert not verdict.passed
    assert "cannot be judged on so few" in verdict.words


def test_repeated_snapshots_of_few_leads_prove_no_more() -> None:
    """A difference that 30 leads leave in doubt stays in doubt if each is copied."""
    rng = np.random.default_rng(4)
    labels = np.tile([0.0, 1.0], 40)
    new, old = rng.normal(0.05, 1, 80) * (2 * labels - 1), rng.normal(0, 1, 80)
    once = against_champion(Judged(labels, np.arange(80)), new, old, seed=7)
    rows = Judged(np.repeat(labels, 25), np.repeat(np.arange(80), 25))
    copied = against_champion(rows, np.repeat(new, 25), np.repeat(old, 25), seed=7)

    assert copied.difference.low == pytest.approx(once.difference.low)
    assert copied.difference.high == pytest.approx(once.difference.high)


def test_a_first_model_must_beat_the_base_rate() -> None:
    """A model that knows something passes against knowing nothing."""
    verdict = against_base_rate(ROWS, TRUTH, float(LABELS.mean()), seed=7)

    assert verdict.passed
    assert "better than knowing nothing" in verdict.words


def test_noise_is_refused() -> None:
    """Predictions that have nothing to do with outcomes are refused."""
    noise = np.random.default_rng(9).normal(-1.0, 0.3, len(LABELS))
    verdict = against_base_rate(ROWS, noise, float(LABELS.mean()), seed=7)

    assert not verdict.passed
    assert "not proved better than knowing nothing" in verdict.words


def test_a_shift_of_the_base_rate_is_no_knowledge() -> None:
    """A constant nearer to today's rate lowers the loss, but ranks nobody: refused."""
    constant = np.full(len(LABELS), float(np.log(LABELS.mean() / (1 - LABELS.mean()))))
    verdict = against_base_rate(ROWS, constant, 0.02, seed=7)

    assert verdict.difference.high < 0
    assert not verdict.passed


def test_what_is_odd_about_the_rows_is_said() -> None:
    """A note on the rows ends the verdict."""
    rows = Judged(LABELS, np.arange(len(LABELS)), note="The rows are old.")

    words = against_champion(rows, TRUTH, blurred(1.0), seed=7).words
    assert words.endswith("The rows are old.")


def rival_of(points: Numbers, model: Numbers) -> Rival:
    """Hold a model against points on the same rows, as a training does."""
    losses = (row_losses(one, LABELS) for one in (points, model))
    theirs, ours = (float(loss.mean()) for loss in losses)
    gain = paired_differences(model, points, LABELS, ROWS.leads, seed=7)["logloss"]
    met = Against("logloss", theirs, ours, gain.value, gain.low, gain.high)
    return Rival("", traits=9, items=20, against=(met,))


def test_who_is_worse_than_points_is_refused_with_the_way_out() -> None:
    """However much better than the champion: both losses, the interval, what to do."""
    asked = against_points(rival_of(TRUTH, blurred(1.5)), Promotion())
    verdict = against_champion(ROWS, blurred(1.5), blurred(3.0), seed=7).joined(asked)

    assert gate(verdict, "log-loss").passed
    assert not verdict.passed
    assert "Refused for scorecard: log-loss 0." in verdict.words
    assert "for a scorecard of 9 traits, difference +0." in verdict.words
    assert "train on more or newer data, or raise most_points_loss" in verdict.words


@pytest.mark.parametrize("seed", range(4))
def test_who_cannot_be_told_from_points_passes_with_a_warning(seed: int) -> None:
    """A model as far from the truth as the points is promoted, and the words warn."""
    points, model = blurred(0.3, seed), blurred(0.3, seed + 100)
    verdict = against_champion(ROWS, model, blurred(1.5), seed=7)
    verdict = verdict.joined(against_points(rival_of(points, model), Promotion()))

    assert verdict.passed
    assert "Warning: it cannot be told from points" in verdict.words


def test_who_beats_points_is_not_warned_of() -> None:
    """Clearly nearer to the truth than points: a gate that held, and no more words."""
    asked = against_points(rival_of(blurred(1.5), TRUTH), Promotion())

    assert asked.passed
    assert "for a scorecard of 9 traits" in asked.words
    assert not asked.warning


def test_a_loss_to_points_that_is_borne_is_borne_with_a_warning() -> None:
    """Whoever says how much worse is borne gets the model, and is told."""
    rules = Promotion(most_points_loss=0.5)
    asked = against_points(rival_of(TRUTH, blurred(1.5)), rules)

    assert asked.passed
    assert asked.warning.startswith("Warning: it is worse than points")


def gate(verdict: Verdict, name: str) -> Gate:
    """Find a gate of a verdict."""
    return next(one for one in verdict.gates if one.name == name)


def test_every_gate_is_a_line_with_its_figures() -> None:
    """What was judged, and on what figures, is told whichever way it went."""
    verdict = against_champion(ROWS, TRUTH, blurred(1.5), seed=7)

    assert [one.name for one in verdict.gates] == [
        "rows", "log-loss", "ROC-AUC", "calibration", "slices",
    ]  # fmt: skip
    assert all(one.passed for one in verdict.gates)
    assert all(any(c.isdigit() for c in one.words) for one in verdict.gates[:4])
    assert json.loads(verdict.to_json())["gates"][1]["name"] == "log-loss"


def test_less_ranking_is_refused_though_the_loss_is_better() -> None:
    """A champion that is far too bold loses on log-loss, but ranks better: refused."""
    bold = 4.0 * TRUTH
    verdict = against_champion(ROWS, blurred(0.6), bold, seed=7)

    assert gate(verdict, "log-loss").passed
    assert not gate(verdict, "ROC-AUC").passed
    assert not verdict.passed
    assert "Refused for ROC-AUC: -0.0" in verdict.words


def test_a_loss_of_ranking_that_is_borne_is_borne() -> None:
    """The same challenger passes where the settings bear such a loss."""
    rules = Promotion(most_auc_loss=0.2, most_ece_loss=1.0)
    verdict = against_champion(ROWS, blurred(0.6), 4.0 * TRUTH, seed=7, rules=rules)

    assert verdict.passed


def test_worse_calibration_is_refused_though_the_loss_is_better() -> None:
    """A sharper model whose probabilities are all too high is refused for that."""
    rate = np.full(len(LABELS), log_odds_of(float(LABELS.mean())))
    verdict = against_champion(ROWS, TRUTH + 0.4, rate, seed=7)

    assert gate(verdict, "log-loss").passed
    assert not gate(verdict, "calibration").passed
    assert "expected calibration error +0.0" in gate(verdict, "calibration").words
    assert not verdict.passed


def test_a_harmed_manager_is_named() -> None:
    """A challenger better on the whole and worse for one manager is refused for it."""
    managers = np.array(["ann", "bob", "cid"], dtype=object)[np.arange(3_000) % 3]
    new = np.where(managers == "bob", blurred(2.5), TRUTH)
    old = np.where(managers == "bob", TRUTH, blurred(2.5))
    rows = replace(ROWS, groups={"manager": managers})
    verdict = against_champion(rows, new, old, seed=7)

    assert gate(verdict, "log-loss").passed
    assert not gate(verdict, "slices").passed
    assert "manager 'bob': log-loss +0." in verdict.words
    assert "'ann'" not in verdict.words
    assert not verdict.passed


def test_a_gain_below_what_is_asked_for_is_refused() -> None:
    """Better, but by less than least_gain: the words say just that."""
    rules = Promotion(least_gain=10.0)
    verdict = against_champion(ROWS, TRUTH, blurred(1.5), seed=7, rules=rules)

    assert not verdict.passed
    assert "is better, but by less than is asked for" in verdict.words


@pytest.mark.parametrize(("moved", "passes"), [(30, True), (31, False)])
def test_too_many_tier_moves_turn_a_verdict(moved: int, *, passes: bool) -> None:
    """Thirty of a hundred may move; with one more the better model is refused."""
    before = [Tier.WARM] * 100
    after = [Tier.HOT] * moved + [Tier.WARM] * (100 - moved)
    better = against_champion(ROWS, TRUTH, blurred(1.5), seed=7)
    verdict = better.joined(tier_moves(before, after, Promotion()))

    assert better.passed
    assert verdict.passed == passes
    assert f"{moved} of 100 open leads" in verdict.gates[-1].words
    assert f"warm to hot {moved}" in verdict.gates[-1].words


def test_a_gate_that_held_mends_nothing() -> None:
    """A refused challenger stays refused, whatever else it passes."""
    worse = against_champion(ROWS, blurred(1.5), TRUTH, seed=7)

    assert not worse.joined(tier_moves([], [], Promotion())).passed
