"""The morning's digest on its way out: written as files, as a letter, for Telegram."""

from __future__ import annotations

from datetime import datetime

from leads.errors import Unavailable
from leads.settings import Settings
from pipelines.console import log
from pipelines.report import folder_of, sight_of
from serve.pages.letter import Letter
from serve.pages.paper import TELEGRAM, Paper, letter_now, write_digest


def digest_leads(settings: Settings, *, now: datetime) -> Paper:
    """Write the digest of what is in the journal; safe to repeat.

    Raises
    ------
    Unavailable
        The journal's database does not answer.
    """
    with sight_of(settings, now) as sight:
        done = write_digest(sight, folder_of(settings), now=now)
    log.info("digested", written=done.facts is not None)
    return done


def digest_letter(settings: Settings, *, now: datetime) -> Letter | None:
    """Write the digest as an e-mail; None if nothing was ever predicted."""
    with sight_of(settings, now) as sight:
        return letter_now(sight, now=now)


def telegram_text(settings: Settings) -> str:
    """Read the newest digest as a message.

    Raises
    ------
    Unavailable
        None was written yet.
    """
    try:
        return (folder_of(settings) / TELEGRAM).read_text("utf-8").rstrip("\n")
    except FileNotFoundError as error:
        raise Unavailable(
            "There is no digest yet.", remedy="Run daily or report, then ask again."
        ) from error
