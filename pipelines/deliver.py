"""``deliver``: write predictions on the cards of the CRM, in a process of its own."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from types import FrameType
from typing import Annotated, Final

import typer

from crm.courier import Courier, also_of
from crm.writeback.delivery import Worker
from crm.writeback.preview import Preview, preview
from leads.errors import BadConfig
from leads.journal import Journal
from leads.settings import Settings, read_settings
from pipelines.console import ConfigOption, out, table, verb


class What(StrEnum):
    """What to do instead of delivering."""

    REPLAY = "replay"
    SWEEP = "sweep"
    STATE = "state"


WhatArgument = Annotated[
    What | None,
    typer.Argument(help="replay dead letters, sweep for drift, or show the state."),
]
DryOption = Annotated[
    bool, typer.Option("--dry-run", help="Read the cards and print what would change.")
]
OnceOption = Annotated[
    bool, typer.Option("--once", help="End when nothing is due any more.")
]


@verb
def deliver(
    config: ConfigOption,
    what: WhatArgument = None,
    dry_run: DryOption = False,
    once: OnceOption = False,
) -> None:
    """Write predictions on the cards of the CRM until told to stop."""
    settings = read_settings(config)
    with closing(_journal(settings)) as journal:
        journal.upgrade()
        courier = Courier(settings, journal)
        try:
            if dry_run:
                show_preview(preview(courier.outbox, courier.desk, courier.policy))
            elif what is None:
                _work(courier, once=once)
            else:
                _do(courier, what)
        finally:
            courier.stop()
        show_state(courier)


def _journal(settings: Settings) -> Journal:
    if settings.crm is None:
        raise BadConfig(
            "The configuration has no [crm] section.",
            remedy="Add one with kind and account; docs/crm.md tells how.",
        )
    return Journal(settings.store.database, also=also_of(settings))


def _do(courier: Courier, what: What) -> None:
    if what is What.REPLAY:
        courier.gate.resume()
        out.print(f"replayed  {courier.upkeep.replay():,} dead letters")
    elif what is What.SWEEP:
        out.print(f"to compare  {courier.upkeep.sweep():,} cards")


WAY_OUT: Final = (
    "Such a card is written no more, not even its prediction. Mend in the CRM what it"
    " refuses, or take the order back (funnel clean --undo RECEIPT); then run deliver"
    " replay."
)


@dataclass(frozen=True, slots=True)
class Delivered:
    """How many cards were written, and how many still wait."""

    written: int
    waiting: int


def deliver_due(settings: Settings, *, advance: Callable[[int], None]) -> Delivered:
    """Write what is due, beside whoever else delivers, until nothing is.

    Raises
    ------
    BadConfig
        There is no ``[crm]`` section.
    Unavailable
        The journal does not answer.
    """
    with closing(_journal(settings)) as journal:
        journal.upgrade()
        courier = Courier(settings, journal)
        written = _drain(courier.worker(), advance)
        return Delivered(written, courier.state().outbox.waiting)


def _drain(worker: Worker, advance: Callable[[int], None] = lambda _: None) -> int:
    written = 0
    while (done := worker.round()).claimed:
        written += done.written
        advance(done.claimed)
    return written


def _work(courier: Courier, *, once: bool) -> None:
    if once:
        out.print(f"written  {_drain(courier.worker()):,} cards")
        return
    stopping = threading.Event()

    def drain(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, drain)
    courier.start(1)
    stopping.wait()


def show_preview(found: Preview) -> None:
    """Print what would be written, card by card."""
    shown = table(
        f"{found.due:,} cards are due; {len(found.changes):,} would change",
        "card", "field", "now", "then",
    )  # fmt: skip
    for entity, name, now, then in found.lines():
        shown.add_row(entity, name, now, then)
    out.print(shown)


def show_state(courier: Courier) -> None:
    """Print how delivery is doing."""
    state = courier.state()
    box = state.outbox
    shown = table("Delivery", "what", "how it is")
    for name, value in (
        ("waiting", f"{box.waiting:,}"),
        ("oldest", f"{box.oldest.total_seconds():,.0f} s"),
        ("to compare", f"{box.checking:,}"),
        ("unclear", f"{box.unclear:,}"),
        ("a person's value kept on", f"{box.overridden:,} cards"),
        ("dead letters", f"{box.dead:,}"),
        ("written per second", f"{box.per_second:.1f}"),
        *((f"breaker {one.bucket}", one.breaker.value) for one in state.pace),
    ):
        shown.add_row(name, value)
    out.print(shown)
    dead = courier.upkeep.dead()
    if dead:
        letters = table(
            f"Dead letters: {len(dead):,} of {box.dead:,}",
            "card", "ordered", "why", "since", "attempts",
        )  # fmt: skip
        for one in dead:
            since = one.since.isoformat(timespec="seconds")
            ordered = one.wanted or "-"
            letters.add_row(one.entity, ordered, one.why, since, str(one.attempts))
        out.print(letters)
        out.print(WAY_OUT, soft_wrap=True)
