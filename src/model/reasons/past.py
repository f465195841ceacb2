"""Which past leads are kept beside a model: those whose outcome is known."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from leads.history import History
from leads.settings import Settings
from model.bundle.whole import Bundle
from model.examples.labels import funnel_of
from model.examples.snapshots import take
from model.features.batch import build
from model.features.catalog import FeatureTable, Kind
from model.metrics import probabilities
from model.outlook.sequels import follow
from model.reasons.explanation import shares
from model.reasons.similar import MOST_PAST, NO_DAY, NO_LEVEL, TIERS, Past, key_of

DAY: Final = 86_400_000_000


def gather(
    bundle: Bundle, history: History, settings: Settings, *, most: int = MOST_PAST
) -> Past:
    """Look at the newest mature snapshots through a model's eyes.

    Parameters
    ----------
    most
        How many snapshots are kept; 20,000 of 30 fields take 2.5 MB.
    """
    known = take(history, settings).filter(pl.col("label").is_not_null())
    chosen = known.tail(most)
    moments = chosen.select(
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"), "lead_id", "moment"
    )
    table = build(bundle.catalog, history, moments)
    log_odds, contributions, outlooks = bundle.explain(table)
    names, summed = shares(bundle, contributions)
    tiers = bundle.tiers(table, log_odds.tolist(), outlooks=outlooks)
    (stage, stages), (source, sources) = (
        _levels(bundle, table, "stage"),
        _levels(bundle, table, "source"),
    )
    return Past(
        digest=bundle.digest,
        names=names,
        shares=summed.astype(np.float32),
        key=np.array(
            [key_of(one, bundle.digest) for one in chosen["lead_id"]], np.uint64
        ),
        day=np.where(
            history.tables.dated, chosen["moment"].to_numpy() // DAY, NO_DAY
        ).astype(np.int32),
        chance=probabilities(log_odds).astype(np.float32),
        tier=np.array([TIERS.index(tier) for tier in tiers], np.int8),
        converted=chosen["label"].cast(pl.Boolean).to_numpy(),
        days=_days(history, settings, chosen),
        stage=stage,
        source=source,
        stages=stages,
        sources=sources,
    )


def _days(
    history: History, settings: Settings, chosen: pl.DataFrame
) -> npt.NDArray[np.float32]:
    """Count the days until each conversion within the horizon; NaN without one."""
    moments = chosen.select("lead_id", "moment")
    funnel = funnel_of(history, settings)
    sequel = follow(history, settings, moments, funnel, until=history.cut_off)
    if sequel is None:
        return np.full(len(chosen), np.nan, np.float32)
    won = chosen["label"].cast(pl.Boolean).to_numpy()
    return np.where(won, sequel.days, np.nan).astype(np.float32)


def _levels(
    bundle: Bundle, table: FeatureTable, kind: Kind
) -> tuple[npt.NDArray[np.int16], tuple[str, ...]]:
    """Code a text that the model knows by levels; rare ones could name a person."""
    for column, feature in enumerate(bundle.catalog.text_features):
        if feature.kind == kind:
            levels = bundle.catalog.levels[feature.name]
            code = {level: place for place, level in enumerate(levels)}
            found = [code.get(text, NO_LEVEL) for text in table.texts[:, column]]
            return np.array(found, np.int16), levels
    return np.full(len(table), NO_LEVEL, np.int16), ()
