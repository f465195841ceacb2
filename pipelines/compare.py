"""``compare``: hold two versions of the model against each other, for the pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer
from rich.markup import escape

from leads.errors import NoModel, UnknownVersion
from leads.history import History
from leads.outside import way_outside
from leads.settings import Settings, read_settings
from leads.store import load
from model.bundle.whole import Bundle
from model.comparison.making import Contender
from model.comparison.making import compare as made_of
from model.comparison.records import Comparison, Version
from model.comparison.shelf import CHALLENGER, keep
from model.promotion import champion
from pipelines.console import ConfigOption, log, out, table, verb, working

TRAINED: Final = "training/bundle"
"""Where the latest training leaves its bundle, in the store."""

MOST_SHOWN: Final = 5

FromOption = Annotated[
    str | None,
    typer.Option("--from", metavar="VERSION", help="The one that serves by default."),
]
ToOption = Annotated[
    str | None,
    typer.Option(
        "--to", metavar="VERSION",
        help="The latest training by default; if that serves already, what serves is"
        " held against the one before it. 'challenger' is what was trained last.",
    ),
]  # fmt: skip


@verb
def compare(config: ConfigOption, old: FromOption = None, new: ToOption = None) -> None:
    """Hold two versions against each other: figures, tiers of open leads, and why."""
    settings = read_settings(config)
    with working("Comparing"):
        history = History(load(settings.store.folder))
        done = compare_versions(settings, history, old, new)
    show(done)


def compare_versions(
    settings: Settings, history: History, old: str | None, new: str | None
) -> Comparison:
    """Compare two versions and keep it for the pages; safe to repeat.

    Raises
    ------
    NoModel
        None was ever promoted.
    UnknownVersion
        A version is not there, or there is only one.
    """
    known = contenders(settings)
    if len(known) < 2 and not (old and new):
        raise UnknownVersion(
            f"There is only version {next(iter(known))} so far.",
            remedy="Train another one, then compare.",
        )
    names = list(known)
    after = _named(known, new or names[-1])
    others = [name for name in names if known[name] is not after]
    before = _named(known, old or others[-1])
    done = made_of(history, settings, old=_opened(before), new=_opened(after))
    keep(done, settings.store.folder)
    log.info(
        "compared", old=done.old.version, new=done.new.version, changed=done.changed
    )
    return done


def contenders(settings: Settings) -> dict[str, tuple[Version, str]]:
    """List the versions whose bundle is there, with its folder; the newest last."""
    folder = settings.store.folder
    found = {
        one.version: (
            Version(one.version, one.digest, one.promoted_at.isoformat()),
            str(one.path),
        )
        for one in champion.served(folder)
    }
    if not found:
        raise NoModel(
            "No model is promoted.", remedy="Run train, then promote, with this config."
        )
    trained = folder / TRAINED
    if trained.is_dir():
        digest = Bundle.open(trained).digest
        if all(version.digest != digest for version, _ in found.values()):
            found[CHALLENGER] = (Version(CHALLENGER, digest), str(trained))
    return found


def _named(known: dict[str, tuple[Version, str]], name: str) -> tuple[Version, str]:
    if name not in known:
        raise UnknownVersion(
            f"There is no version {name!r} in the store.",
            remedy=f"Take one of {', '.join(known)}.",
        )
    return known[name]


def _opened(one: tuple[Version, str]) -> Contender:
    version, path = one
    return Contender(version, Bundle.open(Path(path), digest=version.digest))


def show(done: Comparison) -> None:
    """Print who is better, who changes tier, and who moves most."""
    out.print(f"versions {done.old.version} -> {done.new.version}")
    if done.note == "other_aim":
        out.print("They predict different outcomes and cannot be compared.")
        return
    figures = table(
        f"On {done.rows:,} rows, {done.converted:,} conversions",
        "metric", "old", "new", "difference", "95 % interval", "verdict",
    )  # fmt: skip
    for one in done.figures:
        ways = [f"{{:+z.{digits}f}}".format for digits in (4, 5, 6)]
        write = way_outside(0.0, one.low, one.high, ways)
        figures.add_row(
            one.name, f"{one.old:.4f}", f"{one.new:.4f}", write(one.difference),
            f"{write(one.low)} to {write(one.high)}", one.verdict,
        )  # fmt: skip
    out.print(figures)
    out.print(f"tiers    {done.changed:,} of {done.leads:,} open leads change")
    moved = table("Who moves most, and why", "lead", "was", "becomes", "why")
    for lead in done.moves[:MOST_SHOWN]:
        why = ", ".join(
            f"{done.names[field.field].en} {100 * field.points:+.1f}"
            for field in lead.fields[:3]
        )
        moved.add_row(
            escape(lead.lead_id), f"{lead.old:.1%} {lead.old_tier}",
            f"{lead.new:.1%} {lead.new_tier}", escape(why),
        )  # fmt: skip
    out.print(moved)
