"""A stage that a portal does not take is suggested or given up, and never called made.

A portal may refuse a write for its stage (an empty field that the stage requires), or
take the fields and leave the stage where it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa
from tests.crm.bitrix24 import portal as portals
from tests.crm.test_moving import Bitrix24, Company, company

from crm.bitrix24.cards import Desk
from crm.bitrix24.client import Client
from crm.port import CardDesk, Change, Move, OurField, Result
from crm.testing.bitrix24.account import Switch
from crm.testing.bitrix24.records import change_by
from crm.testing.bitrix24.schema import LEAD
from crm.writeback.ordering import Order, order
from crm.writeback.tables import OUTBOX
from crm.writeback.upkeep import Upkeep
from leads.decision import Tier

WORDS: Final = "Move on to the next stage."
LEFT, REQUIRED = "left", "required"


class Telling(Desk):
    """A desk that remembers the moves it was to make."""

    def __init__(self, client: Client, tried: list[Move]) -> None:
        super().__init__(client)
        self._tried = tried

    def write(self, changes: Sequence[Change]) -> Sequence[Result]:
        """Remember the moves, and write."""
        self._tried += [one.move for one in changes if one.move is not None]
        return super().write(changes)


class Picky(Bitrix24):
    """A portal that does not take the stage ``after``, in one of two ways."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.tried: list[Move] = []
        self.is_picky(way)

    def desk(self) -> CardDesk:
        """Open a desk of it."""
        return Telling(portals.client_of(self.portal), self.tried)

    def is_picky(self, way: str) -> None:
        """Leave stages, refuse them, or take them as other portals do."""
        switches = frozenset({Switch.STAGE_IGNORED}) if way == LEFT else frozenset()
        self.portal.profile = replace(self.portal.profile, switches=switches)
        asked = frozenset({"comments"}) if way == REQUIRED else frozenset()
        self.portal.state.stage_required[LEAD.type_id, self.after] = asked


@pytest.fixture(params=[LEFT, REQUIRED])
def portal(request: pytest.FixtureRequest) -> Picky:
    """Give a portal of each way."""
    return Picky(request.param)


@pytest.fixture
def made(portal: Picky, tmp_path: Path) -> Iterator[Company]:
    """Write back to it, hot leads to be moved."""
    with company(portal, tmp_path) as opened:
        yield opened


def hurry(made: Company) -> None:
    """Let every pause and lease be over."""
    with made.journal.writing() as connection:
        waits = sa.update(OUTBOX).where(OUTBOX.c.next_at.is_not(None))
        connection.execute(waits.values(next_at=0, lease_until=0))


def settled(made: Company) -> str:
    """Deliver until nothing is due; give the lead's stage and what to do about it."""
    for _ in range(4):
        card = made.delivered("1")
        hurry(made)
    assert card.fields[OurField.TIER] == "hot"
    return f"{card.stage}: {card.fields[OurField.ACTION]}"


def given_up(made: Company) -> list[str]:
    """Say why cards were given up."""
    return [one.why for one in Upkeep(made.journal, "acme").dead()]


def dies_after_writing(made: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a worker write what is due and die before it says so."""
    desk = made.courier.desk

    def dying(changes: Sequence[Change]) -> Sequence[Result]:
        Telling.write(desk, changes)  # type: ignore[arg-type]  # a Picky's desk is one
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(desk, "write", dying)
        worker = made.courier.worker()
        with pytest.raises(RuntimeError):
            worker.round()


def ordered(made: Company) -> None:
    """Let a person approve a move."""
    move = Move(Bitrix24.before, Bitrix24.after)
    order(made.journal, "acme", [Order("lead:1", "1", move, "as approved", "clean")])


def test_a_move_that_is_not_taken_is_suggested_and_not_tried_again(
    portal: Picky, made: Company
) -> None:
    """The card says what could be done; later predictions and sweeps leave it so."""
    made.say("1")
    first = settled(made)
    made.say("1", probability=0.9)
    later = settled(made)
    Upkeep(made.journal, "acme").sweep()
    swept = settled(made)

    assert first == later == swept
    assert first == f"{portal.before}: Call: 3 visits {WORDS}"
    assert len(portal.tried) == 1
    assert given_up(made) == []


def test_a_worker_that_dies_after_the_answer_calls_no_move_made(
    portal: Picky, made: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever takes over judges by the stage of the card, not by its version."""
    made.say("1")
    dies_after_writing(made, monkeypatch)
    hurry(made)

    told = settled(made)
    assert told.startswith(portal.before)
    assert told.endswith(WORDS)


def test_what_a_person_ordered_is_given_up_with_its_reason(
    portal: Picky, made: Company
) -> None:
    """It is not tried until somebody has mended the portal and asks again."""
    made.say("1", Tier.WARM)
    made.delivered("1")
    ordered(made)
    made.delivered("1")
    hurry(made)
    again = made.delivered("1")
    why, tried = given_up(made), len(portal.tried)

    portal.is_picky("")
    change_by(portal.portal, LEAD, 1, {"comments": "filled in"})
    Upkeep(made.journal, "acme").replay()
    card = made.delivered("1")

    assert again.stage == portal.before
    assert why in (["STAGE_NOT_TAKEN"], ["CRM_FIELD_ERROR_REQUIRED"])
    assert tried == 1
    assert card.stage == portal.after
    assert given_up(made) == []


def test_an_order_that_a_person_undid_meanwhile_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If nobody saw the card moved it may have been put back: a person must say."""
    portal = Picky("")
    with company(portal, tmp_path) as made:
        ordered(made)
        dies_after_writing(made, monkeypatch)
        change_by(portal.portal, LEAD, 1, {"stageId": portal.before})
        hurry(made)
        card = made.delivered("1")

        assert given_up(made) == ["STAGE_NOT_TAKEN"]
    assert card.stage == portal.before
    assert len(portal.tried) == 1
