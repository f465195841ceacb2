"""Facts become pages: templates with everything escaped, and nothing fetched or run.

The templates ask the wording how things are said and compute nothing. The content
security policy names the one style sheet by its digest and forbids all else.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from leads.decision import probability_of
from leads.settings import Conversion
from model.card.words import ABLATION_HOW, GROUPS
from model.features.catalog import Words
from model.leaks.findings import TITLES
from model.stages import Stage, Stages
from model.whatif import ASSOCIATION
from serve.pages import charts, lifeline, shapes
from serve.pages.aside import NOTHING, Aside
from serve.pages.dossier import Dossier, Move
from serve.pages.hindsight import Card, Hindsight, Managers
from serve.pages.links import Links
from serve.pages.listing import Listing
from serve.pages.ranges import Range, ranges
from serve.pages.story import Happening, Sort
from serve.pages.trust import Trust
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


@dataclass(frozen=True, slots=True)
class View:
    """Who reads, and what surrounds every page.

    ``written`` is when a file was written; None on a live page. ``fields`` are the
    business fields' words. ``framed`` if the page stands inside a card of the CRM.
    """

    wording: Wording
    links: Links
    company: str
    conversion: Conversion
    written: datetime | None = None
    fields: Mapping[str, Words] = field(default_factory=dict)
    framed: bool = False

    def field(self, name: str) -> str:
        """Name a business field as people do."""
        known = self.fields.get(name)
        return known[self.wording.language] if known else name


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


@cache
def environment() -> Environment:
    """Read the templates, once."""
    return Environment(
        loader=PackageLoader("serve.pages", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def style() -> Markup:
    """Give the one style sheet of all pages; it is ours, not data."""
    return Markup(environment().get_template("style.css").render())


@cache
def policy() -> str:
    """Word the content security policy: our style sheet by its digest, nothing else."""
    digest = base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:;"
        " form-action 'self'; base-uri 'none'"
    )


def listing_page(listing: Listing, view: View) -> str:
    """Draw the list of leads."""
    return _draw(
        "leads.html", view, facts=listing,
        goal=view.wording.goal(view.conversion, listing.horizon_days),
    )  # fmt: skip


def dossier_page(dossier: Dossier, view: View, aside: Aside = NOTHING) -> str:
    """Draw the page of one lead."""
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
    return _draw(
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
    )


def trust_page(trust: Trust, view: View) -> str:
    """Draw the proof of the model."""
    wording = view.wording
    drawn = {
        "reliability": charts.reliability(trust.reliability, wording),
        "gain": charts.gain(trust.gains, wording),
        "histogram": charts.histogram(trust.histogram, wording),
    }
    return _draw(
        "model.html", view, facts=trust, charts=drawn, delays=_delays(trust),
        goal=wording.goal(view.conversion, trust.model.horizon_days),
        leak_titles=TITLES, groups=GROUPS,
        ablation_how=ABLATION_HOW,
    )  # fmt: skip


def card_page(card: Card, view: View) -> str:
    """Draw the model card."""
    return _draw("card.html", view, facts=card)


def backtest_page(facts: Hindsight, view: View) -> str:
    """Draw the back-test."""
    wording = view.wording
    judged = [(m, m.judged.whole) for m in reversed(facts.months) if m.judged]
    agree = sum(whole.low <= whole.said <= whole.high for _, whole in judged)
    title = wording.say("backtest.chart", agree=agree, months=len(judged))
    items = [
        Range(
            label=wording.month(month.month),
            low=whole.low,
            high=whole.high,
            happened=whole.happened,
            said=whole.said,
            aside=f"{wording.rate(whole.said)} → {wording.rate(whole.happened)}",
            marked=month.judged is not None and month.judged.verdict in {"high", "low"},
        )
        for month, whole in judged
    ]
    drawn = {"months": ranges(title, items, wording)}
    return _draw("backtest.html", view, facts=facts, charts=drawn)


def team_page(facts: Managers, view: View) -> str:
    """Draw the managers: a funnel of ranges, those with the most leads first."""
    wording = view.wording
    items = [
        Range(
            label=one.name,
            low=one.low / one.leads,
            high=one.high / one.leads,
            happened=one.actual / one.leads,
            said=one.expected / one.leads,
            aside=f"{wording.decimal(one.expected, 1)} → {wording.count(one.actual)}",
            marked=one.standing in {"more", "fewer"},
        )
        for one in facts.managers
    ]
    drawn = {"funnel": ranges(wording.say("team.chart"), items, wording)}
    return _draw("team.html", view, facts=facts, charts=drawn)


def funnel_page(facts: Stages, view: View) -> str:
    """Draw how leads pass the stages, one funnel for each pipeline."""
    wording = view.wording
    funnels = []
    for pipeline in facts.pipelines:
        name = pipeline or wording.say("funnel.whole")
        title = wording.say("funnel.chart", name=name)
        stages = facts.of(pipeline)
        funnels.append((pipeline, stages, _drawn(stages, title, wording)))
    return _draw("funnel.html", view, facts=facts, funnels=funnels)


def message_page(title: str, remedy: str, view: View) -> str:
    """Say on a page that something is not there, and the way out."""
    return _draw("message.html", view, title=title, remedy=remedy)


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
            digits = 0 if number.is_integer() else 2
            return f"{what}: {wording.decimal(number, digits)}"
        case Happening(value=str(beside)):
            return f"{happening.what} ({beside})"
        case Happening(sort=Sort.EVENT):
            return what
    return happening.what


def _draw(template: str, view: View, **values: Any) -> str:
    return (
        environment()
        .get_template(template)
        .render(
            w=view.wording,
            links=view.links,
            company=view.company,
            static=view.written is not None,
            framed=view.framed,
            written=view.written,
            style=style(),
            policy=policy() if view.written else None,
            **values,
        )
    )


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


def _drawn(stages: Sequence[Stage], title: str, wording: Wording) -> Markup:
    levels = [
        shapes.Level(
            stage.stage,
            stage.entered,
            wording.say("funnel.here", n=wording.count(stage.here))
            if stage.state == "open"
            else wording.say(f"state.{stage.state}"),
            stage.state,
        )
        for stage in sorted(stages, key=lambda stage: stage.state == "lost")
    ]
    return shapes.funnel(title, levels, wording)


def _delays(trust: Trust) -> Mapping[int, float]:
    """Give the days until a percentage of conversions had happened."""
    return dict(trust.card.maturity.quantiles) if trust.card else {}
