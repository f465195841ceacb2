"""From a company's own data to its feature catalog: no code for a new company.

Candidates are declared for every kind of event and every card field found, computed on
the training snapshots, and kept if they tell anything there. Levels of texts, normal
ages of stages and whatever else is learned is learned on the training snapshots alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import narwhals as nw
import numpy as np
import polars as pl

from leads.cycles import mean_cycles
from leads.errors import DataRefused
from leads.funnel import learn_funnel
from leads.history import History
from leads.settings import Settings
from leads.tables import FieldType
from model.examples.labels import gap_of
from model.features.batch import build, stages_seen
from model.features.candidates import Found, candidates
from model.features.catalog import Catalog, Feature, FeatureTable, Kind, Numbers, Words
from model.features.cells import MILLION
from model.features.fields import use_of

MOST_SNAPSHOTS: Final = 50_000
"""Enough to judge by; more are thinned evenly."""

SCATTER: Final = 2_654_435_761
"""Knuth's multiplier for hashing integers."""

MOST_EVENT_KINDS: Final = 20
MOST_LEVELS: Final = 60
FEWEST_LEADS: Final = 10
"""A kind of event or a level seen with fewer leads goes with the others."""

FEWEST_STAYS: Final = 5
"""Stays in a stage that make a normal age."""

VALUED: Final = 0.1
"""The part of a kind's events that must have a value for sums of it."""

SECONDS_A_DAY: Final = 86_400

REGIONS: Final[Mapping[str, str]] = {"ru": "RU"}


def discover(history: History, moments: pl.DataFrame, settings: Settings) -> Catalog:
    """Find the features of a company.

    Parameters
    ----------
    moments
        ``lead_id`` and ``moment`` of the training snapshots, in any order.

    Raises
    ------
    DataRefused
        There are no snapshots, or nothing is known that differs between them.
    """
    if moments.is_empty():
        raise DataRefused(
            "There are no training snapshots to find features with.",
            remedy="Ingest more leads, or shorten the horizon.",
        )
    sample = _thinned(history.encode(moments.select("lead_id", "moment")))
    latest = sample.group_by("lead_id", "lead").agg(pl.col("moment").max())
    latest = latest.sort("lead").with_row_index("row")
    found, notes = _found(history, latest, settings)
    cycles = _cycles(history, latest, settings)
    found = replace(found, cycles=bool(cycles))
    funnel = learn_funnel(
        history.tables, won=settings.funnel.won, lost=settings.funnel.lost
    )
    draft = Catalog(
        _without(candidates(found), settings.model.exclude),
        event_kinds=found.event_kinds,
        stage_order=funnel.order,
        stage_normal_seconds=_stage_normal(history, latest),
        cycle_seconds=cycles,
        refusals=settings.criteria.refusals if settings.criteria.fields else (),
        timezone=settings.company.timezone,
        currency=found.currency,
    )
    return _pruned(draft, build(draft, history, sample), sample, notes)


