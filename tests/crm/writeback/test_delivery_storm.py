"""T03: a CRM that is away for minutes; the clock of the play, not of the wall."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pytest
from tests.crm.writeback.cardstore import CardStore, Faults
from tests.crm.writeback.herd import lost
from tests.crm.writeback.saying import record, said
from tests.crm.writeback.timelapse import Stage, staged
from tests.seeds import seed_of, tell

from crm.port import Allowance

RATE = 5.0
PROBE = 30.0
BEGUN = 5.0
"""What was under way when the storm came has ended by then, and the breaker is open."""


@dataclass
class Weather:
    """When the CRM went away, came back in part, and was well."""

    storm: float = 0.0
    half: float = 0.0
    calm: float = 0.0


def storm(stage: Stage, leads: int, *, away: float, half: float) -> Weather:
    """Take the CRM away from four workers, give back half, then all of it."""
    seen, clock = Weather(), stage.clock

    def script() -> None:
        record(stage.journal, [said(str(number)) for number in range(leads)])
        clock.sleep(10)
        seen.storm, stage.store.faults = clock.now(), Faults(down=1.0)
        clock.sleep(away)
        seen.half, stage.store.faults = clock.now(), Faults(down=0.5)
        clock.sleep(half)
        seen.calm, stage.store.faults = clock.now(), Faults()
        stage.drained(seconds=600 + leads)

    stage.played(4, script)
    return seen


def probes_in(stage: Stage, since: float, until: float) -> list[float]:
    """Give the times of requests in a span."""
    return [at for at, *_ in stage.store.requests if since < at <= until]


def rate_after(stage: Stage, since: float) -> float:
    """Give the rate of a drain, as a share of what is allowed.

    From the first answer after the outage to the last new card, without the tail in
    which single cards wait for the end of their own pauses.
    """
    writes = [one.at for one in stage.store.ledger if one.at > since]
    begun, end = writes[0], writes[round(len(writes) * 0.9) - 1]
    asked = [at for at, *_ in stage.store.requests if begun < at <= end]
    return len(asked) / ((end - begun) * RATE)


@pytest.mark.parametrize(
    ("leads", "away", "half"),
    [(150, 100, 20), pytest.param(2_000, 600, 300, marks=pytest.mark.long)],
)
def test_an_outage_kills_no_letter_and_is_probed_seldom(
    url: str, leads: int, away: float, half: float
) -> None:
    """While the breaker is open one probe in 30 s; then all is written at full rate."""
    store = CardStore(seed_of("T03", 3), burst=5, per_second=RATE)
    allowance = Allowance(RATE, 5)
    with staged(url, store, leads=leads, allowance=allowance, most_at_once=1) as stage:
        seen = storm(stage, leads, away=away, half=half)
        probes = probes_in(stage, seen.storm + BEGUN, seen.half)
        gaps = [later - sooner for sooner, later in pairwise(probes)]
        left = leads - sum(one.at <= seen.calm for one in store.ledger)
        rate = rate_after(stage, seen.calm)
        tell(
            "T03", probes=len(probes), nearest=min(gaps), left_at_calm=left,
            rate=f"{rate:.3f}", over_limit=store.over_limit,
            dead=stage.upkeep().state().dead, requests=len(store.requests),
        )  # fmt: skip

        assert len(probes) <= away / PROBE + 1
        assert min(gaps) >= PROBE
        assert stage.upkeep().state().dead == 0
        assert left > leads / 10
        assert 0.9 <= rate <= 1.0
        assert store.over_limit == 0
        assert (lost(stage.journal, store), store.doubled(), store.gone_back()) == (
            [], {}, [],
        )  # fmt: skip
