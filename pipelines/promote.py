"""``promote``: let the challenger serve if it proves better, or go back by one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape

from leads.history import History
from leads.settings import Settings, read_settings
from leads.store import load
from model.bundle.whole import Bundle
from model.promotion import champion
from model.promotion.evaluation import Verdict
from model.promotion.registry import Promotion, roll_back
from model.promotion.registry import promote as promote_challenger
from model.reasons.past import gather
from model.reasons.similar import write_past
from pipelines.compare import compare_versions
from pipelines.console import ConfigOption, log, out, table, verb, working

RollbackOption = Annotated[
    bool, typer.Option("--rollback", help="Let the model before this one serve again.")
]


@verb
def promote(config: ConfigOption, rollback: RollbackOption = False) -> None:
    """Let the challenger serve if it proves better; or roll back."""
    settings = read_settings(config)
    if rollback:
        with working("Rolling back"):
            done = roll_back_champion(settings)
    else:
        with working("Comparing with what serves"):
            done = promote_stored(settings, tell=show)
    log.info("promoted", version=done.version, changed=done.changed, why=done.words)
    out.print(done.words)
    if done.changed:
        out.print(f"Version {done.version} serves.")


def promote_stored(
    settings: Settings, *, tell: Callable[[Verdict], None] | None = None
) -> Promotion:
    """Compare challenger and champion on the ingested data; promote the better one."""
    history = History(load(settings.store.folder))
    now = datetime.now(UTC)
    done = promote_challenger(settings, history, now=now, tell=tell)
    keep_past(settings, history)
    if done.changed:
        keep_comparison(settings, history)
    return done


def keep_past(settings: Settings, history: History) -> None:
    """Keep the past leads of what serves, so that a lead can be shown those like it."""
    found = champion.read(settings.store.folder)
    bundle = Bundle.open(found.path, digest=found.digest)
    write_past(gather(bundle, history, settings), settings.store.folder)


def keep_comparison(settings: Settings, history: History) -> None:
    """Keep how what serves now compares with what served before, if anything did."""
    known = champion.served(settings.store.folder)
    if len(known) > 1:
        before, now = known[-2:]
        compare_versions(settings, history, before.version, now.version)


def roll_back_champion(settings: Settings) -> Promotion:
    """Let the model before this one serve again."""
    return roll_back(settings, now=datetime.now(UTC))


def show(verdict: Verdict) -> None:
    """Print every gate with its figures, before the outcome is said."""
    gates = table("Gates of promotion", "gate", "held", "figures")
    for gate in verdict.gates:
        gates.add_row(gate.name, "yes" if gate.passed else "NO", escape(gate.words))
    out.print(gates)
