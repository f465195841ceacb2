"""The company's export: frames under its own column names, and the truth kept aside."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import polars as pl

from leads.synthetic.behaviour import KINDS, Lives
from leads.synthetic.clock import HOUR, moments_in
from leads.synthetic.ledger import Ledger
from leads.synthetic.office import NEVER, Office, contract_scans
from leads.synthetic.people import Ints, People

UTC: Final = pl.Datetime("us", "UTC")
TABLES: Final = ("leads", "events", "stages", "payments", "field_changes")
LATE: Final = {"call": 0.35, "support_ticket": 0.15}  # share recorded later
DOUBLED: Final = 0.01  # share of rows delivered twice
OTHER_KINDS: Final = ("setup_done", "invoice_sent", "contract_scan")
EVENT_KINDS: Final = pl.Enum([*(kind for kind, *_ in KINDS), *OTHER_KINDS])


@dataclass(frozen=True)
class Invented:
    """A company's export as it would come out of its own systems, and the truth.

    ``truth`` has one row for each lead and age (at creation, after 1, 3, 7, 14 and 30
    days) at which it had not paid: the exact ``probability`` of a payment within the
    horizon and whether it ``converted``. ``drivers`` says of the same rows how much
    log-odds each card field and each kind of event truly carried.
    """

    leads: pl.DataFrame
    events: pl.DataFrame
    stages: pl.DataFrame
    payments: pl.DataFrame
    field_changes: pl.DataFrame
    truth: pl.DataFrame
    drivers: pl.DataFrame


@dataclass(frozen=True)
class Story:
    """All that a number of people did, before anybody wrote it down."""

    people: People
    lives: Lives
    ledger: Ledger
    office: Office


def tables_of(
    story: Story, rng: np.random.Generator, *, end: int
) -> dict[str, pl.DataFrame]:
    """Write down what the company's systems know by the end, doubled rows included."""
    names = story.people.lead_id
    raw = {
        "events": _events(story, rng),
        "stages": story.office.stages,
        "payments": story.ledger.rows.with_columns(currency=pl.lit("RUB")),
        "field_changes": story.office.changes,
    }
    known = {name: _known_by(end, frame) for name, frame in raw.items()}
    cards = _cards(story.people, known["field_changes"])
    tables = {"leads": _doubled(cards, rng)}
    for name, frame in known.items():
        named = frame.with_columns(names.gather(frame["lead"]).alias("deal_id"))
        tables[name] = _doubled(_in_own_words(name, named.drop("lead")), rng)
    return tables


def write(
    invented: Invented, folder: Path, *, form: Literal["parquet", "csv"] = "parquet"
) -> None:
    """Write the export to ``folder/export`` and the truth to ``folder/truth``.

    Each folder appears whole or not at all; what stood there before is replaced.
    """
    export = {name: getattr(invented, name) for name in TABLES}
    truth = {"truth": invented.truth, "drivers": invented.drivers}
    _write_folder(folder / "truth", truth, form="parquet")
    _write_folder(folder / "export", export, form=form)


def _write_folder(folder: Path, frames: dict[str, pl.DataFrame], *, form: str) -> None:
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for name, frame in frames.items():
        path = part / f"{name}.{form}"
        if form == "csv":
            frame.write_csv(path, datetime_format="%Y-%m-%dT%H:%M:%S%.6f%:z")
        else:
            frame.write_parquet(path, compression="zstd", statistics=False)
    if folder.exists():
        shutil.rmtree(folder)
    part.rename(folder)


