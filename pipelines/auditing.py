"""The audit of the funnel in a terminal: one table for each finding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from model.audit.whole import Audit
from model.audit.words import AUDIT, reason
from model.audit.work import Left
from pipelines.console import out, table

SHOWN: Final = 8

Cells = Iterable[tuple[str, ...]]


def show_audit(found: Audit, language: str) -> None:
    """Print the findings."""
    teller = _Teller(language)
    teller.unknown(found)
    teller.crowds(found)
    teller.channels(found)
    teller.work(found)
    teller.answers(found)
    teller.clearer(found)


class _Teller:
    """Says findings in one language."""

    def __init__(self, language: str) -> None:
        self._language = language

    def unknown(self, found: Audit) -> None:
        """Say what the data cannot tell, before what they do."""
        if found.unknown:
            out.print(f"[italic]{self._say('unknown')}[/]")
        for name in found.unknown:
            told = self._say(
                f"unknown.{name}", blind=f"{found.who.blind:,}", open=f"{found.open:,}"
            )
            out.print(f"  {told}", markup=False)

    def crowds(self, found: Audit) -> None:
        """Say where many stand, and for how long."""
        self._rows(
            self._say("crowds", n=found.crowd),
            "pipeline stage count overdue waiting",
            (
                (one.pipeline, one.stage, f"{one.here:,}", f"{one.slow:,}",
                 f"{one.waiting_days or 0:.0f} / {one.usual_days or 0:.0f}")
                for one in found.crowds
            ),
        )  # fmt: skip

    def channels(self, found: Audit) -> None:
        """Say which stages are channels."""
        self._rows(
            self._say("channels"),
            "pipeline stage count first from",
            (
                (one.pipeline, one.stage, f"{one.here:,}", f"{one.first:.0%}",
                 f"{one.source} {one.share:.0%}")
                for one in found.channels
            ),
        )  # fmt: skip

    def work(self, found: Audit) -> None:
        """Say what is not done, and what managers have."""
        work = found.work
        self._left("never", "pipeline stage count age", work.never)
        if not found.knows_people:
            out.print(self._say("never.moves"), markup=False)
        if work.no_task is None:
            out.print(self._say("no_task.unknown"), markup=False)
        else:
            self._left("no_task", "pipeline stage count age", work.no_task)
        self._left("overdue", "pipeline stage owner count age", work.overdue)
        self._rows(
            self._say("load"),
            "owner open fresh touched untouched overdue no_task",
            (
                (one.owner or self._say("nobody"), f"{one.open:,}", f"{one.fresh:,}",
                 f"{one.touched:,}", f"{one.untouched:,}", f"{one.overdue:,}",
                 "—" if one.no_task is None else f"{one.no_task:,}")
                for one in found.load
            ),
        )  # fmt: skip

    def answers(self, found: Audit) -> None:
        """Say which answers are missing."""
        if not found.answers:
            out.print(self._say("answers.none"), markup=False)
            return
        self._rows(
            self._say("answers"),
            "category before lacking fields",
            (
                (one.category or self._say("everyone"), one.before,
                 f"{one.lacking:,} / {one.asked:,}",
                 ", ".join(f"{name} {count:,}" for name, count in one.fields if count)
                 or "—")
                for one in found.answers
            ),
        )  # fmt: skip

    def clearer(self, found: Audit) -> None:
        """Say which stages would be clearer, and where leads would go."""
        self._rows(
            self._say("clearer"),
            "pipeline stage when to why",
            (
                (one.pipeline, one.stage, self._say(one.when, group="audit.when"),
                 one.to, reason(one.why, self._language))
                for one in found.proposal
            ),
        )  # fmt: skip
        moved = found.preview.moved
        out.print(self._say("clearer.how", moved=moved, open=found.open), markup=False)
        for flow in found.preview.flows:
            told = f"  {flow.pipeline}: {flow.stage} → {flow.to}  {flow.count:,}"
            out.print(told, markup=False)

    def _left(self, name: str, columns: str, left: Sequence[Left]) -> None:
        total = sum(one.count for one in left)
        owned = "owner" in columns
        self._rows(
            f"{self._say(name)}: {total:,}",
            columns,
            (
                (one.pipeline, one.stage or self._say("unstaged"),
                 *((one.owner or self._say("nobody"),) if owned else ()),
                 f"{one.count:,}", f"{one.oldest_days:.0f}")
                for one in left
            ),
        )  # fmt: skip

    def _say(self, key: str, *, group: str = "audit", **values: object) -> str:
        return AUDIT[f"{group}.{key}"][self._language].format(**values)

    def _rows(self, title: str, columns: str, cells: Cells) -> None:
        many = list(cells)
        if not many:
            out.print(f"[italic]{title}[/] {self._say('none')}")
            return
        names = (self._say(name, group="audit.col") for name in columns.split())
        told = table(title, *names)
        for row in many[:SHOWN]:
            told.add_row(*row)
        out.print(told)
        if len(many) > SHOWN:
            out.print(self._say("more", n=len(many) - SHOWN))
