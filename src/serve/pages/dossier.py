"""What one lead's page shows: facts only, in no language and no markup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, pairwise
from typing import Final, Literal

from leads.decision import (
    Outlook,
    Override,
    Prediction,
    Reason,
    Tier,
    probability_of,
)
from leads.history import LeadHistory
from leads.journal import Stored
from leads.tables import UNDATED
from serve.pages.leadpoints import LeadPoints
from serve.pages.nextstep import PlanSheet
from serve.pages.story import Happening, moment_of, story_of
from serve.pages.whereabouts import Place

MOST_STEPS: Final = 8
"""Facts of the waterfall that stand alone; the rest are one step together."""

MOST_HAPPENINGS: Final = 200
USUAL: Final = (0.8, 1.25)
"""A chance within these multiples of the usual one is about usual."""


@dataclass(frozen=True, slots=True)
class Move:
    """One field's move of the log-odds; ``field`` is None for all the rest."""

    field: str | None
    share: float
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of a lead besides its story."""

    source: str | None
    pipeline: str | None
    stage: str | None
    owner: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything the page of one lead shows.

    ``usual`` is the rate at which leads converted in training, ``start`` the
    probability that the waterfall begins with, and ``compared`` says on
    which side of it this one is. ``card`` is None for a lead that was never ingested.
    ``story`` is newest first and ``untold`` counts what was too long ago to be listed.
    ``chances`` are what was said of the lead as of which moment, oldest first.
    ``active_at`` is when something last happened to it, ``quiet`` that this is
    unusually long ago. ``tier`` and the reasons are the model's; ``override`` is the
    tier that a person set, of which no reason here says anything. ``plan`` is what the
    playbook in use decided, ``points`` what it has; None without any.
    """

    lead_id: str
    tier: Tier
    closed: bool
    probability: float
    usual: float
    start: float
    compared: Literal["above", "about", "below"]
    horizon_days: int
    as_of: datetime
    made_at: datetime
    model_version: str
    bundle_digest: str
    reasons_for: tuple[Reason, ...]
    reasons_against: tuple[Reason, ...]
    base: float
    moves: tuple[Move, ...]
    card: Card | None
    story: tuple[Happening, ...]
    untold: int
    earlier: tuple[Stored, ...]
    outlook: Outlook | None = None
    chances: tuple[tuple[datetime, float], ...] = ()
    active_at: datetime | None = None
    plan: PlanSheet | None = None
    points: LeadPoints | None = None
    quiet: bool = False
    override: Override | None = None

    @property
    def dated(self) -> bool:
        """Whether there is a clock at all; a flat table may have none."""
        return self.as_of != UNDATED

    @property
    def times(self) -> float:
        """How many times the usual chance this one is."""
        return self.probability / self.usual


def compile_dossier(
    entries: Sequence[Stored],
    lead: LeadHistory | None,
    *,
    usual: float | None = None,
    place: Place | None = None,
    override: Override | None = None,
) -> Dossier:
    """Gather what is shown of a lead.

    Parameters
    ----------
    entries
        What the journal holds about it, newest first, at least one.
    lead
        All that is known of it, or None if nothing is.
    usual
        The training rate; by default the probability that every lead starts from.
    place
        Where it stands now, or None if that is not known.
    override
        The tier that a person set, if one stands.
    """
    newest = max(entries, key=lambda stored: (stored.made_at, stored.id))
    prediction = newest.prediction
    start = probability_of(prediction.base)
    usual = start if usual is None else usual
    story = () if lead is None else story_of(lead)
    by_weight = sorted(prediction.reasons, key=lambda reason: -abs(reason.share))
    return Dossier(
        lead_id=prediction.lead_id,
        tier=prediction.tier,
        closed=place is not None and place.closed,
        quiet=place is not None and place.quiet,
        active_at=None if place is None else place.active_at,
        chances=chances_of(entries),
        probability=prediction.probability,
        usual=usual,
        start=start,
        compared=_compared(prediction.probability, usual),
        horizon_days=prediction.horizon_days,
        as_of=prediction.as_of,
        made_at=newest.made_at,
        model_version=prediction.model_version,
        bundle_digest=prediction.bundle_digest,
        reasons_for=tuple(reason for reason in by_weight if reason.share > 0),
        reasons_against=tuple(reason for reason in by_weight if reason.share < 0),
        base=prediction.base,
        moves=moves_of(prediction),
        card=None if lead is None or place is None else _card(lead, place),
        story=story[:MOST_HAPPENINGS],
        untold=max(0, len(story) - MOST_HAPPENINGS),
        earlier=tuple(stored for stored in entries if stored is not newest),
        outlook=prediction.outlook,
        override=override,
    )


def moves_of(prediction: Prediction) -> tuple[Move, ...]:
    """Line up the shares from the common base to the lead's log-odds, heaviest first.

    Small ones are joined at the end, so that the moves always add up.
    """
    ranked: list[tuple[str | None, float]] = sorted(
        prediction.shares.items(), key=lambda item: (-abs(item[1]), item[0])
    )
    shown = [item for item in ranked if item[1] != 0.0]
    if len(shown) > MOST_STEPS + 1:
        rest = sum(share for _, share in shown[MOST_STEPS:])
        shown = [*shown[:MOST_STEPS], (None, rest)]
    levels = accumulate((share for _, share in shown), initial=prediction.base)
    return tuple(
        Move(field, share, before, after)
        for (field, share), (before, after) in zip(shown, pairwise(levels), strict=True)
    )


def chances_of(entries: Sequence[Stored]) -> tuple[tuple[datetime, float], ...]:
    """Line up what was said of a lead, by the moment it was said of.

    Of several predictions as of one moment the one made last counts.
    """
    ordered = sorted(entries, key=lambda stored: (stored.made_at, stored.id))
    said = {s.prediction.as_of: s.prediction.probability for s in ordered}
    return tuple(sorted(said.items()))


def _compared(chance: float, usual: float) -> Literal["above", "about", "below"]:
    if chance < USUAL[0] * usual:
        return "below"
    return "above" if chance > USUAL[1] * usual else "about"


def _card(lead: LeadHistory, place: Place) -> Card:
    created_at = moment_of(lead.created_at)
    return Card(place.source, place.pipeline, place.stage, place.owner, created_at)
