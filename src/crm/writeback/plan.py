"""What to write on a card: the smallest change a person would notice, and no more.

Pure: a decision, the card as it is, what we had on it. Kept apart from the outbox so
that the promise "a person's value is never touched" can be read, and tested, without a
database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from crm.port import Card, Change, Fields, Move, NoteKind, OurField, Tie, Value
from leads.decision import Prediction, Tier
from leads.pointed import pointed

MOST_TEXT: Final = 500
MOST_REASONS: Final = 3
CUT: Final = "…"


@dataclass(frozen=True, slots=True)
class Wish:
    """A comment or a task that a card should carry; one of each kind and topic."""

    kind: NoteKind
    text: str
    deadline: datetime | None = None
    topic: str = ""
    """What a person ordered it for; a note of its own beside the usual one."""
    type: str = "call"
    """Of a task, as in ``Todo``."""
    responsible: str | None = None
    """The CRM's id of whoever a task is for; None: who is responsible for the card."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a card should say.

    A field that is absent is left alone; one that is None is emptied. ``VERSION`` is
    never among them: the outbox counts.
    """

    entity: str
    fields: Fields
    stage: str | None = None
    """The stage at the time of the prediction, as in ``Card.stage``."""
    wishes: tuple[Wish, ...] = ()
    move: Move | None = None
    """A move that a person approved; made if the card still stands before it."""
    tie: Tie | None = None
    """A tie that a person approved; made if the card still belongs to whom it did."""
    rule: MoveRule | None = None
    """The stage that the lead's plan names; it stands in for the rules of tiers."""
    mark: str | None = ""
    """Of the plan, as in ``Guidance``; empty without one, None to leave it as it is."""
    is_renewed: bool = False
    """Whether the plan is another than the card was last offered."""
    assignment: Assignment | None = None
    """Who is to be responsible, if that was decided here."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who is to be responsible for a card; people are named by the CRM's ids.

    Made only where nobody is responsible or one of ``instead_of``, and only by a write
    of version ``since`` or later to a card that shows none such: so it is made once.
    """

    person: str
    instead_of: tuple[str, ...] = ()
    since: int = 1