def _thinned(moments: pl.DataFrame) -> pl.DataFrame:
    """Keep all snapshots of some leads, spread evenly if there are too many.

    Whole leads, for to keep every second snapshot may be to keep one age of each lead.
    """
    ordered = moments.unique().sort("lead", "moment")
    share = -(-len(ordered) // MOST_SNAPSHOTS)
    leads = ordered["lead"].unique().to_frame()
    scattered = pl.col("lead").cast(pl.UInt64()) * SCATTER % 2**32
    kept = leads.sort(scattered).head(-(-len(leads) // share))
    return ordered.join(kept, on="lead", how="semi", maintain_order="left")


def _without(
    features: Sequence[Feature], excluded: Iterable[str]
) -> tuple[Feature, ...]:
    barred = set(excluded)
    return tuple(feature for feature in features if feature.field not in barred)


def _found(
    history: History, latest: pl.DataFrame, settings: Settings
) -> tuple[Found, tuple[str, ...]]:
    """See what there is: kinds of events, payments, stages, card fields."""
    fields, notes = _fields(history, latest, settings)
    kinds, others = _event_kinds(history, latest)
    payments = history.visible("payments", latest)
    currencies = (
        payments.group_by("currency")
        .len()
        .sort("len", "currency")
        .collect()["currency"]
    )
    return Found(
        event_kinds=tuple(kinds),
        valued_kinds=frozenset(kind for kind, valued in kinds.items() if valued),
        other_events=others,
        currency=currencies[-1] if len(currencies) else "",
        stages=len(history.tables.stages) > 0,
        fields=fields,
        owner="owner" not in settings.model.exclude,
        dated=history.tables.dated,
        months=_months_repeat(history, latest),
        criteria=_criteria(history, settings),
        titles={
            name: Words(title.en, title.ru) for name, title in settings.words.items()
        },
        units={name: title.unit for name, title in settings.words.items()},
    ), notes


def _criteria(history: History, settings: Settings) -> dict[str, str]:
    """Name the card fields that are read as answers and that are there."""
    there = set(history.tables.fields) - set(settings.model.exclude)
    asked = settings.criteria.fields.items()
    return {question: name for question, name in asked if name in there}


def _event_kinds(
    history: History, latest: pl.DataFrame
) -> tuple[dict[str, bool], bool]:
    """Name the most frequent kinds, and whether they have values; are there others."""
    counted = (
        history.visible("events", latest)
        .group_by("kind")
        .agg(
            count=pl.len(),
            leads=pl.col("row").n_unique(),
            valued=pl.col("value").is_not_null().mean() >= VALUED,
        )
        .collect()
        .sort("count", "kind", descending=[True, False])
    )
    kept = counted.filter(pl.col("leads") >= FEWEST_LEADS).head(MOST_EVENT_KINDS)
    kinds = dict(zip(kept["kind"], kept["valued"], strict=True))
    return kinds, len(kinds) < len(counted)


def _fields(
    history: History, latest: pl.DataFrame, settings: Settings
) -> tuple[dict[str, tuple[Kind, ...]], tuple[str, ...]]:
    cards = history.cards(latest).sort("created_at", "row")
    region = REGIONS.get(settings.company.language)
    uses = {
        name: use_of(cards[name], FieldType(kind), region=region)
        for name, kind in sorted(history.tables.fields.items())
        if name not in settings.model.exclude
    }
    notes = [use.note for use in uses.values() if use.note]
    return {name: use.kinds for name, use in uses.items()}, tuple(notes)


def _months_repeat(history: History, latest: pl.DataFrame) -> bool:
    """Say whether every month was seen in two years: else it is but a date."""
    created = pl.from_epoch(history.cards(latest)["created_at"], time_unit="us")
    seen = pl.DataFrame({"month": created.dt.month(), "year": created.dt.year()})
    years = seen.group_by("month").agg(pl.col("year").n_unique())["year"]
    return len(years) == 12 and int(years.min()) >= 2  # type: ignore[arg-type]


def _stage_normal(
    history: History, latest: pl.DataFrame
) -> dict[str, dict[str, float]]:
    """Learn the median stay in each stage, in seconds, from stays that ended."""
    cards = nw.from_native(history.cards(latest), eager_only=True)
    seen = stages_seen(history, latest, cards).to_native()
    named = pl.struct("pipeline", "stage")
    again = (named == named.shift(1)).over("row").fill_null(value=False)
    usual = (
        seen.filter(~again)
        .with_columns(stayed=(-pl.col("age").diff().shift(-1)).over("row"))
        .group_by("pipeline", "stage")
        .agg(pl.col("stayed").median(), stays=pl.col("stayed").count())
        .filter(pl.col("stays") >= FEWEST_STAYS, pl.col("stayed") > 0)
        .sort("pipeline", "stage")
    )
    normal: dict[str, dict[str, float]] = {}
    for pipeline, stage, stayed, _ in usual.iter_rows():
        normal.setdefault(pipeline, {})[stage] = stayed / MILLION
    return normal


def _cycles(
    history: History, latest: pl.DataFrame, settings: Settings
) -> dict[str, float]:
    """Learn the mean time to a deal, in seconds, if the four questions are asked.

    Of the training leads alone, and no further than their own labels look.
    """
    if not (settings.criteria.fields and history.tables.dated):
        return {}
    last = latest["moment"].max()
    assert isinstance(last, int), "there are training moments"
    cards = history.cards(latest)
    leads = latest.select("lead").with_columns(cards["created_at"], cards["pipeline"])
    usual = mean_cycles(history, leads, until=last + gap_of(settings))
    return {name: days * SECONDS_A_DAY for name, days in usual.items()}


def _pruned(
    draft: Catalog, table: FeatureTable, sample: pl.DataFrame, notes: Iterable[str]
) -> Catalog:
    """Keep what differs between snapshots and is not told by another feature."""
    kept, dropped = _telling(draft.number_features, table.numbers)
    levels = {
        feature.name: _levels(table.texts[:, j].tolist(), sample)
        for j, feature in enumerate(draft.text_features)
    }
    texts = []
    for j, feature in enumerate(draft.text_features):
        if _tells(table.texts[:, j].tolist(), levels[feature.name]):
            texts.append(feature)
        else:
            del levels[feature.name]
            why = f"{feature.name!r} has no two levels of enough leads"
            dropped.append((feature.field, why))
    if not kept and not texts:
        raise DataRefused(
            "Nothing is known about the leads that differs between them.",
            remedy="Ingest card fields, events or stages; what was left out:"
            f" {'; '.join([*notes, *(why for _, why in dropped)]) or 'nothing'}.",
        )
    # Nobody misses one window of a field that has another.
    told = {feature.field for feature in (*kept, *texts)}
    missed = [why for field, why in dropped if field not in told]
    return replace(
        draft, features=(*kept, *texts), levels=levels, notes=(*notes, *missed)
    )


def _telling(
    features: Sequence[Feature], numbers: Numbers
) -> tuple[list[Feature], list[tuple[str, str]]]:
    """Sort out constants and copies; of equal columns the first stays.

    Returns the features kept, and the field of each other with why it was dropped.
    """
    kept: list[Feature] = []
    dropped: list[tuple[str, str]] = []
    seen: dict[bytes, str] = {}
    for column, feature in enumerate(features):
        values = numbers[:, column] + 0.0  # no negative zeros
        if _constant(values):
            why = f"{feature.name!r} is the same at every training moment"
            dropped.append((feature.field, why))
        elif (twin := seen.setdefault(values.tobytes(), feature.name)) != feature.name:
            dropped.append((feature.field, f"{feature.name!r} is the same as {twin!r}"))
        else:
            kept.append(feature)
    return kept, dropped


def _constant(values: Numbers) -> bool:
    return bool(np.array_equal(values, np.full_like(values, values[0]), equal_nan=True))


def _levels(values: list[str | None], sample: pl.DataFrame) -> tuple[str, ...]:
    """Choose the most frequent levels, by leads that had them."""
    counted = (
        sample.select("lead", level=pl.Series(values, dtype=pl.String()))
        .drop_nulls()
        .group_by("level")
        .agg(pl.col("lead").n_unique())
        .filter(pl.col("lead") >= FEWEST_LEADS)
        .sort("lead", "level", descending=[True, False])
    )
    return tuple(counted["level"].head(MOST_LEVELS))


def _tells(values: Sequence[str | None], levels: Sequence[str]) -> bool:
    """Say whether the levels, the others and the unknown make two groups or more."""
    known = set(levels)
    groups = {
        value if value is None or value in known else ("other",) for value in values
    }
    return bool(levels) and len(groups) > 1
