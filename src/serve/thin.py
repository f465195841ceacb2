"""What is answered while data are too few for a model: the tier by the owner's points.

A bundle of too few leads says the usual rate and no tier. Where the playbook has a
section ``points``, a person's knowledge stands in, and is named as such.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from leads.decision import Prediction, Tier
from leads.pointed import Pointed, by_points
from playbook.known import Known, points_of
from playbook.plan import Playbook
from playbook.points import Given, Score
from playbook.telling import Telling
from playbook.text import LANGUAGES, Language
from playbook.world import World

MOST_GIVEN: Final = 3
"""Lines that are named: the answer must fit a field of a card."""

HEAD: Final[Mapping[Language, str]] = {
    "en": "By points (too few data for a model): {points}, cell {grid}",
    "ru": "По баллам (для модели мало данных): {points}, клетка {grid}",
}


def answered(known: Known, playbook: Playbook, world: World) -> Prediction:
    """Let points answer for a lead of which the model gave no tier.

    Returns
    -------
    Prediction
        The same one if a model answered, if there are no points, or if nothing is
        known of the lead.
    """
    made = known.prediction
    card = playbook.points
    if card is None or known.lead is None or made.tier is not Tier.NO_DATA:
        return made
    score = points_of(card, playbook, known)
    assert score is not None, "the lead is known, and there is a scorecard"
    text: dict[str, str] = {
        language: _said(score, Telling.of(playbook, world, language))
        for language in LANGUAGES
    }
    said = Pointed(score.fit, score.engagement, score.grid, text)
    return by_points(made, said, card.tier_of(score.grid))


def _said(score: Score, telling: Telling) -> str:
    head = HEAD[telling.language].format(points=score.points, grid=score.grid)
    lines = "; ".join(_line(one, telling) for one in score.given[:MOST_GIVEN])
    return f"{head}. {lines}" if lines else head


def _line(one: Given, telling: Telling) -> str:
    sign = "−" if one.points < 0 else "+"
    return f"{telling.counted(one.item)} {sign}{abs(one.points)}"
