"""Challenger against champion: the same rows, the difference with its interval, words.

Equal is not better: a change that cannot be told from chance is a risk without gain.
Nor is younger: how old a champion is, nobody here can see. Each gate says its figures
in one line and whether it was passed; thresholds are in ``[promotion]``, nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Final

import numpy as np

from leads.decision import Tier
from leads.settings import Promotion
from model.features.catalog import Numbers
from model.metrics import (
    Codes,
    Measured,
    log_odds_of,
    mean_difference,
    measure,
    paired_differences,
    row_losses,
)
from model.points.record import Rival
from model.promotion.harm import Labels, harmed, sliced

MOST_NAMED: Final = 3
"""Slices that a refusal names; the worst ones."""


@dataclass(frozen=True)
class Judged:
    """Rows on which models meet: outcomes as 0.0 or 1.0, and each row's lead.

    ``note`` says in words what is odd about the rows, if anything is. ``groups`` slice
    them: by source, say, with the source of each row.
    """

    labels: Numbers
    leads: Codes
    note: str = ""
    groups: Mapping[str, Labels] = field(default_factory=dict)

    @property
    def size(self) -> str:
        """How many rows and conversions, in words."""
        wins = int(self.labels.sum())
        return f"{len(self.labels):,} judged snapshots with {wins:,} conversions"

    def suffice(self, rules: Promotion) -> bool:
        """Whether there are enough of both outcomes to prove anything."""
        wins = int(self.labels.sum())
        return min(wins, len(self.labels) - wins) >= rules.least_of_each


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition of promotion: what it looked at, in figures, and whether it held.

    ``warning`` is a sentence about one that held, but barely.

    Examples
    --------
    >>> print(Gate("ROC-AUC", passed=False, words="-0.02, at most -0.005 is borne"))
    failed  ROC-AUC: -0.02, at most -0.005 is borne
    """

    name: str
    passed: bool
    words: str
    warning: str = ""

    def __str__(self) -> str:
        return f"{'passed' if self.passed else 'failed'}  {self.name}: {self.words}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the challenger may serve, why in words, and the paired difference.

    ``difference`` is in log-loss: below nought means that the challenger is better.
    """

    passed: bool
    words: str
    difference: Measured
    gates: tuple[Gate, ...] = ()

    def joined(self, gate: Gate) -> Verdict:
        """Add a gate; one that failed turns the verdict and says so in its words."""
        words = f"{self.words} {gate.warning}".rstrip()
        if not gate.passed:
            words = f"{words} Refused for {gate.name}: {gate.words}."
        return replace(
            self,
            passed=self.passed and gate.passed,
            words=words,
            gates=(*self.gates, gate),
        )

    def to_json(self) -> str:
        """Write as JSON, for the record."""
        return json.dumps(asdict(self), indent=1)


def against_champion(
    rows: Judged,
    challenger: Numbers,
    champion: Numbers,
    *,
    seed: int,
    rules: Promotion | None = None,
) -> Verdict:
    """Compare two models' calibrated log-odds, (n,) each, on the same rows.

    Examples
    --------
    >>> labels = np.tile([0.0, 1.0], 200)
    >>> rows = Judged(labels, np.arange(400))
    >>> sure, unsure = 4 * labels - 2, 2 * labels - 1
    >>> print(against_champion(rows, sure, unsure, seed=7).words)
    The challenger is better: log-loss 0.127 against the champion's 0.313, difference \
-0.186 (-0.186 to -0.186) on 400 judged snapshots with 200 conversions.
    >>> against_champion(rows, sure, sure, seed=7).passed
    False
    """
    rules = rules or Promotion()
    new, old = row_losses(challenger, rows.labels), row_losses(champion, rows.labels)
    difference = mean_difference(new - old, rows.leads, seed=seed)
    enough = _enough(rows, rules)
    better = Gate(
        "log-loss",
        difference.high < -rules.least_gain,
        f"{new.mean():.3f} against the champion's {old.mean():.3f}, difference"
        f" {_signed(difference)}",
    )
    compared = _compared(difference, enough=enough.passed, passed=better.passed)
    words = f"The challenger {compared}: log-loss {better.words} on {rows.size}."
    verdict = Verdict(
        passed=enough.passed and better.passed,
        words=f"{words} {rows.note}".strip(),
        difference=difference,
        gates=(enough, better),
    )
    if not enough.passed:
        return verdict
    differ = paired_differences(
        challenger, champion, rows.labels, rows.leads, seed=seed
    )
    for gate in (
        _auc(differ["auc"], rules),
        _calibration(differ["ece15"], rules),
        _slices(new - old, rows, rules),
    ):
        verdict = verdict.joined(gate)
    return verdict


def against_base_rate(
    rows: Judged,
    challenger: Numbers,
    base_rate: float,
    *,
    seed: int,
    rules: Promotion | None = None,
) -> Verdict:
    """Ask of a first model that it knows more than how often leads convert."""
    rules = rules or Promotion()
    losses = row_losses(challenger, rows.labels)
    constant = np.full(len(losses), log_odds_of(base_rate))
    base = row_losses(constant, rows.labels)
    difference = mean_difference(losses - base, rows.leads, seed=seed)
    enough = _enough(rows, rules)
    better = Gate(
        "log-loss",
        difference.high < -rules.least_gain,
        f"{losses.mean():.3f} against {base.mean():.3f} for the training base rate of"
        f" {base_rate:.1%}, difference {_signed(difference)}",
    )
    if not enough.passed:
        words = f"Nothing can be proved on {rows.size}: log-loss {better.words}."
        return Verdict(
            passed=False, words=words, difference=difference, gates=(enough, better)
        )
    measured = measure(
        challenger, rows.labels, rows.leads, base_rate=base_rate, seed=seed
    )
    ranks = Gate("ROC-AUC", measured["auc"].low > 0.5, str(measured["auc"]))
    passed = better.passed and ranks.passed
    opening = "better than" if passed else "not proved better than"
    words = (
        f"The challenger is {opening} knowing nothing: log-loss {better.words}; ROC-AUC"
        f" {ranks.words}; on {rows.size}."
    )
    gates = (enough, better, ranks)
    return Verdict(passed, f"{words} {rows.note}".strip(), difference, gates)


def against_points(rival: Rival | None, rules: Promotion) -> Gate:
    """Ask of a model that it is not worse than points that a person can count.

    Its training held it against a scorecard learned of the same rows (see
    ``model.points.rival``), on the test rows of its own. One that cannot be told from
    the scorecard passes with a warning.

    Examples
    --------
    >>> print(against_points(None, Promotion()))
    passed  scorecard: the challenger met none in its training
    """
    if rival is None:
        words = "the challenger met none in its training"
        return Gate("scorecard", passed=True, words=words)
    met = rival.in_loss
    words = (
        f"log-loss {met.model:.3f} against {met.points:.3f} for a scorecard of"
        f" {rival.traits} traits, difference"
        f" {_signed(Measured(met.gain, met.low, met.high))}"
    )
    if met.lost and met.gain > rules.most_points_loss:
        out = (
            f", at most {rules.most_points_loss:g} is borne: points would serve better;"
            " train on more or newer data, or raise most_points_loss"
        )
        return Gate("scorecard", passed=False, words=words + out)
    if met.won:
        return Gate("scorecard", passed=True, words=words)
    than = "is worse than" if met.lost else "cannot be told from"
    warning = f"Warning: it {than} points that a person can count: {words}."
    return Gate("scorecard", passed=True, words=words, warning=warning)


def tier_moves(old: Sequence[Tier], new: Sequence[Tier], rules: Promotion) -> Gate:
    """Ask how many open leads would change tier, and refuse too many of them.

    Examples
    --------
    >>> hot, cold = Tier.HOT, Tier.COLD
    >>> print(tier_moves([hot, hot, cold], [hot, cold, cold], Promotion()))
    failed  tiers: 1 of 3 open leads would change tier (33%; hot to cold 1), at most \
