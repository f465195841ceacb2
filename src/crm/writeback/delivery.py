"""The worker: takes due cards, looks at them, writes what differs, settles.

Any number of workers may run, as threads or processes, on one machine or several: the
outbox says who works on what, the gate says how fast. A worker that dies leaves nothing
to clean up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import structlog

from crm.port import (
    STAGE_NOT_TAKEN,
    AccessLost,
    Card,
    CardDesk,
    GateClosed,
    OurField,
    Outcome,
    Result,
)
from crm.stoppage import Stoppage
from crm.writeback.noting import Notary
from crm.writeback.outbox import Claim, Outbox, Sending, Settlement
from crm.writeback.pace import PaceGate
from crm.writeback.plan import Plan, Policy, overridden_in, plan
from leads.errors import BadConfig, LeadcastError, Unavailable

IDLE: Final = timedelta(seconds=1)
SUSPECT: Final = 3
"""After so many attempts a row is worked on alone, lest it spoil its company."""
STOPS: Final = (AccessLost, BadConfig)
"""What only a person mends: access that was taken away, fields that were changed."""
STOPPED: Final = timedelta(seconds=30)
GONE: Final = Result(Outcome.REFUSED, "GONE")
DONE: Final = Result(Outcome.APPLIED)
UNMOVED: Final = Result(Outcome.REFUSED, STAGE_NOT_TAKEN)

Cards = Mapping[str, Card | None]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Round:
    """What one round of a worker came to."""

    claimed: int = 0
    written: int = 0
    wait: timedelta = timedelta(0)
    """How long nothing may be sent."""


class Worker:
    """Delivers what the outbox holds; one per thread.

    Parameters
    ----------
    outbox
        What to deliver.
    desk
        Where to; it sends through ``gate``.
    gate
        The gate of the same account.
    policy
        What a person would notice.
    stoppage
        Remembers what only a person mends.
    """

    def __init__(
        self,
        outbox: Outbox,
        desk: CardDesk,
        *,
        gate: PaceGate,
        policy: Policy,
        stoppage: Stoppage | None = None,
    ) -> None:
        self.outbox = outbox
        self.desk = desk
        self.gate = gate
        self.policy = policy
        self.notary = Notary(outbox, desk)
        self.stoppage = stoppage or Stoppage()
        self._due = threading.Event()

    def wake(self) -> None:
        """Say that there is something to deliver, or that it is over."""
        self._due.set()

    def run(self, stopping: threading.Event, *, idle: timedelta = IDLE) -> None:
        """Work until told to stop; what is under way is finished first.

        Whoever sets ``stopping`` and calls ``wake`` need not wait for the next look.
        """
        while not stopping.is_set():
            self._due.clear()
            try:
                done = self.round()
            except STOPS as error:
                if self.stoppage.met(error):
                    log.error("delivery_stopped", why=error.what, remedy=error.remedy)
                done = Round(wait=STOPPED)
            except LeadcastError as error:
                log.warning("delivery_waits", why=type(error).__name__)
                done = Round()
            except Exception:  # one bad card must not end the writing of all others
                log.error("delivery_failed", exc_info=True)
                done = Round()
            if done.wait == STOPPED:  # no new prediction mends it
                stopping.wait(STOPPED / timedelta(seconds=1))
            elif not done.claimed:
                pause = min(max(done.wait, idle), timedelta(seconds=30))
                self._due.wait(pause / timedelta(seconds=1))

    def round(self) -> Round:
        """Claim once, and deliver what was claimed.

        Raises
        ------
        Unavailable
            The database did not answer; what was claimed is claimed again later.
        AccessLost, BadConfig
            A person must act before anything can be written; nothing was.
        """
        wait = self.gate.wait()
        if wait:
            return Round(wait=wait)
        claims = self.outbox.claim(self.desk.most_at_once)
        calm = [claim for claim in claims if claim.attempts <= SUSPECT]
        alone = [[claim] for claim in claims if claim.attempts > SUSPECT]
        parts = [part for part in (calm, *alone) if part]
        return Round(len(claims), sum(self._deliver(part) for part in parts))

    def _deliver(self, claims: Sequence[Claim]) -> int:
        """Look at the cards, and write those that need it; give how many were."""
        try:
            cards = self.desk.read([claim.entity for claim in claims])
        except STOPS:
            # No card's fault: it must not count against any.
            self.outbox.put_back(claims, STOPPED)
            raise
        except GateClosed as closed:
            self.outbox.put_back(claims, max(closed.retry_after, _second()))
            return 0
        except Unavailable:
            self._put_back_later(claims)
            return 0
        self.stoppage.over()
        sendings, settled, plans = self._planned(claims, cards)
        if settled:
            self.outbox.settle(self.notary.served(settled, cards))
        written = 0
        most = self.desk.most_at_once
        for start in range(0, len(sendings), most):
            written += self._send(sendings[start : start + most], cards, plans)
        return written

    def _planned(
        self, claims: Sequence[Claim], cards: Cards
    ) -> tuple[list[Sending], list[Settlement], dict[str, Plan]]:
        policy = self._policy_today()
        sendings, settled, plans = [], [], {}
        for claim in claims:
            card = cards.get(claim.entity)
            if card is None:
                settled.append(_settled(claim, GONE))
                continue
            found = self._resolved(claim, card)
            if found is not None:
                settled.append(found)
                continue
            version = _version_for(claim, card)
            made = plan(
                claim.decision, card, claim.shown, version=version, policy=policy
            )
            plans[claim.entity] = made
            if made.change is None:
                settled.append(_left(claim, card, made))
            else:
                sendings.append(Sending(claim, version, made.change, made.fields))
        return sendings, settled, plans

    def _resolved(self, claim: Claim, card: Card) -> Settlement | None:
        """Find that the card carries the wanted version: an earlier try got through.

        A version says that the fields were taken; the stage speaks for itself. What a
        person ordered is given up if it was not, until that person asks again.
        """
        torn = claim.shown.torn(card)
        if torn is not None and torn == claim.decision.move and claim.attempts > 1:
            return _settled(claim, UNMOVED)
        sent = claim.shown.sent.get(claim.version)
        is_there = card.fields[OurField.VERSION] == claim.version
        if claim.is_check or sent is None or not is_there or torn is not None:
            return None
        overridden = overridden_in(card, sent)
        shown = {name: value for name, value in sent.items() if name not in overridden}
        return Settlement(
            claim, DONE, claim.version,
            shown_version=claim.version, shown=shown, overridden=overridden,
        )  # fmt: skip

    def _send(
        self, sendings: Sequence[Sending], cards: Cards, plans: Mapping[str, Plan]
    ) -> int:
        """Mark, send, settle; nothing is sent that is not marked.

        What was refused with a rule's move goes out once more without it.
        """
        begun = time.monotonic()
        marked = self.outbox.mark(sendings)
        kept = {one.claim.entity for one in marked}
        held_back = [s.claim for s in sendings if s.claim.entity not in kept]
        if held_back:
            self.outbox.put_back(held_back, timedelta(0))
        if not marked:
            return 0
        latest = begun + self.outbox.terms.start_within / timedelta(seconds=1)
        with self.gate.until(latest):
            results = self.desk.write([one.change for one in marked])
        is_counted = self._is_theirs(results)
        settlements, unmoved = [], []
        for one, result in zip(marked, results, strict=True):
            if result.outcome is Outcome.REFUSED and one.is_of_a_rule:
                log.warning("move_refused", entity=one.claim.entity, why=result.why)
                unmoved.append(one)
                continue
            settlements.append(
                Settlement(
                    one.claim, result, one.version,
                    shown_version=one.version, shown=one.after,
                    overridden=plans[one.claim.entity].overridden,
                    is_counted=is_counted,
                )
            )  # fmt: skip
        self.outbox.settle(self.notary.served(settlements, cards))
        applied = sum(result.outcome is Outcome.APPLIED for result in results)
        return applied + self._send_unmoved(unmoved, cards, plans)

    def _send_unmoved(
        self, refused: Sequence[Sending], cards: Cards, plans: Mapping[str, Plan]
    ) -> int:
        """Suggest the moves that were refused; the cards are as they were read."""
        if not refused:
            return 0
        policy, anew, made = self._policy_today(), [], dict(plans)
        for one in refused:
            card, move = cards[one.claim.entity], one.change.move
            assert card is not None, "nothing was planned for a card that is gone"
            assert move is not None, "a rule's write has a move"
            shown = replace(one.claim.shown, refused=frozenset({move}))
            version = one.version + 1
            found = plan(
                one.claim.decision, card, shown, version=version, policy=policy
            )
            assert found.change is not None, "a write without its move is one still"
            claim = replace(one.claim, version=one.version)
            anew.append(Sending(claim, version, found.change, found.fields))
            made[one.claim.entity] = found
        return self._send(anew, cards, made)

    def _is_theirs(self, results: Sequence[Result]) -> bool:
        """Whether a failure is laid to the cards: the CRM is well, or takes others."""
        if self.gate.is_well():
            return True
        is_unclear = any(one.outcome is Outcome.UNCLEAR for one in results)
        return is_unclear and self.outbox.was_taken_lately()

    def _policy_today(self) -> Policy:
        """Let moves be suggested only, once as many were made as a day may have."""
        if not any(rule.is_on for rule in self.policy.moves):
            return self.policy
        if self.outbox.moves_left() > 0:
            return self.policy
        rules = tuple(replace(rule, is_on=False) for rule in self.policy.moves)
        return replace(self.policy, moves=rules)

    def _put_back_later(self, claims: Sequence[Claim]) -> None:
        is_counted = self.gate.is_well()
        for claim in claims:
            pause = self.outbox.terms.pause(claim.attempts)
            self.outbox.put_back([claim], pause, is_counted=is_counted)


def _version_for(claim: Claim, card: Card) -> int:
    """Give a write its number: a repair gets a new one, none is below the card's.

    A card that did not take the stage of a version is repaired, too.
    """
    there = card.fields[OurField.VERSION]
    floor = there if isinstance(there, int) else 0
    is_known = floor in claim.shown.sent or floor <= claim.shown.version
    is_torn = there == claim.version and claim.shown.torn(card) is not None
    version = claim.version + 1 if claim.is_check or is_torn else claim.version
    return version if is_known else max(version, floor + 1)


def _left(claim: Claim, card: Card, made: Plan) -> Settlement:
    """Confirm without a write: the card says it already, as far as a person sees."""
    there = card.fields[OurField.VERSION]
    seen = there if isinstance(there, int) and there in claim.shown.sent else 0
    return Settlement(
        claim, DONE, claim.version,
        shown_version=max(claim.shown.version, seen), shown=made.fields,
        overridden=made.overridden,
    )  # fmt: skip


def _settled(claim: Claim, result: Result) -> Settlement:
    return Settlement(
        claim, result, claim.version,
        shown_version=claim.shown.version, shown=claim.shown.fields,
    )  # fmt: skip


def _second() -> timedelta:
    return timedelta(seconds=1)
