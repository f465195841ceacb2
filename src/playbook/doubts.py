"""What is no fault of a playbook, but hardly meant: dead branches, unanswerable asks.

A file with doubts decides well enough, so it is used; whoever keeps it in a repository
can have its checks fail on them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from playbook.condition import Condition, tests_of
from playbook.facts import OF_MODEL, OF_POINTS, Asked
from playbook.known import Known, facts_of
from playbook.marked import Faults, Marked, read_marked
from playbook.plan import Branch, Playbook
from playbook.reach import unreachable

MOST_LEADS: Final = 5_000
"""Leads that are looked at before a fact counts as never known."""

JUDGED: Final = OF_MODEL | OF_POINTS
"""Facts that are worked out, so whether they are known is no matter of the data."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A branch out of reach, or one that asks a ``fact`` no lead has."""

    branch: Branch
    fact: str = ""


def doubts_of(playbook: Playbook, leads: Iterable[Known] = ()) -> tuple[Doubt, ...]:
    """List the doubts about a playbook, in the order of its branches.

    Parameters
    ----------
    leads
        Some leads as they are known; without any, only what the file alone proves.
    """
    dead = unreachable(playbook)
    unknown = never_known(playbook, leads)
    found = [Doubt(branch) for branch in dead]
    found += [
        Doubt(branch, fact)
        for branch in playbook.every_branch()
        for fact in dict.fromkeys(asked.fact for asked in _needed(branch.when))
        if branch not in dead and fact in unknown
    ]
    place = {branch.number: i for i, branch in enumerate(playbook.every_branch())}
    return tuple(sorted(found, key=lambda one: place[one.branch.number]))


def never_known(playbook: Playbook, leads: Iterable[Known]) -> frozenset[str]:
    """Name the facts that branches need and that none of these leads has.

    A fact that is asked only whether it is known is not needed.
    """
    needed = {
        asked
        for branch in playbook.every_branch()
        for asked in _needed(branch.when)
        if asked.fact not in JUDGED
    }
    looked = 0
    for known in leads:
        if not needed or looked == MOST_LEADS:
            break
        looked += 1
        facts = facts_of(playbook, known)
        needed -= {asked for asked in needed if facts.get(asked) is not None}
    return frozenset(asked.fact for asked in needed) if looked else frozenset()


def _needed(when: Condition | None) -> Iterator[Asked]:
    if when is not None:
        yield from (test.asked for test in tests_of(when) if test.op != "known")


def lines_of(text: str) -> Mapping[str, tuple[int, int]]:
    """Give line and column of every branch of a playbook, by its number.

    Examples
    --------
    >>> text = '''branches:
    ... - when: {tier: hot}
    ...   branches:
    ...   - else: hot
    ... '''
    >>> dict(lines_of(text))
    {'1': (2, 3), '1.1': (4, 5)}
    """
    node = read_marked(text, Faults(""))
    found: defaultdict[str, tuple[int, int]] = defaultdict(lambda: (1, 1))
    if node is not None:
        found.update(_lines(node, ""))
    return found


def _lines(node: Marked, above: str) -> Iterator[tuple[str, tuple[int, int]]]:
    branches = node.at("branches")
    if branches is None or not isinstance(branches.value, list):
        return
    for place, item in enumerate(branches.value, start=1):
        yield f"{above}{place}", (item.line, item.column)
        yield from _lines(item, f"{above}{place}.")
