"""Structured logs: an event and its values, one line each, personal data masked.

Logs go to standard error as JSON unless a person is watching, so that standard output
stays free for results.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, Final, TextIO, cast

import structlog

# Each of these goes over a line once, however long it is: a run of letters is begun
# only where it begins, and never gone back over.
MAIL: Final = re.compile(
    r"(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)++(?:[.+@]++[\w-][\w.+@-]*+)?"
)
PHONE: Final = re.compile(r"(?<![\w.-])\+?\d(?:[\s()-]{0,2}\d){9,14}(?![\w.-])")
UP_TO_AT: Final = re.compile(r"(?<![^@\s])[^@\s]++@")
SECRET: Final = re.compile(r"(?<=://)([^:/]++):.+@")


class Unfailing:
    """A stream of log lines that loses those it cannot write: its disk may be full."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Write a line, if that can be."""
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        """Hand on what was written, if that can be."""
        with suppress(OSError):
            self._stream.flush()


def configure_logs(*, for_people: bool | None = None) -> None:
    """Send every log line of this process to standard error.

    Parameters
    ----------
    for_people
        Coloured lines instead of JSON; by default so if standard error is a terminal.
    """
    people = sys.stderr.isatty() if for_people is None else for_people
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            mask_personal_data,
            structlog.dev.ConsoleRenderer()
            if people
            else structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        # It asks for no more of a file than to write and flush.
        logger_factory=structlog.WriteLoggerFactory(
            cast(TextIO, Unfailing(sys.stderr))
        ),
    )


def mask_personal_data(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Blank out mail addresses, phone numbers and passwords in a log event.

    Examples
    --------
    >>> mask_personal_data(None, "info", {"event": "a@example.org, +7 900 123-45-67"})
    {'event': '<mail>, <phone>'}
    >>> mask_personal_data(None, "info", {"url": "postgresql://bob:secret@db/x"})
    {'url': 'postgresql://bob:<secret>@db/x'}
    """
    for key, value in event.items():
        if isinstance(value, str) and key != "timestamp":
            event[key] = mask(value)
    return event


def mask(text: str) -> str:
    """Blank out what could name a person or open a door."""
    text = UP_TO_AT.sub(lambda found: SECRET.sub(r"\1:<secret>@", found[0]), text)
    return PHONE.sub("<phone>", MAIL.sub("<mail>", text))
