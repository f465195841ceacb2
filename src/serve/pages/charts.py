"""The charts of the pages: data in, inline SVG out, nothing read and nothing kept.

Every chart has a name for those who cannot see it; the page gives the same numbers as
a table or a sentence beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from leads.decision import probability_of
from model.proof.record import Bar, Bin, Gain
from serve.pages.svg import Frame, box, chart, cut, line, path, tag, text
from serve.pages.wording import Wording

ROW: Final = 46
"""Pixels a step of the waterfall takes: a line of words above a bar."""

LONGEST: Final = 34
"""Letters of a name that fit a phone beside the number."""

CHANCES: Final = (
    0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.97, 0.99, 0.997,
    0.999,
)  # fmt: skip
"""Chances worth a mark on an axis of log-odds."""


@dataclass(frozen=True, slots=True)
class Step:
    """One fact's move of the chance, in log-odds from ``before`` to ``after``."""

    label: str
    before: float
    after: float


def waterfall(start: float, steps: Sequence[Step], wording: Wording) -> Markup:
    """Draw how the facts move a lead from the common start to its chance.

    Parameters
    ----------
    start
        Log-odds that every lead starts from.
    steps
        The moves in the order they are drawn; each begins where the last one ended.
    """
    end = steps[-1].after if steps else start
    levels = [start, end, *(step.after for step in steps)]
    low, high = min(levels), max(levels)
    room = max((high - low) * 0.04, 0.05)
    scale = _Scale(low - room, high + room)
    bottom = ROW * (len(steps) + 2)
    parts = [
        _chance_grid(scale, bottom, wording),
        _level(0, wording.say("path.start"), start, scale, wording),
        *(_step(i, step, scale, wording) for i, step in enumerate(steps, 1)),
        _level(len(steps) + 1, wording.say("path.end"), end, scale, wording),
    ]
    title = wording.say(
        "path.title",
        start=wording.chance(probability_of(start)),
        end=wording.chance(probability_of(end)),
    )
    return chart(title, parts, height=bottom + 26, kind="waterfall")


@dataclass(frozen=True, slots=True)
class _Scale:
    low: float
    high: float

    def x(self, log_odds: float) -> float:
        return 0.5 + 99.0 * (log_odds - self.low) / (self.high - self.low)


def _chance_grid(scale: _Scale, bottom: float, wording: Wording) -> Markup:
    def marks() -> Iterator[Markup]:
        last = -math.inf
        for chance in CHANCES:
            x = scale.x(math.log(chance / (1 - chance)))
            if 5.0 <= x <= 95.0 and x - last >= 16.0:
                last = x
                yield line(x, 0, x, bottom, kind="grid")
                yield text(
                    x, bottom + 18, wording.chance(chance),
                    class_="tick", text_anchor="middle",
                )  # fmt: skip

    return Markup("").join(marks())


def _level(
    row: int, label: str, level: float, scale: _Scale, wording: Wording
) -> Markup:
    y = row * ROW
    return (
        text(0.5, y + 16, label, class_="label strong")
        + text(
            99.5, y + 16, wording.chance(probability_of(level)),
            class_="label strong", text_anchor="end",
        )
        + box(0.5, y + 23, scale.x(level) - 0.5, 14, kind="level")
    )  # fmt: skip


def _step(row: int, step: Step, scale: _Scale, wording: Wording) -> Markup:
    y = row * ROW
    speaks_for = step.after >= step.before
    left = scale.x(min(step.before, step.after))
    right = scale.x(max(step.before, step.after))
    moved = probability_of(step.after) - probability_of(step.before)
    mark = "▲ " if speaks_for else "▼ "
    return tag(
        "g",
        tag("title", f"{step.label}: {wording.points(moved)}"),
        text(0.5, y + 16, mark + cut(step.label, LONGEST), class_="label"),
        text(99.5, y + 16, wording.points(moved), class_="label", text_anchor="end"),
        line(scale.x(step.before), y - 9, scale.x(step.before), y + 37, kind="link"),
        box(left, y + 23, right - left, 14, kind="for" if speaks_for else "against"),
    )


