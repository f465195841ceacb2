"""Small random companies for property tests: full of ties, gaps and late rows.

Moments lie on a coarse grid, so that rows share times with each other and with the
moments of snapshots, where mistakes of ``<`` against ``<=`` hide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import polars as pl
from hypothesis import strategies as st

from leads.settings import Settings
from leads.tables import INSTANT, SCHEMAS, FieldType, Tables

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
TICK: Final = timedelta(hours=6)
TICKS: Final = 400
"""Length of the history: 100 days."""

FIELDS: Final = {
    "size": FieldType.NUMBER,
    "job": FieldType.TEXT,
    "agreed": FieldType.FLAG,
    "due": FieldType.TIME,
    "note": FieldType.TEXT,
}
TEXTS: Final[dict[str, tuple[str | None, ...]]] = {
    "size": ("1", "2.5", None),
    "job": ("clerk", "smith", None),
    "agreed": ("true", "false", None),
    "due": ("2026-03-01T00:00:00+00:00", "2026-04-01T10:00:00+00:00", None),
    "note": ("call back", None),
}


def settings(**sections: Any) -> Settings:
    """Make settings for the random companies; sections replace the defaults."""
    return Settings.model_validate(
        {
            "source": {"kind": "files", "folder": "."},
            "funnel": {"won": ["won"], "lost": ["lost"]},
            "store": dict.fromkeys(("folder", "database", "tracking"), "unused"),
        }
        | sections
    )


def random_tables(seed: int, *, leads: int = 8, late: bool = True) -> Tables:
    """Invent a company of a few leads, each with some rows of every table.

    With ``late`` about a third of the rows are recorded after they happened.
    """
    rng = np.random.default_rng(seed)
    numbers = rng.permutation(leads * 3)[:leads]
    born = {f"lead-{n}": int(rng.integers(TICKS // 2)) for n in numbers}
    return Tables(
        leads=in_content_order(_leads(rng, born, late=late)),
        events=in_content_order(_dated(rng, born, "events", late=late)),
        stages=in_content_order(_dated(rng, born, "stages", late=late)),
        payments=in_content_order(_dated(rng, born, "payments", late=late)),
        field_changes=in_content_order(_dated(rng, born, "field_changes", late=late)),
        outcomes=pl.DataFrame(schema=dict(SCHEMAS["outcomes"])),
        fields=FIELDS,
        cut_off=START + TICKS * TICK,
    )


def companies(*, leads: int = 8, late: bool = True) -> st.SearchStrategy[Tables]:
    """Draw random companies."""
    seeds = st.integers(min_value=0, max_value=2**32 - 1)
    return seeds.map(lambda seed: random_tables(seed, leads=leads, late=late))


def in_content_order(table: pl.DataFrame) -> pl.DataFrame:
    """Bring rows into canonical form: unique, sorted by all columns."""
    return table.unique().sort(pl.all())


def with_outcomes(tables: Tables, seed: int, *, holdout: bool = False) -> Tables:
    """Give each lead a random outcome, some unknown, and perhaps a holdout."""
    rng = np.random.default_rng(seed)
    ids = tables.leads["lead_id"].to_list()
    rows = [
        (lead, _pick(rng, (True, False, None)), holdout and bool(rng.random() < 0.3))
        for lead in ids
    ]
    schema = dict(SCHEMAS["outcomes"])
    return replace(tables, outcomes=pl.DataFrame(rows, schema=schema, orient="row"))


def _pick(rng: np.random.Generator, options: Sequence[Any]) -> Any:
    return options[int(rng.integers(len(options)))]


def _leads(
    rng: np.random.Generator, born: Mapping[str, int], *, late: bool
) -> pl.DataFrame:
    rows = [
        {
            "lead_id": lead,
            "created_at": _moment(birth),
            "recorded_at": _moment(birth + _delay(rng, late=late)),
            "source": _pick(rng, ("ads", "mail", None)),
            "pipeline": _pick(rng, ("retail", "trade", None)),
            "owner": _pick(rng, ("first", "second")),
            "size": _pick(rng, (1.0, 7.0, None)),
            "job": _pick(rng, ("clerk", "smith", None)),
            "agreed": _pick(rng, (True, False, None)),
            "due": _moment(int(rng.integers(TICKS))),
            "note": None,
        }
        for lead, birth in born.items()
    ]
    card = {
        "size": pl.Float64(), "job": pl.String(), "agreed": pl.Boolean(),
        "due": INSTANT, "note": pl.String(),
    }  # fmt: skip
    return pl.DataFrame(rows, schema=dict(SCHEMAS["leads"]) | card)


def _dated(
    rng: np.random.Generator, born: Mapping[str, int], name: str, *, late: bool
) -> pl.DataFrame:
    rows = []
    for lead, birth in born.items():
        for _ in range(int(rng.integers(0, 7))):
            at = birth + int(rng.integers(0, TICKS // 3))
            recorded = at + _delay(rng, late=late)
            rows.append(
                (lead, _moment(at), _moment(recorded), *MAKERS[name](rng, lead))
            )
    return pl.DataFrame(rows, schema=dict(SCHEMAS[name]), orient="row")


def _event(rng: np.random.Generator, _lead: str) -> tuple[Any, ...]:
    kind, value = _pick(rng, ("click", "call")), _pick(rng, (None, 1.0, 3.5))
    return kind, value, _pick(rng, (None, "{}"))


def _stage(rng: np.random.Generator, _lead: str) -> tuple[Any, ...]:
    pipeline = _pick(rng, ("retail", "trade", None))
    return pipeline, _pick(rng, ("new", "talk", "won", "lost"))


def _payment(rng: np.random.Generator, lead: str) -> tuple[Any, ...]:
    amount = _pick(rng, (-100, -50, 0, 50, 100))
    return amount, "USD" if lead.endswith("1") else "RUB"


def _change(rng: np.random.Generator, _lead: str) -> tuple[Any, ...]:
    name = _pick(rng, tuple(FIELDS))
    return name, _pick(rng, TEXTS[name])


MAKERS: Final = {
    "events": _event,
    "stages": _stage,
    "payments": _payment,
    "field_changes": _change,
}


def _delay(rng: np.random.Generator, *, late: bool) -> int:
    return int(rng.integers(1, 40)) if late and rng.random() < 0.3 else 0


def _moment(tick: int) -> datetime:
    return START + int(tick) * TICK
