"""The page of one lead: its facts become steps, curves and sentences."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

from markupsafe import Markup

from leads.decision import probability_of
from model.features.phrases import measured
from model.reasons.whatif import ASSOCIATION
from serve.pages import charts, lifeline, shapes
from serve.pages.aside import NOTHING, Aside
from serve.pages.deciding import NO_PEN, SETTABLE, Pen
from serve.pages.dossier import Dossier, Move
from serve.pages.story import Happening, Sort
from serve.pages.view import View, draw
from serve.pages.wording import Wording

LANES: Final = {
    Sort.CREATED: "story.stage",
    Sort.STAGE: "story.stage",
    Sort.EVENT: "story.event",
    Sort.PAYMENT: "story.payment",
    Sort.REFUND: "story.payment",
    Sort.FIELD: "story.field",
}
"""On which lane of the timeline a happening is drawn, by the lane's text."""

RECENT: Final = 12
"""Happenings that stand open on a lead's page; the older ones unfold."""


FACTS: Final = tuple(fact.name for fact in fields(Dossier))


@dataclass(frozen=True, slots=True)
class _Step:
    """A move of the waterfall as the table beside it says it."""

    label: str
    before: float
    after: float

    @property
    def chance(self) -> float:
        return probability_of(self.after)

    @property
    def moved(self) -> float:
        return self.chance - probability_of(self.before)


def dossier_page(
    dossier: Dossier, view: View, aside: Aside = NOTHING, pen: Pen = NO_PEN
) -> str:
    """Draw the page of one lead; with a pen there is a form to set its tier."""
    wording = view.wording
    steps = [_step(move, view) for move in dossier.moves]
    told = [(item, tell(item, view)) for item in dossier.story]
    drawn = {
        "bar": charts.probability_bar(dossier.probability, dossier.usual, wording),
        "waterfall": charts.waterfall(
            dossier.base,
            [charts.Step(step.label, step.before, step.after) for step in steps],
            wording,
        ),
        "timeline": _timeline(dossier, wording) if dossier.story else "",
        "curve": _curve(dossier, wording),
    }
    return draw(
        "lead.html",
        view,
        facts=dossier,
        goal=wording.goal(view.conversion, dossier.horizon_days),
        charts=drawn,
        steps=steps,
        story={"recent": told[:RECENT], "older": told[RECENT:]},
        change=aside.change,
        whatif=aside.whatif,
        similar=aside.similar,
        association=ASSOCIATION,
        pen=pen,
        tiers=SETTABLE,
    )


def plain_portrait(dossier: Dossier, aside: Aside) -> dict[str, Any]:
    """Give the facts of the page by name, as its JSON twin holds them."""
    return {name: getattr(dossier, name) for name in FACTS} | {"aside": aside}


def answer_part(aside: Aside, view: View) -> str:
    """Draw only the answer of a what-if, for the script that asked for it."""
    return draw("parts_answer.html", view, whatif=aside.whatif)


def tell(happening: Happening, view: View) -> str:
    """Say in words what happened."""
    wording, what = view.wording, view.field(happening.what)
    match happening:
        case Happening(sort=Sort.PAYMENT | Sort.REFUND, value=int(minor)):
            return wording.money(minor, happening.currency or "")
        case Happening(sort=Sort.FIELD, value=None):
            return wording.say("story.emptied", field=what)
        case Happening(sort=Sort.FIELD):
            return f"{what}: {happening.value}"
        case Happening(value=float(number)):
            unit = view.units.get(happening.what, "")
            return f"{what}: {measured(number, unit, wording.language)}"
        case Happening(value=str(beside)):
            return f"{happening.what} ({beside})"
        case Happening(sort=Sort.EVENT):
            return what
    return happening.what


def _step(move: Move, view: View) -> _Step:
    others = view.wording.say("path.others")
    label = others if move.field is None else view.field(move.field)
    return _Step(label, move.before, move.after)


def _timeline(dossier: Dossier, wording: Wording) -> Markup:
    dots = [
        lifeline.Dot(item.at, wording.say(LANES[item.sort])) for item in dossier.story
    ]
    used = {dot.lane for dot in dots}
    lanes = [wording.say(key) for key in dict.fromkeys(LANES.values())]
    shown = [lane for lane in lanes if lane in used]
    return lifeline.lifeline(dots, shown, dossier.chances, wording)


def _curve(dossier: Dossier, wording: Wording) -> Markup:
    outlook = dossier.outlook
    if outlook is None or not outlook.curve:
        return Markup("")
    return shapes.curve(outlook.curve, wording)
