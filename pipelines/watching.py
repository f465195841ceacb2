"""Past months as they pass: a bar where somebody watches, a line each where not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

from model.backtest.replay import Step, Watch
from pipelines.console import err


@contextmanager
def months_passing() -> Iterator[Watch]:
    """Show which month is at hand, what is done about it, and how many are left.

    A month that is over leaves a line with its seconds, so that a log tells as much.
    """
    columns = (
        TextColumn("{task.fields[month]}"), BarColumn(), MofNCompleteColumn(),
        TimeElapsedColumn(), TextColumn("{task.description}"),
    )  # fmt: skip
    hidden = not err.is_terminal
    with Progress(*columns, console=err, transient=True, disable=hidden) as progress:
        task = progress.add_task("Looking at what is stored", total=None, month="")
        begun = time.monotonic()

        def watch(step: Step) -> None:
            nonlocal begun
            progress.update(
                task, total=step.of, completed=step.done, description=step.what,
                month=step.month,
            )  # fmt: skip
            if not step.what:
                now = time.monotonic()
                progress.console.print(
                    f"{step.month}  {step.done} of {step.of}, {now - begun:.0f} s"
                )
                begun = now

        yield watch
