"""One lead through time: what happened when, and how its chance went with it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

from markupsafe import Markup

from serve.pages.svg import chart, line, tag, text
from serve.pages.wording import Wording

BUCKETS: Final = 120
"""Events closer together than this part of the timeline share a dot."""

LANE: Final = 40.0
BAND: Final = 84.0
"""Pixels that the chance takes above the lanes."""


Chances = Sequence[tuple[datetime, float]]


@dataclass(frozen=True, slots=True)
class Dot:
    """Something that happened, on a lane of the timeline."""

    at: datetime
    lane: str


@dataclass(frozen=True, slots=True)
class _Days:
    """The stretch of time that is drawn."""

    first: datetime
    last: datetime

    def x(self, at: datetime) -> float:
        length = (self.last - self.first).total_seconds() or 1.0
        return 1.5 + 97.0 * (at - self.first).total_seconds() / length


def lifeline(
    dots: Sequence[Dot], lanes: Sequence[str], chances: Chances, wording: Wording
) -> Markup:
    """Draw what happened when, one lane for each sort, under how the chance went.

    Parameters
    ----------
    dots
        What happened; each lane is one of ``lanes``, which are texts.
    chances
        What was said of the lead as of which moment, oldest first, at least one; the
        last one is marked by an upright line.
    """
    moments = [dot.at for dot in dots] + [at for at, _ in chances]
    days = _Days(min(moments), max(moments))
    top = BAND if len(chances) > 1 else 0.0
    bottom = top + LANE * len(lanes)
    parts = [
        _predicted(days.x(chances[-1][0]), bottom, wording),
        _band(days, chances, wording) if top else "",
        *(_lane(top + LANE * row, lane, dots, days) for row, lane in enumerate(lanes)),
        text(0.5, bottom + 16, wording.day(days.first), class_="tick"),
        text(99.5, bottom + 16, wording.day(days.last), class_="tick",
             text_anchor="end"),
    ]  # fmt: skip
    title = _title(days, chances, wording)
    return chart(title, parts, height=bottom + 40, kind="wide")


def _title(days: _Days, chances: Chances, wording: Wording) -> str:
    key = "lifeline.title" if len(chances) > 1 else "story.title"
    return wording.say(
        key,
        first=wording.day(days.first),
        last=wording.day(days.last),
        start=wording.chance(chances[0][1]),
        end=wording.chance(chances[-1][1]),
    )


def _predicted(x: float, bottom: float, wording: Wording) -> Markup:
    """Mark the moment of the prediction, with its name below the days."""
    beside, anchor = (
        (99.5, "end") if x > 90 else (x, "middle") if x > 10 else (0.5, "start")
    )
    return line(x, 0, x, bottom, kind="mark") + text(
        beside, bottom + 32, wording.say("story.predicted"),
        class_="tick", text_anchor=anchor,
    )  # fmt: skip


def _band(days: _Days, chances: Chances, wording: Wording) -> Markup:
    """Draw the chance as steps: each prediction holds until the next one."""
    most = max(chance for _, chance in chances) or 1.0
    floor, height = BAND - 12.0, BAND - 46.0

    def y(chance: float) -> float:
        return floor - height * chance / most

    points = [(days.x(at), y(chance)) for at, chance in chances]
    steps = Markup("").join(
        line(x, level, further, level, kind="curve")
        + line(further, level, further, after, kind="curve")
        for (x, level), (further, after) in pairwise(points)
    )
    dots = Markup("").join(
        tag(
            "g",
            tag("title", f"{wording.moment(at)}: {wording.chance(chance)}"),
            tag("circle", cx=f"{x:.2f}%", cy=f"{level:.4g}", r="4", class_="dot"),
        )
        for (x, level), (at, chance) in zip(points, chances, strict=True)
    )
    return (
        text(0.5, 16, wording.say("lifeline.chance"), class_="label")
        + line(0.5, floor, 99.5, floor, kind="grid")
        + steps
        + dots
        + _ends(points, chances, wording)
    )


def _ends(
    points: Sequence[tuple[float, float]], chances: Chances, wording: Wording
) -> Markup:
    """Write the first and the last chance beside their dots."""
    (first_x, first_y), (last_x, last_y) = points[0], points[-1]
    end = text(
        last_x - 1.5, last_y - 8, wording.chance(chances[-1][1]),
        class_="label strong", text_anchor="end",
    )  # fmt: skip
    if last_x - first_x < 25:
        return end
    return end + text(
        first_x, first_y - 8, wording.chance(chances[0][1]),
        class_="tick", text_anchor="start" if first_x < 50 else "end",
    )  # fmt: skip


def _lane(y: float, lane: str, dots: Sequence[Dot], days: _Days) -> Markup:
    buckets = Counter(
        round(days.x(dot.at) * BUCKETS / 100) for dot in dots if dot.lane == lane
    )
    return (
        text(0.5, y + 16, lane, class_="label")
        + line(0.5, y + 27, 99.5, y + 27, kind="grid")
        + Markup("").join(
            tag(
                "circle", cx=f"{100 * bucket / BUCKETS:.2f}%", cy=f"{y + 27:g}",
                r=f"{min(3.5 + math.log2(count), 7.5):.3g}", class_="dot",
            )
            for bucket, count in sorted(buckets.items())
        )
    )  # fmt: skip
