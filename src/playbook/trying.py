"""Trying a playbook: where leads of the past and of today would fall.

Past leads are judged on predictions made for moments that the model had not learned
from, with facts as they were known then. Within a plan a lead counts once, at the first
moment at which it came to it, so the intervals are those of independent leads and what
was said is held against what happened to the same ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from playbook.decide import decide
from playbook.facts import Facts
from playbook.plan import Playbook
from playbook.reach import unreachable

CONFIDENCE: Final = 0.95
DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class Case:
    """A lead at a moment, with what was known then; of past ones the earliest first.

    ``converted`` is None of an open lead.
    """

    lead_id: str
    facts: Facts
    probability: float
    converted: bool | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """One leaf: who fell into it.

    ``leads`` past leads, of which ``converted`` did within the horizon: ``rate``, with
    its 95 % interval (Wilson); ``said`` is their mean chance. ``open_leads`` would get
    this plan today. ``dead`` is a leaf that no lead can reach, by proof.
    """

    branch: str
    plan: str
    leads: int
    converted: int
    rate: float | None
    low: float | None
    high: float | None
    said: float | None
    open_leads: int
    expected: float
    dead: bool

    @property
    def idle(self) -> bool:
        """Whether nobody fell here, though somebody could."""
        return not self.dead and not self.leads and not self.open_leads


@dataclass(frozen=True, slots=True)
class Blind:
    """A branch at which the answer was not known for some leads, for want of data."""

    branch: str
    asked: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Trial:
    """What a playbook does with past and open leads.

    ``fallen`` counts leads that fell through every question to the last ``else``, past
    and open; ``dead`` are branches that no lead can take, ``blind`` those that often
    ask what is not known.
    """

    playbook: str
    leaves: tuple[Tried, ...]
    past: int
    open_leads: int
    fallen_past: int
    fallen_open: int
    dead: tuple[str, ...]
    blind: tuple[Blind, ...]

    @property
    def idle(self) -> tuple[str, ...]:
        """The plans into which nobody fell."""
        return tuple(leaf.plan for leaf in self.leaves if leaf.idle)


@dataclass
class _Tally:
    """What is counted of one leaf while cases pass."""

    past: dict[str, bool] = field(default_factory=dict)
    said: float = 0.0
    open_leads: int = 0
    expected: float = 0.0


def try_out(playbook: Playbook, cases: Iterable[Case]) -> Trial:
    """Send cases down the chart and count; those with an outcome are the past."""
    tallies: Mapping[str, _Tally] = {name: _Tally() for name in playbook.plans}
    answers: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for case in cases:
        plan, path = decide(playbook, case.facts)
        _count(tallies[plan.name], case)
        for step in path:
            answers[step.branch][0] += 1
            answers[step.branch][1] += step.answer == "unknown"
    dead = {branch.number for branch in unreachable(playbook)}
    leaves = tuple(
        _tried(branch.number, plan.name, tallies[plan.name], dead)
        for branch, plan in playbook.leaves()
    )
    last = playbook.branches[-1]
    others = [leaf for leaf in leaves if leaf.branch == last.number]
    return Trial(
        playbook=playbook.digest,
        leaves=leaves,
        past=len({lead for tally in tallies.values() for lead in tally.past}),
        open_leads=sum(leaf.open_leads for leaf in leaves),
        fallen_past=sum(leaf.leads for leaf in others),
        fallen_open=sum(leaf.open_leads for leaf in others),
        dead=tuple(b.number for b in playbook.every_branch() if b.number in dead),
        blind=tuple(
            Blind(number, asked, unknown)
            for number, (asked, unknown) in sorted(answers.items())
            if unknown
        ),
    )


def _count(tally: _Tally, case: Case) -> None:
    if case.converted is None:
        tally.open_leads += 1
        tally.expected += case.probability
        return
    if case.lead_id not in tally.past:
        tally.past[case.lead_id] = case.converted
        tally.said += case.probability


def _tried(number: str, plan: str, tally: _Tally, dead: set[str]) -> Tried:
    leads, converted = len(tally.past), sum(tally.past.values())
    rate = low = high = said = None
    if leads:
        from scipy.stats import binomtest  # takes seconds to import

        interval = binomtest(converted, leads).proportion_ci(CONFIDENCE, "wilson")
        rate, low, high = converted / leads, interval.low, interval.high
        said = tally.said / leads
    return Tried(
        branch=number,
        plan=plan,
        leads=leads,
        converted=converted,
        rate=_round(rate),
        low=_round(low),
        high=_round(high),
        said=_round(said),
        open_leads=tally.open_leads,
        expected=round(tally.expected, DIGITS),
        dead=number in dead,
    )


def _round(value: float | None) -> float | None:
    return None if value is None else round(float(value), DIGITS)
