"""Nothing of an erased person is left: every file of the store is searched."""

from __future__ import annotations

import gzip
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
from tests.serve.company import invented_tables, learned, settings_in

from crm.port import OurField
from crm.writeback.offering import Offering
from crm.writeback.plan import Decision
from leads import store
from leads.decision import Override, Prediction, Tier
from leads.history import History
from leads.journal import Journal
from leads.overruling import overrule
from leads.settings import Settings, Store
from leads.tables import Tables
from model.backtest.outcomes import Outcome, keep_month
from model.promotion import champion
from model.reasons.past import gather
from model.reasons.similar import key_of, write_past
from pipelines.erase import erase_leads, leads_of
from pipelines.report import report_leads
from pipelines.snapshot import snapshot_leads

NOW = datetime(2026, 6, 2, tzinfo=UTC)
MAIL, PHONE, SAID = "ann@example.org", "912) 345-67-89", "asked for by Ann"
PERSON, OTHER = ("L00001", "L00002"), "L00003"


def company() -> Tables:
    """Invent a company in which two old leads are one person."""
    tables = invented_tables()
    place = pl.col("lead_id")
    phone = pl.when(place == PERSON[0]).then(pl.lit(f"8 ({PHONE}"))
    named = phone.when(place == PERSON[1]).then(pl.lit(MAIL)).otherwise("phone")
    return replace(tables, leads=tables.leads.with_columns(phone=named))


def whole_store(folder: Path) -> Settings:
    """Ingest, train, promote, predict, write back, rehearse, overrule and report."""
    made = settings_in(folder)
    home = made.store.folder
    database = f"sqlite:///{home / 'leadcast.db'}"
    kept = Store(**{**made.store.model_dump(), "database": database})
    settings = made.model_copy(update={"store": kept})
    tables = company()
    store.save(tables, home, origin=settings.origin)
    bundle = learned(tables, settings, home / "training")
    champion.set_champion(home, bundle.path, "1", NOW)
    write_past(gather(bundle, History(tables), settings), home)
    snapshot_leads(settings)
    rows = pl.DataFrame({"lead_id": [*PERSON, OTHER]})
    keep_month(home, "month", Outcome("2026-04", 0, "no_rows"), rows)
    with closing(Journal(database, also=Offering("acme", card_of, step=5))) as journal:
        journal.upgrade()
        said = [said_of(one, bundle.digest) for one in (*PERSON, OTHER)]
        journal.record(said, made_at=NOW, channel="api")
        overrule(journal, Override(PERSON[0], Tier.HOT, SAID, NOW))
    report_leads(settings, now=NOW, pages=500)
    return settings


def said_of(lead_id: str, digest: str) -> Prediction:
    """Predict a lead."""
    return Prediction(
        lead_id, NOW, 14, 0.5, 0.0, 0.0, Tier.COLD, {}, (), "1", digest
    )  # fmt: skip


def card_of(prediction: Prediction) -> Decision:
    """Have every prediction stand on a card; the person's with the mail."""
    text = MAIL if prediction.lead_id in PERSON else "reasons"
    return Decision(f"lead:{prediction.lead_id}", {OurField.REASONS: text})


def keys_of(home: Path) -> list[bytes]:
    """Give the keys under which the person's past leads are kept."""
    (path,) = (home / "past").glob("*.npz")
    return [key_of(one, path.stem).to_bytes(8, "little") for one in PERSON]


def bodies(home: Path) -> dict[str, bytes]:
    """Read every file of a store: as it lies there, and unpacked where packed."""
    found = {}
    for path in (one for one in home.rglob("*") if one.is_file()):
        body = path.read_bytes()
        if path.suffix == ".gz":
            body += gzip.decompress(body)
        elif path.suffix == ".npz":
            arrays = np.load(path, allow_pickle=False)
            body += b"".join(arrays[name].tobytes() for name in arrays.files)
        elif path.suffix == ".parquet":
            body += pl.read_parquet(path).write_ndjson().encode()
        found[str(path.relative_to(home))] = body
    return found


def holding(home: Path, *signs: str | bytes) -> set[str]:
    """List the files that hold one of these, in their names too."""
    wanted = [one.encode() if isinstance(one, str) else one for one in signs]
    return {
        name
        for name, body in bodies(home).items()
        if any(one in body or one in name.encode() for one in wanted)
    }


def test_no_byte_of_an_erased_person_is_left_in_the_store(tmp_path: Path) -> None:
    """Id, mail, phone and what was said by hand are in no file, packed or not."""
    settings = whole_store(tmp_path)
    home = settings.store.folder
    signs: list[str | bytes] = [*PERSON, MAIL, PHONE, SAID, *keys_of(home)]
    before = holding(home, *signs)
    found = leads_of(settings, [PERSON[0]], email=MAIL, phone=None)

    act = erase_leads(settings, found, now=NOW)

    assert found == [*PERSON]
    assert {"leadcast.db", "snapshots.parquet", "backtest/month.parquet"} <= before
    assert {one.split("/")[0] for one in before} >= {"tables", "past", "reports"}
    assert (act.cards, act.journal.predictions, act.journal.overrides) == (2, 2, 1)
    assert holding(home, *signs) == set()
    kept = holding(home, OTHER)
    assert kept >= {"leadcast.db", "snapshots.parquet", "backtest/month.parquet"}
    again = erase_leads(settings, found, now=NOW)
    assert (again.cards, again.rows, again.journal.predictions) == (0, {}, 0)
