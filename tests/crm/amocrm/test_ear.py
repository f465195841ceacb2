"""A look at leads of an account brings what the next ingest will bring."""

from __future__ import annotations

from pathlib import Path

from tests.crm.amocrm.line import RULES, client_of, read
from tests.crm.amocrm.test_reading import company

from crm.amocrm.ear import AmoEar
from crm.hearing.merging import digest_of, merged
from crm.testing.amocrm import AmoCrm
from leads.history import History


def ear_of(amo: AmoCrm, folder: Path) -> AmoEar:
    """Open the ear of an account that was read into a folder."""
    ear = AmoEar(
        client_of(amo), folder, RULES,
        payments=("invoices",), now=lambda: amo.account.now,
    )  # fmt: skip
    ear.learn()
    return ear


def test_a_look_is_the_next_ingest(tmp_path: Path) -> None:
    """What was known, with a look laid over it, is what ingest finds after it."""
    amo = company(40)
    before = History(read(amo, tmp_path))
    amo.clock.move(3_600)
    ids = sorted(before.leads["lead_id"].to_list(), key=int)
    person = amo.person()
    person.edit(int(ids[0]), price=777)
    person.note(int(ids[1]), "call_in", duration=60)
    new = str(person.create(name="new"))
    amo.clock.move(60)

    names = [*ids, new]
    look = ear_of(amo, tmp_path).look(names, before.tables)
    amo.clock.move(10)
    after = History(read(amo, tmp_path))
    assert look.tables is not None
    seen = History(look.tables)
    later = max(look.seen_at, after.cut_off)  # ingest knows of it a little later
    unlike = []
    for name in names:
        lead = merged(before.find(name), seen.lead(name), at=look.seen_at)
        if digest_of(lead, later) != digest_of(after.lead(name), later):
            unlike.append(name)
    assert unlike == []
    assert after.lead(ids[0]).field_changes != before.lead(ids[0]).field_changes


def test_a_glance_knows_our_writing_from_a_persons(tmp_path: Path) -> None:
    """A card that only our fields changed on looks as ingest saw it."""
    amo = company(6)
    known = read(amo, tmp_path)
    ear = ear_of(amo, tmp_path)
    ids = sorted(known.leads["lead_id"].to_list(), key=int)
    person = amo.person()
    amo.clock.move(60)
    person.edit(int(ids[0]), price=777)
    person.edit(int(ids[1]), name="another name")

    before = ear.ingested(ids, known.cut_off)
    after = ear.glance(ids)
    unlike = [key for key in ids if before[key] != after.likenesses[key]]
    assert unlike == ids[:1]
    assert ear.look(ids, known).likenesses == after.likenesses
