"""A delivery that is killed anywhere leaves a clean-up that the next one finishes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest
import sqlalchemy as sa
from tests.crm.amocrm.line import client_of as amo_client
from tests.crm.bitrix24.portal import client_of as bitrix_client
from tests.journeys.messy import ACTS, AmoTown, BitrixTown

from crm.amocrm.cards import Desk as AmoDesk
from crm.amocrm.fields import flaws_in, look, mend
from crm.bitrix24.cards import Desk as BitrixDesk
from crm.bitrix24.installing import install
from crm.courier import Courier
from crm.port import CardDesk, Change, Gate, Result
from crm.testing.amocrm.founding import PIPELINE
from crm.writeback.tables import OUTBOX
from leads.journal import Journal
from leads.settings import Crm, FilesSource, Settings, Store
from model.cleaning.advice import Act
from model.cleaning.planfile import Approved
from pipelines.tidying import carry_out, undo

NOW = datetime(2026, 11, 22, tzinfo=UTC)
Point = Literal["before", "between", "after", "never"]
Door = Callable[[Crm, Gate, Journal], CardDesk]


class Killed(BaseException):
    """The process is no more."""


class _Doomed:
    """A desk whose process is killed at one point of its first write."""

    point: Point = "never"

    def write(self, changes: Sequence[Change]) -> Sequence[Result]:
        """Write, as far as the process lives."""
        if self.point == "before":
            raise Killed
        results = super().write(changes)  # type: ignore[misc]  # of the desk below
        if self.point == "after":
            raise Killed
        return results  # type: ignore[no-any-return]

    def _write(self, changes: Sequence[Change]) -> list[Result]:
        if self.point == "between" and any(one.tie for one in changes):
            raise Killed
        return super()._write(changes)  # type: ignore[misc, no-any-return]


class DoomedBitrix(_Doomed, BitrixDesk):
    """A desk of a portal."""


class DoomedAmo(_Doomed, AmoDesk):
    """A desk of an account."""


def doors(kind: str) -> tuple[BitrixTown | AmoTown, Callable[[Point], Door]]:
    """Open a town with our fields, and doors to it that end at a point."""
    if kind == "bitrix24":
        town = BitrixTown()
        install(bitrix_client(town.portal), language="en")

        def bitrix(point: Point) -> Door:
            desk = DoomedBitrix(bitrix_client(town.portal))
            desk.point = point
            return lambda *_: desk

        return town, bitrix
    amo = AmoTown()
    mend(amo_client(amo.amo), flaws_in(look(amo_client(amo.amo))), language="en")

    def opened(point: Point) -> Door:
        desk = DoomedAmo(amo_client(amo.amo))
        desk.point = point
        return lambda *_: desk

    return amo, opened


def settings_of(kind: str, folder: Path) -> Settings:
    """Configure a company with that CRM."""
    gone = "JUNK" if kind == "bitrix24" else f"{PIPELINE}/143"
    made = Settings(
        source=FilesSource(kind="files", folder=folder),
        crm=Crm.model_validate({"kind": kind, "account": "acme"}),
        store=Store(
            folder=folder / "store", database=f"sqlite:///{folder / 'journal.db'}"
        ),
    )
    clean = {"close_stage": gone, "duplicate_stage": gone}
    return made.model_copy(update={"clean": made.clean.model_copy(update=clean)})


def deliver(settings: Settings, door: Door) -> None:
    """Write what is due, or die."""
    with closing(Journal(settings.store.database)) as journal:
        worker = Courier(settings, journal, door=door).worker()
        while worker.round().claimed:
            pass


def time_passes(settings: Settings) -> None:
    """Let leases of the dead run out, and what waits be due."""
    with (
        closing(Journal(settings.store.database)) as journal,
        journal.writing() as connection,
    ):
        waits = OUTBOX.c.next_at.is_not(None)
        due = sa.update(OUTBOX).where(waits).values(lease_until=0, next_at=0)
        connection.execute(due)


@pytest.mark.parametrize("point", ["before", "between", "after"])
@pytest.mark.parametrize("kind", ["bitrix24", "amocrm"])
def test_a_killed_delivery_is_finished_and_nothing_done_twice(
    kind: str, point: Point, tmp_path: Path
) -> None:
    """Each approved act, and each way back, is in the ledger once, whoever died."""
    town, door = doors(kind)
    settings, before = settings_of(kind, tmp_path), town.standing()
    plan = tmp_path / "plan.csv"
    plan.write_text("as approved")
    acts = {who: act for who, act in ACTS.items() if act[0] != "look"}
    rows = [
        Approved(town.ids[who], Act(act), town.ids.get(target, ""), "")
        for who, (act, target) in acts.items()
    ]

    done = carry_out(settings, rows, by="V.", plan=plan, now=NOW, door=door("never"))
    with pytest.raises(Killed):
        deliver(settings, door(point))
    time_passes(settings)
    deliver(settings, door("never"))
    acted = sorted(name for name, _ in town.acts())
    assert done.path is not None
    undo(settings, done.path, by="V.")
    with pytest.raises(Killed):
        deliver(settings, door(point))
    time_passes(settings)
    deliver(settings, door("never"))

    assert acted == sorted(acts)
    assert town.standing() == before
    assert sorted(name for name, _ in town.acts()) == sorted([*acts, *acts])
    assert len(town.comments()) == len(acts)
