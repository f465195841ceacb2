"""A card waits to be written only if a person would notice a difference."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.crm.writeback.saying import decide, said

from crm.port import OurField
from crm.writeback.guidance import Guidance
from crm.writeback.offering import Offering
from crm.writeback.plan import Decision
from crm.writeback.tables import OUTBOX, text_of
from crm.writeback.text import decision_in
from leads.decision import Prediction, Tier
from leads.journal import Journal

STEP: Final = 5
NUMBERS: Final = itertools.count()


@dataclass(frozen=True, slots=True)
class Morning:
    """What is said of a lead; ``plan`` is None while nobody can plan."""

    tier: Tier
    points: int
    plan: str | None
    is_read: bool
    """Whether the card is written before the next morning."""


MORNINGS = st.builds(
    Morning,
    tier=st.sampled_from([Tier.HOT, Tier.COLD]),
    points=st.sampled_from([20, 22, 24, 30]),
    plan=st.sampled_from(["call", "mail", None]),
    is_read=st.booleans(),
)


def guided(
    prediction: Prediction, guidance: Guidance | None, *, leave: bool
) -> Decision:
    """Say a prediction and its plan on the card of its lead."""
    made = decide(prediction)
    if leave:
        return replace(made, mark=None)
    assert guidance is not None
    fields = {**made.fields, OurField.ACTION: guidance.action}
    return replace(made, fields=fields, mark=guidance.mark)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journal]:
    """Open one journal for all examples; each has an account of its own."""
    folder = tmp_path_factory.mktemp("journal")
    with closing(Journal(f"sqlite:///{folder / 'journal.db'}")) as made:
        made.upgrade()
        yield made


@settings(max_examples=40, deadline=None)
@given(mornings=st.lists(MORNINGS, min_size=1, max_size=6))
def test_a_card_moves_only_when_a_person_would_notice(
    journal: Journal, mornings: Sequence[Morning]
) -> None:
    """Tier, five points, or another plan; and nothing that was noticed is lost."""
    account = f"a{next(NUMBERS)}"
    mine = OUTBOX.c.account == account
    offering = Offering(account, decide, step=STEP, guided=guided)
    shown: Morning | None = None
    plan: str | None = ""
    waits = False
    for day, now in enumerate(mornings):
        guidance = Guidance(now.plan or "", now.plan or "")
        made = said("7", now.tier, now.points / 100, day=day)
        guidances = None if now.plan is None else {"7": guidance}
        with journal.writing() as connection:
            offering(connection, [made], guidances)
            row = connection.execute(sa.select(OUTBOX).where(mine)).one()

        is_other = now.plan is not None and now.plan != plan
        is_news = (
            shown is None
            or now.tier is not shown.tier
            or abs(now.points - shown.points) >= STEP
            or is_other
        )
        waits = waits or is_news
        assert (row.desired_version > row.confirmed_version) is waits
        plan = now.plan if is_other else plan
        if now.is_read and waits:
            shown, waits = now, False
            _deliver(journal, row)


def _deliver(journal: Journal, row: sa.Row[tuple[object, ...]]) -> None:
    """Settle a row as the worker does once the card says what was wanted."""
    fields = decision_in(row.entity, row.desired, row.stage).fields
    values = {
        "confirmed_version": row.desired_version,
        "shown_version": row.desired_version,
        "shown": text_of(fields),
        "next_at": None,
    }
    with journal.writing() as connection:
        connection.execute(
            sa.update(OUTBOX).where(OUTBOX.c.account == row.account).values(values)
        )
