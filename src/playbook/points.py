"""Points: who a lead is and what it does, added up by rules that a person reads.

A scorecard keeps two sums apart. *Fit* is who the lead is, *engagement* is what it
does; a letter for the first and a digit for the second give its place in a grid from A1
to D4. Points are whole numbers, so sums are exact and a person can check them by hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final, Literal

from leads.decision import Tier
from playbook.condition import Condition, holds, tests_of
from playbook.facts import Asked, Facts
from playbook.text import Text

SideName = Literal["fit", "engagement"]
SIDE_WORDS: Final[Mapping[SideName, Text]] = {
    "fit": {"en": "Fit: who they are", "ru": "Соответствие: кто это"},
    "engagement": {"en": "Engagement: what they do", "ru": "Вовлечённость: что делают"},
}
LETTERS: Final = "ABCD"
DIGITS: Final = "1234"
GRID: Final = tuple(f"{a}{b}" for a, b in product(LETTERS, DIGITS))

HOT: Final = frozenset({"A1", "A2", "B1"})
WARM: Final = frozenset({"A3", "A4", "B2", "B3", "C1", "C2", "D1"})
"""Cells whose leads are hot or warm, if the file does not say it otherwise."""

Ages = Mapping[str, Sequence[float]]
"""By kind of event how long ago each happened, in seconds."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Points never count for less than ``least`` or more than ``most``."""

    least: int | None = None
    most: int | None = None

    def keep(self, points: int) -> int:
        """Bring points within the bounds.

        Examples
        --------
        >>> Bounds(most=10).keep(14), Bounds(least=-5, most=10).keep(-9)
        (10, -5)
        """
        if self.most is not None:
            points = min(points, self.most)
        return points if self.least is None else max(points, self.least)


FREE: Final = Bounds()


@dataclass(frozen=True, slots=True)
class Item:
    """What is worth points: a condition that holds, or each event of a kind.

    Of events those within ``within`` seconds count, each for half as much with every
    ``half_life`` seconds that passed since; ``bounds`` hold for all of them together.
    """

    points: int
    when: Condition | None = None
    event: str | None = None
    within: int | None = None
    half_life: int | None = None
    bounds: Bounds = FREE
    title: Text | None = None

    def worth(self, facts: Facts, ages: Ages) -> int:
        """Count its points; a condition that is not certain gives none."""
        if self.event is None:
            assert self.when is not None, "an item asks something or counts events"
            return self.points if holds(self.when, facts) is True else 0
        total = sum(self._share(age) for age in ages.get(self.event, ()))
        return self.bounds.keep(round(self.points * total))

    def _share(self, age: float) -> float:
        if self.within is not None and age >= self.within:
            return 0.0
        return 1.0 if self.half_life is None else 0.5 ** (age / self.half_life)


@dataclass(frozen=True, slots=True)
class Group:
    """Items that together count within bounds."""

    name: str
    items: tuple[Item, ...]
    bounds: Bounds = FREE
    title: Text | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """Fit or engagement: its groups, and from how many points A, B and C begin."""

    borders: tuple[int, int, int]
    groups: tuple[Group, ...]

    def place(self, points: int) -> int:
        """Say which of the four parts points fall into, from 0 for the best.

        Examples
        --------
        >>> [Side((30, 20, 10), ()).place(points) for points in (30, 29, 10, 9)]
        [0, 1, 2, 3]
        """
        return sum(points < border for border in self.borders)


@dataclass(frozen=True, slots=True)
class Given:
    """Points that one item gave a lead, before the bounds of its group."""

    side: SideName
    group: str
    item: Item
    points: int


@dataclass(frozen=True, slots=True)
class Score:
    """The points of one lead, and where they came from, most telling first."""

    fit: int
    engagement: int
    grid: str
    given: tuple[Given, ...]

    @property
    def points(self) -> int:
        """Fit and engagement together."""
        return self.fit + self.engagement


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Both sides of a scorecard.

    ``hot`` and ``warm`` are the cells of the grid that make these tiers while data are
    too few for a model; all other cells are cold.
    """

    fit: Side
    engagement: Side
    hot: frozenset[str] = HOT
    warm: frozenset[str] = WARM

    def tier_of(self, grid: str) -> Tier:
        """Say which tier a cell of the grid is.

        Examples
        --------
        >>> card = Scorecard(Side((3, 2, 1), ()), Side((3, 2, 1), ()))
        >>> [card.tier_of(grid).value for grid in ("A1", "C2", "D4")]
        ['hot', 'warm', 'cold']
        """
        if grid in self.hot:
            return Tier.HOT
        return Tier.WARM if grid in self.warm else Tier.COLD

    def sides(self) -> tuple[tuple[SideName, Side], ...]:
        """Give both sides with their names."""
        return (("fit", self.fit), ("engagement", self.engagement))

    def items(self) -> Iterator[tuple[SideName, Group, Item]]:
        """Go through all items as they stand in the file."""
        for name, side in self.sides():
            for group in side.groups:
                for item in group.items:
                    yield name, group, item

    @property
    def asks(self) -> frozenset[Asked]:
        """Every fact that some item asks about."""
        conditions = [item.when for _, _, item in self.items() if item.when is not None]
        return frozenset(t.asked for when in conditions for t in tests_of(when))

    def score(self, facts: Facts, ages: Ages) -> Score:
        """Add up the points of one lead.

        Parameters
        ----------
        facts
            What is known of it, at least of ``asks``.
        ages
            How long ago each of its events happened.
        """
        given = tuple(
            Given(side, group.name, item, points)
            for side, group, item in self.items()
            if (points := item.worth(facts, ages))
        )
        fit, engagement = (
            sum(
                group.bounds.keep(_of(given, name, group.name)) for group in side.groups
            )
            for name, side in self.sides()
        )
        letter = LETTERS[self.fit.place(fit)]
        digit = DIGITS[self.engagement.place(engagement)]
        ranked = tuple(sorted(given, key=lambda one: -abs(one.points)))
        return Score(fit, engagement, letter + digit, ranked)


def _of(given: tuple[Given, ...], side: SideName, group: str) -> int:
    return sum(g.points for g in given if g.side == side and g.group == group)
