"""The audit as a whole: every finding at one moment, as facts that JSON can hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from leads.lead import EPOCH
from model.audit.channels import Channel, channel_stages
from model.audit.clearer import Preview, Rule, preview, propose
from model.audit.questionnaire import (
    Missing,
    missing_answers,
    question_faults,
)
from model.audit.standing import Scene
from model.audit.unknown import unknown_of
from model.audit.work import Load, Work, work_of
from model.cleaning.knowing import Known
from model.stages import Stage


@dataclass(frozen=True, slots=True)
class Audit:
    """What the funnel says.

    ``crowds`` are the stages that hold many, ``crowd`` how many that is; ``proposal``
    are the rules of clearer stages, ``preview`` where open leads would go by them.
    ``knows_people`` is False if no event tells what people did: then a lead counts as
    worked on only if somebody moved it. ``faults`` are those of the questionnaire, of
    which nothing is counted then. ``unknown`` names what else the data cannot
    tell, ``who`` counts of how many open leads it is known who they are.
    """

    as_of: int
    open: int
    crowd: int
    crowds: tuple[Stage, ...]
    channels: tuple[Channel, ...]
    work: Work
    answers: tuple[Missing, ...]
    faults: tuple[str, ...]
    proposal: tuple[Rule, ...]
    preview: Preview
    knows_people: bool
    unknown: tuple[str, ...]
    who: Known

    @property
    def known_at(self) -> datetime:
        """The moment as a datetime."""
        return EPOCH + timedelta(microseconds=self.as_of)

    @property
    def load(self) -> tuple[Load, ...]:
        """What managers have."""
        return self.work.load

    @property
    def never(self) -> int:
        """Open leads nobody ever worked on."""
        return sum(one.count for one in self.work.never)

    @property
    def overdue(self) -> int:
        """Open leads that stand where they are for too long."""
        return sum(one.count for one in self.work.overdue)

    @property
    def no_task(self) -> int | None:
        """Open leads without a next task; None where tasks are not known."""
        found = self.work.no_task
        return None if found is None else sum(one.count for one in found)

    def to_facts(self) -> dict[str, Any]:
        """Turn into what JSON can hold."""
        return asdict(self)


def audit_scene(scene: Scene) -> Audit:
    """Audit what was looked over."""
    channels = channel_stages(scene)
    rules = propose(scene, channels)
    most = scene.settings.audit.crowd
    crowds = [
        one for one in scene.stages.stages if one.state == "open" and one.here >= most
    ]
    return Audit(
        as_of=scene.now,
        open=len(scene.open),
        crowd=most,
        crowds=tuple(sorted(crowds, key=lambda one: -one.here)),
        channels=channels,
        work=work_of(scene),
        answers=missing_answers(scene),
        faults=tuple(str(fault) for fault in question_faults(scene)),
        proposal=rules,
        preview=preview(scene, rules),
        knows_people=scene.knows_people,
        unknown=unknown_of(scene),
        who=scene.who,
    )


def with_rules(audit: Audit, scene: Scene, rules: Sequence[Rule]) -> Audit:
    """Preview other rules instead of the proposed ones."""
    return replace(audit, proposal=tuple(rules), preview=preview(scene, rules))
