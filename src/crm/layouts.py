"""What our fields are called in every CRM, and the refusal to write past changes.

Of what type they are differs between CRMs; what people read there does not, nor that
they are looked at every hour, and anew after anything odd, and that a changed one stops
all writing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Generic, NamedTuple, TypeVar

import structlog

from crm.port import OurField
from leads.decision import Tier
from leads.errors import BadConfig, Fault


@dataclass(frozen=True, slots=True)
class Title:
    """What people read, in both languages."""

    ru: str
    en: str

    def of(self, language: str) -> str:
        """Give it in one of them."""
        return self.ru if language == "ru" else self.en


TITLES: Final[Mapping[OurField, Title]] = {
    OurField.TIER: Title("Прогноз: категория", "Forecast: tier"),
    OurField.PROBABILITY: Title("Прогноз: вероятность, %", "Forecast: probability, %"),
    OurField.EXPECTED_MONEY: Title(
        "Прогноз: ожидаемая сумма", "Forecast: expected amount"
    ),
    OurField.REASONS: Title("Прогноз: причины", "Forecast: reasons"),
    OurField.ACTION: Title("Прогноз: что сделать", "Forecast: what to do"),
    OurField.AS_OF: Title("Прогноз: на момент", "Forecast: as of"),
    OurField.MODEL_VERSION: Title("Прогноз: версия модели", "Forecast: model version"),
    OurField.VERSION: Title("Прогноз: номер записи", "Forecast: number of this write"),
}


class Option(NamedTuple):
    """One option of the tier: the id by which we find it again, and its words."""

    id: str
    title: Title


TIERS: Final[Mapping[Tier, Option]] = {
    Tier.HOT: Option("lcp_hot", Title("Горячий", "Hot")),
    Tier.WARM: Option("lcp_warm", Title("Тёплый", "Warm")),
    Tier.COLD: Option("lcp_cold", Title("Холодный", "Cold")),
    Tier.NO_DATA: Option("lcp_no_data", Title("Мало данных", "Not enough data")),
}
TIER_OF: Final[Mapping[str, str]] = {one.id: t.value for t, one in TIERS.items()}
"""The tier's word by the id of its option."""

LOOK_AGAIN: Final = timedelta(hours=1)

T = TypeVar("T")

log = structlog.get_logger()


class FieldsChanged(BadConfig):
    """Our fields are not as they must be: nothing may be written until they are."""


def fault_of(where: str, name: str, our: OurField, *, state: str, remedy: str) -> Fault:
    """Say that a field of ours, which the CRM knows by a name, is not as it must be."""
    return Fault(where, f"our field {name} ({TITLES[our].ru}) {state}", remedy)


def refuse_changed(crm: str, verb: str, faults: Sequence[Fault]) -> None:
    """Refuse to go on with fields that a person has deleted or changed.

    Raises
    ------
    FieldsChanged
        With every fault, if there is one.
    """
    if faults:
        raise FieldsChanged(
            f"Our fields in {crm} are not as they must be; nothing is written.",
            remedy=f"Run `python -m pipelines connect {verb} --repair`:",
            faults=faults,
        )


class Remembered(Generic[T]):
    """What a look found, for an hour; safe between threads.

    Parameters
    ----------
    look
        Looks, and raises ``FieldsChanged`` if what it finds must not be gone on with.
    """

    def __init__(self, look: Callable[[], T]) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._found: tuple[T, float] | None = None

    def get(self) -> T:
        """Give what was found, looking again where that was long ago."""
        with self._lock:
            if self._found is not None:
                found, at = self._found
                if time.monotonic() - at < LOOK_AGAIN.total_seconds():
                    return found
            try:
                fresh = self._look()
            except FieldsChanged as error:
                log.error("fields_changed", faults=[str(f) for f in error.faults])
                raise
            self._found = fresh, time.monotonic()
            return fresh

    def forget(self) -> None:
        """Look anew the next time."""
        with self._lock:
            self._found = None
