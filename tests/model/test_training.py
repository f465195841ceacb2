from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.model.invented_history import (
    FIRST,
    company_settings,
    cut_at,
    invented_history,
)

from leads.decision import Tier
from leads.errors import DataRefused, PromotionRefused
from leads.history import History, microseconds
from model.examples.labels import horizon_of
from model.examples.snapshots import take
from model.examples.split import split
from model.features.batch import build
from model.learning import Trained
from model.promotion.champion import set_champion
from model.promotion.trial import NOT_PARTED, OTHER_AIM, groups_of, moves, trial
from model.tiers.borders import Borders
from model.training import Terms, moments_at, train
from pipelines.train import borders_to_keep
from serve.scoring import predict


@pytest.fixture(scope="session")
def history() -> History:
    """Invent the small company."""
    return invented_history()


@pytest.fixture(scope="session")
def grown(history: History, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Train on the small company's history; not to be changed."""
    folder = tmp_path_factory.mktemp("grown")
    return train(history, company_settings(folder), workdir=folder)


def test_history_becomes_a_bundle_that_knows_something(grown: Trained) -> None:
    """From leads, visits and payments alone the model beats the base rate."""
    assert grown.metrics["logloss"].high < grown.metrics["base_logloss"].value
    assert {"source", "activity", "visit"} & {
        feature.field for feature in grown.bundle.catalog.features
    }


def test_a_brief_model_says_the_same_of_the_past(
    history: History, grown: Trained, tmp_path: Path
) -> None:
    """Chances, tiers and amounts to the bit; no curve, and nothing is measured."""
    settings, terms = company_settings(tmp_path), Terms(brief=True)

    brief = train(history, settings, workdir=tmp_path / "brief", terms=terms)

    said = grown.bundle.outlooks(grown.table, grown.log_odds.tolist())
    told = brief.bundle.outlooks(grown.table, brief.log_odds.tolist())
    assert np.array_equal(brief.log_odds, grown.log_odds)
    assert brief.bundle.borders == grown.bundle.borders
    amounts = [one.expected_minor for one in said if one]
    assert any(amounts)
    assert amounts == [one.expected_minor for one in told if one]
    assert not any(one.curve for one in told if one)
    assert not brief.metrics
    assert brief.bundle.read_proof().count == 0


def test_the_test_is_newer_than_all_that_was_learned(
    history: History, grown: Trained, tmp_path: Path
) -> None:
    """No training label depends on a moment after the first test snapshot."""
    settings = company_settings(tmp_path)
    snapshots = take(history, settings)
    parts = split(snapshots, settings)
    moments = snapshots["moment"].to_numpy()

    learned_until = grown.bundle.manifest.learned_until
    assert learned_until == moments[parts.train].max() + horizon_of(settings)
    assert learned_until is not None
    assert learned_until <= moments[parts.test].min()


def test_proof_is_what_the_bundle_says_of_the_test_rows(
    history: History, grown: Trained, tmp_path: Path
) -> None:
    """Building the test rows anew and predicting them gives the proof's log-odds."""
    settings = company_settings(tmp_path)
    snapshots = take(history, settings)
    test = split(snapshots, settings).test
    table = build(grown.bundle.catalog, history, moments_at(snapshots, test))

    assert np.array_equal(grown.bundle.log_odds(table), grown.log_odds)
    labels = snapshots["label"].cast(pl.Float64).to_numpy()[test]
    assert np.array_equal(grown.labels, labels)


def test_progress_is_told_in_words(history: History, tmp_path: Path) -> None:
    """Whoever waits is told each step."""
    told: list[str] = []
    train(history, company_settings(tmp_path), workdir=tmp_path, progress=told.append)

    assert told[0] == "Taking snapshots"
    assert any(step.startswith("Fitting on all") for step in told)


def test_a_young_company_is_refused_in_words(history: History, tmp_path: Path) -> None:
    """With three weeks of data there is nothing to train on, and that is said."""
    young = cut_at(history, 21)

    with pytest.raises(DataRefused):
        train(young, company_settings(tmp_path), workdir=tmp_path)


def thin_of(leads: int, folder: Path, *, paid: bool = True) -> tuple[Trained, History]:
    """Train on too few leads, or on leads of which none has paid."""
    history = invented_history(leads=leads)
    if not paid:
        tables = replace(history.tables, payments=history.tables.payments.clear())
        history = History(tables)
    return train(history, company_settings(folder), workdir=folder), history


def test_what_is_missing_is_told_before_features_are(tmp_path: Path) -> None:
    """Whoever trains on too little hears it before anything is computed."""
    heard: list[str] = []
    train(
        invented_history(leads=60),
        company_settings(tmp_path),
        workdir=tmp_path,
        progress=heard.append,
        told=lambda ready: heard.append(ready.words.en),
    )

    place = next(i for i, said in enumerate(heard) if said.startswith("Not enough"))
    assert place < heard.index("Discovering features")


@pytest.mark.parametrize(("leads", "paid"), [(8, True), (60, True), (400, False)])
def test_few_leads_are_answered_with_the_usual_rate(
    tmp_path: Path, leads: int, *, paid: bool
) -> None:
    """However few, or if none ever paid: one rate, no tier, and no certainty."""
    made, _ = thin_of(leads, tmp_path, paid=paid)
    moments = [datetime(2026, 1, 1, tzinfo=UTC)] * len(made.labels)

    said = predict(made.bundle, made.table, ["L"] * len(moments), moments, version="1")

    assert {prediction.tier for prediction in said} == {Tier.NO_DATA}
    assert len({prediction.probability for prediction in said}) == 1
    assert 0.0 < said[0].probability < 0.5
    assert said[0].probability == pytest.approx(made.bundle.manifest.base_rate)
    assert not said[0].reasons


def test_too_little_data_serves_only_where_nothing_better_does(
    history: History, grown: Trained, tmp_path: Path
) -> None:
    """A usual rate may follow nothing or a usual rate, never a model."""
    thin, few = thin_of(60, tmp_path)
    settings = company_settings(tmp_path)
    champions = (None, thin.bundle, grown.bundle)

    verdicts = [
        trial(few, settings, challenger=thin.bundle, champion=champion)
        for champion in champions
    ]

    assert [verdict.passed for verdict in verdicts] == [True, True, False]
    assert all("Nothing was proved. Not enough data" in v.words for v in verdicts)
    assert "goes on" in verdicts[2].words


@pytest.mark.parametrize("noise", [False, True])
def test_the_usual_rate_is_followed_by_what_beats_it(
    tmp_path: Path, *, noise: bool
) -> None:
    """Enough data do not suffice: a model of noise stays behind the rate."""
    history = invented_history(noise=noise)
    counted = company_settings(tmp_path, minimum=5_000)
    settings = company_settings(tmp_path)
    rate = train(history, counted, workdir=tmp_path / "rate").bundle
    model = train(history, settings, workdir=tmp_path / "model").bundle

    verdict = trial(history, settings, challenger=model, champion=rate)

    assert verdict.passed is not noise


def test_a_first_challenger_meets_the_base_rate(
    history: History, grown: Trained, tmp_path: Path
) -> None:
    """Without a champion a model that knows something passes."""
    verdict = trial(
        history, company_settings(tmp_path), challenger=grown.bundle, champion=None
    )

    assert verdict.passed
    assert "better than knowing nothing" in verdict.words


def test_noise_never_passes(tmp_path: Path) -> None:
    """A model of leads that pay at random is refused."""
    noise = invented_history(noise=True)
    settings = company_settings(tmp_path)
    made = train(noise, settings, workdir=tmp_path)

    verdict = trial(noise, settings, challenger=made.bundle, champion=None)

    assert not verdict.passed


def test_the_champion_is_judged_on_what_it_never_saw(
    history: History, grown: Trained, tmp_path: Path
) -> None:
    """Rows older than the champion's last training label are left out."""
    settings = company_settings(tmp_path)
    early = train(cut_at(history, 120), settings, workdir=tmp_path)

    verdict = trial(history, settings, challenger=grown.bundle, champion=early.bundle)

    assert NOT_PARTED not in verdict.words
    assert "judged snapshots" in verdict.words


def test_a_champion_that_saw_all_rows_is_favoured_and_that_is_said(
    history: History, grown: Trained, tmp_path: Path
) -> None:
    """Where every row may have taught the champion, the words own up to it."""
    settings = company_settings(tmp_path, test_share=0.02, seed=9)
    late = train(history, settings, workdir=tmp_path)

    verdict = trial(
        history,
        company_settings(tmp_path),
        challenger=grown.bundle,
        champion=late.bundle,
    )

    assert NOT_PARTED in verdict.words


def test_models_of_different_outcomes_are_not_compared(
    history: History, grown: Trained, tmp_path: Path
) -> None:
    """A champion with another horizon gives way to the base rate, and that is said."""
    settings = company_settings(tmp_path)
    week = settings.conversion.model_copy(update={"horizon_days": 7})
    other = train(
        history, settings.model_copy(update={"conversion": week}), workdir=tmp_path
    )

    verdict = trial(history, settings, challenger=grown.bundle, champion=other.bundle)

    assert OTHER_AIM in verdict.words


def test_a_challenger_needs_rows_that_are_newer(
    history: History, grown: Trained, tmp_path: Path
) -> None:
    """On data that end before its own test began nothing can be proved."""
    past = cut_at(history, 100)

    with pytest.raises(PromotionRefused, match="No labelled snapshot is newer"):
        trial(past, company_settings(tmp_path), challenger=grown.bundle, champion=None)


def test_rows_are_sliced_by_what_was_known_at_the_moment(
    history: History, tmp_path: Path
) -> None:
    """Source and manager are the card's, months the company's, customers had paid."""
    settings = company_settings(tmp_path)
    zone = settings.company.model_copy(update={"timezone": "Asia/Vladivostok"})
    ids = history.leads["lead_id"].to_list()[:2]
    payments = history.tables.payments
    payer = payments["lead_id"][0]
    paid_at = microseconds(payments["at"][0])
    january = microseconds(datetime(2025, 1, 31, 20, tzinfo=UTC))
    moments = pl.DataFrame(
        {
            "row": [0, 1, 2],
            "lead_id": [ids[0], payer, payer],
            "moment": [january, paid_at - 1, paid_at],
        },
        schema_overrides={"row": pl.UInt32},
    )
    groups = groups_of(history, settings.model_copy(update={"company": zone}), moments)

    assert set(groups) == {"source", "pipeline", "manager", "month", "customer"}
    assert groups["source"][0] == history.leads["source"][0]
    assert groups["manager"].tolist() == [None, None, None]
    assert groups["month"][0] == "2025-02"  # the first there begins ten hours earlier
    assert groups["customer"].tolist() == ["new", "new", "known"]


def test_moves_are_counted_as_they_would_happen(
    history: History, grown: Trained, tmp_path: Path
) -> None:
    """The same model moves nobody; borders that all pass move whoever was not hot."""
    settings = company_settings(tmp_path)
    bundle = grown.bundle
    eager = replace(bundle, borders=Borders(0.0, 0.0))
    young = history.until(microseconds(FIRST + timedelta(days=90)))

    same = moves(young, settings, challenger=bundle, champion=bundle)
    other = moves(young, settings, challenger=eager, champion=bundle)

    assert same.passed
    assert same.words.startswith("0 of ")
    assert not other.passed
    assert "cold to hot" in other.words


def test_a_retraining_cuts_anew_or_keeps(
    history: History, grown: Trained, tmp_path: Path
) -> None:
    """With recut = false the champion's borders are handed on, otherwise none are."""
    settings = company_settings(tmp_path)
    tiers = settings.tiers.model_copy(update={"recut": False})
    keeping = settings.model_copy(update={"tiers": tiers})

    assert borders_to_keep(keeping) is None  # nothing serves yet
    set_champion(settings.store.folder, grown.bundle.path, "1", FIRST)
    assert borders_to_keep(keeping) == grown.bundle.borders
    assert borders_to_keep(settings) is None
