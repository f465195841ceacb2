"""What the page of points shows."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from model.points.record import Rival
from playbook.points import Scorecard
from playbook.world import World
from serve.planning import Memory
from serve.pointing import Cell, Counted, Origin, Scored, score_open

"""Items that say where a lead's points came from."""


@dataclass(frozen=True, slots=True)
class Apart:
    """A lead on which points and model disagree; ``reason`` is the model's main one."""

    lead: Scored
    reason: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """The facts of the page.

    ``cells`` are those of the grid, A1 to D4; ``tried`` says whether past leads were
    scored. ``most`` is how many open leads were, if there are more. Without a rival the
    model in use was made before one was met.
    """

    origin: Origin
    card: Scorecard
    cells: tuple[Cell, ...]
    tried: bool
    auc: float | None
    first: tuple[Scored, ...]
    apart: tuple[Apart, ...]
    most: int | None
    rival: Rival | None

    def plain(self) -> dict[str, Any]:
        """Give it as JSON holds it: sets in order, what is asked as a pair."""
        made: dict[str, Any] = orjson.loads(orjson.dumps(self, default=_plain))
        return made


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, frozenset) else list(value)


@dataclass(frozen=True, slots=True)
class Points:
    """The sheet, and what its words need."""

    sheet: Sheet
    use: Counted
    world: World


@dataclass
class OpenScores:
    """The points of open leads, worked out once for an ingest and a scorecard."""

    working: threading.Lock = field(default_factory=threading.Lock)
    held: tuple[object, tuple[Scored, ...]] | None = None

    def of(
        self, use: Counted, memory: Memory, rows: Sequence[Mapping[str, Any]]
    ) -> tuple[Scored, ...]:
        """Give them; worked out anew when leads, chances or scorecard changed."""
        mark = (id(memory.history), use.digest, tuple(row["entry"] for row in rows))
        with self.working:
            if self.held is None or self.held[0] != mark:
                self.held = mark, score_open(use, memory, rows)
            return self.held[1]
