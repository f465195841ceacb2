"""What the list of leads shows: facts only, in no language and no markup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal

from leads.decision import Outlook, Override, Prediction, Reason, Tier
from leads.journal import Stored
from leads.pointed import pointed
from leads.records import moment_of
from model.reasons.whatif import Suggestion
from serve.pages.called import How
from serve.pages.distinction import telling_reasons
from serve.pages.nextstep import PlanLine

PAGE_SIZE: Final = 50
MOST_PAGES: Final = 1_000_000
LONGEST_SEARCH: Final = 200
MOST_EXPORTED: Final = 20_000
"""Leads that a file holds at most; the page says so where there are more."""
UNKNOWN: Final = Outlook(0.0, 1.0, {})
"""The outlook of a prediction that was made without one."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What part of the list is asked for; pages count from 1.

    ``closed`` asks for leads that have converted or were lost, too; a search finds them
    anyway. ``overruled`` asks only for leads whose tier a person set, ``given`` for
    those that were given to a person.
    """

    tier: Tier | None = None
    search: str = ""
    page: int = 1
    owner: str = ""
    pipeline: str = ""
    source: str = ""
    closed: bool = False
    overruled: bool = False
    given: str = ""

    @classmethod
    def of(cls, sent: Mapping[str, str]) -> Wanted:
        """Read what a browser sent; whatever makes no sense is as if not sent.

        Examples
        --------
        >>> wanted = Wanted.of({"tier": "warm", "q": " L-7 ", "page": "2"})
        >>> wanted.tier, wanted.search, wanted.page
        (<Tier.WARM: 'warm'>, 'L-7', 2)
        >>> Wanted.of({"tier": "?", "page": "-3"}) == Wanted()
        True
        """
        known = {known.value for known in Tier}
        tier, page = sent.get("tier", ""), sent.get("page", "")
        number = int(page) if page.isdecimal() and len(page) < 10 else 1
        return cls(
            tier=Tier(tier) if tier in known else None,
            search=_printable(sent.get("q", "")).strip(),
            page=min(max(number, 1), MOST_PAGES),
            owner=_printable(sent.get("owner", "")),
            pipeline=_printable(sent.get("pipeline", "")),
            source=_printable(sent.get("source", "")),
            closed=sent.get("closed") == "yes",
            overruled=sent.get("overruled") == "yes",
            given=_printable(sent.get("given", "")),
        )

    def at(self, page: int) -> Wanted:
        """Turn to another page."""
        return replace(self, page=page)

    def but(self, **changes: Any) -> Wanted:
        """Ask for something else as well, from the first page on."""
        return replace(self, **{"page": 1} | changes)

    def to_query(self) -> list[tuple[str, str]]:
        """Write as a query that ``of`` reads back."""
        asked = (
            ("tier", self.tier.value if self.tier else ""),
            ("q", self.search),
            ("owner", self.owner),
            ("pipeline", self.pipeline),
            ("source", self.source),
            ("closed", "yes" if self.closed else ""),
            ("overruled", "yes" if self.overruled else ""),
            ("given", self.given),
            ("page", str(self.page) if self.page > 1 else ""),
        )
        return [(name, value) for name, value in asked if value]

    @property
    def filtered(self) -> bool:
        """Whether only some managers, pipelines or sources, or closed ones, too."""
        asked = (self.owner, self.pipeline, self.source, self.closed, self.given)
        return any(asked)

    @property
    def narrowed(self) -> bool:
        """Whether anything but tier, closed and page is asked for."""
        asked = (self.search, self.owner, self.pipeline, self.source, self.given)
        return any(asked)


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())[:LONGEST_SEARCH]


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is to filter by."""

    owners: tuple[str, ...] = ()
    pipelines: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    given: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What takes a look at model and history to say of a lead.

    ``change`` says in one line by language why the chance moved since the prediction
    before, ``action`` what the seller could do that helped most in the past.
    """

    change: Mapping[str, str] | None = None
    action: Suggestion | None = None


UNTOLD: Final = Told()


@dataclass(frozen=True, slots=True)
class Called:
    """When a lead was last called this week, and how that ended."""

    at: datetime
    how: How


@dataclass(frozen=True, slots=True)
class Row:
    """One lead of the list; what is not known is None.

    ``low`` to ``high`` is the interval of the chance. ``moved`` is how far the chance
    moved since the prediction ``moved_since``; ``change`` and ``action`` are as in
    ``Told``. ``reason`` is the strongest that speaks for the lead, ``telling`` the one
    that tells it from the rows beside it, which is no part of what it is. ``active_at``
    is when something last happened to the lead, ``quiet`` that this is unusually long
    ago. ``tier`` and the reasons are the model's; ``override`` is the tier that a
    person set, of which no reason says anything. ``plan`` is what the playbook decided,
    where one is in use; then it stands in for ``action``. ``given`` is the person that
    it was proposed to give the lead to.
    """

    lead_id: str
    tier: Tier
    probability: float
    low: float | None
    high: float | None
    expected_minor: int | None
    currency: str | None
    reason: Mapping[str, str] | None
    made_at: datetime
    moved: float | None
    moved_since: datetime | None
    change: Mapping[str, str] | None
    action: Suggestion | None
    plan: PlanLine | None
    override: Override | None
    source: str | None
    pipeline: str | None
    stage: str | None
    owner: str | None
    active_at: datetime | None
    quiet: bool
    closed: bool
    given: str | None = None
    called: Called | None = None
    telling: Mapping[str, str] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class TierCount:
    """How many leads are in a tier; all of them if the tier is None."""

    tier: Tier | None
    count: int


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of the list, and its place in the whole.

    ``counts`` are of what is asked for but in every tier, ``overruled`` counts those of
    them whose tier a person set; ``predicted`` counts every lead of the journal. ``by``
    is what the list is sorted by; ``today`` names those of the rows to call today.
    """

    rows: tuple[Row, ...]
    wanted: Wanted
    total: int
    predicted: int
    counts: tuple[TierCount, ...]
    choices: Choices
    horizon_days: int
    page_size: int
    by: Literal["chance", "money", "tier"] = "chance"
    overruled: int = 0
    today: tuple[str, ...] = ()

    @property
    def pages(self) -> int:
        """How many pages the list has; an empty one has one."""
        return max(1, -(-self.total // self.page_size))

    @property
    def first(self) -> int:
        """The place of the first row shown, from 1."""
        return (self.wanted.page - 1) * self.page_size + 1

    @property
    def last(self) -> int:
        """The place of the last row shown."""
        return self.first + len(self.rows) - 1

    @property
    def cut_to(self) -> int | None:
        """How many leads a file of this list holds, where that is not all of them."""
        return MOST_EXPORTED if self.total > MOST_EXPORTED else None

    @property
    def nothing_predicted(self) -> bool:
        """Whether there is no prediction of any lead."""
        return self.predicted == 0


def counts_of(counts: Mapping[Tier, int]) -> tuple[TierCount, ...]:
    """Count all leads, then those of each tier."""
    every = TierCount(None, sum(counts.values()))
    return (every, *(TierCount(tier, counts.get(tier, 0)) for tier in Tier))


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the leads of a page, besides their places in the ranking.

    ``entries`` are their latest predictions, ``told`` what there is to tell of these,
    both by id of the journal's entry; ``before`` the predictions before, ``overrides``
    the tiers that people set, ``plans`` what is to be done, ``given`` to whom they
    were given, these by lead.
    """

    entries: Mapping[int, Stored]
    before: Mapping[str, Stored]
    told: Mapping[int, Told]
    overrides: Mapping[str, Override]
    plans: Mapping[str, PlanLine] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)


def rows_of(places: Sequence[Mapping[str, Any]], known: Known) -> tuple[Row, ...]:
    """Gather what is shown of some leads.

    Parameters
    ----------
    places
        Their rows of the ranking, in order; a lead whose entry is gone is left out.
    """
    shown = [place for place in places if place["entry"] in known.entries]
    said = [known.entries[place["entry"]].prediction for place in shown]
    return tuple(
        _row(place, known, telling)
        for place, telling in zip(shown, telling_reasons(said), strict=True)
    )


def _row(place: Mapping[str, Any], known: Known, telling: Reason | None) -> Row:
    stored = known.entries[place["entry"]]
    prediction, before = stored.prediction, known.before.get(place["lead_id"])
    main, outlook = main_reason(prediction), prediction.outlook or UNKNOWN
    active_at, told = place["active_at"], known.told.get(stored.id, UNTOLD)
    then = None if before is None else before.prediction.probability
    return Row(
        lead_id=prediction.lead_id,
        tier=prediction.tier,
        probability=prediction.probability,
        low=None if outlook is UNKNOWN else outlook.low,
        high=None if outlook is UNKNOWN else outlook.high,
        expected_minor=outlook.expected_minor,
        currency=outlook.currency,
        reason=None if main is None else main.text,
        made_at=stored.made_at,
        moved=None if then is None else prediction.probability - then,
        moved_since=None if before is None else before.made_at,
        change=told.change,
        action=told.action,
        plan=known.plans.get(prediction.lead_id),
        override=known.overrides.get(prediction.lead_id),
        source=place["source"],
        pipeline=place["pipeline"],
        stage=place["stage"],
        owner=place["owner"],
        active_at=None if active_at is None else moment_of(active_at),
        quiet=place["quiet"],
        closed=place["closed"],
        given=known.given.get(prediction.lead_id),
        called=_called(place),
        telling=None if telling is None else telling.text,
    )


def _called(place: Mapping[str, Any]) -> Called | None:
    at = place["called_at"]
    return None if at is None else Called(moment_of(at), place["called_how"])


def main_reason(prediction: Prediction) -> Reason | None:
    """Find the strongest reason that speaks for the lead, or the points of its tier."""
    if pointed(prediction) is not None:
        return prediction.reasons[0]
    speaking = [reason for reason in prediction.reasons if reason.share > 0]
    return max(speaking, key=lambda reason: reason.share, default=None)