def probability_bar(chance: float, base: float, wording: Wording) -> Markup:
    """Draw a chance as a bar, with a mark at the chance every lead starts from."""
    parts = [
        box(0, 4, 100, 10, kind="rail"),
        box(0, 4, 100 * chance, 10, kind="fill"),
        line(100 * base, 0, 100 * base, 18, kind="mark"),
    ]
    title = wording.say("bar.title", chance=wording.chance(chance))
    return chart(title, parts, height=18, kind="bar")


def reliability(bins: Sequence[Bin], wording: Wording) -> Markup:
    """Draw what was said against what happened, with ranges; truth is the diagonal."""
    most = _rounded_up(max((max(b.said, b.high) for b in bins), default=1.0))
    frame = Frame(most, most)
    marks = _shares(most, wording)
    parts = [
        frame.grid_y(marks),
        frame.ticks_x(marks),
        line(*frame.point(0, 0), *frame.point(most, most), kind="ideal"),
        path([frame.point(b.said, b.happened) for b in bins], kind="curve"),
        *(_whisker(b, frame, wording) for b in bins),
        frame.names(wording.say("axis.said"), wording.say("axis.happened")),
    ]
    agree = sum(b.low <= b.said <= b.high for b in bins)
    title = wording.say("reliability.title", agree=agree, bins=len(bins))
    return chart(title, parts, height=298, kind="square")


def _whisker(item: Bin, frame: Frame, wording: Wording) -> Markup:
    x, y = frame.point(item.said, item.happened)
    words = (
        f"{wording.say('axis.said')} {wording.chance(item.said)},"
        f" {wording.say('axis.happened')} {wording.rate(item.happened)}"
        f" ({wording.many('snapshots', item.count)})"
    )
    return tag(
        "g",
        tag("title", words),
        line(x, frame.y(item.low), x, frame.y(item.high), kind="whisker"),
        tag("circle", cx=f"{x:.2f}%", cy=f"{y:.4g}", r="4.5", class_="dot"),
    )


def gain(gains: Sequence[Gain], wording: Wording) -> Markup:
    """Draw the share of successes found against the share of leads called."""
    frame = Frame(1.0, 1.0)
    marks = _shares(1.0, wording)
    points = [frame.point(0, 0)] + [frame.point(g.called, g.found) for g in gains]
    parts = [
        frame.grid_y(marks),
        frame.ticks_x(marks),
        line(*frame.point(0, 0), *frame.point(1, 1), kind="ideal"),
        path(points, kind="curve"),
        frame.names(wording.say("axis.called"), wording.say("axis.found")),
    ]
    return chart(wording.say("gain.title"), parts, height=298, kind="square")


def histogram(bars: Sequence[Bar], wording: Wording) -> Markup:
    """Draw how many cases got which chance."""
    wide = max((bar.high for bar in bars), default=1.0)
    high = max((bar.count for bar in bars), default=1) or 1
    frame = Frame(wide, high, left=2.0, top=24.0, bottom=160.0)
    parts = [
        line(2, frame.top, 97, frame.top, kind="grid"),
        text(2, frame.top - 6, wording.many("snapshots", high), class_="tick"),
        frame.ticks_x(_shares(wide, wording)),
        *(_column(bar, frame, wording) for bar in bars if bar.count),
    ]
    return chart(wording.say("histogram.title"), parts, height=184, kind="wide")


def _column(bar: Bar, frame: Frame, wording: Wording) -> Markup:
    left, right, top = frame.x(bar.low), frame.x(bar.high), frame.y(bar.count)
    words = f"{wording.span(bar.low, bar.high)}: {wording.count(bar.count)}"
    return tag(
        "g",
        tag("title", words),
        box(left + 0.2, top, right - left - 0.4, frame.bottom - top, kind="fill"),
    )


def _rounded_up(value: float) -> float:
    """Find the end of an axis of shares that holds the value."""
    ends = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8)
    return next((end for end in ends if value <= end), 1.0)


def _shares(most: float, wording: Wording) -> list[tuple[float, str]]:
    """Mark an axis of shares at its ends and between."""
    marks = [most * part / 4 for part in range(5)]
    return [(mark, wording.rate(mark)) for mark in marks]
