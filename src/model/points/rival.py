"""The learned scorecard as a rival: a model that cannot beat it is not worth having.

What is measured is kept with the proof of a model, so the page shows the very figures
that were found when it was trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from model.features.catalog import Catalog, Numbers
from model.metrics import Codes, Measured, paired_differences, scores
from model.points.hypotheses import check_hypotheses
from model.points.record import LOSS, Against, Rival
from model.points.scorecard import learn_scorecard
from model.points.writing import to_yaml

COMPARED: Final = (LOSS, "auc")
DIGITS: Final = 6
MOST_ROWS: Final = 50_000
"""Training rows that a scorecard is learned from: more change no whole point."""


@dataclass(frozen=True)
class Rows:
    """Encoded rows (n, p), outcomes as 0.0 or 1.0 (n,), and whose row each is (n,)."""

    matrix: Numbers
    labels: Numbers
    leads: Codes

    def thinned(self) -> Rows:
        """Take at most ``MOST_ROWS``, evenly."""
        every = slice(None, None, -(-len(self.labels) // MOST_ROWS))
        return Rows(self.matrix[every], self.labels[every], self.leads[every])


def meet_rival(
    catalog: Catalog, train: Rows, test: Rows, *, said: Numbers, seed: int
) -> Rival:
    """Learn a scorecard of the training rows, and hold the model against it.

    Parameters
    ----------
    said
        (n,) calibrated log-odds of the model for the test rows.
    """
    learned = train.thinned()
    card = learn_scorecard(catalog, learned.matrix, learned.labels, learned.leads)
    own = card.log_odds(test.matrix)
    theirs, ours = scores(own, test.labels), scores(said, test.labels)
    leads = np.unique(test.leads, return_inverse=True)[1].astype(np.intp)
    gains = paired_differences(said, own, test.labels, leads, seed=seed)
    return Rival(
        card=to_yaml(card),
        traits=len(card.lines),
        items=card.items,
        against=tuple(
            _against(name, theirs[name], ours[name], gains[name]) for name in COMPARED
        ),
        hypotheses=check_hypotheses(
            catalog, train.matrix, labels=train.labels, leads=train.leads
        ),
    )


def _against(name: str, points: float, model: float, gain: Measured) -> Against:
    figures = (points, model, gain.value, gain.low, gain.high)
    return Against(name, *(round(figure, DIGITS) for figure in figures))
