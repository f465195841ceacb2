"""Plots of what is inside a model: dependence, pairs of fields, learning curve."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from model.proof.anatomy import Cell, Dependence, Growth, Pair, Spot
from serve.pages.svg import across, box, chart, cut, line, path, tag, text, tick
from serve.pages.wording import Wording

LEFT: Final = 15.0
RIGHT: Final = 98.0
TOP: Final = 24.0
BOTTOM: Final = 190.0
FOOT: Final = 40.0
"""Pixels that the bars of counts may take, below the plot."""

ROW: Final = 40
"""Pixels a level of a text takes: a line of words above a bar."""

LONGEST: Final = 30
SHORT: Final = 16
ROOM: Final = 9
"""Letters of a tick that fit under their place without touching the next."""


@dataclass(frozen=True, slots=True)
class _Height:
    """How log-odds fall into the field, nought always within."""

    low: float
    high: float

    @classmethod
    def of(cls, spots: Sequence[Spot]) -> _Height:
        low = min(0.0, *(spot.low for spot in spots))
        high = max(0.0, *(spot.high for spot in spots))
        room = max((high - low) * 0.06, 0.01)
        return cls(low - room, high + room)

    def y(self, value: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * (value - self.low) / (self.high - self.low)

    def x(self, value: float) -> float:
        return 0.5 + 99.0 * (value - self.low) / (self.high - self.low)


def dependence(item: Dependence, wording: Wording) -> Markup:
    """Draw what a field's figure gives by its value; rows for texts, else a plot."""
    every = [*item.spots, *([item.absent] if item.absent else [])]
    if not every:
        return Markup("")
    title = wording.say(
        "inside.depend.title",
        words=item.words[wording.language],
        low=wording.signed(every[0].share, 2),
        first=every[0].words[wording.language],
        high=wording.signed(item.spots[-1].share if item.spots else 0.0, 2),
        last=item.spots[-1].words[wording.language] if item.spots else "",
    )
    if any(spot.at is None for spot in item.spots) or not item.spots:
        return _levels(title, every, wording)
    return _plot(title, item, wording)


def _plot(title: str, item: Dependence, wording: Wording) -> Markup:
    spots, absent = item.spots, item.absent
    every = [*spots, *([absent] if absent else [])]
    height = _Height.of(every)
    places = len(spots) + (2 if absent else 0)
    step = (RIGHT - LEFT) / max(places, 1)
    at = [LEFT + step * (i + 0.5) for i in range(len(spots))]
    apart = LEFT + step * (places - 0.5)
    most = max(spot.count for spot in every)
    parts: list[str] = [*_grid(height, wording)]
    parts.append(
        path([(x, height.y(s.share)) for x, s in zip(at, spots, strict=True)],
             kind="curve")
    )  # fmt: skip
    drawn = [*zip(at, spots, strict=True), *([(apart, absent)] if absent else [])]
    for x, spot in drawn:
        parts.append(_spot(x, spot, height, wording))
        tall = FOOT * spot.count / most
        bar = box(
            x - step * 0.35, BOTTOM + 8 + FOOT - tall, step * 0.7, tall, kind="rail"
        )
        parts.append(bar)
    parts.extend(_ticks(at, spots, wording))
    if absent:
        split = LEFT + step * (len(spots) + 0.5)
        parts.append(line(split, TOP, split, BOTTOM + FOOT + 8, kind="ideal"))
        said = cut(wording.say("inside.absent"), SHORT)
        parts.append(text(
            RIGHT, BOTTOM + FOOT + 42, said, class_="tick", text_anchor="end"
        ))  # fmt: skip
    parts.append(text(LEFT, TOP - 10, "↑ " + wording.say("inside.log_odds"),
                      class_="axis"))  # fmt: skip
    return chart(title, parts, height=BOTTOM + FOOT + 50, kind="wide")


