"""The model in use: read at the start, swapped when another is promoted.

A thread watches the champion pointer. What it finds is proved before it serves: digests
compared, golden rows predicted in a child process, opened, warmed up; then one
reference is replaced. A request takes that reference once, so its answer comes from one
bundle, old or new. A damaged newcomer is refused loudly, and the old one goes on. Only
the first bundle is proved without a child, which is there to protect one that serves.

Neither MLflow nor any registry is asked; the pointer and the bundles are plain files.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import structlog

from leads.errors import DamagedBundle, LeadcastError, NoModel
from leads.tables import FieldType
from model.bundle.check import verify_in_child
from model.bundle.whole import Bundle
from model.features.catalog import FeatureTable
from model.promotion import champion
from model.promotion.champion import Champion
from serve.intake import field_types
from serve.scoring import predict

WATCH_SECONDS: Final = 0.5
NEVER: Final = (0, 0, 0)

log = structlog.get_logger()


@dataclass(frozen=True)
class Serving:
    """One bundle as it serves: everything a request needs, taken together."""

    bundle: Bundle
    champion: Champion
    loaded_at: datetime

    @property
    def version(self) -> str:
        """Under which version the bundle was promoted."""
        return self.champion.version

    @property
    def dated(self) -> bool:
        """Whether the model was learned from leads that have times."""
        return self.bundle.manifest.cut_off is not None

    @cached_property
    def field_types(self) -> Mapping[str, FieldType]:
        """How the model reads each card field."""
        return field_types(self.bundle.catalog)


class Live:
    """The bundle that answers now.

    Parameters
    ----------
    store_folder
        Where the champion pointer and the bundles are.
    now
        The clock.
    on_swap, on_refusal
        Told after a bundle was taken into service, or refused.
    verify
        Proves a bundle before this process opens it; in a child by default.

    Examples
    --------
    >>> from datetime import UTC
    >>> live = Live(Path("nowhere"), now=lambda: datetime.now(UTC))
    >>> live.look()
    >>> live.serving()
    Traceback (most recent call last):
    ...
    leads.errors.NoModel: No model is promoted. Run train and promote, then ask again.
    """

    def __init__(
        self,
        store_folder: Path,
        *,
        now: Callable[[], datetime],
        on_swap: Callable[[Serving], None] = lambda _: None,
        on_refusal: Callable[[], None] = lambda: None,
        verify: Callable[[Path], None] = verify_in_child,
    ) -> None:
        self._folder = store_folder
        self._now = now
        self._on_swap = on_swap
        self._on_refusal = on_refusal
        self._verify = verify
        self._current: Serving | None = None
        self._seen = NEVER
        self._proved: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._watch, name="champion-watch", daemon=True
        )

    def serving(self) -> Serving:
        """Give the bundle that answers now; ask once per request.

        Raises
        ------
        NoModel
            None has been taken into service yet.
        """
        current = self._current
        if current is None:
            raise NoModel(
                "No model is promoted.", remedy="Run train and promote, then ask again."
            )
        return current

    def look(self) -> None:
        """Look at the pointer, and take a new champion into service."""
        mark = self._mark()
        if mark == self._seen:
            return
        self._seen = mark
        try:
            found = champion.read(self._folder)
            if self._current is None or found.digest != self._current.bundle.digest:
                self._take(found)
        except NoModel:
            return
        except (DamagedBundle, OSError) as error:
            self._refuse(error)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End watching."""
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(WATCH_SECONDS):
            self.look()

    def _mark(self) -> tuple[int, int, int]:
        """Tell one state of the pointer file from another; it is replaced whole."""
        try:
            state = (self._folder / champion.POINTER).stat()
        except OSError:
            return NEVER
        return state.st_ino, state.st_mtime_ns, state.st_size

    def _take(self, found: Champion) -> None:
        if self._current is not None and found.digest not in self._proved:
            self._verify(found.path)
        bundle = Bundle.open(found.path, digest=found.digest)
        bundle.check_golden_rows()
        # Digests are compared at every opening, so what was proved once stays proved:
        # a rollback waits for nobody.
        self._proved.add(found.digest)
        serving = Serving(bundle, found, self._now())
        _warm_up(serving)
        self._current = serving
        log.info("bundle_serves", version=found.version, digest=found.digest)
        self._on_swap(serving)

    def _refuse(self, error: LeadcastError | OSError) -> None:
        kept = self._current.bundle.digest if self._current else None
        log.error(
            "bundle_refused", kind=type(error).__name__, why=str(error), kept=kept
        )
        self._on_refusal()


def _warm_up(serving: Serving) -> None:
    """Predict once with reasons, so that the first caller does not pay for caches."""
    catalog = serving.bundle.catalog
    nothing = FeatureTable(
        np.full((1, len(catalog.number_features)), np.nan),
        np.full((1, len(catalog.text_features)), None, dtype=object),
    )
    when = [serving.loaded_at]
    predict(serving.bundle, nothing, ["warm-up"], when, version=serving.version)
