"""What the managers' CRM shows: stages, closing, reopening, fields filled in late.

Everything here follows from what could be seen at that moment and from dice of its own,
so no stage tells more of a lead than its visible doings. Only what is filled in *at or
after* an outcome tells the outcome: the closing reason and the scan of the contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from leads.synthetic.behaviour import LIFE, Lives
from leads.synthetic.clock import DAY, HOUR, SECOND, moments_in
from leads.synthetic.ledger import PLANS, Ledger
from leads.synthetic.people import PIPELINES, Ints, People

STAGES: Final = (
    # by pipeline: new, contacted, set up, invoiced, won, lost
    ("Registered", "Registered", "Activated", "Invoice", "Paid", "Gone"),
    ("New", "Contacted", "Demo", "Proposal", "Won", "Lost"),
    ("Received", "In touch", "Pilot", "Contract", "Won", "Lost"),
)
NEW, CONTACTED, ACTIVE, INVOICE, WON, LOST = range(6)
REASONS: Final = ("no reply", "too expensive", "chose another", "not now")
MOVED_BACK: Final = 0.08
REOPENED: Final = 0.03
NEVER: Final = np.iinfo(np.int64).max // 2


Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Office:
    """Flat rows by place of the lead; moments in microseconds."""

    stages: pl.DataFrame  # lead, at, pipeline, stage
    changes: pl.DataFrame  # lead, at, field, value
    moved_at: Ints  # (2, n): set up, invoiced; NEVER if not


def work(
    people: People, lives: Lives, ledger: Ledger, rng: np.random.Generator
) -> Office:
    """Let managers move cards, close and reopen them."""
    desk = _Desk(people, lives, ledger, rng)
    desk.advance()
    desk.step_back()
    desk.close()
    desk.settle()
    return Office(pl.concat(desk.stages), pl.concat(desk.changes), desk.moved_at)


class _Desk:
    """Rows in the making."""

    def __init__(
        self, people: People, lives: Lives, ledger: Ledger, rng: np.random.Generator
    ) -> None:
        self.people, self.ledger, self.rng = people, ledger, rng
        self.count = len(people)
        self.everyone = np.arange(self.count)
        self.moved_at = np.full((2, self.count), NEVER)
        for place, days in enumerate(lives.moved_on):
            who = np.flatnonzero(days >= 0)
            self.moved_at[place, who] = moments_in(people.created[who], days[who], rng)
        self.booked = np.full(self.count, NEVER)
        self.booked[ledger.payer] = ledger.booked_at
        self.stages: list[pl.DataFrame] = []
        self.changes: list[pl.DataFrame] = []

    def advance(self) -> None:
        """Follow the lead from its creation to the invoice."""
        created, (set_up, invoiced) = self.people.created, self.moved_at
        contacted = created + self._wait(0.0, 1.0)
        self._stage(created, NEW, self.everyone >= 0)
        early = contacted < np.minimum(set_up, self.booked)
        self._stage(contacted, CONTACTED, early & (self.people.pipeline > 0))
        self._stage(set_up, ACTIVE, set_up < NEVER)
        self._stage(invoiced, INVOICE, invoiced < NEVER)
        self._change(invoiced, "plan", self._plan(), invoiced < NEVER)

    def step_back(self) -> None:
        """Move some cards back for a while, as long as nothing else happens."""
        set_up, invoiced = self.moved_at
        unlucky = (set_up < NEVER) & (self.rng.random(self.count) < MOVED_BACK)
        back = set_up + self._wait(0.5, 2.0)
        again = back + self._wait(0.3, 1.5)
        quiet = np.minimum(invoiced, self.booked)
        self._stage(back, CONTACTED, unlucky & (back < quiet))
        self._stage(again, ACTIVE, unlucky & (again < quiet))

    def close(self) -> None:
        """Give up on leads that stood still too long, and come back to a few of them.

        A lead that moves on after it was closed is open again until it stands still.
        """
        set_up, invoiced = self.moved_at
        least = self.people.created + self._wait(40.0, 15.0)
        still = np.maximum(least, set_up + self._wait(35.0, 10.0))
        unpaid = np.maximum(least, invoiced + self._wait(45.0, 10.0))
        self._give_up(least, least < set_up)
        self._give_up(still, still < invoiced)
        self._give_up(unpaid, invoiced < NEVER)
        back = least + self._wait(1.0, 10.0)
        again = back + self._wait(15.0, 15.0)
        some = self.rng.random(self.count) < REOPENED
        some &= back < np.minimum(set_up, self.booked)
        self._stage(back, NEW, some)
        nothing = pl.Series([None], dtype=pl.String).gather(np.zeros(self.count, int))
        self._change(back, "close_reason", nothing, some)
        self._give_up(again, some & (again < set_up))

    def settle(self) -> None:
        """Close as won what is paid, and as lost what is given back in full."""
        paid = self.booked < NEVER
        self._stage(self.booked, WON, paid)
        same = pl.Series(["paid", "refund"])
        won = same.gather(np.zeros(self.count, int))
        self._change(self.booked, "close_reason", won, paid)
        late_plan = paid & (self.moved_at[1] == NEVER)
        self._change(self.booked, "plan", self._plan(), late_plan)
        refunded = np.zeros(self.count, dtype=np.int64)
        refunded[self.ledger.payer] = self.ledger.refunded_at
        self._stage(refunded + SECOND, LOST, refunded > 0)
        lost = same.gather(np.ones(self.count, int))
        self._change(refunded + SECOND, "close_reason", lost, refunded > 0)

    def _give_up(self, at: Ints, who: Mask) -> None:
        """Close as lost, unless the money is already booked."""
        who = who & (at < self.booked)
        self._stage(at, LOST, who)
        reason = self.rng.integers(0, len(REASONS), self.count)
        self._change(at, "close_reason", pl.Series(REASONS).gather(reason), who)

    def _wait(self, least: float, mean: float) -> Ints:
        """Draw a delay of at least so many days and a mean of so many more."""
        days = least + self.rng.exponential(mean, self.count)
        return (np.minimum(days, LIFE) * DAY).astype(np.int64) + 1

    def _plan(self) -> pl.Series:
        return pl.Series(PLANS).gather(self.ledger.plan)

    def _stage(self, at: Ints, step: int, who: Mask) -> None:
        lead = np.flatnonzero(who)
        pipeline = self.people.pipeline[lead]
        names = pl.Series([stages[step] for stages in STAGES])
        self.stages.append(
            pl.DataFrame(
                {
                    "lead": lead,
                    "at": at[lead],
                    "funnel": pl.Series(PIPELINES).gather(pipeline),
                    "stage": names.gather(pipeline),
                }
            )
        )

    def _change(self, at: Ints, field: str, values: pl.Series, who: Mask) -> None:
        lead = np.flatnonzero(who)
        self.changes.append(
            pl.DataFrame(
                {
                    "lead": lead,
                    "at": at[lead],
                    "field": pl.Series([field]).gather(np.zeros(len(lead), int)),
                    "new_value": values.gather(lead),
                }
            )
        )


def contract_scans(
    people: People, ledger: Ledger, rng: np.random.Generator
) -> pl.DataFrame:
    """Date scanned contracts back to before the payment, though filed days after it.

    Whoever looks at their own date instead of the day they were filed sees the future.
    """
    signed = rng.random(len(ledger.payer)) < 0.6
    count = int(signed.sum())
    lead = ledger.payer[signed]
    at = ledger.paid_at[signed] - rng.integers(5 * HOUR, 3 * DAY, count)
    after = rng.integers(HOUR, 2 * DAY, count)
    return pl.DataFrame(
        {
            "lead": lead,
            "at": np.maximum(at, people.created[lead]),
            "recorded_at": ledger.booked_at[signed] + after,
        }
    )
