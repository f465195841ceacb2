"""What the page of the funnel shows: how leads pass, what is wrong, what is ahead.

Forecast and proof are as a command kept them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from leads.lead import EPOCH
from model.audit.whole import Audit
from model.distance.shelf import FORECAST, PROOF, kept
from model.stages import Stages

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """Both as plain facts; None where no command made them."""

    distance: Facts | None = None
    benefit: Facts | None = None

    @classmethod
    def of(cls, store_folder: Path) -> Foreseen:
        """Read what was kept."""
        return cls(kept(store_folder, FORECAST), kept(store_folder, PROOF))

    def shown(self) -> dict[str, Facts | None]:
        """Give what the template needs besides: moments and places."""
        return {"distance": self.distance and _placed(self.distance),
                "benefit": self.benefit}  # fmt: skip


UNFORESEEN: Final = Foreseen()


@dataclass(frozen=True, slots=True)
class Passage:
    """The facts of the page; ``audit`` is None where a questionnaire has faults."""

    stages: Stages
    audit: Audit | None = None
    foreseen: Foreseen = UNFORESEEN

    def plain(self) -> Facts:
        """Give the facts by name, those of the stages first."""
        through = {one.name: getattr(self.stages, one.name)
                   for one in fields(self.stages)}  # fmt: skip
        ahead = {"distance": self.foreseen.distance, "benefit": self.foreseen.benefit}
        return {**through, "audit": self.audit, **ahead}


def _placed(facts: Facts) -> Facts:
    several = len({one["pipeline"] for one in facts["checked"]}) > 1
    checked = [
        {**one, "place": " · ".join(filter(None, (one["pipeline"] if several else "",
                                                 one["stage"])))}
        for one in facts["checked"]
    ]  # fmt: skip
    known_at = EPOCH + timedelta(microseconds=facts["as_of"])
    return {**facts, "checked": checked, "known_at": known_at}