@dataclass(frozen=True, slots=True)
class MoveRule:
    """A stage that a tier suggests; carried out only if switched on."""

    tier: Tier
    move: Move
    words: str
    """What the action field says where the move is only suggested."""
    is_on: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """What a person would notice, and what may be moved."""

    step: int = 5
    """Points of probability that are worth a write."""
    moves: tuple[MoveRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """What we had on a card, as far as we know."""

    version: int = 0
    """The newest version that was seen on the card; 0 if none ever was."""
    fields: Fields = field(default_factory=dict)
    """The values of ours at that version, without those that a person took over."""
    sent: Mapping[int, Fields] = field(default_factory=dict)
    """Values of other versions that were sent, by version."""
    moves: frozenset[Move] = frozenset()
    """Moves that we made on this card; none is made twice."""
    tried: Mapping[int, Move] = field(default_factory=dict)
    """Moves that were sent and never confirmed, by version."""
    refused: frozenset[Move] = frozenset()
    """Moves that the CRM would not make just now."""

    def at(self, version: Value) -> Fields:
        """Values that the card showed at a version; the last known if it has none.

        A version that we never sent is of a database we lost: nothing is known of it.
        """
        if version is None or version == self.version:
            return self.fields
        return self.sent.get(version, {}) if isinstance(version, int) else {}

    def made(self, card: Card) -> frozenset[Move]:
        """Give the moves that were made, for all that a card tells."""
        return self.moves | (self._sent_to(card) - self.untaken(card))

    def untaken(self, card: Card) -> frozenset[Move]:
        """Give the moves that were sent to a card, and that it stands before.

        The CRM took the fields of the write and left the stage; or a person has put
        the card back before we could see it. Either way no rule moves it again.
        """
        stays = {move for move in self._sent_to(card) if card.stage == move.before}
        return self.refused | stays

    def torn(self, card: Card) -> Move | None:
        """Give the move of the very write that a card shows, if it was not taken."""
        version = card.fields[OurField.VERSION]
        move = self.tried.get(version) if isinstance(version, int) else None
        return move if move is not None and card.stage == move.before else None

    def _sent_to(self, card: Card) -> frozenset[Move]:
        version = card.fields[OurField.VERSION]
        seen = version if isinstance(version, int) else 0
        return frozenset(move for at, move in self.tried.items() if at <= seen)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do with one card."""

    change: Change | None
    """None: the card says already what a person should see."""
    fields: Fields
    """The values of ours that the card shows afterwards, ``VERSION`` among them."""
    overridden: frozenset[OurField]
    """Fields that hold a person's value: kept, until the person empties them."""
    suggested: Move | None = None


def decision_of(
    prediction: Prediction,
    *,
    entity: str,
    language: str,
    money: int | None = None,
    action: str | None = None,
) -> Decision:
    """Say a prediction in the fields of a card.

    Parameters
    ----------
    entity
        The card, as in ``Card.entity``.
    language
        Of the reasons: ``"ru"`` or ``"en"``.
    money
        What the lead is expected to bring, in whole units of currency, if known.
    action
        What to do next, if anything.
    """
    known = prediction.tier is not Tier.NO_DATA and pointed(prediction) is None
    texts = [r.text.get(language, "") for r in prediction.reasons[:MOST_REASONS]]
    fields: dict[OurField, Value] = {
        OurField.TIER: prediction.tier.value,
        OurField.PROBABILITY: round(prediction.probability * 100) if known else None,
        OurField.AS_OF: prediction.as_of.astimezone(UTC).replace(microsecond=0),
        OurField.MODEL_VERSION: prediction.model_version,
    }
    if prediction.reasons:
        fields[OurField.REASONS] = shortened("; ".join(filter(None, texts))) or None
    if money is not None:
        fields[OurField.EXPECTED_MONEY] = money if known else None
    if action is not None:
        fields[OurField.ACTION] = shortened(action) or None
    return Decision(entity, fields)


def shortened(text: str, most: int = MOST_TEXT) -> str:
    """Cut a text so that a card can hold it, after a whole word.

    Examples
    --------
    >>> shortened("three visits in a week", 14)
    'three visits…'
    """
    text = " ".join(text.replace("\0", " ").split())
    if len(text) <= most:
        return text
    cut = text[: most - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut else cut) + CUT


def plan(
    decision: Decision, card: Card, shown: Shown, *, version: int, policy: Policy
) -> Plan:
    """Find the smallest change that makes a card say what was decided.

    Nothing is written unless the tier differs, the probability by ``policy.step`` or
    more, a field of ours was emptied, the plan is another, the card fell back to an
    earlier version, or it did not take the stage: then that is suggested.

    Parameters
    ----------
    decision
        What the card should say.
    card
        What it says.
    shown
        What we had on it.
    version
        The version that this write would be.
    policy
        What counts as noticed, and the moves that are allowed.
    """
    ours = shown.at(card.fields[OurField.VERSION])
    overridden = overridden_in(card, ours)
    move, suggested = _move(decision, card, shown, overridden, policy)
    wanted = _wanted(decision, suggested, policy)
    wanted = {name: value for name, value in wanted.items() if name not in overridden}
    kept = {
        name: value
        for name, value in ours.items()
        if name not in overridden and card.fields[name] is not None
    }
    is_new = decision.is_renewed and shown.version < version
    person = responsible_for(decision.assignment, card, shown)
    is_unmoved = bool(shown.refused) or shown.torn(card) is not None
    is_new = is_new or is_unmoved or person is not None
    tie = _tie(decision, card)
    is_tied = decision.tie is not None and _is_tied(card, decision.tie.after)
    is_ordered = move is not None or tie is not None or is_tied
    stands = not is_ordered and not is_new and not _has_fallen_back(card, shown)
    if stands and not is_noticed(card.fields, wanted, policy.step):
        return Plan(None, kept, overridden, suggested)
    fields: dict[OurField, Value] = {
        name: value
        for name, value in wanted.items()
        if not is_same(value, card.fields[name])
    }
    after = {**kept, **wanted, OurField.VERSION: version}
    fields[OurField.VERSION] = version
    change = Change(decision.entity, fields, move, person, tie)
    return Plan(change, after, overridden, suggested)


def responsible_for(wanted: Assignment | None, card: Card, shown: Shown) -> str | None:
    """Say who is to be made responsible; None leaves whoever is there.

    Examples
    --------
    >>> card, shown = Card("lead:1", {}, responsible="7"), Shown()
    >>> responsible_for(Assignment("9"), card, shown)
    >>> responsible_for(Assignment("9", instead_of=("7",)), card, shown)
    '9'
    """
    if wanted is None or shown.version >= wanted.since:
        return None
    there = card.responsible
    if there == wanted.person:
        return None
    is_free = there in {None, "", "0", *wanted.instead_of}
    return wanted.person if is_free else None


def overridden_in(card: Card, ours: Fields) -> frozenset[OurField]:
    """Name the fields that hold what a person wrote: not empty, and not what we had."""
    return frozenset(
        name
        for name, value in card.fields.items()
        if name is not OurField.VERSION
        and value is not None
        and not is_same(value, ours.get(name))
    )


def is_noticed(shows: Fields, wanted: Fields, step: int) -> bool:
    """Whether a person would see the difference: a fall counts like a rise."""
    for name, value in wanted.items():
        there = shows[name]
        if (there is None) != (value is None):
            return True
        if name is OurField.TIER and not is_same(there, value):
            return True
        if (
            name is OurField.PROBABILITY
            and isinstance(there, int)
            and isinstance(value, int)
            and abs(there - value) >= step
        ):
            return True
    return False


def is_same(one: Value, other: Value) -> bool:
    """Compare values as a CRM keeps them: blanks folded, times to the second."""
    if isinstance(one, str) and isinstance(other, str):
        return one.split() == other.split()
    if isinstance(one, datetime) and isinstance(other, datetime):
        return abs(one - other) < timedelta(seconds=1)
    return one == other


def is_overtaken(decision: Decision, card: Card) -> bool:
    """Whether people have done otherwise with a card than somebody ordered.

    What was to be said about the order would then be untrue.
    """
    move, tie = decision.move, decision.tie
    if move is not None and card.stage not in {move.before, move.after}:
        return True
    if tie is None:
        return False
    return not (_is_tied(card, tie.before) or _is_tied(card, tie.after))


def _has_fallen_back(card: Card, shown: Shown) -> bool:
    """Whether the card says an earlier version than it did: a restored backup."""
    version = card.fields[OurField.VERSION]
    return (version if isinstance(version, int) else 0) < shown.version


def _tie(decision: Decision, card: Card) -> Tie | None:
    """Give the tie to make; None if there is none, or the card is tied otherwise."""
    ordered = decision.tie
    if ordered is None or not _is_tied(card, ordered.before):
        return None
    return ordered


def _is_tied(card: Card, clients: tuple[str, ...]) -> bool:
    return set(card.clients) == set(clients)


def _wanted(
    decision: Decision, suggested: Move | None, policy: Policy
) -> dict[OurField, Value]:
    wanted = dict(decision.fields)
    for rule in _rules(decision, policy):
        if suggested is not None and rule.move == suggested:
            action = wanted.get(OurField.ACTION) or ""
            wanted[OurField.ACTION] = shortened(f"{action} {rule.words}") or None
    return wanted


def _move(
    decision: Decision,
    card: Card,
    shown: Shown,
    overridden: frozenset[OurField],
    policy: Policy,
) -> tuple[Move | None, Move | None]:
    """Give the move to make and the one to suggest; at most one of both.

    None if somebody moved the card since the prediction, or set the tier by hand. What
    the CRM did not take is only suggested, but for what a person ordered again.
    """
    ordered, made = decision.move, shown.made(card)
    if ordered is not None and ordered not in made:
        return (ordered if card.stage == ordered.before else None), None
    if card.stage is None or card.stage != decision.stage:
        return None, None
    if OurField.TIER in overridden:
        return None, None
    for rule in _rules(decision, policy):
        fits = rule.move.before == card.stage and rule.move not in made
        if fits and rule.tier.value == decision.fields.get(OurField.TIER):
            is_on = rule.is_on and rule.move not in shown.untaken(card)
            return (rule.move, None) if is_on else (None, rule.move)
    return None, None


def _rules(decision: Decision, policy: Policy) -> tuple[MoveRule, ...]:
    """Give the moves to consider; a plan's is made only where its pair is on, too."""
    named = decision.rule
    if named is None:
        return policy.moves
    pair = (named.tier, named.move)
    allowed = any(one.is_on and (one.tier, one.move) == pair for one in policy.moves)
    return (replace(named, is_on=named.is_on and allowed),)
