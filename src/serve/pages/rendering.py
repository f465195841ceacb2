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
from functools import cache, partial
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from leads.decision import Tier, probability_of
from leads.settings import Conversion
from model.audit.whole import Audit
from model.audit.words import reason
from model.card.words import ABLATION_HOW, GROUPS
from model.comparison.records import LeadMove
from model.features.catalog import Words
from model.leaks.findings import TITLES
from model.stages import Stage, Stages
from model.whatif import ASSOCIATION
from playbook.drawing import to_svg
from playbook.mermaid import to_mermaid
from playbook.points import SIDE_WORDS
from playbook.telling import Telling
from serve.pages import charts, lifeline, plots, shapes
from serve.pages.aside import NOTHING, Aside
from serve.pages.deciding import NO_PEN, SETTABLE, Pen
from serve.pages.digest import Digest
from serve.pages.dossier import Dossier, Move
from serve.pages.flowchart import Flowchart
from serve.pages.foreseen import UNFORESEEN, Foreseen
from serve.pages.hindsight import Card, Hindsight, Managers
from serve.pages.links import Links
from serve.pages.listing import Listing
from serve.pages.ranges import Range, ranges
from serve.pages.scoresheet import Points
from serve.pages.story import Happening, Sort
from serve.pages.trust import SliceVerdict, Trust
from serve.pages.versus import Versus
from serve.pages.wording import Wording
from serve.scheduler import DailyState

LANES: Final = {
    Sort.CREATED: "story.stage",
    Sort.STAGE: "story.stage",
    Sort.EVENT: "story.event",
    Sort.PAYMENT: "story.payment",
    Sort.REFUND: "story.payment",
    Sort.FIELD: "story.field",
}
"""On which lane of the timeline a happening is drawn, by the lane's text."""

TOLD_POINTS: Final = 0.005
"""Points that a field must have moved to be named; the others stand together."""

LEAST_POINTS: Final = 0.0005
"""Points of probability below which nothing would be read but a nought."""

MOST_ROWS: Final = 10
"""Rows of one finding of the audit; the file of the command has all."""

DESK: Final = 920
PHONE: Final = 304
"""How wide the playbook is drawn, in pixels; a phone scales the latter to its width."""

RECENT: Final = 12
"""Happenings that stand open on a lead's page; the older ones unfold."""


@dataclass(frozen=True, slots=True)
class View:
    """Who reads, and what surrounds every page.

    ``written`` is when a file was written; None on a live page, and in a file that is
    ``filed`` with a record, which says when itself. ``fields`` are the business fields'
    words. ``framed`` if the page stands inside a card of the CRM.
    """

    wording: Wording
    links: Links
    company: str
    conversion: Conversion
    written: datetime | None = None
    fields: Mapping[str, Words] = field(default_factory=dict)
    framed: bool = False
    filed: bool = False

    @property
    def static(self) -> bool:
        """Whether the page is a file."""
        return self.filed or self.written is not None

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
def script() -> str:
    """Give the one script there is: it makes a what-if quick, and is ours, not data."""
    return environment().get_template("whatif.js").render()


@cache
def policy(*, scripted: bool = False) -> str:
    """Word the content security policy: our style sheet by its digest, nothing else.

    ``scripted`` lets a live page fetch our own script file and ask our own service.
    """
    digest = base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()
    ours = " script-src 'self'; connect-src 'self';" if scripted else ""
    return (
        f"default-src 'none'; style-src 'sha256-{digest}';{ours} img-src data:;"
        " form-action 'self'; base-uri 'none'"
    )


def listing_page(listing: Listing, view: View, late: DailyState | None = None) -> str:
    """Draw the list of leads; ``late`` says that this morning's run is not done."""
    made = [row.made_at for row in listing.rows]
    return _draw(
        "leads.html", view, facts=listing, late=late, newest=max(made, default=None),
        goal=view.wording.goal(view.conversion, listing.horizon_days),
    )  # fmt: skip


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
        pen=pen,
        tiers=SETTABLE,
    )


def answer_part(aside: Aside, view: View) -> str:
    """Draw only the answer of a what-if, for the script that asked for it."""
    return _draw("parts_answer.html", view, whatif=aside.whatif)


def trust_page(trust: Trust, view: View) -> str:
    """Draw the proof of the model."""
    wording = view.wording
    drawn = {
        "reliability": charts.reliability(trust.reliability, wording),
        "gain": charts.gain(trust.gains, wording),
        "histogram": charts.histogram(trust.histogram, wording),
        **_anatomy(trust, wording),
    }
    return _draw(
        "model.html", view, facts=trust, charts=drawn, delays=_delays(trust),
        goal=wording.goal(view.conversion, trust.model.horizon_days),
        leak_titles=TITLES, groups=GROUPS, names=view.field, sorts=_sorts(trust),
        telling=plots.telling,
        ablation_how=ABLATION_HOW,
    )  # fmt: skip


