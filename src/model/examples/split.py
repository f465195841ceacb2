"""Which snapshots teach and which judge: by time, with no lead on both sides.

Dated leads are cut by the moment they were created. The newest part is the test; train
holds only labels that were known at the cut, so that between what is learned and what
is judged lies a gap of one horizon (none for a flat table that names no horizon). Folds
inside train do the same, one after another, each judged block later than all it was
fitted on.

Short histories starve such folds: where the horizon is long and the data are young,
nothing is left before the first judged block. Then folds fall back to whole leads drawn
by a hash (``Split.folds_by`` says which it was). That is still honest about leads, not
about time; the test is never relaxed, it is refused in words.

Leads without time are drawn by a hash of their id with the seed, so a lead stays on its
side when others come or go. A holdout that came with the data replaces the test.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from leads.errors import DataRefused
from leads.settings import Settings
from model.examples.labels import gap_of

Rows = npt.NDArray[np.intp]
Fold = tuple[Rows, Rows]
DAY: Final = 86_400_000_000
FIRST_FIT: Final = 0.2
"""The first fold is fitted on at least this part of train."""
LEAST_JUDGED: Final = 0.2
"""Forward folds judge at least this part of train's leads, or folds go by lead."""


@dataclass(frozen=True)
class Split:
    """Rows of the snapshots (labelled ones only) by their use.

    ``folds`` are pairs (fit, judge) of rows of ``train``. ``cut`` is the moment in
    microseconds that parts train from test; None where they are not parted by time.
    """

    train: Rows
    test: Rows
    folds: tuple[Fold, ...]
    folds_by: Literal["time", "lead"]
    cut: int | None = None


def split(snapshots: pl.DataFrame, settings: Settings) -> Split:
    """Part the labelled snapshots into train and test, and train into folds.

    Parameters
    ----------
    snapshots
        What ``model.examples.snapshots.take`` returns.

    Raises
    ------
    DataRefused
        Nothing is labelled, or one of the sides is empty; says how many days of history
        there are and how many are needed.
    """
    labelled = snapshots.filter(pl.col("label").is_not_null())
    if labelled.is_empty():
        raise _nothing_labelled(snapshots, settings)
    dated = labelled["created_at"].n_unique() > 1
    cut = None
    if labelled["holdout"].any():
        test, train = _parted(labelled, pl.col("holdout"))
    elif dated:
        cut, train, test = _by_time(labelled, settings)
    else:
        drawn = _drawn(labelled, settings.model.seed, "test")
        test, train = _parted(labelled, pl.Series(drawn < settings.model.test_share))
    if train.is_empty() or test.is_empty():
        raise _starved(labelled, train, settings, dated=dated)
    forward = _forward(train, settings) if dated else ()
    return Split(
        train=_rows(train),
        test=_rows(test),
        folds=forward or _by_lead(train, settings),
        folds_by="time" if forward else "lead",
        cut=cut,
    )


def _parted(
    labelled: pl.DataFrame, test: pl.Expr | pl.Series
) -> tuple[pl.DataFrame, pl.DataFrame]:
    marked = labelled.with_columns(_test=test)
    return (
        marked.filter("_test").drop("_test"),
        marked.filter(~pl.col("_test")).drop("_test"),
    )


def _by_time(
    labelled: pl.DataFrame, settings: Settings
) -> tuple[int, pl.DataFrame, pl.DataFrame]:
    created = np.sort(labelled.unique("lead_id")["created_at"].to_numpy())
    first_of_test = int(np.ceil(len(created) * (1.0 - settings.model.test_share)))
    cut = int(created[min(first_of_test, len(created) - 1)])
    train = labelled.filter(_known_before(cut, settings))
    return cut, train, labelled.filter(pl.col("created_at") >= cut)


def _known_before(moment: int, settings: Settings) -> pl.Expr:
    """Say which labels were known by a moment; their leads were created before it."""
    return pl.col("moment") + gap_of(settings) <= moment


