from __future__ import annotations

from io import BytesIO

import numpy as np
from matplotlib import image

from model.learning import Trained
from model.promotion.pictures import pictures, reliability


def test_every_picture_is_drawn(trained: Trained) -> None:
    """Five readable PNG pictures: wide enough, neither blank nor all ink."""
    drawn = dict(pictures(trained))

    assert sorted(drawn) == [
        "gain_and_lift.png",
        "precision_recall.png",
        "reliability.png",
        "score_distribution.png",
        "shap_summary.png",
    ]
    for figure in drawn.values():
        file = BytesIO()
        figure.savefig(file, format="png")
        file.seek(0)
        pixels = image.imread(file)
        assert pixels.shape[1] >= 700
        ink = np.mean(pixels[..., :3].min(axis=2) < 0.9)
        assert 0.005 < ink < 0.6


def test_reliability_shows_the_observed_rate_per_bin(trained: Trained) -> None:
    """Each point lies at a bin's mean prediction and its share of conversions."""
    upper = reliability(trained).axes[0]
    line = next(line for line in upper.lines if line.get_marker() == "o")
    chances = 1 / (1 + np.exp(-trained.log_odds))
    first = chances < 1 / 15

    assert np.asarray(line.get_xdata())[0] == np.float64(chances[first].mean())
    assert np.asarray(line.get_ydata())[0] == trained.labels[first].mean()
