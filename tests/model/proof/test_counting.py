import json
from collections.abc import Mapping
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.decision import Tier
from leads.errors import DamagedBundle
from model.learning import Trained
from model.metrics import Measured, log_odds_of
from model.proof.counting import Cases, prove, wilson
from model.proof.record import Proof
from model.tiers.borders import Borders

BORDERS = Borders(hot=0.5, warm=0.2)
METRICS = {"auc": Measured(0.8, 0.7, 0.9), "base_logloss": Measured(0.5, 0.4, 0.6)}


def cases(*said: tuple[float, int]) -> Cases:
    """Make cases of a chance and an outcome each, every one of its own lead."""
    chances = np.array([log_odds_of(chance) for chance, _ in said])
    labels = np.array([float(label) for _, label in said])
    return Cases.of(chances, labels, np.arange(len(said)))


def proof(*said: tuple[float, int]) -> Proof:
    """Prove cases."""
    return proved(cases(*said), METRICS)


def proved(said: Cases, metrics: Mapping[str, Measured]) -> Proof:
    """Prove cases whose tiers begin at the borders."""
    tiers = [BORDERS.tier_of(chance) for chance in said.chances.tolist()]
    return prove(said, metrics=metrics, tiers=tiers, base_rate=0.3)


ANY = st.lists(
    st.tuples(st.sampled_from((0.01, 0.2, 0.21, 0.5, 0.7, 0.99)), st.integers(0, 1)),
    min_size=1,
    max_size=80,
)


@given(ANY)
def test_every_case_is_counted_once(said: list[tuple[float, int]]) -> None:
    """Groups, tiers and bars each hold all cases, and successes are kept."""
    made = proof(*said)

    assert sum(b.count for b in made.reliability) == len(said)
    assert sum(t.count for t in made.tiers) == len(said)
    assert sum(b.count for b in made.histogram) == len(said)
    assert sum(t.converted for t in made.tiers) == sum(label for _, label in said)
    assert made.count == len(said)


@given(ANY)
def test_ranges_hold_what_happened(said: list[tuple[float, int]]) -> None:
    """A range holds the share it belongs to and lies between none and all."""
    made = proof(*said)

    for item in made.reliability:
        assert 0 <= item.low <= item.happened <= item.high <= 1
    chances = [item.said for item in made.reliability]
    assert chances == sorted(chances)


@given(ANY, st.randoms())
def test_order_of_rows_means_nothing(
    said: list[tuple[float, int]], rng: Random
) -> None:
    """Cases in another order, with ties among them, give the same proof."""
    turned = list(said)
    rng.shuffle(turned)

    assert proof(*turned) == proof(*said)


@given(ANY)
def test_gain_climbs_to_all(said: list[tuple[float, int]]) -> None:
    """Calling more leads never finds fewer, and calling all finds all there are."""
    found = [gain.found for gain in proof(*said).gains]

    assert found == sorted(found)
    assert found[-1] == (1.0 if any(label for _, label in said) else 0.0)


def test_tier_table_says_what_was_said_and_happened() -> None:
    """A tier's row averages what was said in it and counts what happened."""
    said = [(0.6, 1), (0.8, 0), (0.3, 1), (0.3, 0), (0.3, 0), (0.3, 0)]

    hot, warm, cold = proof(*said).tiers

    assert (hot.tier, hot.count, hot.converted) == (Tier.HOT, 2, 1)
    assert (hot.said, hot.happened) == (0.7, 0.5)
    assert (warm.said, warm.happened) == (0.3, 0.25)
    assert (cold.count, cold.said, cold.low) == (0, None, None)


def test_best_half_holds_all_successes() -> None:
    """Where the best half are exactly the successes, calling them finds them all."""
    gains = proof(*[(0.9, 1)] * 10, *[(0.1, 0)] * 10).gains

    half = next(gain for gain in gains if gain.called == 0.5)
    assert half.found == 1.0


def test_snapshots_of_one_lead_are_no_more_proof_than_one() -> None:
    """Ten snapshots of the same leads narrow no range; ten times the leads do."""
    chances, labels = np.full(200, 0.0), np.tile([0.0, 1.0], 100)

    own = Cases.of(chances, labels, np.arange(200)).share(np.arange(200))
    shared = Cases.of(chances, labels, np.arange(200) // 10).share(np.arange(200))

    assert own[0] == shared[0] == 0.5
    assert (shared[1], shared[2]) == wilson(0.5, 20)[1:]
    assert shared[2] - shared[1] > 2 * (own[2] - own[1])


def test_figures_stand_beside_the_base_rate_s() -> None:
    """A measure carries what saying the base rate would get; that is no row itself."""
    metrics = {"logloss": Measured(0.3, 0.2, 0.4)} | METRICS
    made = proved(cases((0.5, 1), (0.1, 0)), metrics)

    assert {m.name: m.base for m in made.measures} == {"logloss": 0.5, "auc": 0.5}


def test_bundle_carries_its_proof(trained: Trained) -> None:
    """The proof lies in the bundle, vouched for by its manifest."""
    kept = Proof.from_json((trained.bundle.path / "proof.json").read_text())

    assert "proof.json" in trained.bundle.manifest.files
    assert kept.count == trained.bundle.manifest.rows["test"]
    measured = {m.name: m.value for m in kept.measures}
    assert measured["auc"] == pytest.approx(trained.metrics["auc"].value, abs=1e-6)
    converted = sum(tier.converted for tier in kept.tiers)
    assert converted == trained.bundle.manifest.rows["test_conversions"]


def test_proof_comes_back_from_json() -> None:
    """What is written as JSON is read as the same proof."""
    made = proof((0.6, 1), (0.1, 0))

    assert Proof.from_json(made.to_json()) == made


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"count": 1}', json.dumps({"count": 1, "base_rate": 0})]
)
def test_damaged_proof_is_refused(text: str) -> None:
    """A proof that cannot be read is a damaged bundle, in words."""
    with pytest.raises(DamagedBundle, match="Train and promote"):
        Proof.from_json(text)
