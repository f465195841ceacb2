"""What every verb shares: the terminal, the progress bar, and how a refusal ends a run.

A verb is a thin function that reads the settings, calls stages that a notebook or a
scheduler could call too, and prints what they did.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ParamSpec

import structlog
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from leads.errors import LeadcastError, Unavailable, Unwritable
from leads.logs import configure_logs, mask
from leads.outside import way_outside
from leads.wholefile import NO_ROOM

if TYPE_CHECKING:
    from sqlalchemy.exc import OperationalError

P = ParamSpec("P")
ConfigOption = Annotated[
    Path,
    typer.Option(
        "--config", "-c", metavar="FILE.toml", help="The configuration of one company."
    ),
]

out = Console()
err = Console(stderr=True)
log = structlog.get_logger()


def shares(
    said: float | None, happened: float | None, *, low: float | None, high: float | None
) -> tuple[str, str, str]:
    """Write what was said, what happened and its range, so that outside is seen.

    Examples
    --------
    >>> shares(0.06412, 0.044, low=0.029, high=0.06381)
    ('6.41%', '4.40%', '2.90% to 6.38%')
    >>> shares(None, None, low=None, high=None)
    ('-', '-', '-')
    """
    ways = [f"{{:.{digits}%}}".format for digits in (1, 2, 3)]
    write = way_outside(said, low, high, ways)
    told = ["-" if one is None else write(one) for one in (said, happened)]
    span = "-" if low is None or high is None else f"{write(low)} to {write(high)}"
    return told[0], told[1], span


def verb(function: Callable[P, None]) -> Callable[P, None]:
    """Make a function a command: refusals become words on stderr and an exit code.

    0 done, 2 bad input or configuration, 3 refused by a gate, 4 a needed service is
    not there. The same words go to the log.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        configure_logs()
        try:
            function(*args, **kwargs)
        except LeadcastError as error:
            raise _ended(error) from error
        except _no_answer() as error:
            refusal = Unavailable(
                f"The database did not answer: {mask(str(error.orig))}.",
                remedy="Start it, or mend its URL in the configuration.",
            )
            raise _ended(refusal) from error
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            raise _ended(_no_room(error)) from error

    return run


def _no_room(error: OSError) -> Unwritable:
    where = f" at {error.filename}" if error.filename else ""
    return Unwritable(
        f"The disk is full or read-only{where}: {error.strerror}.",
        remedy="Make room and run it again. Nothing half was kept; what served before"
        " serves on.",
    )


def _no_answer() -> type[OperationalError]:
    from sqlalchemy.exc import OperationalError  # only where something is raised

    return OperationalError


def _ended(error: LeadcastError) -> typer.Exit:
    kind = type(error).__name__
    log.error("refused", kind=kind, exit_code=error.exit_code, why=str(error))
    err.print(f"[bold red]{kind}[/]: ", end="")
    err.print(str(error), markup=False, highlight=False, soft_wrap=True)
    return typer.Exit(error.exit_code)


@contextmanager
def working(what: str) -> Iterator[Callable[[str], None]]:
    """Show that something is going on, and for how long; say what else as it goes."""
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(),
    )  # fmt: skip
    # Nobody watches a pipe or a log file; there a bar would leave empty lines.
    hidden = not err.is_terminal
    with Progress(*columns, console=err, transient=True, disable=hidden) as progress:
        task = progress.add_task(what, total=None)
        yield lambda now: progress.update(task, description=now)


def table(title: str, *columns: str) -> Table:
    """Start a table in the house style."""
    made = Table(
        title=title, title_justify="left", header_style="bold", min_width=len(title)
    )
    for column in columns:
        made.add_column(column)
    return made
