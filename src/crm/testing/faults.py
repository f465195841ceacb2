"""What goes wrong on the way to a CRM and back, by a list or by chance from a seed.

A plan is asked about every call and names at most one fault; ``wire.carry_out`` does
it. The important line runs between faults before the write is applied and after it:
the caller cannot tell them apart, the ledger can.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, Protocol

import numpy as np

HTML: Final = b"<html><head><title>502 Bad Gateway</title></head></html>"


class Kind(StrEnum):
    """Kinds of fault; the comment says whether the write is applied."""

    REFUSE = "refuse"  # never: answers ``status`` with ``body`` and ``headers``
    DROP = "drop"  # never: the connection is reset without an answer
    LOSE = "lose"  # at once: then the connection is reset
    TIMEOUT = "timeout"  # at once: then ``status`` (504) instead of the answer
    LATE = "late"  # after ``seconds``, though the caller got ``status`` (504) at once
    DELAY = "delay"  # after ``seconds``, even if the caller has gone; then answered
    SLOW = "slow"  # at once, answered after ``seconds``
    TRUNCATE = "truncate"  # at once: half of the body, then the connection is cut
    TWICE = "twice"  # at once and again: the second answer is given
    ENDLESS = "endless"  # never: a body that does not end


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, ready to be carried out."""

    kind: Kind
    status: int = 504
    body: bytes = HTML
    headers: Mapping[str, str] = field(
        default_factory=lambda: {"content-type": "text/html"}
    )
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Call:
    """What a plan may know of a call.

    ``number`` counts all calls of the double from 1, ``nth`` those of this method;
    ``at`` is in seconds of the clock.
    """

    method: str
    writes: bool
    number: int
    nth: int
    at: float


class Plan(Protocol):
    """Says which fault a call meets."""

    def pick(self, call: Call) -> Fault | None:
        """Name the fault of this call, or none. Asked exactly once per call."""


class NoFaults:
    """The plan of a good day."""

    def pick(self, call: Call) -> Fault | None:  # noqa: ARG002 (the port's shape)
        """Name no fault."""
        return None


@dataclass
class Scripted:
    """Faults by (method, how manieth call of it); method ``*`` counts all calls.

    Examples
    --------
    >>> plan = Scripted({("crm.item.add", 2): Fault(Kind.LOSE)})
    >>> calls = [Call("crm.item.add", True, n, n, 0.0) for n in (1, 2, 3)]
    >>> [fault and fault.kind.value for fault in map(plan.pick, calls)]
    [None, 'lose', None]
    """

    script: dict[tuple[str, int], Fault] = field(default_factory=dict)

    def pick(self, call: Call) -> Fault | None:
        """Name the fault written down for this call."""
        own = self.script.get((call.method, call.nth))
        return own or self.script.get(("*", call.number))


@dataclass(frozen=True, slots=True)
class Chance:
    """How often a fault comes, and between which seconds if it takes time."""

    fault: Fault
    share: float
    seconds: tuple[float, float] | None = None
    only_writes: bool = False


class Seeded:
    """Faults by chance, the same for the same seed and order of calls.

    Parameters
    ----------
    seed
        Print it with a failing test: it brings the run back.
    chances
        Their shares add up to at most 1; the rest of the calls goes well.
    """

    def __init__(self, seed: int, chances: Sequence[Chance]) -> None:
        total = sum(chance.share for chance in chances)
        if total > 1 + 1e-9:
            raise ValueError(f"The shares of the faults add up to {total}, over 1.")
        self.seed = seed
        self._chances = tuple(chances)
        self._rng = np.random.default_rng(seed)

    def pick(self, call: Call) -> Fault | None:
        """Draw the fault of this call; two draws per call, whatever comes of it."""
        where, stretch = self._rng.random(2)
        for chance in self._chances:
            where -= chance.share
            if where < 0:
                return self._of(chance, stretch, call)
        return None

    @staticmethod
    def _of(chance: Chance, stretch: float, call: Call) -> Fault | None:
        if chance.only_writes and not call.writes:
            return None
        if chance.seconds is None:
            return chance.fault
        low, high = chance.seconds
        return replace(chance.fault, seconds=low + float(stretch) * (high - low))


@dataclass(frozen=True, slots=True)
class Between:
    """A plan that holds from one second of the clock up to another: an outage."""

    begin: float
    end: float
    plan: Plan

    def pick(self, call: Call) -> Fault | None:
        """Ask the plan inside the stretch; name none outside."""
        return self.plan.pick(call) if self.begin <= call.at < self.end else None


@dataclass(frozen=True, slots=True)
class Matching:
    """A plan that holds for the calls a condition picks out."""

    condition: Callable[[Call], bool]
    plan: Plan

    def pick(self, call: Call) -> Fault | None:
        """Ask the plan about calls that match."""
        return self.plan.pick(call) if self.condition(call) else None


@dataclass(frozen=True, slots=True)
class Always:
    """The same fault for every call."""

    fault: Fault

    def pick(self, call: Call) -> Fault | None:  # noqa: ARG002 (the port's shape)
        """Name the fault."""
        return self.fault


@dataclass(frozen=True, slots=True)
class FirstOf:
    """Several plans; the first that names a fault is heard."""

    plans: Sequence[Plan]

    def pick(self, call: Call) -> Fault | None:
        """Ask all plans, so that each keeps its own count of calls."""
        named = [plan.pick(call) for plan in self.plans]
        return next((fault for fault in named if fault), None)


def answering(status: int, body: bytes, **headers: str) -> Fault:
    """Make a refusal in words of the test's own: hostile bodies, odd headers.

    Examples
    --------
    >>> answering(429, b"", **{"retry-after": "-1"}).headers
    {'retry-after': '-1'}
    """
    return Fault(Kind.REFUSE, status=status, body=body, headers=headers)
