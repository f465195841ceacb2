"""Many leads at once: a file of them, or every open lead of the source.

Leads go through in chunks, so a million need no more memory than their own table. What
they share with a single request is the scoring path; what differs is that features come
from the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import polars as pl

from crm.export import read_leads_file
from leads import store
from leads.decision import Prediction
from leads.errors import BadInput, Fault
from leads.history import History, microseconds
from leads.journal import Journal
from leads.lead import EPOCH
from leads.pointed import pointed
from leads.settings import Settings, TableSource
from model.bundle.whole import Bundle
from model.examples.snapshots import open_leads
from model.features.batch import build
from model.promotion import champion
from model.promotion.champion import Champion
from model.tiers.borders import pipelines_in
from serve.scoring import inputs_of, predict
from serve.standing import settled

CHUNK: Final = 8_192
CHANNEL: Final = "score"

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Work:
    """Leads to predict, each at its moment.

    ``moments`` has ``lead_id`` and ``moment`` (i64), one row per prediction, in the
    order wanted. ``said_at`` is reported as the moment of all of them where the leads
    themselves have no times.
    """

    history: History
    moments: pl.DataFrame
    said_at: datetime | None = None


@dataclass(frozen=True)
class Model:
    """The bundle that serves, opened."""

    bundle: Bundle
    champion: Champion

    @classmethod
    def of(cls, settings: Settings) -> Model:
        """Open the champion.

        Raises
        ------
        NoModel
            None was ever promoted.
        DamagedBundle
            It is not what its manifest says.
        """
        found = champion.read(settings.store.folder)
        return cls(Bundle.open(found.path, digest=found.digest), found)


def leads_of_file(
    path: Path, settings: Settings, *, as_of: datetime | None, now: datetime
) -> Work:
    """Read a file of leads in the source's own form, as work in its order.

    What else is known of them (events, stages, payments, changes) is what was ingested
    under the same id. A row of a flat table is looked at at its own time, any other
    lead at the cut-off, unless ``as_of`` says otherwise.

    Raises
    ------
    BadInput
        All faults of the file, also leads that were created after ``as_of``.
    Unavailable
        Nothing was ingested.
    """
    known = store.load(settings.store.folder)
    tables = read_leads_file(path, settings, known)
    if not isinstance(settings.source, TableSource):
        ids = tables.leads.select("lead_id")

        def of_these(name: str) -> pl.DataFrame:
            return known[name].join(
                ids, on="lead_id", how="semi", maintain_order="left"
            )

        tables = replace(
            tables,
            events=of_these("events"),
            stages=of_these("stages"),
            payments=of_these("payments"),
            field_changes=of_these("field_changes"),
        )
    assert tables.order is not None
    history = History(tables)
    moments = _moments(history, tables.order, settings, as_of)
    _check_born(path, moments)
    return Work(history, moments, None if tables.dated else as_of or now)


def _moments(
    history: History, order: pl.Series, settings: Settings, as_of: datetime | None
) -> pl.DataFrame:
    born = history.leads.select(
        "lead_id", born=pl.max_horizontal("created_at", "recorded_at")
    )
    moment = pl.lit(history.cut_off)
    if as_of is not None and history.tables.dated:
        moment = pl.lit(microseconds(as_of))
    elif isinstance(settings.source, TableSource):
        moment = pl.col("born")
    rows = order.to_frame("lead_id").join(
        born, on="lead_id", how="left", maintain_order="left"
    )
    return rows.with_columns(moment=moment.cast(pl.Int64()))


def _check_born(path: Path, moments: pl.DataFrame) -> None:
    early = moments.with_row_index("row", offset=1).filter(
        pl.col("born") > pl.col("moment")
    )
    if early.is_empty():
        return
    fault = Fault(
        path.name,
        f"{len(early):,} leads did not exist yet at the moment asked for",
        "Leave them out, or give a later --as-of.",
        rows=early["row"].to_list(),
    )
    raise BadInput.of(path.name, [fault])


def open_leads_of(settings: Settings, *, as_of: datetime | None, now: datetime) -> Work:
    """List every open lead of the ingested source, as work by lead id.

    Raises
    ------
    Unavailable
        Nothing was ingested.
    """
    history = History(store.load(settings.store.folder))
    at = None if as_of is None or not history.tables.dated else microseconds(as_of)
    moments = open_leads(history, settings, at)
    return Work(history, moments, None if history.tables.dated else as_of or now)


def predicted(
    work: Work,
    model: Model,
    *,
    reasons: bool,
    progress: Progress | None = None,
    journal: Journal | None = None,
) -> Iterator[tuple[list[Prediction], list[bytes]]]:
    """Predict all work, chunk by chunk, in its order.

    Parameters
    ----------
    journal
        Where the leads' present tiers are, which they keep near a border; without one
        tiers are cut plainly.

    Yields
    ------
    tuple
        Predictions, and for each what the journal keeps of its features.
    """
    bundle = model.bundle
    for start in range(0, len(work.moments), CHUNK):
        chunk = work.moments[start : start + CHUNK]
        table = build(bundle.catalog, work.history, chunk)
        made = predict(
            bundle, table, chunk["lead_id"].to_list(), _instants(work, chunk),
            version=model.champion.version, reasons=reasons,
        )  # fmt: skip
        if journal is not None:
            pipelines = pipelines_in(bundle.catalog, table)
            made = settled(made, pipelines, bundle.borders, journal)
        yield made, inputs_of(bundle.catalog, table)
        if progress:
            progress(len(made))


def _instants(work: Work, chunk: pl.DataFrame) -> list[datetime]:
    if work.said_at is not None:
        return [work.said_at] * len(chunk)
    return [EPOCH + timedelta(microseconds=moment) for moment in chunk["moment"]]


def recorded(
    chunks: Iterator[tuple[list[Prediction], list[bytes]]],
    journal: Journal,
    *,
    now: datetime,
) -> Iterator[list[Prediction]]:
    """Put predictions into the journal as they pass, each only once.

    The same lead at the same moment by the same bundle is the same prediction: a run
    repeated after a crash adds what is missing and nothing else.
    """
    for predictions, inputs in chunks:
        there = journal.recorded(predictions) - _repointed(predictions, journal)
        new = [i for i, made in enumerate(predictions) if i not in there]
        journal.record(
            [predictions[i] for i in new],
            made_at=now,
            inputs=[inputs[i] for i in new],
            channel=CHANNEL,
        )
        yield predictions


def _repointed(predictions: list[Prediction], journal: Journal) -> set[int]:
    """Say which have another tier by points now: the points were changed since."""
    places = [i for i, made in enumerate(predictions) if pointed(made) is not None]
    if not places:
        return set()
    standing = journal.standing([predictions[i].lead_id for i in places])
    untold = (None, None)
    return {
        i for i in places
        if standing.get(predictions[i].lead_id, untold)[0] is not predictions[i].tier
    }  # fmt: skip
