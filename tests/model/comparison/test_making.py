from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.model.invented import flat_settings

from leads.decision import Tier, probability_of
from model.bundle.whole import Bundle
from model.comparison import making
from model.comparison.making import Contender
from model.comparison.records import Comparison, Version
from model.learning import Task, Trained, learn
from model.promotion.evaluation import Judged
from model.promotion.trial import Ground
from model.reasons.explanation import shares


@pytest.fixture(scope="module")
def other(task: Task, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Learn a second bundle, of half of the leads."""
    folder = tmp_path_factory.mktemp("other")
    fold = task.folds[:2]
    halved = replace(task, folds=fold, ablated=False)
    settings = flat_settings(folder, rounds=15, seed=9)
    return learn(halved, settings, workdir=folder).bundle


@pytest.fixture
def both(trained: Trained, other: Bundle) -> making._Both:
    """Let both say something of the test rows."""
    bundles = (trained.bundle, other)
    return making._Both(
        (trained.table, trained.table),
        tuple(bundle.log_odds(trained.table) for bundle in bundles),  # type: ignore[arg-type]
    )


def test_a_move_adds_up(trained: Trained, other: Bundle, both: making._Both) -> None:
    """What the start and all fields moved is the difference of the two chances."""
    count = len(trained.table)
    tiers = [Tier.COLD] * count
    ids = [str(n) for n in range(count)]

    moves = making._moves((trained.bundle, other), both, ids, (tiers, tiers))

    assert len(moves) == making.MOST_MOVES
    gaps = [abs(move.new - move.old) for move in moves]
    assert gaps == sorted(gaps, reverse=True)
    for move in moves:
        row = int(move.lead_id)
        assert move.old == pytest.approx(
            probability_of(both.log_odds[0][row]), abs=1e-6
        )
        told = [
            shares(bundle, bundle.contributions(trained.table.rows(np.array([row]))))
            for bundle in (trained.bundle, other)
        ]
        old, new = (dict(zip(fields, s[0], strict=True)) for fields, s in told)
        span = both.log_odds[1][row] - both.log_odds[0][row]
        slope = (move.new - move.old) / span
        every = {name: (new[name] - old[name]) * slope for name in new}
        assert move.base + sum(every.values()) == pytest.approx(
            move.new - move.old, abs=1e-5
        )
        for field in move.fields:
            assert field.points == pytest.approx(every[field.field], abs=1e-5)


def test_a_model_does_not_move_from_itself(trained: Trained) -> None:
    """Two equal bundles move nobody, and no field gains or loses."""
    bundle = trained.bundle
    both = making._Both((trained.table,) * 2, (trained.log_odds,) * 2)
    tiers = [Tier.COLD] * len(trained.table)
    ids = [str(n) for n in range(len(trained.table))]

    assert making._moves((bundle, bundle), both, ids, (tiers, tiers)) == ()
    weights = making._weights((bundle, bundle), both)
    assert {weight.gained for weight in weights} == {0.0}
    assert sum(weight.new or 0.0 for weight in weights) == pytest.approx(1, abs=1e-4)


def test_figures_are_of_the_same_rows(
    trained: Trained, other: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each figure is what either has on these rows, and new less old between them."""
    monkeypatch.setattr(making, "build", lambda *_: trained.table)
    ground = Ground(
        Judged(trained.labels, trained.leads, "seen before"), pl.DataFrame()
    )
    made = Comparison(Version("1", "a"), Version("2", "b"), "d")

    found = making._judged(made, ground, (trained.bundle, other), None)  # type: ignore[arg-type]

    assert found.note == "not_parted"
    assert (found.rows, found.converted) == (
        len(trained.labels), int(trained.labels.sum()),
    )  # fmt: skip
    by_name = {figure.name: figure for figure in found.figures}
    assert by_name["logloss"].old == pytest.approx(
        trained.metrics["logloss"].value, abs=1e-6
    )
    for figure in found.figures:
        assert figure.difference == pytest.approx(figure.new - figure.old, abs=2e-6)


def test_other_aims_are_not_compared(
    trained: Trained, other: Bundle, tmp_path: Path
) -> None:
    """A model of another outcome gets no figures: they would mean nothing."""
    from tests.model.invented_history import invented_history

    manifest = replace(
        other.manifest, settings={**other.manifest.settings, "conversion": {"x": 1}}
    )
    aside = replace(other, manifest=manifest)

    found = making.compare(
        invented_history(),
        flat_settings(tmp_path),
        old=Contender(Version("1", "a"), trained.bundle),
        new=Contender(Version("2", "b"), aside),
    )

    assert found.note == "other_aim"
    assert not (found.figures)
    assert not (found.tiers)
    assert not (found.moves)
