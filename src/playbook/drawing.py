"""The chart as SVG: questions down a spine, plans beside or beneath them.

A list is read from top to bottom, so that it fits a phone: "no" goes down, "yes" goes
to the plan, and what is asked further stands indented beneath its question. The letters
keep their size, only the boxes are as wide as they are told. No style attribute is
written, so a page's policy may forbid them; a file of its own gets a style sheet.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Final

from playbook.plan import Branch
from playbook.telling import Telling

LINE: Final = 18
PAD: Final = 10
GAP: Final = 26
INDENT: Final = 22
LETTER: Final = 7.6
"""The width of an average letter at 13 pixels, Cyrillic counted in."""

NARROW: Final = 480
"""Below this width a plan stands beneath its question, not beside it."""

STYLE: Final = (
    "text{font:13px system-ui,sans-serif;fill:#1d1f23}.answer{fill:#565b63}"
    ".ask{fill:#fff;stroke:#565b63}.plan{fill:#d9ebec;stroke:#0b5d66}"
    ".way{fill:none;stroke:#565b63;stroke-width:1.5}.count{font-weight:650}"
    ".arrow{fill:#565b63}"
)


@dataclass
class _Sheet:
    """What has been drawn, and how far down."""

    telling: Telling
    width: int
    counts: Mapping[str, str]
    parts: list[str] = field(default_factory=list)
    y: float = 2.0

    @property
    def narrow(self) -> bool:
        return self.width < NARROW

    def box(
        self, kind: str, x: float, width: float, lines: list[str], at: float
    ) -> float:
        """Draw a box with words; returns its height."""
        height = 2 * PAD + LINE * len(lines)
        self.parts.append(
            f'<rect class="{kind}" x="{x:g}" y="{at:g}" width="{width:g}"'
            f' height="{height:g}" rx="{4 if kind == "ask" else 14}"/>'
        )
        for place, words in enumerate(lines):
            self.text(words, x + PAD, at + PAD + LINE * place + 13)
        return height

    def text(self, words: str, x: float, y: float, kind: str = "") -> None:
        """Write words at a place."""
        named = f' class="{kind}"' if kind else ""
        self.parts.append(f'<text{named} x="{x:g}" y="{y:g}">{escape(words)}</text>')

    def way(self, *points: tuple[float, float]) -> None:
        """Draw a way with an arrow's head at its end."""
        drawn = " ".join(f"{x:g},{y:g}" for x, y in points)
        self.parts.append(f'<polyline class="way" points="{drawn}"/>')
        (x0, y0), (x, y) = points[-2:]
        head = (
            f"{x:g},{y:g} {x - 4:g},{y - 7:g} {x + 4:g},{y - 7:g}"
            if y > y0 and x == x0
            else f"{x:g},{y:g} {x - 7:g},{y - 4:g} {x - 7:g},{y + 4:g}"
        )
        self.parts.append(f'<polygon class="arrow" points="{head}"/>')


def to_svg(
    telling: Telling,
    *,
    width: int = 760,
    counts: Mapping[str, str] | None = None,
    styled: bool = True,
) -> str:
    """Draw a playbook.

    Parameters
    ----------
    width
        Of the drawing in pixels; below 480 everything stands in one column.
    counts
        What to write into a plan's box besides its segment, by the plan's name.
    styled
        With a style sheet of its own, for a file that stands alone.
    """
    sheet = _Sheet(telling, width, counts or {})
    _draw(sheet, telling.playbook.branches, 1.0)
    title = escape(telling.say(telling.playbook.title), quote=True)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart flow" role="img"'
        f' aria-label="{title}" width="{width}" height="{sheet.y:g}"'
        f' viewBox="0 0 {width} {sheet.y:g}">'
    )
    style = f"<style>{STYLE}</style>" if styled else ""
    return f"{head}{style}{''.join(sheet.parts)}</svg>"


def _draw(sheet: _Sheet, branches: tuple[Branch, ...], x: float) -> None:
    """Draw a list of branches down the spine at ``x``."""
    yes, no = ("да", "нет") if sheet.telling.language == "ru" else ("yes", "no")
    spine = x + INDENT / 2
    for branch in branches:
        if branch.when is None:
            _plan(sheet, branch, x, sheet.y)
            continue
        top = sheet.y
        width = _question_width(sheet, x)
        lines = _wrapped(_asked(sheet, branch), width)
        height = sheet.box("ask", x, width, lines, top)
        if branch.plan is not None and not sheet.narrow:
            beside = x + width + 56
            sheet.way((x + width, top + 20), (beside, top + 20))
            sheet.text(yes, x + width + 12, top + 14, "answer")
            tall = _plan(sheet, branch, beside, top)
            sheet.y = top + max(height, tall) + GAP
        else:
            inner = x + INDENT
            sheet.y = top + height + GAP
            sheet.way((inner + 12, top + height), (inner + 12, sheet.y))
            sheet.text(yes, inner + 20, top + height + 17, "answer")
            if branch.plan is not None:
                sheet.y += _plan(sheet, branch, inner, sheet.y) + GAP
            else:
                _draw(sheet, branch.branches, inner)
                sheet.y += GAP
        sheet.way((spine, top + height), (spine, sheet.y))
        sheet.text(no, spine + 6, sheet.y - 9, "answer")
    if branches[-1].when is None:
        sheet.y = sheet.y + _height(sheet, branches[-1], x) + 2


def _asked(sheet: _Sheet, branch: Branch) -> str:
    return f"{branch.number}. {sheet.telling.branch(branch)}"


def _question_width(sheet: _Sheet, x: float) -> float:
    if sheet.narrow:
        return sheet.width - x - 1
    return sheet.width * 0.52 - x


def _plan(sheet: _Sheet, branch: Branch, x: float, y: float) -> float:
    """Draw a plan's box to the right edge; returns its height."""
    width = sheet.width - x - 1
    return sheet.box("plan", x, width, _plan_lines(sheet, branch, width), y)


def _height(sheet: _Sheet, branch: Branch, x: float) -> float:
    return 2 * PAD + LINE * len(_plan_lines(sheet, branch, sheet.width - x - 1))


def _plan_lines(sheet: _Sheet, branch: Branch, width: float) -> list[str]:
    assert branch.plan is not None, "only a branch with a plan is drawn as one"
    plan = sheet.telling.playbook.plans[branch.plan]
    lines = _wrapped(f"→ {sheet.telling.say(plan.segment)}", width)
    if plan.name in sheet.counts:
        lines += _wrapped(sheet.counts[plan.name], width)
    return lines


def _wrapped(words: str, width: float) -> list[str]:
    room = max(8, int((width - 2 * PAD) / LETTER))
    return textwrap.wrap(words, room) or [""]
