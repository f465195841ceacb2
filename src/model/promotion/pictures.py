"""Pictures of the proof: each one answers a question that somebody will ask.

Matplotlib figures without a window or any global state; the caller saves them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from model.features.catalog import Numbers
from model.learning import Trained
from model.metrics import BINS, INTERVAL, Codes, probabilities, resamples
from model.reasons.explanation import shares

MOST_EXPLAINED: Final = 1_000
MOST_FIELDS: Final = 12
SEED: Final = 7
BLUE, GREY, ORANGE = "#1f5fa8", "#8a8f98", "#d9661f"


def pictures(trained: Trained) -> Iterator[tuple[str, Figure]]:
    """Draw every picture of a trained model's proof, each with its file name.

    Of too little data there are none: nothing was proved.
    """
    if not trained.metrics:
        return
    yield "reliability.png", reliability(trained)
    yield "gain_and_lift.png", gain_and_lift(trained)
    yield "precision_recall.png", precision_recall(trained)
    yield "score_distribution.png", score_distribution(trained)
    yield "shap_summary.png", shap_summary(trained)


def reliability(trained: Trained) -> Figure:
    """Show whether what we call 30 % converts in 30 % of the cases."""
    figure, (upper, lower) = _panels((3, 1))
    chances = probabilities(trained.log_odds)
    edges = np.linspace(0, 1, BINS + 1)
    bins = np.minimum((chances * BINS).astype(np.intp), BINS - 1)
    said, got, low, high = _observed(trained, chances, bins)
    upper.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="perfect")
    upper.errorbar(
        said, got, yerr=[got - low, high - got], fmt="o-", color=BLUE, capsize=3,
        label="observed, 95 % interval",
    )  # fmt: skip
    upper.set(xlim=(0, 1), ylim=(0, 1), ylabel="Share that converted")
    ece = trained.metrics["ece15"]
    upper.set_title(f"Reliability, calibration error {ece}")
    upper.legend(loc="upper left")
    lower.hist(chances, bins=edges.tolist(), color=BLUE)
    lower.set(xlim=(0, 1), xlabel="Predicted probability", ylabel="Snapshots")
    return figure


def gain_and_lift(trained: Trained) -> Figure:
    """Show how many of the conversions are reached by calling the best leads."""
    figure, (left, right) = _panels((1, 1), across=True)
    won = trained.labels[np.argsort(-trained.log_odds, kind="stable")]
    called = np.arange(1, len(won) + 1) / len(won)
    reached = np.cumsum(won) / won.sum()
    best = np.minimum(called / won.mean(), 1.0)
    left.plot(called, reached, color=BLUE, label="model")
    left.plot(called, best, color=GREY, linestyle=":", label="perfect")
    left.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="by chance")
    left.set(xlabel="Share of leads called", ylabel="Share of conversions reached")
    left.set_title("Gain")
    left.legend(loc="lower right")
    tenths = np.array([part.mean() for part in np.array_split(won, 10)])
    right.bar(np.arange(1, 11), tenths / won.mean(), color=BLUE)
    right.axhline(1.0, color=GREY, linestyle="--")
    right.set(xlabel="Tenth of leads, best first", ylabel="Times the usual rate")
    right.set_title(f"Lift of the best tenth {trained.metrics['lift10']}")
    return figure


def precision_recall(trained: Trained) -> Figure:
    """Show which part of those called converts, the further down the list."""
    figure, (axes,) = _panels((1,))
    won = trained.labels[np.argsort(-trained.log_odds, kind="stable")]
    hits = np.cumsum(won)
    axes.plot(hits / won.sum(), hits / np.arange(1, len(won) + 1), color=BLUE)
    axes.axhline(float(won.mean()), color=GREY, linestyle="--")
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="Recall", ylabel="Precision")
    precision = trained.metrics["pr_auc"]
    axes.set_title(f"Precision and recall, average precision {precision}")
    return figure


def score_distribution(trained: Trained) -> Figure:
    """Show whether those that converted stand apart, and where tiers begin."""
    figure, (axes,) = _panels((1,))
    chances = probabilities(trained.log_odds)
    edges = np.linspace(0, max(float(chances.max()), 0.01), 41).tolist()
    for outcome, color, label in ((0, GREY, "did not"), (1, ORANGE, "converted")):
        mine = chances[trained.labels == outcome]
        axes.hist(mine, bins=edges, density=True, alpha=0.6, color=color, label=label)
    borders = trained.bundle.borders
    for border, name in ((borders.warm, "warm"), (borders.hot, "hot")):
        axes.axvline(border, color=BLUE, linestyle="--")
        axes.annotate(
            f" {name}", (border, 0.97), xycoords=("data", "axes fraction"), va="top"
        )
    axes.set(xlabel="Predicted probability", ylabel="Density")
    axes.set_title("Predictions by outcome, and the tier borders")
    axes.legend()
    return figure


def shap_summary(trained: Trained) -> Figure:
    """Show which business fields move predictions, how far and for how many leads.

    Shapley values in calibrated log-odds of at most a thousand test snapshots, from
    the trees themselves; ``shap.TreeExplainer`` gives the same to the last digits.
    """
    bundle, total = trained.bundle, len(trained.labels)
    chosen = np.unique(np.linspace(0, total - 1, MOST_EXPLAINED).astype(np.intp))
    table = trained.table.rows(chosen)
    fields, values = shares(bundle, bundle.contributions(table))
    order = np.argsort(np.abs(values).mean(axis=0))[-MOST_FIELDS:]
    figure, (axes,) = _panels((1,))
    _swarm(axes, values[:, order])
    axes.set_yticks(range(len(order)), [fields[i] for i in order])
    axes.set(xlabel="Share in log-odds: left against, right for conversion")
    axes.set_title(f"What moves predictions ({len(chosen):,} test snapshots)")
    return figure


def _swarm(axes: Axes, shares: Numbers) -> None:
    """Scatter each column's shares on a line of its own, spread so as to be seen."""
    rng = np.random.default_rng(SEED)
    axes.axvline(0.0, color=GREY, linewidth=0.8)
    for line, column in enumerate(shares.T):
        heights = line + rng.uniform(-0.3, 0.3, len(column))
        colors = np.where(column >= 0, ORANGE, BLUE)
        axes.scatter(column, heights, s=5, alpha=0.5, c=colors, linewidths=0)