30% may: tell the team and raise most_tier_moves, or keep the borders with recut
    """
    if not old:
        return Gate("tiers", passed=True, words="no open lead has a tier to change")
    both = zip(old, new, strict=True)
    # Who had no tier for want of data loses none.
    pairs = [(a, b) for a, b in both if a is not b and a is not Tier.NO_DATA]
    counted = {pair: pairs.count(pair) for pair in dict.fromkeys(pairs)}
    ways = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    told = "".join(f"; {a.value} to {b.value} {n:,}" for (a, b), n in ways)
    share, most = len(pairs) / len(old), rules.most_tier_moves
    words = (
        f"{len(pairs):,} of {len(old):,} open leads would change tier"
        f" ({share:.0%}{told}), at most {most:.0%} may"
    )
    passed = share <= most
    out = ": tell the team and raise most_tier_moves, or keep the borders with recut"
    return Gate("tiers", passed, words if passed else words + out)


def _enough(rows: Judged, rules: Promotion) -> Gate:
    words = f"{rows.size}, at least {rules.least_of_each} of each outcome are needed"
    return Gate("rows", rows.suffice(rules), words)


def _auc(difference: Measured, rules: Promotion) -> Gate:
    worse = -difference.value > rules.most_auc_loss and difference.high < 0
    words = f"{_signed(difference)}, a loss of {rules.most_auc_loss:g} is borne"
    return Gate("ROC-AUC", not worse, words)


def _calibration(difference: Measured, rules: Promotion) -> Gate:
    worse = difference.value > rules.most_ece_loss and difference.low > 0
    words = (
        f"expected calibration error {_signed(difference)}, a rise of"
        f" {rules.most_ece_loss:g} is borne"
    )
    return Gate("calibration", not worse, words)


def _slices(differences: Numbers, rows: Judged, rules: Promotion) -> Gate:
    found = sliced(differences, rows.leads, rows.groups, rules)
    bad = harmed(found, rules)
    least = f"{rules.slice_rows:,} snapshots"
    if not found:
        return Gate("slices", passed=True, words=f"none has {least}")
    named = "; ".join(map(str, (bad or found)[:MOST_NAMED] if bad else found[:1]))
    opening = (
        f"worse beyond {rules.most_slice_loss:g} and beyond noise in {len(bad)} of"
        if bad
        else "no harm in"
    )
    words = f"{opening} {len(found)} with at least {least}, the worst is {named}"
    return Gate("slices", not bad, words)


def _compared(difference: Measured, *, enough: bool, passed: bool) -> str:
    if not enough:
        return "cannot be judged on so few"
    if passed:
        return "is better"
    if difference.low > 0:
        return "is worse"
    if difference.high < 0:
        return "is better, but by less than is asked for"
    return "cannot be told from the champion, and equal is not better"


def _signed(measured: Measured) -> str:
    return f"{measured.value:+.3f} ({measured.low:+.3f} to {measured.high:+.3f})"
