"""``promote``: let the challenger serve if it proves better, or go back by one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from leads.history import History
from leads.settings import Settings, read_settings
from leads.store import load
from model.registry import Promotion, roll_back
from model.registry import promote as promote_challenger
from pipelines.console import ConfigOption, log, out, verb, working

RollbackOption = Annotated[
    bool, typer.Option("--rollback", help="Let the model before this one serve again.")
]


@verb
def promote(config: ConfigOption, rollback: RollbackOption = False) -> None:
    """Let the challenger serve if it proves better; or roll back."""
    settings = read_settings(config)
    with working("Rolling back" if rollback else "Comparing with what serves"):
        done = (roll_back_champion if rollback else promote_stored)(settings)
    log.info("promoted", version=done.version, changed=done.changed, why=done.words)
    out.print(done.words)
    if done.changed:
        out.print(f"Version {done.version} serves.")


def promote_stored(settings: Settings) -> Promotion:
    """Compare challenger and champion on the ingested data; promote the better one."""
    history = History(load(settings.store.folder))
    return promote_challenger(settings, history, now=datetime.now(UTC))


def roll_back_champion(settings: Settings) -> Promotion:
    """Let the model before this one serve again."""
    return roll_back(settings, now=datetime.now(UTC))
