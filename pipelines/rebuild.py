"""``rebuild``: make a past prediction again and hold it against the journal."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from leads.errors import GateRefused
from leads.journal import Journal
from leads.settings import read_settings
from pipelines.console import ConfigOption, out, table, verb
from serve.rebuilding import Rebuilt
from serve.rebuilding import rebuild as rebuilt

LeadOption = Annotated[str, typer.Option("--lead", metavar="ID", help="Whose.")]
EntryOption = Annotated[
    int | None, typer.Option("--entry", min=1, help="Which; the newest by default.")
]
MOST_SHOWN = 200  # characters of a value


@verb
def rebuild(config: ConfigOption, lead: LeadOption, entry: EntryOption = None) -> None:
    """Make a past prediction again from its stored inputs and bundle; 3 if it differs.

    Raises
    ------
    GateRefused
        Something other than the tier, which has a memory, came out differently.
    """
    settings = read_settings(config)
    with closing(Journal(settings.store.database)) as journal:
        journal.upgrade()
        done = rebuilt(journal, settings.store.folder, lead, entry=entry)
    show(done)
    if not (done.is_equal or done.plain_tier):
        names = ", ".join(name for name, *_ in done.differs)
        raise GateRefused(
            f"Entry {done.entry.id} comes out differently now: {names}.",
            remedy="Check out the code of that day, with the libraries of its bundle.",
        )


def show(done: Rebuilt) -> None:
    """Print what was compared."""
    said = done.entry.prediction
    out.print(
        f"entry    {done.entry.id} of {done.entry.made_at:%Y-%m-%d %H:%M:%S} UTC,"
        f" model {said.model_version}, bundle {said.bundle_digest[:12]}"
    )
    if done.is_equal:
        out.print(
            f"equal    to the bit: {said.probability:.4%}, {len(said.shares)} fields,"
            f" {len(said.reasons)} reasons"
        )
        return
    differs = table("Differs", "what", "in the journal", "made anew")
    for name, stored, now in done.differs:
        differs.add_row(name, stored[:MOST_SHOWN], now[:MOST_SHOWN])
    out.print(differs)
    if done.plain_tier:
        out.print("note     the tier remembers an earlier one; all else is equal")
