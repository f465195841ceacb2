"""What another playbook would change: who gets another plan, before it is live."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from leads.decision import Prediction
from playbook.decide import decide
from playbook.known import Known, facts_of
from playbook.plan import Playbook


@dataclass(frozen=True, slots=True)
class Moved:
    """A lead that would get another plan."""

    lead_id: str
    before: str
    after: str
    probability: float


@dataclass(frozen=True, slots=True)
class Difference:
    """Two playbooks over the same leads.

    ``reworded`` are plans that keep their name but say something else; ``added`` and
    ``removed`` those that only one of the two has.
    """

    leads: int
    moved: tuple[Moved, ...]
    reworded: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether nothing differs, neither for a lead nor in the plans."""
        return not (self.moved or self.reworded or self.added or self.removed)

    @property
    def ways(self) -> tuple[tuple[str, str, int], ...]:
        """Count the moves from plan to plan, the most frequent first."""
        counted = Counter((one.before, one.after) for one in self.moved)
        ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
        return tuple((before, after, count) for (before, after), count in ordered)


def differ(old: Playbook, new: Playbook, leads: Iterable[Known]) -> Difference:
    """Compare two playbooks on the same leads, the likeliest moved ones first."""
    moved, count = [], 0
    for known in leads:
        count += 1
        before = decide(old, facts_of(old, known))[0].name
        after = decide(new, facts_of(new, known))[0].name
        if before != after:
            made: Prediction = known.prediction
            moved.append(Moved(made.lead_id, before, after, made.probability))
    shared = set(old.plans) & set(new.plans)
    return Difference(
        leads=count,
        moved=tuple(sorted(moved, key=lambda one: (-one.probability, one.lead_id))),
        reworded=tuple(
            name for name in new.plans
            if name in shared and old.plans[name] != new.plans[name]
        ),
        added=tuple(name for name in new.plans if name not in shared),
        removed=tuple(name for name in old.plans if name not in shared),
    )  # fmt: skip