def _forward(train: pl.DataFrame, settings: Settings) -> tuple[Fold, ...]:
    """Make as many forward folds as the history carries, up to the number asked for."""
    known_at = train["moment"].to_numpy() + gap_of(settings)
    first = int(np.quantile(known_at, FIRST_FIT, method="higher"))
    created = np.sort(train.unique("lead_id")["created_at"].to_numpy())
    judged = created[created >= first]
    if len(judged) < LEAST_JUDGED * len(created):
        return ()
    for count in range(min(settings.model.folds, len(judged)), 1, -1):
        places = np.linspace(0, len(judged), count, endpoint=False).astype(np.intp)
        borders = np.append(judged[places], created[-1] + 1)
        folds = tuple(_blocks(train, borders, settings))
        if all(_both_classes(train, fold) for fold in folds):
            return folds
    return ()


def _blocks(
    train: pl.DataFrame, borders: npt.NDArray[np.int64], settings: Settings
) -> Iterator[Fold]:
    for start, stop in zip(borders[:-1].tolist(), borders[1:].tolist(), strict=True):
        later = (pl.col("created_at") >= start) & (pl.col("created_at") < stop)
        fit = train.filter(_known_before(start, settings))
        yield _rows(fit), _rows(train.filter(later))


def _both_classes(train: pl.DataFrame, fold: Fold) -> bool:
    by_row = train.select("row", "label")
    return all(
        by_row.filter(pl.col("row").is_in(side))["label"].n_unique() == 2
        for side in fold
    )


def _by_lead(train: pl.DataFrame, settings: Settings) -> tuple[Fold, ...]:
    drawn = _drawn(train, settings.model.seed, "fold")
    block = (drawn * settings.model.folds).astype(np.intp)
    rows = _rows(train)
    return tuple(
        (rows[block != number], rows[block == number])
        for number in range(settings.model.folds)
        if 0 < np.count_nonzero(block == number) < len(rows)
    )


def _drawn(snapshots: pl.DataFrame, seed: int, purpose: str) -> npt.NDArray[np.float64]:
    """Draw a number in [0, 1) per lead, the same for a lead whatever the others are."""
    ids = snapshots["lead_id"].unique()
    digests = [
        hashlib.blake2b(f"{seed}/{purpose}/{lead}".encode(), digest_size=8).digest()
        for lead in ids
    ]
    # 53 bits fill a float exactly, so no draw rounds up to 1.
    parts = [(int.from_bytes(digest) >> 11) / 2**53 for digest in digests]
    draws = pl.DataFrame({"lead_id": ids, "draw": parts})
    joined = snapshots.join(draws, on="lead_id", how="left", maintain_order="left")
    return joined["draw"].to_numpy()


def _rows(snapshots: pl.DataFrame) -> Rows:
    return snapshots["row"].to_numpy().astype(np.intp)


def _nothing_labelled(snapshots: pl.DataFrame, settings: Settings) -> DataRefused:
    if snapshots.is_empty():
        return DataRefused(
            "No snapshot could be taken: there is no lead that was open at any of the"
            f" moments {list(settings.snapshots.at)}.",
            remedy="Check [snapshots] at, [funnel] and the times of the leads.",
        )
    days = settings.conversion.horizon_days
    seen = _days(snapshots, "moment")
    return DataRefused(
        f"None of {len(snapshots):,} snapshots has a known label: their moments span"
        f" {seen:.0f} days, and each needs {days} days after it.",
        remedy="Wait, bring older leads, or lower [conversion] horizon_days.",
    )


def _starved(
    labelled: pl.DataFrame, train: pl.DataFrame, settings: Settings, *, dated: bool
) -> DataRefused:
    side = "train on" if train.is_empty() else "test on"
    leads = labelled["lead_id"].n_unique()
    if not dated or labelled["holdout"].any():
        return DataRefused(
            f"Of {leads:,} leads with a known outcome none is left to {side}.",
            remedy="Bring more leads, or check the holdout and [model] test_share.",
        )
    horizon = settings.conversion.horizon_days
    needed = horizon + horizon / (1.0 - settings.model.test_share)
    have = _days(labelled, "created_at") + horizon
    return DataRefused(
        f"The history is too short: {leads:,} leads with known labels over about"
        f" {have:.0f} days leave none to {side}. A horizon of {horizon} days for the"
        f" labels and another one between train and test need more than {needed:.0f}.",
        remedy="Bring older leads, or lower [conversion] horizon_days.",
    )


def _days(snapshots: pl.DataFrame, column: str) -> float:
    low, high = snapshots.select(
        pl.col(column).min().alias("low"), pl.col(column).max().alias("high")
    ).row(0)
    return float(high - low) / DAY
