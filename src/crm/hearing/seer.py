"""What somebody who predicts must be able to do for somebody who listens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from leads.decision import Prediction
from leads.history import History
from leads.lead import LeadHistory
from leads.tables import Tables


class Seer(Protocol):
    """Who knows what was ingested, and predicts."""

    def ingested(self) -> History:
        """Give the history of the leads ingested last; ``Unavailable`` if none."""
        ...

    def predicted(
        self, leads: Sequence[LeadHistory], moment: datetime, like: Tables
    ) -> tuple[list[Prediction], list[bytes]]:
        """Predict those leads that are worth it, with what each was made from."""
        ...

    def is_predicted(self, lead_ids: Sequence[str]) -> set[str]:
        """Name those leads of which the journal has a prediction."""
        ...

    def now(self) -> datetime:
        """Tell the time."""
        ...
