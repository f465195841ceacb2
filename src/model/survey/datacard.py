"""The data card: what the data hold, before anything is learned from them.

It answers what a person asks first: how many leads of which kind, how many convert and
how fast, which fields are filled and when, what was left out and why. Kept as JSON
beside the tables, and drawn by the command line and the pages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from leads.errors import Unavailable
from leads.funnel import Funnel
from leads.history import History
from leads.lead import EPOCH
from leads.settings import Settings
from leads.wholefile import replace_whole
from model.examples.labels import conversions, horizon_of
from model.examples.snapshots import consider
from model.features.catalog import Numbers
from model.survey.horizon import Proposal, propose

FILE: Final = "datacard.json"
DAY: Final = 86_400_000_000
AGES: Final = (0, 1, 2, 3, 5, 7, 14, 21, 30, 45, 60, 90, 120, 180, 270, 365)
MOST_GROUPS: Final = 30
DATED: Final = ("events", "stages", "payments", "field_changes")
NOT_SAID: Final = "—"


@dataclass(frozen=True, slots=True)
class Group:
    """Leads of one source in one pipeline.

    ``converted`` counts whatever is known by the cut-off. ``rate`` is fair to young
    leads: the part of ``judged`` (leads whose first snapshot has a known label) that
    converted within the horizon; None if there are none.
    """

    pipeline: str
    source: str
    leads: int
    converted: int
    judged: int
    rate: float | None


@dataclass(frozen=True, slots=True)
class Fill:
    """The part of leads in which a card field is filled, when they came and now."""

    field: str
    type: str
    at_creation: float
    now: float


@dataclass(frozen=True, slots=True)
class Taken:
    """Snapshots of one kind; ``rate`` is the part of the labelled ones converted."""

    kind: str
    snapshots: int
    labelled: int
    rate: float | None


@dataclass(frozen=True, slots=True)
class Maturity:
    """How fast leads convert.

    ``curve`` pairs an age in days with the share of conversions that had happened by
    then, ``quantiles`` a percentage of conversions with the days until that many had.
    Both count only the ``leads`` watched for the whole of ``watched_days``, so that
    young leads, of which only fast conversions are known, do not bend them.
    """

    watched_days: int
    leads: int
    conversions: int
    curve: tuple[tuple[int, float], ...]
    quantiles: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class DataCard:
    """What the data hold. Moments are ISO 8601 in UTC, without meaning unless dated."""

    company: str
    dated: bool
    conversion: str
    first_lead: str
    cut_off: str
    span_days: float
    horizon_days: int
    leads: int
    conversions: int
    base_rate: float | None
    rows: Mapping[str, int]
    groups: tuple[Group, ...]
    maturity: Maturity
    fields: tuple[Fill, ...]
    snapshots: tuple[Taken, ...]
    censored: tuple[tuple[str, int], ...]
    refused: tuple[tuple[str, int], ...]
    stages: Mapping[str, tuple[str, ...]]
    won: Mapping[str, tuple[str, ...]]
    lost: Mapping[str, tuple[str, ...]]
    proposal: Proposal | None = None
    """The horizon that the maturity curve proposes; None if it cannot."""

    def save(self, folder: Path) -> Path:
        """Keep the card in a folder; whoever reads meanwhile sees the old or the new.

        Returns the path of the file.
        """
        path = folder / FILE
        text = json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True)
        replace_whole(path, (text + "\n").encode())
        return path

    @classmethod
    def load(cls, folder: Path) -> DataCard:
        """Read the card that was kept in a folder.

        Raises
        ------
        Unavailable
            None was kept.
        """
        path = folder / FILE
        try:
            raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise Unavailable(
                f"There is no data card in {folder}.", remedy="Run snapshot."
            ) from error
        for name, kind in (("groups", Group), ("fields", Fill), ("snapshots", Taken)):
            raw[name] = tuple(kind(**item) for item in raw[name])
        for name in ("curve", "quantiles"):
            raw["maturity"][name] = _pairs(raw["maturity"][name])
        raw["maturity"] = Maturity(**raw["maturity"])
        found = raw.get("proposal")
        raw["proposal"] = found and Proposal(**found)
        for name in ("censored", "refused"):
            raw[name] = _pairs(raw[name])
        for name in ("stages", "won", "lost"):
            raw[name] = {key: tuple(value) for key, value in raw[name].items()}
        return cls(**raw)


def _pairs(raw: list[list[Any]]) -> tuple[tuple[Any, ...], ...]:
    return tuple(tuple(pair) for pair in raw)


def describe(
    history: History, settings: Settings, snapshots: pl.DataFrame, funnel: Funnel
) -> DataCard:
    """Count what the data hold.

    ``snapshots`` is what ``model.examples.snapshots.take`` gave of the same history.
    """
    known = conversions(history, settings, funnel)
    first = known["created_at"].min()
    start = int(first) if isinstance(first, int) else history.cut_off
    moments = consider(history, settings, funnel=funnel)
    delays, watched, judged = _delays(history, settings, known)
    return DataCard(
        company=settings.company.name,
        dated=history.tables.dated,
        conversion=settings.conversion.kind,
        first_lead=_written(start),
        cut_off=_written(history.cut_off),
        span_days=round((history.cut_off - start) / DAY, 2),
        horizon_days=settings.conversion.horizon_days,
        leads=len(known),
        conversions=int(known["converted"].sum()),
        base_rate=_rate(snapshots["label"]),
        rows={name: len(history.tables[name]) for name in DATED},
        groups=_groups(history, known, snapshots),
        maturity=_maturity(delays, watched, judged),
        fields=_fills(history),
        snapshots=_taken(snapshots, settings),
        censored=_counts(snapshots["censored_why"]),
        refused=_counts(moments["refused_why"]),
        stages=funnel.order,
        won=funnel.won,
        lost=funnel.lost,
        proposal=propose(
            delays,
            snapshots["moment"].to_numpy(),
            watched=watched,
            cut_off=history.cut_off,
            configured=settings.conversion.horizon_days,
        ),
    )


def _written(moment: int) -> str:
    return (EPOCH + timedelta(microseconds=moment)).isoformat(timespec="seconds")


def _rate(labels: pl.Series) -> float | None:
    rate = labels.cast(pl.Float64).mean()
    return rate if isinstance(rate, float) else None


def _groups(
    history: History, known: pl.DataFrame, snapshots: pl.DataFrame
) -> tuple[Group, ...]:
    firsts = snapshots.unique("lead_id", keep="first", maintain_order=True)
    names = pl.col("pipeline", "source").fill_null(NOT_SAID)
    # Sources may be many: all but the largest stand together.
    large = (
        history.leads.group_by(pl.col("source").fill_null(NOT_SAID))
        .len()
        .sort("len", "source", descending=[True, False])
        .head(MOST_GROUPS)["source"]
    )
    shown = pl.when(pl.col("source").is_in(large.implode())).then("source")
    counted = (
        history.leads.select("lead_id", names)
        .with_columns(shown.otherwise(pl.lit("…")).alias("source"))
        .join(known.select("lead_id", "converted"), on="lead_id")
        .join(firsts.select("lead_id", "label"), on="lead_id", how="left")
        .group_by("pipeline", "source")
        .agg(
            leads=pl.len(),
            converted=pl.col("converted").sum(),
            judged=pl.col("label").count(),
            rate=pl.col("label").cast(pl.Float64).mean(),
        )
        .sort("leads", "pipeline", "source", descending=[True, False, False])
    )
    return tuple(Group(**row) for row in counted.iter_rows(named=True))


def _delays(
    history: History, settings: Settings, known: pl.DataFrame
) -> tuple[Numbers, int, int]:
    """Find how many days conversions took, of leads watched long enough.

    They are watched as long as the older half of the history lets, a year at most.
    Returns the days of each conversion, the days watched, and how many leads were.
    """
    created = known["created_at"].to_numpy()
    half = history.cut_off - int(np.median(created)) if len(created) else 0
    watched = min(max(half, horizon_of(settings)), AGES[-1] * DAY) // DAY
    delay = (pl.col("converted_at") - pl.col("created_at")).clip(0) / DAY
    old = known.filter(pl.col("created_at") + watched * DAY <= history.cut_off)
    delays = old.select(delay).filter(pl.all() <= watched).to_series().to_numpy()
    return delays, watched, len(old)


def _maturity(delays: Numbers, watched: int, leads: int) -> Maturity:
    found = len(delays) > 0
    ages = [age for age in AGES if age <= watched and found]
    parts = (10, 50, 90) if found else ()
    return Maturity(
        watched_days=watched,
        leads=leads,
        conversions=len(delays),
        curve=tuple((age, float(np.mean(delays <= age))) for age in ages),
        quantiles=tuple(
            (part, round(float(np.percentile(delays, part)), 2)) for part in parts
        ),
    )


def _fills(history: History) -> tuple[Fill, ...]:
    leads = history.leads.select("lead", "lead_id", "created_at", "recorded_at")
    came = leads.with_columns(moment=pl.max_horizontal("created_at", "recorded_at"))
    now = leads.with_columns(moment=pl.lit(history.cut_off))
    shares = [
        history.cards(moments.with_row_index("row")).select(
            pl.col(list(history.tables.fields)).is_not_null().mean()
        )
        for moments in (came, now)
    ]
    return tuple(
        Fill(name, kind.value, *(float(share[name][0] or 0.0) for share in shares))
        for name, kind in history.tables.fields.items()
    )


def _taken(snapshots: pl.DataFrame, settings: Settings) -> tuple[Taken, ...]:
    counted = snapshots.group_by("kind").agg(
        snapshots=pl.len(),
        labelled=pl.col("label").count(),
        rate=pl.col("label").cast(pl.Float64).mean(),
    )
    made = {row["kind"]: Taken(**row) for row in counted.iter_rows(named=True)}
    return tuple(made[kind] for kind in settings.snapshots.at if kind in made)


def _counts(whys: pl.Series) -> tuple[tuple[str, int], ...]:
    counted = whys.drop_nulls().value_counts().sort("count", descending=True)
    return tuple(sorted(counted.rows(), key=lambda pair: (-pair[1], pair[0])))
