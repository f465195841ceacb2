"""The leads on which a playbook is tried: past ones with their outcomes, and open ones.

Past leads are snapshots that the model in use has not learned from, predicted by it as
of their moment; how long stages usually take is measured up to where its learning
ended. So nothing that decides about a past lead was learned from that lead's outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from leads.errors import DataRefused
from leads.history import History
from leads.journal import Journal
from leads.settings import Settings
from model.examples.snapshots import take
from model.examples.split import split
from playbook.known import Known, facts_of
from playbook.ledger import overridden
from playbook.norms import Norms
from playbook.plan import Playbook
from playbook.trying import Case
from serve.bulk import Model, Work, open_leads_of, predicted
from serve.planning import Memory

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Ground:
    """Past snapshots that a model has not learned from, and what came of them.

    ``settings`` are the company's. ``rows`` has ``lead_id``, ``moment`` and ``label``;
    ``since`` is where the learning
    ended, None for leads without times.
    """

    history: History
    settings: Settings
    rows: pl.DataFrame
    since: int | None


def past_ground(history: History, settings: Settings, model: Model) -> Ground:
    """Find the snapshots on which the model in use may be judged.

    Raises
    ------
    DataRefused
        Nothing is labelled.
    """
    snapshots = take(history, settings)
    test = split(snapshots, settings).test
    since = model.bundle.manifest.learned_until
    if since is not None:
        test = test[snapshots["moment"].to_numpy()[test] >= since]
    if not len(test):
        raise DataRefused(
            "No lead with a known outcome is newer than what the model learned from.",
            remedy="Wait for outcomes, or train anew and promote.",
        )
    rows = snapshots[test].select(
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"),
        "lead_id", "moment", "label",
    )  # fmt: skip
    return Ground(history, settings, rows.sort("moment", "lead_id"), since)


def past_cases(
    ground: Ground, model: Model, playbook: Playbook, *, progress: Progress
) -> Iterator[Case]:
    """Go through past leads as they were known at their moments."""
    history, since = ground.history, ground.since
    then = history if since is None else history.until(since)
    norms = Norms.of(then, ground.settings.criteria)
    memory = Memory.of(history, ground.settings, norms)
    labels = iter(ground.rows["label"].to_list())
    work = Work(history, ground.rows)
    for made, _ in predicted(work, model, reasons=True, progress=progress):
        for one in made:
            facts = facts_of(playbook, memory.known(one))
            yield Case(one.lead_id, facts, one.probability, bool(next(labels)))


def open_known(
    settings: Settings, model: Model, journal: Journal, *, now: datetime
) -> tuple[int, Iterator[Known]]:
    """Go through the open leads of today, as a run of ``score`` would see them.

    Returns
    -------
    tuple
        How many there are, and the leads.
    """
    work = open_leads_of(settings, as_of=None, now=now)
    memory = Memory.of(work.history, settings)

    def leads() -> Iterator[Known]:
        for made, _ in predicted(work, model, reasons=True, journal=journal):
            with journal.reading() as connection:
                tiers = overridden(connection, [one.lead_id for one in made], now=now)
            for one in made:
                yield memory.known(one, tiers.get(one.lead_id))

    return len(work.moments), leads()


def open_cases(playbook: Playbook, leads: Iterator[Known]) -> Iterator[Case]:
    """Take open leads as cases without an outcome."""
    for known in leads:
        made = known.prediction
        yield Case(made.lead_id, facts_of(playbook, known), made.probability)
