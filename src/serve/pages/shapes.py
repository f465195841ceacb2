"""Two small charts of the sales lead: how a chance grows with time, and the funnel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from serve.pages.svg import Frame, box, chart, cut, line, path, tag, text
from serve.pages.wording import Wording

ROW: Final = 46
LONGEST: Final = 26
"""Letters of a stage's name that fit a phone beside the number."""


@dataclass(frozen=True, slots=True)
class Level:
    """One stage of the drawn funnel: how many got there, how many are there."""

    label: str
    reached: int
    aside: str
    state: str


def curve(points: Mapping[int, float], wording: Wording) -> Markup:
    """Draw the chance to have converted by so many days, from none on day 0."""
    last = max(points)
    most = max(points.values()) or 1.0
    frame = Frame(last, most, left=2.0, right=88.0, top=26.0, bottom=104.0)
    said = [
        wording.say(
            "curve.point", chance=wording.chance(chance), days=wording.many("days", day)
        )
        for day, chance in points.items()
    ]
    placed = [frame.point(0, 0), *(frame.point(*point) for point in points.items())]
    parts = [
        line(frame.left, frame.bottom, 98, frame.bottom, kind="grid"),
        path(placed, kind="curve"),
        *(
            _mark(frame, day, chance, words, wording)
            for (day, chance), words in zip(points.items(), said, strict=True)
        ),
    ]
    title = wording.say("curve.title", points=", ".join(said))
    return chart(title, parts, height=130, kind="small")


def _mark(
    frame: Frame, day: int, chance: float, words: str, wording: Wording
) -> Markup:
    x, y = frame.point(day, chance)
    return tag(
        "g",
        tag("title", words),
        tag("circle", cx=f"{x:.2f}%", cy=f"{y:.4g}", r="4.5", class_="dot"),
        text(x, y - 10, wording.chance(chance), class_="label strong",
             text_anchor="middle"),
        text(x, frame.bottom + 18, wording.many("days", day) if x > 80
             else wording.count(day), class_="tick", text_anchor="middle"),
    )  # fmt: skip


def funnel(title: str, levels: Sequence[Level], wording: Wording) -> Markup:
    """Draw the stages as bars around the middle, as wide as leads got there."""
    most = max((level.reached for level in levels), default=1) or 1
    parts = [_level(row, level, most, wording) for row, level in enumerate(levels)]
    return chart(title, parts, height=ROW * len(levels) + 4, kind="wide")


def _level(row: int, level: Level, most: int, wording: Wording) -> Markup:
    y, width = row * ROW, 99.0 * level.reached / most
    kind = {"won": "for", "lost": "level"}.get(level.state, "fill")
    words = f"{level.label}: {wording.count(level.reached)}"
    return tag(
        "g",
        tag("title", words),
        text(0.5, y + 16, cut(words, LONGEST + 8), class_="label"),
        text(99.5, y + 16, level.aside, class_="tick", text_anchor="end"),
        box(50 - width / 2, y + 23, width, 16, kind=kind),
    )