def _events(story: Story, rng: np.random.Generator) -> pl.DataFrame:
    people, lives = story.people, story.lives
    at = moments_in(people.created[lives.event_lead], lives.event_day, rng)
    kinds = [kind for kind, *_ in KINDS]
    doings = pl.DataFrame(
        {
            "lead": lives.event_lead,
            "at": at,
            "recorded_at": at + _delays(lives.event_kind, kinds, rng),
            "event": pl.Series(kinds, dtype=EVENT_KINDS).gather(lives.event_kind),
            "value": _values(lives.event_kind, kinds, rng),
        }
    )
    set_up, invoiced = story.office.moved_at
    price = story.ledger.amount
    return pl.concat(
        [
            doings,
            _steps("setup_done", set_up, np.full(len(people), np.nan)),
            _steps("invoice_sent", invoiced, price),
            contract_scans(people, story.ledger, rng).with_columns(
                event=pl.lit("contract_scan", dtype=EVENT_KINDS),
                value=pl.lit(None, dtype=pl.Float64),
            ),
        ]
    )


def _steps(kind: str, at: Ints, values: np.ndarray) -> pl.DataFrame:
    lead = np.flatnonzero(at < NEVER)
    return pl.DataFrame(
        {"lead": lead, "at": at[lead], "recorded_at": at[lead]}
    ).with_columns(
        event=pl.lit(kind, dtype=EVENT_KINDS),
        value=pl.Series(values[lead], nan_to_null=True),
    )


def _delays(kind: Ints, kinds: Sequence[str], rng: np.random.Generator) -> Ints:
    """Draw how much later calls and tickets are written down: hours to days."""
    share = np.array([LATE.get(name, 0.0) for name in kinds])[kind]
    late = np.flatnonzero(rng.random(len(kind)) < share)
    delay = np.zeros(len(kind), dtype=np.int64)
    delay[late] = rng.integers(2 * HOUR, 72 * HOUR, len(late))
    return delay


def _values(kind: Ints, kinds: Sequence[str], rng: np.random.Generator) -> pl.Series:
    """Give minutes of use and seconds of calls; they say nothing of the lead."""
    values = np.full(len(kind), np.nan)
    for name, median, spread in (("feature_used", 8.0, 0.8), ("call", 150.0, 1.0)):
        mine = np.flatnonzero(kind == kinds.index(name))
        drawn = median * np.exp(rng.normal(0.0, spread, len(mine)))
        values[mine] = np.round(drawn, 1)
    return pl.Series(values, nan_to_null=True)


def _known_by(end: int, frame: pl.DataFrame) -> pl.DataFrame:
    recorded = "recorded_at" if "recorded_at" in frame.columns else "at"
    return frame.filter((pl.col("at") < end) & (pl.col(recorded) < end))


def _cards(people: People, changes: pl.DataFrame) -> pl.DataFrame:
    """Lay the cards out as they read on the day of the export."""
    head = pl.DataFrame(
        {"deal_id": people.lead_id, "registered_at": pl.Series(people.created)}
    ).with_columns(pl.col("registered_at").cast(UTC))
    card = pl.concat([head, people.card], how="horizontal")
    last = changes.sort("at", maintain_order=True)
    for field in ("plan", "close_reason"):
        value = (
            last.filter(pl.col("field") == field)
            .group_by("lead", maintain_order=True)
            .agg(pl.col("new_value").last().alias(field))
        )
        column = np.full(len(people), -1)
        column[value["lead"].to_numpy()] = np.arange(value.height)
        padded = pl.concat([value[field], pl.Series(field, [None], dtype=pl.String)])
        card = card.with_columns(padded.gather(column % padded.len()).alias(field))
    return card


def _doubled(frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Deliver some rows a second time, as exports do."""
    again = np.flatnonzero(rng.random(frame.height) < DOUBLED)
    return pl.concat([frame, frame[again]])


def _in_own_words(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Name the columns as the company's systems do, the lead first."""
    own = {
        "events": {"at": "happened_at", "recorded_at": "received_at"},
        "stages": {"at": "moved_at"},
        "payments": {"at": "paid_at", "recorded_at": "booked_at", "amount": "sum"},
        "field_changes": {"at": "changed_at"},
    }[name]
    moments = [pl.col(word).cast(UTC) for word in ("at", "recorded_at")
               if word in frame.columns]  # fmt: skip
    columns = ["deal_id", *(c for c in frame.columns if c != "deal_id")]
    return frame.with_columns(moments).select(columns).rename(own)
