"""Writing SVG: escaped tags and a frame with axes, for every chart alike.

Across, places are percent of the width and downward they are pixels, so that a chart
fills a phone and a desk alike while its letters keep their size. No style attribute
is ever written: the content security policy of the pages forbids them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from markupsafe import Markup, escape

ELLIPSIS: Final = "…"

ENDS: Final = (6.0, 90.0)
"""Percent across before and after which words would stick out if put in the middle."""


def tag(name: str, *inside: str, **attributes: object) -> Markup:
    """Write one element; texts and attribute values are escaped.

    Examples
    --------
    >>> tag("text", "<b>", x="5%", class_="axis", text_anchor="end")
    Markup('<text x="5%" class="axis" text-anchor="end">&lt;b&gt;</text>')
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
    )
    body = Markup("").join(inside)  # escapes what is not Markup already
    return Markup(f"<{name}{written}>{body}</{name}>")


def across(value: float) -> str:
    """Write a place across, in percent.

    Examples
    --------
    >>> across(12.3456), across(50.0)
    ('12.35%', '50%')
    """
    return f"{value:.2f}".rstrip("0").rstrip(".") + "%"


def text(x: float, y: float, words: str, **attributes: object) -> Markup:
    """Write words at a place."""
    return tag("text", words, x=across(x), y=f"{y:g}", **attributes)


def tick(x: float, y: float, words: str) -> Markup:
    """Write a mark of an axis under its place; at the ends it stays in the picture.

    Examples
    --------
    >>> [tick(x, 9, "") for x in (2, 50, 97)]  # doctest: +NORMALIZE_WHITESPACE
    [Markup('<text x="2%" y="9" class="tick" text-anchor="start"></text>'),
     Markup('<text x="50%" y="9" class="tick" text-anchor="middle"></text>'),
     Markup('<text x="97%" y="9" class="tick" text-anchor="end"></text>')]
    """
    anchor = "start" if x < ENDS[0] else "end" if x > ENDS[1] else "middle"
    return text(x, y, words, class_="tick", text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, *, kind: str) -> Markup:
    """Draw a straight line."""
    return tag(
        "line", x1=across(x1), y1=f"{y1:.4g}", x2=across(x2), y2=f"{y2:.4g}",
        class_=kind,
    )  # fmt: skip


def box(x: float, y: float, width: float, height: float, *, kind: str) -> Markup:
    """Draw a filled bar; one too thin to see is drawn thin, not left out."""
    return tag(
        "rect", x=across(x), y=f"{y:.4g}", width=across(max(width, 0.3)),
        height=f"{max(height, 0.0):.4g}", class_=kind,
    )  # fmt: skip


def path(points: Sequence[tuple[float, float]], *, kind: str) -> Markup:
    """Join points by straight lines; SVG paths know no percent, lines do."""
    return Markup("").join(
        line(*start, *end, kind=kind) for start, end in pairwise(points)
    )


def chart(title: str, parts: Iterable[str], *, height: float, kind: str) -> Markup:
    """Wrap the parts of a chart into an image with a name."""
    return tag(
        "svg", tag("title", title), *parts, role="img", aria_label=title,
        width="100%", height=f"{height:g}", class_=f"chart {kind}",
    )  # fmt: skip


def cut(words: str, longest: int) -> str:
    """Shorten words to fit a line that cannot wrap.

    Examples
    --------
    >>> cut("a long name", 6), cut("short", 6)
    ('a lon…', 'short')
    """
    return words if len(words) <= longest else words[: longest - 1] + ELLIPSIS


@dataclass(frozen=True, slots=True)
class Frame:
    """The inner field of a chart with two axes, and how values fall into it.

    ``left`` and ``right`` are percent, ``top`` and ``bottom`` pixels from above;
    ``width`` and ``height`` are the values at the far ends, the near ends are zero.
    """

    width: float
    height: float
    left: float = 14.0
    right: float = 97.0
    top: float = 12.0
    bottom: float = 252.0

    def x(self, value: float) -> float:
        """Place a value across."""
        return self.left + (self.right - self.left) * value / self.width

    def y(self, value: float) -> float:
        """Place a value upward."""
        return self.bottom - (self.bottom - self.top) * value / self.height

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Place a pair of values."""
        return self.x(x), self.y(y)

    def grid_y(self, marks: Sequence[tuple[float, str]]) -> Markup:
        """Draw level lines with their values to the left."""
        return Markup("").join(
            line(self.left, self.y(value), self.right, self.y(value), kind="grid")
            + text(
                self.left - 1.5, self.y(value) + 4, words,
                class_="tick", text_anchor="end",
            )
            for value, words in marks
        )  # fmt: skip

    def ticks_x(self, marks: Sequence[tuple[float, str]]) -> Markup:
        """Write the values below the field."""
        return Markup("").join(
            tick(self.x(value), self.bottom + 18, words) for value, words in marks
        )

    def names(self, below: str, above: str) -> Markup:
        """Name the axes: one below the field, one inside its upper left corner."""
        return text(
            self.right, self.bottom + 38, below, class_="axis", text_anchor="end"
        ) + text(self.left + 1, self.top + 12, "↑ " + above, class_="axis")
