"""A past prediction made again from what the journal kept, and held against it.

The stored features go through the stored bundle on the road of every prediction. What
comes out is the same to the bit, or it is said what differs. The tier alone may have
another memory: a lead near a border keeps the one it had (``serve.standing``). What the
owner's points answered while data were few is no word of the bundle, and left aside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from leads.decision import Prediction
from leads.errors import BadInput, NoModel, UnknownLead
from leads.journal import Journal
from leads.pointed import by_model
from leads.records import Stored
from model.bundle.whole import Bundle
from model.promotion.champion import BUNDLES
from serve.scoring import features_in, predict

TIER: Final = "tier"


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """An entry of the journal, the same made anew, and where they differ.

    ``differs`` names fields of the prediction with what is stored and what came out.
    ``plain_tier`` tells that only the tier does, which remembers earlier ones.
    """

    entry: Stored
    made: Prediction
    differs: tuple[tuple[str, str, str], ...]
    plain_tier: bool

    @property
    def is_equal(self) -> bool:
        """Whether every field came out to the bit."""
        return not self.differs


def rebuild(
    journal: Journal, store_folder: Path, lead_id: str, *, entry: int | None = None
) -> Rebuilt:
    """Make a prediction again; the lead's newest one unless an entry is named.

    Raises
    ------
    UnknownLead
        The journal has no such entry.
    BadInput
        The entry was kept without what it was made from.
    NoModel
        Its bundle is not kept any more.
    DamagedBundle
        Its bundle is not what it was.
    """
    stored = _entry(journal, lead_id, entry)
    inputs = journal.inputs(stored.id)
    if inputs is None:
        raise BadInput(
            f"Entry {stored.id} was kept without what it was made from.",
            remedy="Name another entry; predictions are kept with it by default.",
        )
    said = stored.prediction
    path = store_folder / BUNDLES / said.bundle_digest
    if not path.is_dir():
        raise NoModel(
            f"The bundle {said.bundle_digest[:12]} of entry {stored.id} is not kept.",
            remedy="Bring its folder back into the store's bundles from a copy.",
        )
    bundle = Bundle.open(path, digest=said.bundle_digest)
    (made,) = predict(
        bundle,
        features_in(bundle.catalog, inputs),
        [said.lead_id],
        [said.as_of],
        version=said.model_version,
        reasons=bool(said.shares),
    )
    differs = tuple(_differences(by_model(said), made))
    return Rebuilt(stored, made, differs, [name for name, *_ in differs] == [TIER])


def _entry(journal: Journal, lead_id: str, number: int | None) -> Stored:
    if number is None:
        found = next(iter(journal.history(lead_id, limit=1)), None)
    else:
        found = journal.entry(lead_id, number)
    if found is None:
        raise UnknownLead(
            "The journal has no such entry of this lead.",
            remedy="Look its entries up in the lead's history.",
        )
    return found


def _differences(said: Prediction, made: Prediction) -> Iterator[tuple[str, str, str]]:
    """Compare as text, which tells any two floats apart, and 0.0 from -0.0."""
    for field in fields(Prediction):
        stored, now = (repr(getattr(each, field.name)) for each in (said, made))
        if stored != now:
            yield field.name, stored, now