def _anatomy(trust: Trust, wording: Wording) -> dict[str, Any]:
    """Draw what is inside the model; nothing of a bundle that was not taken apart."""
    inside = trust.anatomy
    if inside is None:
        return {}
    return {
        "dependences": [plots.dependence(one, wording) for one in inside.dependences],
        "pairs": [plots.pair(one, wording) for one in inside.pairs],
        "growth": inside.growth and plots.growth(inside.growth, wording),
    }


def _sorts(trust: Trust) -> Mapping[str, tuple[SliceVerdict, ...]]:
    """Part the slices by kind, in the order in which they were cut."""
    kinds = dict.fromkeys(one.proof.kind for one in trust.slices)
    return {k: tuple(s for s in trust.slices if s.proof.kind == k) for k in kinds}


def card_page(card: Card, view: View) -> str:
    """Draw the model card."""
    return _draw("card.html", view, facts=card)


def compare_page(facts: Versus, view: View) -> str:
    """Draw two versions side by side, or what is missing for it."""
    made, wording = facts.facts, view.wording
    moves = made.tiers if made else ()
    seen = {tier for move in moves for tier in (move.old, move.new)}

    def names(field: str) -> str:
        known = made.names.get(field) if made else None
        return known[wording.language] if known else field

    def why(move: LeadMove) -> list[tuple[str, float]]:
        """Name what moved a lead so that it adds up: fields, start, and the rest."""
        told = [
            (names(one.field), one.points)
            for one in move.fields
            if abs(one.points) >= TOLD_POINTS
        ]
        rest = move.new - move.old - move.base - sum(points for _, points in told)
        told.append((wording.say("compare.start"), move.base))
        told.append((wording.say("compare.others"), rest))
        return [item for item in told if abs(item[1]) >= LEAST_POINTS]

    return _draw(
        "compare.html", view, facts=facts, names=names, why=why,
        tiers=[tier for tier in Tier if tier in seen],
        matrix={(move.old, move.new): move.count for move in moves},
    )  # fmt: skip


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


def funnel_page(
    facts: Stages,
    view: View,
    audit: Audit | None = None,
    foreseen: Foreseen = UNFORESEEN,
) -> str:
    """Draw how leads pass the stages, pipeline by pipeline, forecast and audit."""
    wording = view.wording
    funnels = []
    for pipeline in facts.pipelines:
        name = pipeline or wording.say("funnel.whole")
        title = wording.say("funnel.chart", name=name)
        stages = facts.of(pipeline)
        funnels.append((pipeline, stages, _drawn(stages, title, wording)))
    why = partial(reason, language=wording.language)
    return _draw(
        "funnel.html", view, facts=facts, funnels=funnels, audit=audit, why=why,
        most=MOST_ROWS, **foreseen.shown(),
    )  # fmt: skip


def playbook_page(facts: Flowchart, view: View) -> str:
    """Draw the playbook: the chart for a desk and for a phone, and every plan."""
    wording, made = view.wording, facts.playbook
    tell = Telling.of(made, facts.world, wording.language)
    counts = {
        leaf.plan: wording.say("playbook.now", n=wording.many("leads", leaf.leads))
        for leaf in facts.chart.leaves
    }
    drawn = {
        name: Markup(to_svg(tell, width=width, counts=counts, styled=False))
        for name, width in (("wide", DESK), ("slim", PHONE))
    }
    return _draw(
        "playbook.html", view, facts=facts.chart, charts=drawn, tell=tell, book=made,
        mermaid=to_mermaid(tell),
    )  # fmt: skip


def points_page(facts: Points, view: View) -> str:
    """Draw the points: the grid, the scorecard, and how the model does against it."""
    tell = Telling.of(facts.use.playbook, facts.world, view.wording.language)
    return _draw("points.html", view, facts=facts.sheet, tell=tell, sides=SIDE_WORDS)


def digest_page(facts: Digest, view: View) -> str:
    """Draw the morning's digest."""
    return _draw(
        "digest.html", view, facts=facts,
        goal=view.wording.goal(view.conversion, facts.horizon_days),
    )  # fmt: skip


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
            static=view.static,
            framed=view.framed,
            written=view.written,
            style=style(),
            policy=policy() if view.static else None,
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
