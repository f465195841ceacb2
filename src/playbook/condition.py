"""Conditions over facts, and whether they hold: yes, no, or not known.

Three-valued logic (Kleene): what is not known neither holds nor fails, and only a
condition that certainly holds lets a lead take a branch. So a lead of which little is
known goes on to the next branch, down to the one for all others.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from playbook.facts import Asked, Facts, Value

Truth = bool | None
"""None: not known."""

COMPARE: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "is": operator.eq,
    "at_least": operator.ge,
    "at_most": operator.le,
    "more_than": operator.gt,
    "less_than": operator.lt,
}


@dataclass(frozen=True, slots=True)
class Ask:
    """One question about one fact.

    ``value`` is a number, a flag, or for levels and sets the names asked for.
    """

    asked: Asked
    op: str
    value: float | bool | frozenset[str]


@dataclass(frozen=True, slots=True)
class All:
    """Holds if every part holds; without parts always."""

    parts: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds if some part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Holds if its part certainly does not."""

    part: Condition


Condition = Ask | All | AnyOf | Not


def holds(condition: Condition, facts: Facts) -> Truth:
    """Say whether a condition holds of a lead; None if that is not known.

    Examples
    --------
    >>> hot = Ask(Asked("tier"), "is", frozenset({"hot"}))
    >>> holds(hot, {Asked("tier"): "cold"}), holds(Not(hot), {}), holds(All(), {})
    (False, None, True)
    """
    match condition:
        case Ask(asked, op, value):
            return _answer(op, value, facts.get(asked))
        case All(parts):
            return _every(holds(part, facts) for part in parts)
        case AnyOf(parts):
            return _negated(_every(_negated(holds(part, facts)) for part in parts))
        case Not(part):
            return _negated(holds(part, facts))


def _answer(op: str, value: float | bool | frozenset[str], got: Value | None) -> Truth:  # noqa: FBT001 - a flag is a value here
    if op == "known":
        return (got is not None) is bool(value)
    if got is None:
        return None
    if isinstance(value, frozenset):
        found = bool(value & got) if isinstance(got, frozenset) else got in value
        return found if op in {"is", "has"} else not found
    if isinstance(value, bool) or isinstance(got, bool):
        return got is value
    assert isinstance(got, (int, float)), f"{got!r} is no number"
    return COMPARE[op](got, value)


def _every(answers: Iterator[Truth]) -> Truth:
    known = True
    for answer in answers:
        if answer is False:
            return False
        known = known and answer is not None
    return True if known else None


def _negated(answer: Truth) -> Truth:
    return None if answer is None else not answer


def tests_of(condition: Condition) -> Iterator[Ask]:
    """Go through every test of a condition."""
    match condition:
        case Ask():
            yield condition
        case Not(part):
            yield from tests_of(part)
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from tests_of(part)
