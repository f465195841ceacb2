from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.by_hand import DAY, moment
from tests.strategies import settings

from leads.errors import DataRefused
from leads.settings import Settings
from model.examples.split import split


def snapshots(
    days: list[float],
    *,
    labels: list[bool | None] | None = None,
    holdout: list[bool] | None = None,
) -> pl.DataFrame:
    """Make one snapshot per lead, taken when it was created."""
    count = len(days)
    created = [moment(day) for day in days]
    return pl.DataFrame(
        {
            "row": pl.Series(range(count), dtype=pl.UInt32),
            "lead_id": [f"{number:04}" for number in range(count)],
            "moment": created,
            "label": labels or [number % 3 == 0 for number in range(count)],
            "holdout": holdout or [False] * count,
            "created_at": created,
        }
    )


def rules(horizon: int = 10, **model: float) -> Settings:
    """Split with this horizon."""
    return settings(conversion={"horizon_days": horizon}, model=model)


def spread(span: float, count: int = 300) -> pl.DataFrame:
    """Spread leads evenly over days."""
    return snapshots(np.linspace(0, span, count).tolist())


def test_the_newest_leads_are_the_test() -> None:
    """A fifth of the leads, the newest, is judged; train ends a horizon before."""
    parts = split(spread(100), rules())

    assert len(parts.test) == pytest.approx(60, abs=1)
    assert parts.test.min() == 300 - len(parts.test)
    assert parts.cut == pytest.approx(moment(80), abs=DAY)
    assert parts.train.max() == pytest.approx(0.7 * 300, abs=2)


def test_a_long_history_is_judged_forward_in_as_many_folds_as_asked() -> None:
    """Each block is later than the one before, and its fit grows."""
    parts = split(spread(400), rules(folds=4))

    assert parts.folds_by == "time"
    assert len(parts.folds) == 4
    fits = [len(fit) for fit, _ in parts.folds]
    firsts = [judge.min() for _, judge in parts.folds]
    assert fits == sorted(fits)
    assert firsts == sorted(firsts)
    assert fits[0] >= 0.2 * len(parts.train) - 1


def test_a_short_history_still_has_folds_by_lead() -> None:
    """Three months with a horizon of one leave a forward block nothing to learn."""
    parts = split(spread(60, count=500), rules(horizon=30, folds=5))

    assert parts.folds_by == "lead"
    assert len(parts.folds) == 5
    judged = np.concatenate([judge for _, judge in parts.folds])
    assert sorted(judged) == sorted(parts.train)
    assert min(len(judge) for _, judge in parts.folds) > 10


def test_forward_folds_without_both_outcomes_give_way() -> None:
    """Blocks of one outcome cannot judge, so fewer blocks or leads are taken."""
    days = np.linspace(0, 400, 300).tolist()
    late = snapshots(days, labels=[number > 200 for number in range(300)])

    parts = split(late, rules(folds=5))

    assert parts.folds_by == "lead"


def test_too_short_a_history_is_refused_in_days() -> None:
    """The refusal says how much there is and how much is needed."""
    with pytest.raises(DataRefused, match=r"about 50 days .* more than 68\."):
        split(spread(20), rules(horizon=30))


def test_nothing_labelled_is_refused_with_the_reason() -> None:
    """All censored: not one horizon is over."""
    censored = snapshots([0, 5], labels=[None, None])

    with pytest.raises(DataRefused, match=r"None of 2 snapshots .* needs 10 days"):
        split(censored, rules())


def test_no_snapshot_at_all_is_refused() -> None:
    """An empty company is told where to look."""
    with pytest.raises(DataRefused, match=r"No snapshot could be taken"):
        split(snapshots([0]).clear(), rules())


def test_a_holdout_replaces_the_test() -> None:
    """Rows that were held out are judged, all others teach."""
    held = [number % 5 == 0 for number in range(300)]
    given = snapshots(np.linspace(0, 100, 300).tolist(), holdout=held)

    parts = split(given, rules())

    assert parts.test.tolist() == np.flatnonzero(held).tolist()
    assert parts.cut is None
    assert len(parts.train) + len(parts.test) == 300


def test_a_lead_without_time_keeps_its_side_when_others_go() -> None:
    """Drawn by its id and the seed alone; another seed draws otherwise."""
    undated = snapshots([0.0] * 500)

    whole, fewer = split(undated, rules()), split(undated[::2], rules())

    assert set(fewer.test) == {row for row in whole.test if row % 2 == 0}
    assert len(whole.test) == pytest.approx(100, abs=30)
    assert set(split(undated, rules(seed=8)).test) != set(whole.test)


def test_the_draw_is_the_same_on_every_machine_and_day() -> None:
    """A golden draw: a change of it would move leads between train and test."""
    parts = split(snapshots([0.0] * 40), rules(seed=7))

    assert parts.test.tolist() == [8, 21, 33]


def test_unlabelled_snapshots_are_on_no_side() -> None:
    """What is censored neither teaches nor judges."""
    labels = [None if n % 4 == 0 else n % 3 == 0 for n in range(300)]
    given = snapshots(np.linspace(0, 100, 300).tolist(), labels=labels)

    parts = split(given, rules())

    assert not set(range(0, 300, 4)) & {*parts.train.tolist(), *parts.test.tolist()}


@pytest.mark.parametrize(("named", "gap"), [({}, 0), ({"horizon_days": 10}, 10)])
def test_a_flat_table_leaves_a_gap_only_if_it_names_a_horizon(
    tmp_path: Path, named: dict[str, int], gap: int
) -> None:
    """It tells how leads ended, not when that was known."""
    flat = Settings.model_validate(
        {
            "source": {"kind": "table", "path": tmp_path, "outcome": "y", "time": "t"},
            "conversion": {"kind": "outcome", **named},
        }
    )

    parts = split(spread(100), flat)

    assert parts.train.max() == pytest.approx((0.8 - gap / 100) * 300, abs=2)
