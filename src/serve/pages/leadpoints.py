"""The points of one lead: its cell of the grid, and every line that gave some."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from leads.pointed import pointed
from playbook.known import Known, points_of
from playbook.points import Group, Score, Scorecard, SideName
from playbook.telling import Telling
from playbook.text import LANGUAGES, Language, Text
from playbook.world import World
from serve.pointing import Counted, Origin

CAPPED: Final[Mapping[str, Text]] = {
    "most": {"en": "{group}: no more than {n}", "ru": "{group}: не больше {n}"},
    "least": {"en": "{group}: no less than {n}", "ru": "{group}: не меньше {n}"},
}


@dataclass(frozen=True, slots=True)
class PointsLine:
    """What gave points, or the bound of a group that took some; by language."""

    side: SideName
    what: Mapping[str, str]
    points: int


@dataclass(frozen=True, slots=True)
class LeadPoints:
    """The points of one lead at the moment of its prediction.

    The ``lines`` of a side add up to it exactly. ``answers`` says that the tier comes
    from these points, for data are too few for a model.
    """

    points: int
    fit: int
    engagement: int
    grid: str
    origin: Origin
    answers: bool
    lines: tuple[PointsLine, ...]

    def plain(self) -> dict[str, Any]:
        """Give it as JSON holds it."""
        return {
            "points": self.points,
            "fit": self.fit,
            "engagement": self.engagement,
            "grid": self.grid,
            "origin": self.origin,
            "answers": self.answers,
            "lines": [
                {"side": one.side, "points": one.points, "texts": dict(one.what)}
                for one in self.lines
            ],
        }


def lead_points_of(use: Counted, known: Known, world: World) -> LeadPoints | None:
    """Draw a lead by its points; None if it was never ingested."""
    score = points_of(use.card, use.playbook, known)
    if score is None:
        return None
    tellings: Mapping[Language, Telling] = {
        language: Telling.of(use.playbook, world, language) for language in LANGUAGES
    }
    return LeadPoints(
        points=score.points,
        fit=score.fit,
        engagement=score.engagement,
        grid=score.grid,
        origin=use.origin,
        answers=pointed(known.prediction) is not None,
        lines=tuple(_lines(use.card, score, tellings)),
    )


def _lines(
    card: Scorecard, score: Score, tellings: Mapping[Language, Telling]
) -> Iterator[PointsLine]:
    for given in score.given:
        what: Mapping[str, str] = {
            name: one.counted(given.item) for name, one in tellings.items()
        }
        yield PointsLine(given.side, what, given.points)
    for side, of in card.sides():
        for group in of.groups:
            added = sum(
                one.points
                for one in score.given
                if (one.side, one.group) == (side, group.name)
            )
            kept = group.bounds.keep(added)
            if kept != added:
                what = _capped(group, tellings, is_most=kept < added)
                yield PointsLine(side, what, kept - added)


def _capped(
    group: Group, tellings: Mapping[Language, Telling], *, is_most: bool
) -> Mapping[str, str]:
    bound = group.bounds.most if is_most else group.bounds.least
    words = CAPPED["most" if is_most else "least"]
    said: dict[str, str] = {}
    for name, one in tellings.items():
        most = f"{bound:+}".replace("-", "−")
        said[name] = words[name].format(group=one.group(group), n=most)
    return said
