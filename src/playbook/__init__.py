"""The owner's flow chart: from what is known of a lead to what is done about it.

A stranger to CRMs and models: it works on the words of ``leads`` alone. ``plan_of`` is
the one function that yields the next step of a lead.
"""

from playbook.decide import Planned, Step, decide, plan_of
from playbook.file import parse_playbook, read_playbook
from playbook.known import Known, facts_of
from playbook.norms import Norms
from playbook.plan import Plan, Playbook
from playbook.world import World

__all__ = [
    "Known",
    "Norms",
    "Plan",
    "Planned",
    "Playbook",
    "Step",
    "World",
    "decide",
    "facts_of",
    "parse_playbook",
    "plan_of",
    "read_playbook",
]
