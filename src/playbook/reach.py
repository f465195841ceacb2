"""Which branches no lead can ever take: proved from the file alone.

A condition is spread into boxes: per fact an interval of numbers or a set of names. A
branch is out of reach if each of its boxes is empty (its questions contradict one
another or those above it), or lies within an earlier branch of the same list, or if
earlier branches share out all values of a closed fact between them. Conditions that do
not spread into few boxes are not judged: nothing is called unreachable without proof.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

from playbook.condition import All, AnyOf, Ask, Condition, Not
from playbook.facts import ALWAYS_KNOWN, PLAIN, Asked
from playbook.plan import Branch, Playbook

MOST_BOXES: Final = 256


@dataclass(frozen=True, slots=True)
class Span:
    """Numbers from ``low`` to ``high``; an open end does not belong to it."""

    low: float = -inf
    high: float = inf
    low_open: bool = False
    high_open: bool = False

    @property
    def empty(self) -> bool:
        """Whether no number is in it."""
        if self.low == self.high:
            return self.low_open or self.high_open
        return self.low > self.high

    def meet(self, other: Span) -> Span:
        """Take what is in both."""
        low = max((self.low, self.low_open), (other.low, other.low_open))
        high = min((self.high, not self.high_open), (other.high, not other.high_open))
        return Span(low[0], high[0], low[1], not high[1])

    def within(self, other: Span) -> bool:
        """Whether all of it is in another."""
        return self.meet(other) == self


@dataclass(frozen=True, slots=True)
class Names:
    """Some names, or all others if ``but``."""

    names: frozenset[str]
    but: bool = False

    @property
    def empty(self) -> bool:
        """Whether no name is in it."""
        return not self.but and not self.names

    def meet(self, other: Names) -> Names:
        """Take what is in both."""
        if self.but and other.but:
            return Names(self.names | other.names, but=True)
        if self.but or other.but:
            some, out = (other, self) if self.but else (self, other)
            return Names(some.names - out.names)
        return Names(self.names & other.names)

    def within(self, other: Names) -> bool:
        """Whether all of it is in another."""
        return self.meet(other) == self

    def less(self, other: Names) -> Names:
        """Take what is in it and not in another."""
        return self.meet(Names(other.names, but=not other.but))


Domain = Span | Names
Box = Mapping[Asked, Domain]


def unreachable(playbook: Playbook) -> tuple[Branch, ...]:
    """List the branches that no lead can take, in their order."""
    return tuple(_dead(playbook.branches, [{}]))


def _dead(branches: Sequence[Branch], above: list[Box] | None) -> list[Branch]:
    found: list[Branch] = []
    earlier: list[Box] = []
    for branch in branches:
        own = [{}] if branch.when is None else boxes_of(branch.when)
        here = None if own is None or above is None else _product(above, own)
        if here is not None:
            left = [_uncovered(box, earlier) for box in here]
            here = [box for box in left if box is not None]
        if here == []:
            found += [branch, *(below for below in _below(branch))]
        else:
            found += _dead(branch.branches, here)
        earlier += own or []
    return found


def _below(branch: Branch) -> list[Branch]:
    return [one for b in branch.branches for one in (b, *_below(b))]


def _uncovered(box: Box, earlier: Sequence[Box]) -> dict[Asked, Domain] | None:
    """Cut from a box what earlier branches take; None if nothing is left.

    A box of which all facts but one closed one lie within an earlier branch loses that
    branch's values of this fact; the order of the earlier ones does not matter.
    """
    left = dict(box)
    for taken in earlier:
        outside = [f for f, domain in taken.items() if not _inside(left, f, domain)]
        if not outside:
            return None
        if len(outside) == 1:
            fact, whole = outside[0], _whole(outside[0])
            mine = left.get(fact, whole)
            cut = taken[fact]
            if isinstance(mine, Names) and isinstance(cut, Names):
                left[fact] = mine.less(cut)
                if left[fact].empty:
                    return None
    return left


def _inside(box: Box, fact: Asked, domain: Domain) -> bool:
    mine = box.get(fact, _whole(fact))
    if isinstance(mine, Span) and isinstance(domain, Span):
        return mine.within(domain)
    if isinstance(mine, Names) and isinstance(domain, Names):
        return mine.within(domain)
    return False


def _whole(fact: Asked) -> Domain | None:
    """Give all values of a fact that is always known; None of others."""
    if fact.fact not in ALWAYS_KNOWN:
        return None
    values = PLAIN[fact.fact].values
    return Span() if values is None else Names(frozenset(values))


def boxes_of(condition: Condition) -> list[Box] | None:
    """Spread a condition into boxes; None if it does not go into few."""
    match condition:
        case Ask():
            domain = _domain(condition)
            return None if domain is None else [{condition.asked: domain}]
        case Not(Ask() as test):
            turned = _turned(test)
            return None if turned is None else boxes_of(turned)
        case Not():
            return None
        case AnyOf(parts):
            spread = [boxes_of(part) for part in parts]
            if any(boxes is None for boxes in spread):
                return None
            return [box for boxes in spread for box in boxes or []]
        case All(parts):
            made: list[Box] | None = [{}]
            for part in parts:
                own = boxes_of(part)
                made = None if made is None or own is None else _product(made, own)
            return made


def _product(some: Sequence[Box], others: Sequence[Box]) -> list[Box] | None:
    if len(some) * len(others) > MOST_BOXES:
        return None
    met = [_meet(one, other) for one in some for other in others]
    return [box for box in met if box is not None]


def _meet(one: Box, other: Box) -> Box | None:
    made = dict(one)
    for fact, domain in other.items():
        met = domain if fact not in made else _common(made[fact], domain)
        if met is None or met.empty:
            return None
        made[fact] = met
    return made


def _common(one: Domain, other: Domain) -> Domain | None:
    """Take what is in both; None if they are of two kinds."""
    if isinstance(one, Span) and isinstance(other, Span):
        return one.meet(other)
    if isinstance(one, Names) and isinstance(other, Names):
        return one.meet(other)
    return None


def _domain(test: Ask) -> Domain | None:
    if test.op in {"known", "has", "has_not"}:
        return None
    if isinstance(test.value, frozenset):
        return Names(test.value, but=test.op == "not")
    if isinstance(test.value, bool):
        return Names(frozenset({str(test.value)}))
    value = test.value
    return {
        "is": Span(value, value),
        "at_least": Span(low=value),
        "more_than": Span(low=value, low_open=True),
        "at_most": Span(high=value),
        "less_than": Span(high=value, high_open=True),
    }[test.op]


OPPOSITE: Final = {
    "at_least": "less_than", "less_than": "at_least",
    "at_most": "more_than", "more_than": "at_most",
}  # fmt: skip


def _turned(test: Ask) -> Ask | None:
    """Ask the opposite; None if one test cannot."""
    if isinstance(test.value, frozenset) and test.op in {"is", "not"}:
        op = "not" if test.op == "is" else "is"
        return Ask(test.asked, op, test.value)
    if isinstance(test.value, bool) or test.op not in OPPOSITE:
        return None
    return Ask(test.asked, OPPOSITE[test.op], test.value)
