"""A chart of shares with ranges, one line of words and one bar to each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from serve.pages.svg import Frame, box, chart, cut, line, tag, text
from serve.pages.wording import Wording

ROW: Final = 46
"""Pixels a range takes: a line of words above a bar."""

LONGEST: Final = 26
"""Letters of a name that fit a phone beside the numbers."""

LEFT: Final = 0.5
RIGHT: Final = 99.5
ENDS: Final = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8)


@dataclass(frozen=True, slots=True)
class Range:
    """A share with its range, and the share it is held against; all from 0 to 1.

    ``aside`` says it in numbers, ``marked`` that it deserves attention.
    """

    label: str
    low: float
    high: float
    happened: float
    said: float
    aside: str
    marked: bool = False


def ranges(title: str, items: Sequence[Range], wording: Wording) -> Markup:
    """Draw what happened as dots over ranges, and what was said as upright marks."""
    reach = max((max(r.high, r.said, r.happened) for r in items), default=1.0)
    most = next((end for end in ENDS if reach <= end), 1.0)
    frame = Frame(most, 1.0, left=LEFT, right=RIGHT, bottom=ROW * len(items))
    marks = [(most * part / 4, part) for part in range(5)]
    parts = [
        *(_gridline(frame, at, part, wording) for at, part in marks),
        *(_range(row, item, frame) for row, item in enumerate(items)),
    ]
    return chart(title, parts, height=frame.bottom + 26, kind="wide")


def _gridline(frame: Frame, at: float, part: int, wording: Wording) -> Markup:
    anchor = "start" if part == 0 else "end" if part == 4 else "middle"
    x = frame.x(at)
    return line(x, 0, x, frame.bottom, kind="grid") + text(
        x, frame.bottom + 18, wording.rate(at), class_="tick", text_anchor=anchor
    )


def _range(row: int, item: Range, frame: Frame) -> Markup:
    y = row * ROW
    weight = "label strong" if item.marked else "label"
    mark = "● " if item.marked else ""
    low, high = frame.x(item.low), frame.x(item.high)
    said, happened = frame.x(item.said), frame.x(item.happened)
    return tag(
        "g",
        tag("title", f"{item.label}: {item.aside}"),
        text(LEFT, y + 16, mark + cut(item.label, LONGEST), class_=weight),
        text(RIGHT, y + 16, item.aside, class_=weight, text_anchor="end"),
        box(low, y + 24, high - low, 12, kind="rail"),
        line(said, y + 21, said, y + 39, kind="mark"),
        tag(
            "circle", cx=f"{happened:.2f}%", cy=f"{y + 30:g}", r="5",
            class_="against" if item.marked else "dot",
        ),
    )  # fmt: skip