def _grid(height: _Height, wording: Wording) -> Iterator[Markup]:
    span = height.high - height.low
    step = next(s for s in (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, span) if span / s <= 5)
    mark = -int(-height.low // step) * step
    while mark <= height.high:
        y = height.y(mark)
        kind = "mark" if abs(mark) < step / 2 else "grid"
        yield line(LEFT, y, RIGHT, y, kind=kind)
        yield text(
            LEFT - 1.5, y + 4, wording.signed(mark, 2),
            class_="tick", text_anchor="end",
        )  # fmt: skip
        mark += step


def _spot(x: float, spot: Spot, height: _Height, wording: Wording) -> Markup:
    words = (
        f"{spot.words[wording.language]}: {wording.signed(spot.share, 2)}"
        f" ({wording.many('snapshots', spot.count)})"
    )
    return tag(
        "g",
        tag("title", words),
        line(x, height.y(spot.low), x, height.y(spot.high), kind="whisker"),
        tag("circle", cx=across(x), cy=f"{height.y(spot.share):.4g}", r="4",
            class_="dot"),
    )  # fmt: skip


def _ticks(
    at: Sequence[float], spots: Sequence[Spot], wording: Wording
) -> Iterator[Markup]:
    """Write the first and the last value, and one between where there is room."""
    last = len(spots) - 1
    said = [cut(spot.words[wording.language], SHORT) for spot in spots]
    short = all(len(said[place]) <= ROOM for place in (0, last // 2, last))
    middle = last // 2 if last > 3 and short else 0
    for place in sorted({0, middle, last}):
        y = BOTTOM + FOOT + 26
        if len(said[place]) <= ROOM:
            yield tick(at[place], y, said[place])
        else:
            x, anchor = (at[place], "end") if place == last else (LEFT, "start")
            yield text(x, y, said[place], class_="tick", text_anchor=anchor)


def _levels(title: str, spots: Sequence[Spot], wording: Wording) -> Markup:
    scale = _Height.of(spots)
    nought = scale.x(0.0)
    parts: list[str] = [line(nought, 0, nought, ROW * len(spots), kind="mark")]
    for row, spot in enumerate(spots):
        y, x = row * ROW, scale.x(spot.share)
        said = f"{wording.signed(spot.share, 2)} · {wording.count(spot.count)}"
        name = spot.words[wording.language]
        kind = "for" if spot.share >= 0 else "against"
        parts.append(
            tag(
                "g",
                tag("title", f"{name}: {said}"),
                text(0.5, y + 14, cut(name, LONGEST), class_="label"),
                text(99.5, y + 14, said, class_="label", text_anchor="end"),
                box(min(nought, x), y + 20, abs(x - nought), 10, kind=kind),
                line(scale.x(spot.low), y + 25, scale.x(spot.high), y + 25,
                     kind="whisker"),
            )
        )  # fmt: skip
    return chart(title, parts, height=ROW * len(spots) + 4, kind="wide")


def telling(pair: Pair) -> Cell | None:
    """Find the cell that tells most of a pair, by how far and for how many."""
    return max(
        pair.cells, key=lambda cell: abs(cell.together) * cell.count**0.5, default=None
    )


def pair(item: Pair, wording: Wording) -> Markup:
    """Draw what each cell of a pair gives beyond its two fields apart."""
    language = wording.language
    most = max((abs(cell.together) for cell in item.cells), default=0.0) or 1.0
    parts: list[str] = [line(50, 0, 50, ROW * len(item.cells), kind="mark")]
    for row, cell in enumerate(item.cells):
        y, reach = row * ROW, 48 * abs(cell.together) / most
        name = f"{cell.first[language]} × {cell.second[language]}"
        said = f"{wording.signed(cell.together, 2)} · {wording.count(cell.count)}"
        kind = "for" if cell.together >= 0 else "against"
        left = 50.0 if cell.together >= 0 else 50 - reach
        parts.append(
            tag(
                "g",
                tag("title", f"{name}: {said}"),
                text(0.5, y + 14, cut(name, LONGEST), class_="label"),
                text(99.5, y + 14, said, class_="label", text_anchor="end"),
                box(left, y + 20, reach, 10, kind=kind),
            )
        )
    names = [words[language] for words in item.words]
    title = wording.say("inside.pair", one=names[0], other=names[1])
    return chart(title, parts, height=ROW * len(item.cells) + 4, kind="wide")


def growth(item: Growth, wording: Wording) -> Markup:
    """Draw the loss against the number of leads, each step as wide as a doubling."""
    losses = [step.logloss for step in item.steps]
    low, high = min(losses), max(losses)
    room = max((high - low) * 0.15, 0.002)
    low, high = low - room, high + room
    gap = (RIGHT - LEFT) / len(losses)
    points = [
        (LEFT + gap * (i + 0.5), BOTTOM - (BOTTOM - TOP) * (loss - low) / (high - low))
        for i, loss in enumerate(losses)
    ]
    parts: list[str] = [line(LEFT, BOTTOM, RIGHT, BOTTOM, kind="grid")]
    parts.append(path(points, kind="curve"))
    for (x, y), step in zip(points, item.steps, strict=True):
        parts.append(tag("circle", cx=across(x), cy=f"{y:.4g}", r="4.5", class_="dot"))
        for place, said in (
            (y - 10, wording.decimal(step.logloss, 3)),
            (BOTTOM + 18, wording.count(step.leads)),
        ):
            parts.append(text(x, place, said, class_="tick", text_anchor="middle"))
    parts.append(text(LEFT, TOP - 10, "↓ " + wording.say("inside.loss"), class_="axis"))
    parts.append(text(RIGHT, BOTTOM + 38, wording.say("inside.leads"),
                      class_="axis", text_anchor="end"))  # fmt: skip
    first, last = item.steps[0], item.steps[-1]
    title = wording.say(
        "inside.growth.title",
        first=wording.decimal(first.logloss, 3), few=wording.count(first.leads),
        last=wording.decimal(last.logloss, 3), many=wording.count(last.leads),
    )  # fmt: skip
    return chart(title, parts, height=BOTTOM + 46, kind="wide")
