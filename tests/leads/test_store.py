import json
import resource
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from leads import store
from leads.errors import Unavailable
from leads.tables import INSTANT, SCHEMAS, FieldType, Tables, empty

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def tables() -> Tables:
    """Three leads, one event, and every odd value a column may hold."""
    leads = pl.DataFrame(
        {
            "lead_id": ["a", "b", "ü"],
            "created_at": [START, START, START + timedelta(days=1)],
            "recorded_at": [START] * 3,
            "source": ["ads", None, ""],
            "pipeline": [None] * 3,
            "owner": ["o"] * 3,
            "budget": [1.5, None, -0.0],
            "vip": [True, None, False],
        },
        schema_overrides={
            "created_at": INSTANT, "recorded_at": INSTANT, "pipeline": pl.String(),
        },
    )  # fmt: skip
    event = {"lead_id": "a", "at": START, "recorded_at": START, "kind": "visit"}
    return Tables(
        leads=leads,
        events=pl.DataFrame([event], schema=dict(SCHEMAS["events"])),
        stages=empty("stages"),
        payments=empty("payments"),
        field_changes=empty("field_changes"),
        outcomes=empty("outcomes"),
        fields={"budget": FieldType.NUMBER, "vip": FieldType.FLAG},
        cut_off=START,
        doubled={"events": 2},
        notes=("said",),
    )


def test_what_was_saved_is_loaded(tables: Tables, tmp_path: Path) -> None:
    """Tables come back with their types, their cut-off and what was said of them."""
    digest = store.save(tables, tmp_path)

    again = store.load(tmp_path)

    for name in SCHEMAS:
        assert_frame_equal(again[name], tables[name])
    assert (again.fields, again.cut_off, again.dated, again.doubled, again.notes) == (
        tables.fields, START, True, {"events": 2}, ("said",),
    )  # fmt: skip
    assert store.digest_of(tmp_path) == digest == store.content_digest(again)


def test_saving_again_changes_nothing(tables: Tables, tmp_path: Path) -> None:
    """The same content is one folder, and its files are not even rewritten."""
    digest = store.save(tables, tmp_path)
    file = tmp_path / "tables" / digest / "leads.parquet"
    before = file.stat().st_mtime_ns

    again = store.save(tables, tmp_path)

    assert again == digest
    assert file.stat().st_mtime_ns == before
    assert sorted(p.name for p in (tmp_path / "tables").iterdir()) == sorted(
        [digest, "current.json"]
    )


def test_nothing_ingested_is_told(tmp_path: Path) -> None:
    """Before the first ingest there is no model to ask for, and the words say why."""
    with pytest.raises(Unavailable, match=r"Nothing was ingested.*Run ingest"):
        store.load(tmp_path)


def test_a_damaged_file_is_noticed_and_mended(tables: Tables, tmp_path: Path) -> None:
    """One changed byte refuses the load; the next save writes the tables anew."""
    digest = store.save(tables, tmp_path)
    file = tmp_path / "tables" / digest / "leads.parquet"
    file.write_bytes(file.read_bytes()[:-1] + b"?")

    with pytest.raises(Unavailable, match="damaged"):
        store.load(tmp_path)

    store.save(tables, tmp_path)
    assert_frame_equal(store.load(tmp_path).leads, tables.leads)


def test_a_full_disk_leaves_the_earlier_tables(tables: Tables, tmp_path: Path) -> None:
    """What is current is swapped last, so nobody ever reads a half of it."""
    store.save(tables, tmp_path)
    later = replace(tables, cut_off=START + timedelta(days=9))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(Unavailable, match="cannot be written"):
            store.save(later, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert store.load(tmp_path).cut_off == START
    assert len(list((tmp_path / "tables").iterdir())) == 2


def _changed(tables: Tables, **columns: pl.Expr) -> Tables:
    return replace(tables, leads=tables.leads.with_columns(**columns))


def test_the_digest_tells_every_difference(tables: Tables) -> None:
    """Null is not zero, not false and not empty, and text does not run together."""
    others = [
        replace(tables, cut_off=START + timedelta(seconds=1)),
        replace(tables, dated=False),
        replace(tables, fields={**tables.fields, "vip": FieldType.TEXT}),
        replace(tables, events=empty("events")),
        _changed(tables, source=pl.col("source").fill_null("")),
        _changed(tables, budget=pl.col("budget").fill_null(0.0)),
        _changed(tables, vip=pl.col("vip").fill_null(value=False)),
        _changed(tables, owner=pl.lit(pl.Series(["oo", "o", ""]))),
        _changed(tables, owner=pl.lit(pl.Series(["o", "oo", ""]))),
        tables,
    ]

    digests = {store.content_digest(other) for other in others}

    assert len(digests) == len(others)


def test_the_digest_does_not_depend_on_how_memory_is_cut(tables: Tables) -> None:
    """Chunks of a frame are an accident of how it was made."""
    chunks = pl.concat([tables.leads[:1], tables.leads[1:]], rechunk=False)

    cut = replace(tables, leads=chunks)

    assert store.content_digest(cut) == store.content_digest(tables)


def test_the_manifest_names_rows_and_hashes(tables: Tables, tmp_path: Path) -> None:
    """Whoever opens the folder can see what is in it without our code."""
    digest = store.save(tables, tmp_path)

    manifest = json.loads((tmp_path / "tables" / digest / "manifest.json").read_text())

    assert manifest["rows"]["leads"] == 3
    assert set(manifest["files"]) == {f"{name}.parquet" for name in SCHEMAS}
    assert all(len(sha) == 64 for sha in manifest["files"].values())
