"""The usual rate, by pipeline: what is said before there can be a model.

A pipeline's rate is the posterior mean of a beta-binomial: its own leads, and as many
invented ones that convert like all leads do. How many those are is told by how likely
they make the counts of all pipelines (empirical Bayes, Gelman et al. 2013, chapter 5):
the most, among those that cannot be told from the likeliest. So pipelines that differ
are told apart, and small ones borrow from the whole. All leads together begin with ten
invented ones of which one converted: one win of one is 18 %, and no leads are 10 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import lgamma
from typing import Final

import numpy as np

from model.features.catalog import Numbers
from model.learners.linear import Line, Linear
from model.metrics import Codes, log_odds_of

PRIOR_WON: Final = 1.0
PRIOR_LEADS: Final = 10.0
"""What is believed before the first lead: one of ten converts."""

STRENGTHS: Final = (1_000.0, 300.0, 100.0, 30.0, 10.0)
"""How many leads' worth the whole may weigh in a pipeline, the most first."""

UNTOLD: Final = 1.0
"""Log-likelihood by which a strength must fall behind to be told from the likeliest."""

LEVEL: Final = Line((0.0,), (0.0,), 0.0)
"""The line of a feature that changes nothing."""


def usual_rate(won: float, leads: float) -> float:
    """Give the rate of all leads, never 0 or 1.

    Examples
    --------
    >>> usual_rate(0, 0), usual_rate(1, 1), usual_rate(37, 500)
    (0.1, 0.18181818181818182, 0.07450980392156863)
    """
    return (won + PRIOR_WON) / (leads + PRIOR_LEADS)


def rates(
    values: Numbers,
    labels: Numbers,
    leads: Codes,
    *,
    names: Sequence[str],
    pipeline: str | None,
) -> Linear:
    """Price each pipeline by its shrunken rate; nothing else has a price.

    Parameters
    ----------
    values, labels
        (n, p) encoded features and (n,) outcomes as 0.0 or 1.0, n > 0.
    leads
        (n,) each row's lead: its rows share one vote.
    names
        The p features.
    pipeline
        Which of them is the pipeline; None where leads have none.

    Examples
    --------
    >>> code = np.array([[1.0]] * 200 + [[2.0]] * 200 + [[3.0]])
    >>> won = np.array([1.0] * 20 + [0.0] * 180 + [1.0] * 60 + [0.0] * 140 + [1.0])
    >>> table = rates(code, won, np.arange(401), names=["line"], pipeline="line")
    >>> chances = 1 / (1 + np.exp(-table.log_odds(np.array([[1.0], [2.0], [3.0]]))))
    >>> chances.round(2).tolist()
    [0.11, 0.29, 0.23]
    """
    votes = 1.0 / np.bincount(leads)[leads]
    usual = usual_rate(float(np.sum(votes * labels)), float(votes.sum()))
    if pipeline is None:
        return Linear(log_odds_of(usual), dict.fromkeys(names, LEVEL))
    code = values[:, list(names).index(pipeline)]
    known = np.isfinite(code)
    place = code[known].astype(np.intp)
    won = np.bincount(place, weights=(votes * labels)[known], minlength=1)
    count = np.bincount(place, weights=votes[known], minlength=1)
    strength = _strength(won.tolist(), count.tolist())
    shrunken = (won + strength * usual) / (count + strength)
    prices = np.log(shrunken) - np.log1p(-shrunken) - log_odds_of(usual)
    # Reasons start from the leads' mean, as those of every scorecard do.
    average = float(np.sum(count * prices) / votes.sum())
    line = Line(
        tuple(np.arange(len(prices), dtype=np.float64).tolist()),
        tuple((prices - average).tolist()),
        -average,
    )
    lines = {name: line if name == pipeline else LEVEL for name in names}
    return Linear(log_odds_of(usual) + average, lines)


def _strength(won: Sequence[float], count: Sequence[float]) -> float:
    """Find how much the whole weighs in each pipeline, in leads."""
    # Near the counted rate: drawn to the prior, it would look unlike every pipeline.
    rate = (sum(won) + 0.5) / (sum(count) + 1.0)
    likely = [_likelihood(won, count, rate * s, (1.0 - rate) * s) for s in STRENGTHS]
    found = zip(STRENGTHS, likely, strict=True)
    return next(s for s, value in found if value >= max(likely) - UNTOLD)


def _likelihood(
    won: Sequence[float], count: Sequence[float], a: float, b: float
) -> float:
    """Give the log-likelihood of counts, but for what no strength changes."""
    pairs = zip(won, count, strict=True)
    return sum(_beta(a + w, b + n - w) - _beta(a, b) for w, n in pairs)


def _beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
