from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import polars as pl
from tests.serve import example

from leads.history import History
from model.examples.snapshots import open_leads
from serve.pages.story import moment_of
from serve.pages.whereabouts import PerIngest, Waiting, waiting_of, whereabouts

IDS = example.lead_ids(40)


def test_each_lead_stands_where_its_own_history_says(tmp_path: Path) -> None:
    """Stage, pipeline, manager and last activity are those of the lead alone."""
    history, settings = History(example.tables(IDS)), example.settings(tmp_path)

    places = whereabouts(history, settings)

    still = set(open_leads(history, settings)["lead_id"])
    assert places["lead_id"].to_list() == IDS
    for row in places.to_dicts():
        lead = history.lead(row["lead_id"]).as_of(history.cut_off)
        last = lead.stages[-1]
        moments = [
            item.at
            for table in (lead.events, lead.stages, lead.payments, lead.field_changes)
            for item in table
        ]
        assert (row["stage"], row["pipeline"]) == (last.stage, last.pipeline)
        assert (row["owner"], row["source"]) == (lead.owner, lead.source)
        assert row["active_at"] == max(moments)
        assert row["closed"] == (row["lead_id"] not in still)


def test_quiet_is_longer_than_nine_in_ten_pauses(tmp_path: Path) -> None:
    """Whoever is quiet waits longer than whoever is not, and the border is a pause."""
    history, settings = History(example.tables(IDS)), example.settings(tmp_path)

    places = whereabouts(history, settings)

    idle = pl.lit(history.cut_off) - pl.col("active_at")
    waits = places.with_columns(idle=idle).group_by("quiet").agg(
        least=pl.col("idle").min(), most=pl.col("idle").max()
    )  # fmt: skip
    found = {quiet: (least, most) for quiet, least, most in waits.iter_rows()}
    assert found[False][1] <= found[True][0]
    assert found[True][0] > timedelta(hours=1) / timedelta(microseconds=1)


def test_nothing_after_the_cut_off_counts_as_activity(tmp_path: Path) -> None:
    """An event recorded after the cut-off is not yet known to anybody."""
    tables, settings = example.tables(IDS[:3]), example.settings(tmp_path)
    late = example.NOW + timedelta(days=1)
    told = tables.events.head(1).with_columns(at=pl.lit(late), recorded_at=pl.lit(late))
    events = pl.concat([tables.events, told.cast(tables.events.schema)]).sort(
        tables.events.columns
    )

    places = whereabouts(History(replace(tables, events=events)), settings)

    assert max(map(moment_of, places["active_at"])) <= example.NOW
    assert places.equals(whereabouts(History(tables), settings))


def test_waiting_counts_open_hot_leads_alone() -> None:
    """Closed leads wait for nobody, other tiers are load; nobody's come last."""
    rows = [
        ("hot", "m1", True, False), ("hot", "m1", False, False),
        ("hot", "m1", True, True), ("warm", "m2", True, False),
        ("hot", "m2", False, False), ("hot", None, False, False),
    ]  # fmt: skip
    frame = pl.DataFrame(
        rows, schema=["tier", "owner", "quiet", "closed"], orient="row"
    )

    assert waiting_of(frame) == (
        Waiting("m1", 2, 2, 1), Waiting("m2", 2, 1, 0), Waiting(None, 1, 1, 0),
    )  # fmt: skip


def test_it_is_worked_out_once_for_each_ingest(tmp_path: Path) -> None:
    """The same history is not worked through twice, another one is."""
    settings = example.settings(tmp_path)
    numbers = count(1)
    once = PerIngest(lambda _history, _settings: next(numbers))
    first, second = History(example.tables(IDS[:1])), History(example.tables(IDS[:2]))

    assert [once.of(h, settings) for h in (first, first, second)] == [1, 1, 2]
