"""What was found of leaks: a code, a field, what was measured, and the way out.

A leak is a field that tells the outcome because it is filled at or after it. A certain
one stops the training, a suspected one is set aside; a person may trust a field, on
record. Evidence is worded here, in both languages, so that the command line and the
page say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from model.features.catalog import Words

Severity = Literal["certain", "suspected"]

TITLES: Final[Mapping[str, Words]] = {
    "LK01": Words(
        "One field alone tells the outcome", "Одно поле само выдаёт исход"
    ),
    "LK02": Words(
        "A rule that is right almost always", "Правило, которое почти не ошибается"
    ),
    "LK03": Words(
        "Being filled or empty tells the outcome", "Заполненность выдаёт исход"
    ),
    "LK04": Words(
        "Filled only when leads are closed", "Заполняется только при закрытии"
    ),
    "LK05": Words(
        "Events that only follow a conversion", "События, которые бывают после оплаты"
    ),
    "LK06": Words(
        "Dates later than the moment they were seen", "Даты позже момента, когда видны"
    ),
    "LK07": Words(
        "Fields that together tell too much", "Поля, которые вместе знают слишком много"
    ),
    "LK08": Words(
        "Fields named like the leaking ones", "Поля, названные как выдающие исход"
    ),
    "LK09": Words(
        "Named after the close, and tells the outcome",
        "Названо по закрытию и говорит об исходе",
    ),
}  # fmt: skip
"""Every probe of the gate, in the order in which they are told."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One suspicion against one field, and what it rests on.

    Examples
    --------
    >>> words = Words("alone it ranks 98 % right", "само верно в 98 %")
    >>> print(Finding("LK01", "close_value", "certain", words))
    LK01 close_value (certain): One field alone tells the outcome: alone it ranks 98 % \
right.
    """

    code: str
    field: str
    severity: Severity
    evidence: Words
    trusted: bool = False

    def __str__(self) -> str:
        return (
            f"{self.code} {self.field} ({self.severity}): {self.title.en}:"
            f" {self.evidence.en}."
        )

    @property
    def title(self) -> Words:
        """Name what the probe looks for."""
        return TITLES[self.code]


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was looked at for leaks and what came of it, as the manifest keeps it.

    ``probed`` are the codes that could be tried on these data; ``trusted`` the fields
    that a person vouches for.
    """

    probed: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    trusted: tuple[str, ...] = ()

    @property
    def certain(self) -> tuple[str, ...]:
        """Fields that stop the run, each once."""
        return self._fields("certain")

    @property
    def set_aside(self) -> tuple[str, ...]:
        """Fields that are not learned from though the run goes on, each once."""
        certain = set(self.certain)
        return tuple(f for f in self._fields("suspected") if f not in certain)

    def _fields(self, severity: Severity) -> tuple[str, ...]:
        named = (
            f.field for f in self.findings if f.severity == severity and not f.trusted
        )
        return tuple(dict.fromkeys(named))

    def to_facts(self) -> dict[str, Any]:
        """Turn into what JSON can hold."""
        return asdict(self)

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Inspection:
        """Read what ``to_facts`` gave; nothing was inspected if there is nothing."""
        findings = tuple(
            Finding(**{**item, "evidence": Words(**item["evidence"])})
            for item in facts.get("findings", ())
        )
        return cls(
            tuple(facts.get("probed", ())), findings, tuple(facts.get("trusted", ()))
        )


NOT_INSPECTED: Final = Inspection()
"""Of a bundle that was made before there was a gate, or of too little data."""


def percent(part: float) -> str:
    """Write a part of one as per cent, with one digit if it is small.

    Examples
    --------
    >>> percent(0.12), percent(0.004), percent(0.0)
    ('12 %', '0.4 %', '0 %')
    """
    digits = 0 if part == 0 or 0.1 <= part <= 0.9 or part == 1 else 1
    return f"{part:.{digits}%}".replace("%", " %")
