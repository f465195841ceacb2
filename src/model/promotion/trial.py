"""Where a challenger meets the champion: the newest rows unknown to either.

And the open leads, none of which has an outcome yet: how many would change tier if the
challenger served tomorrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from leads.decision import Tier
from leads.errors import PromotionRefused
from leads.history import History
from leads.settings import Settings
from model.bundle.manifest import Manifest
from model.bundle.whole import Bundle
from model.examples.snapshots import open_leads, take
from model.examples.split import split
from model.features.batch import build
from model.features.catalog import Numbers
from model.metrics import Measured
from model.promotion.evaluation import (
    Gate,
    Judged,
    Verdict,
    against_base_rate,
    against_champion,
    against_points,
    tier_moves,
)
from model.promotion.harm import Labels
from model.survey.readiness import Readiness
from model.training import leads_of, moments_at

NOT_PARTED = "The champion may have learned from some of these rows, which favours it."
OTHER_AIM = (
    "The champion predicts another outcome, so the two cannot be compared: the"
    " challenger is held against the base rate."
)


@dataclass(frozen=True)
class Ground:
    """The judged snapshots: outcomes, leads, and the moments to build features at."""

    rows: Judged
    moments: pl.DataFrame


def trial(
    history: History, settings: Settings, *, challenger: Bundle, champion: Bundle | None
) -> Verdict:
    """Let the challenger meet the champion, or the base rate if there is none.

    A challenger of too little data proves nothing; it may say the usual rate where
    nothing serves that knows more.

    Both predict the same snapshots from their own catalogs, built from the same
    history. Snapshots are the challenger's test rows, as far as the champion has not
    learned from them; if that leaves too few, all of them, and the words say so.

    Raises
    ------
    DataRefused
        Nothing in the history is labelled.
    PromotionRefused
        Nothing labelled is newer than what the challenger learned from.
    """
    if not challenger.manifest.enough:
        return _of_too_little(challenger.manifest, champion)
    if champion and not champion.manifest.enough:
        champion = None  # it says the usual rate, which is what a first one must beat
    seed = challenger.manifest.settings["model"]["seed"]
    if champion and aim_of(champion.manifest) != aim_of(challenger.manifest):
        ground = _ground(history, settings, [challenger.manifest], note=OTHER_AIM)
        champion = None
    elif champion:
        ground = shared_ground(
            history, settings, challenger.manifest, champion.manifest
        )
    else:
        ground = _ground(history, settings, [challenger.manifest])
    if ground.moments.is_empty():
        raise PromotionRefused(
            "No labelled snapshot is newer than what the challenger learned from.",
            remedy="Train anew on the ingested data, or wait for newer leads.",
        )
    new = _predicted(challenger, history, ground)
    rules = settings.promotion
    if champion is None:
        rate = challenger.manifest.base_rate
        verdict = against_base_rate(ground.rows, new, rate, seed=seed, rules=rules)
    else:
        old = _predicted(champion, history, ground)
        verdict = against_champion(ground.rows, new, old, seed=seed, rules=rules)
        verdict = verdict.joined(moves(history, settings, challenger, champion))
    if not ground.rows.suffice(rules):
        return verdict
    return verdict.joined(against_points(challenger.read_proof().rival, rules))


def moves(
    history: History, settings: Settings, challenger: Bundle, champion: Bundle
) -> Gate:
    """Say how many open leads would change tier under the challenger.

    Each has the champion's tier, and leaves it as it would tomorrow: only past a border
    by its margin.
    """
    asked = open_leads(history, settings)
    before = _tiers(champion, history, asked, [None] * len(asked))
    after = _tiers(challenger, history, asked, before)
    return tier_moves(before, after, settings.promotion)


def _tiers(
    bundle: Bundle, history: History, asked: pl.DataFrame, before: Sequence[Tier | None]
) -> list[Tier]:
    if asked.is_empty():
        return []
    table = build(bundle.catalog, history, asked)
    return bundle.tiers(table, bundle.log_odds(table).tolist(), previous=before)


def _of_too_little(challenger: Manifest, champion: Bundle | None) -> Verdict:
    ready = Readiness.kept(challenger.readiness)
    words = f"Nothing was proved. {ready.words.en}" if ready else "Nothing was proved."
    passed = champion is None or not champion.manifest.enough
    if not passed:
        words += " What serves was learned from enough data, and goes on."
    return Verdict(passed, words, Measured(0.0, 0.0, 0.0))


def shared_ground(
    history: History, settings: Settings, challenger: Manifest, champion: Manifest
) -> Ground:
    """Find rows that neither learned from, or say that some may have been seen."""
    if champion.learned_until is None:
        # Undated leads keep their side as long as they are drawn the same way.
        same = champion.split == challenger.split
        return _ground(history, settings, [challenger], note="" if same else NOT_PARTED)
    ground = _ground(history, settings, [challenger, champion])
    if ground.rows.suffice(settings.promotion):
        return ground
    return _ground(history, settings, [challenger], note=NOT_PARTED)


def _ground(
    history: History, settings: Settings, manifests: Sequence[Manifest], note: str = ""
) -> Ground:
    snapshots = take(history, settings)
    test = split(snapshots, settings).test
    learned = [m.learned_until for m in manifests if m.learned_until is not None]
    if learned and not _given_holdout(settings):
        test = test[snapshots["moment"].to_numpy()[test] >= max(learned)]
    chosen = snapshots[test]
    labels, moments = chosen["label"].cast(pl.Float64), moments_at(snapshots, test)
    groups = groups_of(history, settings, moments)
    rows = Judged(labels.to_numpy(), leads_of(chosen), note, groups)
    return Ground(rows, moments)


def groups_of(
    history: History, settings: Settings, moments: pl.DataFrame
) -> dict[str, Labels]:
    """Say by what rows are sliced, and where each row belongs; None is nowhere.

    Source, pipeline and manager as known at the moment, the month of the moment, and
    whether the customer had paid before.
    """
    cards = history.cards(moments)
    groups = {
        "source": cards["source"],
        "pipeline": cards["pipeline"],
        "manager": cards["owner"],
    }
    if history.tables.dated:
        zone = settings.company.timezone
        at = moments["moment"].cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(zone)
        groups["month"] = at.dt.strftime("%Y-%m")
        paid = history.latest("payments", moments)["at"].is_not_null()
        groups["customer"] = pl.select(
            pl.when(paid).then(pl.lit("known")).otherwise(pl.lit("new"))
        ).to_series()
    return {
        name: np.array(values.to_list(), dtype=object)
        for name, values in groups.items()
    }


def _given_holdout(settings: Settings) -> bool:
    """Say whether test rows came with the data: those nobody has learned from."""
    return getattr(settings.source, "holdout", None) is not None


def _predicted(bundle: Bundle, history: History, ground: Ground) -> Numbers:
    return bundle.log_odds(build(bundle.catalog, history, ground.moments))


def aim_of(manifest: Manifest) -> object:
    """Say what a model predicts; only models of one aim can be compared."""
    return manifest.settings["conversion"]
