from dataclasses import replace

import pytest
from tests.serve import example

from leads.decision import Tier
from model.proof.record import NO_PROOF, Gain, Proof, TierProof
from serve.pages.trust import FEWEST, verdict_of, weigh


def tier(
    said: float | None, low: float | None, high: float | None, count: int = 400
) -> TierProof:
    """Make what was said and happened in a tier."""
    return TierProof(Tier.HOT, count, 100, said, 0.25, low, high)


@pytest.mark.parametrize(
    ("proof", "verdict"),
    [
        (tier(0.25, 0.2, 0.3), "agrees"),
        (tier(0.2, 0.2, 0.3), "agrees"),
        (tier(0.31, 0.2, 0.3), "high"),
        (tier(0.19, 0.2, 0.3), "low"),
        (tier(0.25, 0.0, 0.9, count=FEWEST - 1), "unsure"),
        (tier(None, None, None, count=0), "unsure"),
        (tier(0.25, None, None), "unsure"),
    ],
)
def test_verdict_is_no_kinder_than_the_numbers(proof: TierProof, verdict: str) -> None:
    """What was said came true only if it lies in the range of what happened."""
    assert verdict_of(proof) == verdict


def test_tiers_stand_in_their_order() -> None:
    """Hot comes before warm before cold, in whatever order they were counted."""
    trust = weigh(example.evidence())

    assert [v.proof.tier for v in trust.tiers] == [Tier.HOT, Tier.WARM, Tier.COLD]
    assert [v.verdict for v in trust.tiers] == ["agrees", "low", "agrees"]


def test_headline_reads_the_curve_between_its_points() -> None:
    """The gain at a fifth of the leads is read straight between known points."""
    gains = (Gain(0.1, 0.4), Gain(0.3, 0.6), Gain(1.0, 1.0))
    proof = Proof(count=10, base_rate=0.1, gains=gains)

    trust = weigh(replace(example.evidence(), proof=proof))

    assert trust.headline is not None
    assert trust.headline.found == pytest.approx(0.5)
    assert trust.headline.lift == pytest.approx(2.5)


def test_proof_without_anything_still_stands() -> None:
    """A proof of nothing makes a page of nothing, not a failure."""
    trust = weigh(replace(example.evidence(), proof=NO_PROOF))

    assert (trust.headline, trust.gain_rows, trust.tiers) == (None, (), ())