def _observed(
    trained: Trained, chances: Numbers, bins: Codes
) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Per bin that has rows: mean probability, share converted, and its interval."""

    def rates(weights: Numbers) -> Numbers:
        size = np.bincount(bins, weights=weights, minlength=BINS)
        won = np.bincount(bins, weights=weights * trained.labels, minlength=BINS)
        nothing = np.full(BINS, np.nan)
        return np.asarray(np.divide(won, size, out=nothing, where=size > 0))

    size = np.bincount(bins, minlength=BINS)
    seen = size > 0
    said = np.bincount(bins, weights=chances, minlength=BINS)[seen] / size[seen]
    got = rates(np.ones(len(chances)))[seen]
    drawn = [rates(w)[seen] for w in resamples(trained.leads, seed=SEED)]
    low, high = np.nanpercentile(np.array(drawn), INTERVAL, axis=0)
    return said, got, np.minimum(low, got), np.maximum(high, got)


def _panels(
    sizes: tuple[int, ...], *, across: bool = False
) -> tuple[Figure, tuple[Axes, ...]]:
    wide = 10 if across else 7
    figure = Figure(figsize=(wide, 5), dpi=110, layout="constrained")
    if across:
        axes = figure.subplots(1, len(sizes), squeeze=False)
    else:
        axes = figure.subplots(len(sizes), 1, squeeze=False, height_ratios=sizes)
    return figure, tuple(axes.ravel())
