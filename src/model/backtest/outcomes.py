"""The back-test as it is kept: what models said month by month, and what happened.

::

    folder/backtest/latest.json      all months together; replaced last
    folder/backtest/<key>.json       one month
    folder/backtest/<key>.parquet    its rows, with the columns ``ROWS``

A month's key digests everything that it depends on, so a month that was rehearsed once
is not rehearsed again for the same data, settings and code. Only facts are here; how
they come about is in ``model.backtest.rehearsal``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import polars as pl

from leads.decision import Tier
from leads.errors import Unavailable
from leads.wholefile import replace_whole, replacing
from model.proof.record import Bin, TierProof
from model.team import NOBODY, Team

FOLDER: Final = "backtest"
LATEST: Final = "latest.json"
Gap = Literal["", "no_model", "no_rows"]

ROWS: Final[Mapping[str, pl.DataType]] = {
    "lead_id": pl.String(), "moment": pl.Int64(), "kind": pl.String(),
    "label": pl.Boolean(), "log_odds": pl.Float64(), "probability": pl.Float64(),
    "tier": pl.String(), "owner": pl.String(),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was said of the snapshots of one month, and what happened.

    ``start`` is the month's first moment in microseconds: the model knew nothing
    later. ``gap`` says why a month has no model or no rows, ``why`` in words;
    ``leads`` and ``converted`` count the judged leads and the snapshots that converted,
    ``logloss`` and ``base_logloss`` what the model and its base rate lost.
    """

    month: str
    start: int
    gap: Gap = ""
    why: str = ""
    bundle: str = ""
    leads: int = 0
    converted: int = 0
    logloss: float | None = None
    base_logloss: float | None = None
    whole: Bin | None = None
    tiers: tuple[TierProof, ...] = ()


@dataclass(frozen=True, slots=True)
class Backtest:
    """The last months, oldest first, all of them together, and the managers.

    ``digest`` tells two back-tests apart; ``skipped`` says in words what the models of
    then were spared.
    """

    data_digest: str
    horizon_days: int
    months: tuple[Outcome, ...]
    whole: Bin | None = None
    tiers: tuple[TierProof, ...] = ()
    team: Team = NOBODY
    skipped: tuple[str, ...] = ()
    digest: str = ""

    def to_json(self) -> str:
        """Write as JSON, the same text for the same facts."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Backtest:
        """Read what ``to_json`` wrote."""
        raw = json.loads(text)
        months = tuple(outcome_of(item) for item in raw["months"])
        kept = {**raw, "months": months, "team": Team.from_facts(raw["team"])}
        kept |= _judged(raw) | {"skipped": tuple(raw["skipped"])}
        return cls(**kept)

    def signed(self) -> Backtest:
        """Give it the digest of all that it says."""
        text = replace(self, digest="").to_json()
        return replace(self, digest=hashlib.sha256(text.encode()).hexdigest())


def outcome_of(raw: Mapping[str, Any]) -> Outcome:
    """Read one month."""
    return Outcome(**{**raw, **_judged(raw)})


def _judged(raw: Mapping[str, Any]) -> dict[str, Any]:
    tiers = (TierProof(**{**item, "tier": Tier(item["tier"])}) for item in raw["tiers"])
    whole = raw["whole"] and Bin(**raw["whole"])
    return {"whole": whole, "tiers": tuple(tiers)}


def read_backtest(store_folder: Path) -> Backtest | None:
    """Read the latest back-test; None if there is none.

    Raises
    ------
    Unavailable
        Its file is not what was written.
    """
    path = store_folder / FOLDER / LATEST
    try:
        return Backtest.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise Unavailable(
            f"The back-test in {path.parent.name} cannot be read: {error!r}.",
            remedy=f"Remove {path.name} there and run backtest again.",
        ) from error


def keep_backtest(store_folder: Path, made: Backtest, keys: set[str]) -> None:
    """Make a back-test the latest, and drop months that are no part of it."""
    folder = store_folder / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    replace_whole(folder / LATEST, made.to_json().encode())
    for path in folder.iterdir():
        if path.name != LATEST and path.stem not in keys:
            path.unlink(missing_ok=True)


def read_month(store_folder: Path, key: str) -> tuple[Outcome, pl.DataFrame] | None:
    """Read a month that was rehearsed before; None if it was not, or not whole."""
    folder = store_folder / FOLDER
    try:
        raw = json.loads((folder / f"{key}.json").read_text(encoding="utf-8"))
        content = (folder / f"{key}.parquet").read_bytes()
    except (FileNotFoundError, ValueError):
        return None
    if raw.get("rows") != hashlib.sha256(content).hexdigest():
        return None
    return outcome_of(raw["outcome"]), pl.read_parquet(content)


def keep_month(
    store_folder: Path, key: str, month: Outcome, rows: pl.DataFrame
) -> None:
    """Keep a month: its rows first, then the facts that vouch for them."""
    folder = store_folder / FOLDER
    with replacing(folder / f"{key}.parquet") as draft:
        rows.write_parquet(draft)
        digest = hashlib.sha256(draft.read_bytes()).hexdigest()
    told = {"rows": digest, "outcome": asdict(month)}
    text = json.dumps(told, ensure_ascii=False, indent=1, sort_keys=True)
    replace_whole(folder / f"{key}.json", text.encode())


def strike_months(store_folder: Path, lead_ids: Collection[str]) -> int:
    """Strike leads out of the rows of every month kept; count the rows gone.

    What was counted of a month stays: it names nobody.
    """
    gone = 0
    for path in sorted((store_folder / FOLDER).glob("*.parquet")):
        kept = read_month(store_folder, path.stem)
        if kept is None:  # half of a month is rehearsed anew
            path.unlink()
            continue
        outcome, rows = kept
        left = rows.filter(~pl.col("lead_id").is_in(list(lead_ids)))
        if left.height < rows.height:
            keep_month(store_folder, path.stem, outcome, left)
            gone += rows.height - left.height
    return gone
