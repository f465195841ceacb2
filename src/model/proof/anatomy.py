"""What a model has learned, as a data scientist asks about it: records, no sums.

Counted once, at training, from the test rows and the newest judged slice, and kept with
the proof in the bundle, so that a page reads it and computes nothing. Words are kept in
both languages; columns are never named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model.features.catalog import Words


@dataclass(frozen=True, slots=True)
class Weight:
    """How far a business field moves predictions: the mean absolute share, log-odds.

    ``low`` to ``high`` is its 95 % interval by lead, ``part`` its part of all fields'.
    """

    field: str
    share: float
    low: float
    high: float
    part: float


@dataclass(frozen=True, slots=True)
class Spot:
    """Cases of like value: what the column gave them, in log-odds.

    ``share`` is the mean, ``low`` to ``high`` hold eight of ten cases. ``at`` places
    the value on an axis; None for a level of a text, and where it is not known.
    """

    words: Words
    count: int
    share: float
    low: float
    high: float
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Dependence:
    """What a field's heaviest column gives, by its value; ``absent`` where not known.

    ``words`` name the column, ``rows`` are the cases looked at.
    """

    field: str
    words: Words
    rows: int
    spots: tuple[Spot, ...]
    absent: Spot | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """Cases where two fields take certain values.

    ``together`` is what the pair gives beyond what each gives by itself, in log-odds;
    ``said`` and ``happened`` are shares.
    """

    first: Words
    second: Words
    count: int
    together: float
    said: float
    happened: float


@dataclass(frozen=True, slots=True)
class Pair:
    """Two fields that say more, or less, together than one by one.

    ``size`` is the mean absolute effect in log-odds; ``gain`` how much the log-loss
    grows without it, with its interval. ``words`` name the columns of the ``cells``.
    """

    fields: tuple[str, str]
    words: tuple[Words, Words]
    size: float
    gain: float
    low: float
    high: float
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """How well a small forest of so many training leads does on the judged slice."""

    leads: int
    rows: int
    logloss: float
    auc: float


@dataclass(frozen=True, slots=True)
class Growth:
    """The learning curve; ``gain`` is what the last doubling of leads saved.

    ``gain`` is in log-loss with its paired 95 % interval, above nought if more helped.
    """

    steps: tuple[Step, ...]
    gain: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Anatomy:
    """All of it; ``rows`` test rows were looked at, ``tried`` pairs of fields weighed.

    Examples
    --------
    >>> Anatomy.from_facts({"rows": 0}) == Anatomy(rows=0)
    True
    """

    rows: int
    weights: tuple[Weight, ...] = ()
    dependences: tuple[Dependence, ...] = ()
    tried: int = 0
    pairs: tuple[Pair, ...] = ()
    growth: Growth | None = None

    @classmethod
    def from_facts(cls, raw: Mapping[str, Any]) -> Anatomy:
        """Read what ``dataclasses.asdict`` made of one."""
        return cls(
            rows=raw["rows"],
            weights=tuple(Weight(**item) for item in raw.get("weights", ())),
            dependences=tuple(map(_dependence, raw.get("dependences", ()))),
            tried=raw.get("tried", 0),
            pairs=tuple(map(_pair, raw.get("pairs", ()))),
            growth=_growth(raw.get("growth")),
        )


def _spot(raw: Mapping[str, Any]) -> Spot:
    return Spot(**{**raw, "words": Words(**raw["words"])})


def _dependence(raw: Mapping[str, Any]) -> Dependence:
    return Dependence(
        field=raw["field"],
        words=Words(**raw["words"]),
        rows=raw["rows"],
        spots=tuple(map(_spot, raw["spots"])),
        absent=raw["absent"] and _spot(raw["absent"]),
    )


def _pair(raw: Mapping[str, Any]) -> Pair:
    first, second = raw["fields"]
    one, other = raw["words"]
    cells = tuple(
        Cell(**{**c, "first": Words(**c["first"]), "second": Words(**c["second"])})
        for c in raw["cells"]
    )
    known = {"fields": (first, second), "words": (Words(**one), Words(**other))}
    return Pair(**{**raw, **known, "cells": cells})


def _growth(raw: Mapping[str, Any] | None) -> Growth | None:
    if raw is None:
        return None
    return Growth(**{**raw, "steps": tuple(Step(**step) for step in raw["steps"])})
