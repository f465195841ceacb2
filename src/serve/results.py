"""Predictions as a file: Parquet or CSV by its ending, there whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import orjson
import polars as pl
import pyarrow.parquet as pq

from leads.decision import Prediction
from leads.errors import BadInput, Fault
from leads.tables import INSTANT
from leads.wholefile import replacing

COLUMNS: Final = {
    "lead_id": pl.String(),
    "probability": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "expected_days": pl.Float64(),
    "expected_minor": pl.Int64(),
    "currency": pl.String(),
    "tier": pl.String(),
    "reasons": pl.String(),
    "as_of": INSTANT,
    "model_version": pl.String(),
}
ENDINGS: Final = (".parquet", ".csv")


class _Nothing(NamedTuple):
    """The outlook of a prediction that has none."""

    low: None = None
    high: None = None
    expected_days: None = None
    expected_minor: None = None
    currency: None = None


NOTHING: Final = _Nothing()


class _Writer(Protocol):
    def write(self, frame: pl.DataFrame) -> None:
        """Add rows."""

    def close(self) -> None:
        """Finish the file."""


def check_ending(path: Path) -> None:
    """Refuse a file of results that is neither Parquet nor CSV.

    Raises
    ------
    BadInput
        The ending says something else.
    """
    if path.suffix.lower() not in ENDINGS:
        fault = Fault(
            path.name, "results are .parquet or .csv", "Give --output such an ending."
        )
        raise BadInput.of("--output", [fault])


def frame_of(predictions: Sequence[Prediction]) -> pl.DataFrame:
    """Lay predictions out as rows; ``reasons`` is JSON text, the strongest first.

    Examples
    --------
    >>> frame_of([]).columns[:4]
    ['lead_id', 'probability', 'low', 'high']
    """
    outlooks = [made.outlook or NOTHING for made in predictions]
    return pl.DataFrame(
        {
            "lead_id": [made.lead_id for made in predictions],
            "probability": [made.probability for made in predictions],
            "low": [said.low for said in outlooks],
            "high": [said.high for said in outlooks],
            "expected_days": [said.expected_days for said in outlooks],
            "expected_minor": [said.expected_minor for said in outlooks],
            "currency": [said.currency for said in outlooks],
            "tier": [made.tier.value for made in predictions],
            "reasons": [_json(made) for made in predictions],
            "as_of": [made.as_of for made in predictions],
            "model_version": [made.model_version for made in predictions],
        },
        schema=COLUMNS,
    )


def _json(prediction: Prediction) -> str:
    return orjson.dumps(prediction.reasons, default=dict).decode()


def write_results(path: Path, chunks: Iterable[Sequence[Prediction]]) -> Iterator[int]:
    """Write predictions as they come; yield the number of each chunk's rows.

    The file appears under its name when the last chunk was taken in; if anything fails
    before, what was there stays as it was.
    """
    check_ending(path)
    with replacing(path, private=False) as work:
        is_csv = path.suffix.lower() == ".csv"
        writer: _Writer = _Csv(work) if is_csv else _Parquet(work)
        with closing(writer):
            writer.write(frame_of([]))
            for predictions in chunks:
                writer.write(frame_of(predictions))
                yield len(predictions)


class _Csv:
    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._begun = False

    def write(self, frame: pl.DataFrame) -> None:
        frame = frame.with_columns(
            pl.col("as_of").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
        )
        frame.write_csv(self._file, include_header=not self._begun)
        self._begun = True

    def close(self) -> None:
        self._file.close()


class _Parquet:
    def __init__(self, path: Path) -> None:
        schema = frame_of([]).to_arrow().schema
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")

    def write(self, frame: pl.DataFrame) -> None:
        if len(frame):
            self._writer.write_table(frame.to_arrow())

    def close(self) -> None:
        self._writer.close()
