"""``snapshot``: take every snapshot with its label, and show what the data hold.

Keeps ``snapshots.parquet`` and ``datacard.json`` in the store. Both follow from the
ingested tables and the configuration and are swapped whole, so running it again, also
after a crash, changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from rich.table import Table

from leads.errors import DataRefused
from leads.history import History
from leads.settings import Settings, read_settings
from leads.wholefile import replacing
from model.examples.labels import funnel_of
from model.examples.snapshots import take
from model.examples.split import split
from model.survey.datacard import DataCard, Maturity, describe
from model.survey.horizon import Proposal
from model.survey.readiness import Readiness
from pipelines.console import ConfigOption, out, table, verb, working
from pipelines.ingest import stored

FILE = "snapshots.parquet"


@dataclass(frozen=True)
class Snapshotted:
    """What one run of ``snapshot`` made, and of what."""

    history: History
    snapshots: pl.DataFrame
    card: DataCard


@verb
def snapshot(config: ConfigOption) -> None:
    """Take snapshots of all leads and print the data card."""
    settings = read_settings(config)
    with working("Taking snapshots"):
        made = snapshot_leads(settings)
    for shown in card_tables(made.card):
        out.print(shown)
        out.print()
    out.print(readiness(made.snapshots, settings), soft_wrap=True)


def readiness(snapshots: pl.DataFrame, settings: Settings) -> str:
    """Say whether training would find data enough, and what is missing."""
    try:
        parts = split(snapshots, settings)
    except DataRefused as refusal:
        return f"{refusal}"
    return Readiness.before(snapshots, parts, settings).words.en


def snapshot_leads(settings: Settings) -> Snapshotted:
    """Take the snapshots of what was ingested, ingesting first where needed; keep them.

    Raises
    ------
    BadInput
        The source has faults.
    BadConfig
        ``[conversion] stage`` names a stage that no lead ever entered.
    """
    history, _ = stored(settings)
    funnel = funnel_of(history, settings)
    snapshots = take(history, settings, funnel=funnel)
    card = describe(history, settings, snapshots, funnel)
    _keep(snapshots, settings.store.folder)
    card.save(settings.store.folder)
    return Snapshotted(history, snapshots, card)


def _keep(snapshots: pl.DataFrame, folder: Path) -> None:
    with replacing(folder / FILE) as draft:
        snapshots.write_parquet(draft)


def card_tables(card: DataCard) -> Iterator[Table]:
    """Draw the data card for a terminal, one table per question."""
    yield _overview(card)
    yield _groups(card)
    if card.maturity.curve:
        yield _maturity(card.maturity)
        yield _delays(card.maturity)
    if card.proposal is not None:
        yield _horizon(card.proposal, card.horizon_days)
    if card.fields:
        yield _fields(card)
    if card.stages:
        yield _funnel(card)
    yield _snapshots(card)
    if card.censored or card.refused:
        yield _left_out(card)


def _overview(card: DataCard) -> Table:
    made = table(f"Data of {card.company}", "", "")
    made.show_header = False
    made.add_row("leads", f"{card.leads:,}")
    made.add_row("of them converted so far", f"{card.conversions:,}")
    made.add_row("first lead", card.first_lead if card.dated else "leads have no time")
    if card.dated:
        made.add_row("cut-off", f"{card.cut_off} ({card.span_days:,.0f} days)")
    if card.conversion != "outcome":
        made.add_row("horizon", f"{card.horizon_days} days")
    made.add_row("base rate over labelled snapshots", _percent(card.base_rate))
    for name, rows in card.rows.items():
        made.add_row(name.replace("_", " "), f"{rows:,} rows")
    return made


def _groups(card: DataCard) -> Table:
    known = card.conversion == "outcome"
    rate = "rate" if known else f"within {card.horizon_days} days"
    made = table(
        "Leads", "pipeline", "source", "leads", "converted so far", "judged", rate
    )
    for group in card.groups:
        made.add_row(
            group.pipeline, group.source, f"{group.leads:,}", f"{group.converted:,}",
            f"{group.judged:,}", _percent(group.rate),
        )  # fmt: skip
    return made


def _maturity(maturity: Maturity) -> Table:
    made = table(
        f"How fast leads convert: {maturity.conversions:,} conversions of"
        f" {maturity.leads:,} leads watched for {maturity.watched_days} days",
        "by day",
        "converted by then",
        "",
    )
    for age, share in maturity.curve:
        made.add_row(str(age), _percent(share), "█" * round(30 * share))
    return made


def _delays(maturity: Maturity) -> Table:
    made = table("Days to conversion", *(f"{part} %" for part, _ in maturity.quantiles))
    made.add_row(*(f"{days:,.1f}" for _, days in maturity.quantiles))
    return made


def _horizon(proposal: Proposal, configured: int) -> Table:
    made = table("Horizon", "", "days", "conversions by then", "snapshots with a label")
    made.caption = (
        "The shortest of the usual horizons by which nine of ten conversions came."
        if proposal.reached
        else "The longest that could be watched; more than a tenth come later."
    )
    for name, days, share, mature in (
        ("configured", configured, proposal.configured_share,
         proposal.configured_mature),
        ("proposed", proposal.days, proposal.share, proposal.mature),
    ):  # fmt: skip
        made.add_row(
            name, str(days), _percent(share), f"{mature:,} of {proposal.snapshots:,}"
        )
    return made


def _fields(card: DataCard) -> Table:
    made = table("Card fields", "field", "type", "filled at creation", "filled now")
    for fill in card.fields:
        made.add_row(
            fill.field, fill.type, _percent(fill.at_creation), _percent(fill.now)
        )
    return made


def _funnel(card: DataCard) -> Table:
    made = table("Funnels", "pipeline", "stages in order", "won", "lost")
    for pipeline, stages in card.stages.items():
        won, lost = card.won.get(pipeline, ()), card.lost.get(pipeline, ())
        made.add_row(
            pipeline or "—", " → ".join(stages), ", ".join(won), ", ".join(lost)
        )
    return made


def _snapshots(card: DataCard) -> Table:
    made = table("Snapshots", "taken at", "snapshots", "labelled", "converted")
    for taken in card.snapshots:
        made.add_row(
            taken.kind, f"{taken.snapshots:,}", f"{taken.labelled:,}",
            _percent(taken.rate),
        )  # fmt: skip
    return made


def _left_out(card: DataCard) -> Table:
    made = table("Left out, and why", "what", "why", "snapshots")
    for why, count in card.censored:
        made.add_row("censored: no label yet", why, f"{count:,}")
    for why, count in card.refused:
        made.add_row("not taken", why, f"{count:,}")
    return made


def _percent(share: float | None) -> str:
    return "—" if share is None else f"{share:.1%}"
