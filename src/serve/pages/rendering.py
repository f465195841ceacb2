"""Facts become pages of many leads: the list, the funnel, what proves model and people.

The templates ask the wording how things are said and compute nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from markupsafe import Markup

from leads.decision import Tier
from model.audit.words import reason
from model.card.words import ABLATION_HOW, GROUPS, KINDS
from model.comparison.records import LeadMove
from model.leaks.findings import TITLES
from model.proof.record import Bin
from model.stages import Stage
from playbook.drawing import to_svg
from playbook.mermaid import to_mermaid
from playbook.points import SIDE_WORDS
from playbook.telling import Telling
from serve.pages import charts, plots, shapes
from serve.pages.digest import Digest
from serve.pages.flowchart import Flowchart
from serve.pages.foreseen import Passage
from serve.pages.handout import Handout
from serve.pages.hindsight import Card, Hindsight, Managers
from serve.pages.links import EVERYONE
from serve.pages.listing import Listing
from serve.pages.ranges import Range, ranges
from serve.pages.scoresheet import Points
from serve.pages.stagewhy import explain
from serve.pages.trust import SliceVerdict, Trust
from serve.pages.versus import Versus
from serve.pages.view import View, draw
from serve.pages.wording import Wording
from serve.scheduler import DailyState

TOLD_POINTS: Final = 0.005
"""Points that a field must have moved to be named; the others stand together."""

LEAST_POINTS: Final = 0.0005
"""Points of probability below which nothing would be read but a nought."""

MOST_ROWS: Final = 10
"""Rows of one finding of the audit; the file of the command has all."""

MOST_LEADS: Final = 200
"""Leads of whom the audit shows one by one where they would go."""

DESK: Final = 920
PHONE: Final = 304
"""How wide the playbook is drawn, in pixels; a phone scales the latter to its width."""


def listing_page(listing: Listing, view: View, late: DailyState | None = None) -> str:
    """Draw the list of leads; ``late`` says that this morning's run is not done."""
    made = [row.made_at for row in listing.rows]
    return draw(
        "leads.html", view, facts=listing, late=late, newest=max(made, default=None),
        goal=view.wording.goal(view.conversion, listing.horizon_days),
    )  # fmt: skip


def trust_page(trust: Trust, view: View) -> str:
    """Draw the proof of the model."""
    wording = view.wording
    drawn = {
        "reliability": charts.reliability(trust.reliability, wording),
        "gain": charts.gain(trust.gains, wording),
        "histogram": charts.histogram(trust.histogram, wording),
        **_anatomy(trust, wording),
    }
    return draw(
        "model.html", view, facts=trust, charts=drawn, delays=_delays(trust),
        goal=wording.goal(view.conversion, trust.model.horizon_days),
        leak_titles=TITLES, groups=GROUPS, kinds=KINDS, names=view.field,
        sorts=_sorts(trust), telling=plots.telling, ablation_how=ABLATION_HOW,
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
    return draw("card.html", view, facts=card)


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
        untold = move.more + len(move.fields) - len(told)
        told.append((wording.say("compare.start"), move.base))
        others = wording.many("other_fields", untold)
        told.append((others if untold else wording.say("compare.others"), rest))
        return [item for item in told if abs(item[1]) >= LEAST_POINTS]

    return draw(
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
            aside=_moved(whole, wording),
            marked=month.judged is not None and month.judged.verdict in {"high", "low"},
        )
        for month, whole in judged
    ]
    drawn = {"months": ranges(title, items, wording)}
    return draw("backtest.html", view, facts=facts, charts=drawn)


def _moved(whole: Bin, wording: Wording) -> str:
    held = wording.held(whole.said, whole.happened, low=whole.low, high=whole.high)
    return f"{held.said} → {held.happened}"


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
    return draw("team.html", view, facts=facts, charts=drawn)


def funnel_page(facts: Passage, view: View) -> str:
    """Draw how leads pass the stages, pipeline by pipeline, forecast and audit."""
    wording, through = view.wording, facts.stages
    funnels = []
    for pipeline in through.pipelines:
        name = pipeline or wording.say("funnel.whole")
        title = wording.say("funnel.chart", name=name)
        stages = through.of(pipeline)
        funnels.append((pipeline, stages, _drawn(stages, title, wording)))
    why = partial(reason, language=wording.language)
    return draw(
        "funnel.html", view, facts=through, funnels=funnels, audit=facts.audit,
        why=why, most=MOST_ROWS, listed=MOST_LEADS, explain=explain,
        **facts.foreseen.shown(),
    )  # fmt: skip


def routing_page(facts: Handout, view: View) -> str:
    """Draw who has which leads, and what the next round would give out."""
    return draw("routing.html", view, facts=facts, everyone=EVERYONE)


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
    return draw(
        "playbook.html", view, facts=facts.chart, charts=drawn, tell=tell, book=made,
        mermaid=to_mermaid(tell),
    )  # fmt: skip


def points_page(facts: Points, view: View) -> str:
    """Draw the points: the grid, the scorecard, and how the model does against it."""
    tell = Telling.of(facts.use.playbook, facts.world, view.wording.language)
    return draw("points.html", view, facts=facts.sheet, tell=tell, sides=SIDE_WORDS)


def digest_page(facts: Digest, view: View) -> str:
    """Draw the morning's digest."""
    return draw(
        "digest.html", view, facts=facts,
        goal=view.wording.goal(view.conversion, facts.horizon_days),
    )  # fmt: skip


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
