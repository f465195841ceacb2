"""The journal's tables, and a prediction as a row of them.

Apart from ``journal`` so that what a stored prediction looks like can be read without
the transactions around it. Instants are integer microseconds since the epoch; shares,
reasons and outlook are JSON text; floats come back bit for bit on every database.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.types import UserDefinedType

from leads.decision import Outlook, Prediction, Reason, Tier, mean_slope
from leads.errors import BadInput, Fault

MOST_LEAD_ID: Final = 500  # characters; PostgreSQL indexes hold at most 2,704 bytes
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
MOST_INTEGER: Final = 2**31 - 1
RE_SEND: Final = "Mend the caller; the journal keeps only what any database can hold."


class _Untouched(UserDefinedType[float]):
    """A SQLite column without number affinity: REAL would turn -0.0 into 0.0."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Name the one SQLite type that leaves a value as it came."""
        return "BLOB"


EXACT: Final[sa.types.TypeEngine[float]] = sa.Double().with_variant(
    _Untouched(), "sqlite"
)
KEY: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Byte order on every database: a page must list ties in the same order everywhere.
LEAD_ID: Final = sa.String().with_variant(sa.String(collation="C"), "postgresql")

METADATA: Final = sa.MetaData()

PREDICTIONS: Final = sa.Table(
    "predictions",
    METADATA,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("lead_id", LEAD_ID, nullable=False),
    sa.Column("as_of", sa.BigInteger, nullable=False),
    sa.Column("made_at", sa.BigInteger, nullable=False),
    sa.Column("horizon_days", sa.Integer, nullable=False),
    sa.Column("probability", EXACT, nullable=False),
    sa.Column("log_odds", EXACT, nullable=False),
    sa.Column("base", EXACT, nullable=False),
    sa.Column("tier", sa.String, nullable=False),
    sa.Column("shares", sa.JSON, nullable=False),
    sa.Column("reasons", sa.JSON, nullable=False),
    sa.Column("model_version", sa.String, nullable=False),
    sa.Column("bundle_digest", sa.String, nullable=False),
    sa.Column("channel", sa.String, nullable=False),
    sa.Column("inputs", sa.LargeBinary),
    sa.Column("outlook", sa.JSON(none_as_null=True)),
    sa.Index("predictions_of_lead", "lead_id", "id"),
)
"""Every prediction ever made; rows are added and never changed."""

LATEST: Final = sa.Table(
    "latest",
    METADATA,
    sa.Column("lead_id", LEAD_ID, primary_key=True),
    sa.Column(
        "prediction_id", sa.BigInteger, sa.ForeignKey(PREDICTIONS.c.id), nullable=False
    ),
    sa.Column("made_at", sa.BigInteger, nullable=False),
    sa.Column("probability", EXACT, nullable=False),
    sa.Column("tier", sa.String, nullable=False),
    sa.Column("folded", LEAD_ID, nullable=False),
)
"""One row per lead: which prediction is its latest, and what the paged list sorts by.

``folded`` is the case-folded lead id, so that a search ignores case alike everywhere.
"""

OVERRIDES: Final = sa.Table(
    "overrides",
    METADATA,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("lead_id", LEAD_ID, nullable=False),
    sa.Column("tier", sa.String),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("made_at", sa.BigInteger, nullable=False),
    sa.Column("until", sa.BigInteger),
    sa.Index("overrides_of_lead", "lead_id", "id"),
)
"""Tiers that people set; rows are added and never changed, the newest of a lead counts.

A row without a tier withdraws what stood before.
"""

ROUTED: Final = sa.Table(
    "routed",
    METADATA,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("lead_id", LEAD_ID, nullable=False),
    sa.Column("prediction_id", sa.BigInteger),
    sa.Column("made_at", sa.BigInteger, nullable=False),
    sa.Column("tier", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("person", sa.String, nullable=False),
    sa.Column("low_arm", sa.String, nullable=False),
    sa.Column("salt", sa.String, nullable=False),
    sa.Index("routed_of_lead", "lead_id", "id"),
)
"""Whom every lead was given to; rows are added and never changed.

``low_arm`` says whether a lead of a low tier was drawn to be called ("random") or not
("held"), and ``salt`` by which draw.
"""

PLANNED: Final = sa.Table(
    "planned",
    METADATA,
    sa.Column("id", KEY, primary_key=True),
    sa.Column("lead_id", LEAD_ID, nullable=False),
    sa.Column("prediction_id", sa.BigInteger, nullable=False),
    sa.Column("as_of", sa.BigInteger, nullable=False),
    sa.Column("made_at", sa.BigInteger, nullable=False),
    sa.Column("playbook", sa.String, nullable=False),
    sa.Column("plan", sa.String, nullable=False),
    sa.Column("path", sa.JSON, nullable=False),
    sa.Column("due_at", sa.BigInteger),
    sa.Column("whom", sa.String),
    sa.Column("is_automatic", sa.Boolean, nullable=False),
    sa.Index("planned_of_lead", "lead_id", "id"),
    sa.Index("planned_of_prediction", "prediction_id", "id"),
)
"""Every plan that a playbook gave a lead; rows are added and never changed.

``playbook`` is the digest of the file's meaning, ``path`` the branches the lead came to
with the answer at each. Of several rows about one prediction the newest counts: the
playbook was changed between.
"""

sa.Index("latest_by_probability", LATEST.c.probability.desc(), LATEST.c.lead_id)
sa.Index("latest_by_tier", LATEST.c.tier, LATEST.c.probability.desc(), LATEST.c.lead_id)


@dataclass(frozen=True, slots=True)
class Stored:
    """A prediction as the journal keeps it: when it was made and who asked."""

    id: int
    prediction: Prediction
    made_at: datetime
    channel: str


def micros(moment: datetime) -> int:
    """Count whole microseconds since the epoch; no float on the way.

    Examples
    --------
    >>> micros(datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC))
    1000005
    """
    return (moment - EPOCH) // MICROSECOND


def moment_of(count: int) -> datetime:
    """Turn microseconds since the epoch back into a moment in UTC."""
    return EPOCH + count * MICROSECOND


def rows_of(
    predictions: Sequence[Prediction],
    *,
    made_at: datetime,
    channel: str,
    inputs: Sequence[bytes | None] | None,
) -> list[dict[str, Any]]:
    """Lay predictions out as rows of ``PREDICTIONS``, all but their ids.

    Raises
    ------
    BadInput
        What a database would refuse, change or choke on, every fault of every
        prediction: text with NUL or half a surrogate pair, numbers that are not finite,
        moments without a time zone, not one input for each prediction.
    """
    kept = [None] * len(predictions) if inputs is None else inputs
    faults = [
        Fault("journal", what, RE_SEND, column)
        for column, what in _faults_of_call(made_at, channel)
    ]
    if len(kept) != len(predictions):
        what = f"{len(kept)} are given for {len(predictions)} predictions"
        faults.append(Fault("journal", what, RE_SEND, "inputs"))
    rows = []
    for number, prediction in enumerate(predictions, start=1):
        found = list(_faults_of(prediction))
        faults += [
            Fault("predictions", what, RE_SEND, column, (number,))
            for column, what in found
        ]
        if not found:
            rows.append(_row_of(prediction))
    if faults:
        raise BadInput.of("The journal entry", faults)
    moment = micros(made_at)
    for row, blob in zip(rows, kept, strict=True):
        row.update(made_at=moment, channel=channel, inputs=blob)
    return rows


def text_fault(text: str) -> str | None:
    """Say why a text cannot be stored; None if it can.

    Examples
    --------
    >>> text_fault("L-1"), text_fault("a" + chr(0)), text_fault(chr(0xD800))
    (None, 'holds a NUL character', 'holds half a surrogate pair')
    """
    if "\0" in text:
        return "holds a NUL character"
    return None if _is_unicode(text) else "holds half a surrogate pair"


def _faults_of_call(made_at: datetime, channel: str) -> Iterator[tuple[str, str]]:
    if made_at.utcoffset() is None:
        yield "made_at", "is a moment without a time zone"
    fault = text_fault(channel)
    if fault:
        yield "channel", fault


def _faults_of(prediction: Prediction) -> Iterator[tuple[str, str]]:
    for column in ("lead_id", "model_version", "bundle_digest"):
        fault = text_fault(getattr(prediction, column))
        if fault:
            yield column, fault
    if len(prediction.lead_id) > MOST_LEAD_ID:
        yield "lead_id", f"is longer than {MOST_LEAD_ID} characters"
    if prediction.as_of.utcoffset() is None:
        yield "as_of", "is a moment without a time zone"
    if not 0 < prediction.horizon_days <= MOST_INTEGER:
        yield "horizon_days", f"is {prediction.horizon_days}, not a count of days"
    if not 0.0 <= prediction.probability <= 1.0:
        yield "probability", f"is {prediction.probability}, not between 0 and 1"
    yield from _faults_of_numbers(prediction)
    yield from _faults_of_words(prediction)
    if prediction.outlook is not None:
        yield from _faults_of_outlook(prediction.outlook)


def _faults_of_numbers(prediction: Prediction) -> Iterator[tuple[str, str]]:
    for column in ("log_odds", "base"):
        if not math.isfinite(getattr(prediction, column)):
            yield column, "is not a finite number"
    if not all(map(math.isfinite, prediction.shares.values())):
        yield "shares", "hold a number that is not finite"
    for reason in prediction.reasons:
        numbers = (reason.share, reason.rate or 0.0, reason.points or 0.0)
        if not all(map(math.isfinite, numbers)):
            yield "reasons", "hold a number that is not finite"


def _faults_of_outlook(outlook: Outlook) -> Iterator[tuple[str, str]]:
    numbers = (outlook.low, outlook.high, *outlook.curve.values())
    if not all(0.0 <= number <= 1.0 for number in numbers):
        yield "outlook", "holds a probability that is not between 0 and 1"
    if not math.isfinite(outlook.expected_days or 0.0):
        yield "outlook", "holds a number that is not finite"
    if not _is_unicode(outlook.currency or ""):
        yield "outlook", "holds half a surrogate pair"


def _faults_of_words(prediction: Prediction) -> Iterator[tuple[str, str]]:
    """Look into the texts of shares and reasons; JSON escapes NUL, but no surrogate."""
    words = [*prediction.shares]
    for reason in prediction.reasons:
        words += (reason.field, reason.value or "", *reason.text, *reason.text.values())
    if not all(map(_is_unicode, words)):
        yield "reasons", "hold half a surrogate pair"


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _row_of(prediction: Prediction) -> dict[str, Any]:
    return {
        "lead_id": prediction.lead_id,
        "as_of": micros(prediction.as_of),
        "horizon_days": int(prediction.horizon_days),
        "probability": float(prediction.probability),
        "log_odds": float(prediction.log_odds),
        "base": float(prediction.base),
        "tier": prediction.tier.value,
        "shares": _json(prediction.shares),
        "reasons": _json(prediction.reasons),
        "model_version": prediction.model_version,
        "bundle_digest": prediction.bundle_digest,
        "outlook": None if prediction.outlook is None else _json(prediction.outlook),
    }


def stored_of(row: sa.Row[Any]) -> Stored:
    """Read one row of ``PREDICTIONS`` back."""
    slope = mean_slope(row.log_odds, row.base)
    prediction = Prediction(
        lead_id=row.lead_id,
        as_of=moment_of(row.as_of),
        horizon_days=row.horizon_days,
        probability=row.probability,
        log_odds=row.log_odds,
        base=row.base,
        tier=Tier(row.tier),
        shares=row.shares,
        reasons=tuple(_reason_of(reason, slope) for reason in row.reasons),
        model_version=row.model_version,
        bundle_digest=row.bundle_digest,
        outlook=None if row.outlook is None else _outlook_of(row.outlook),
    )
    return Stored(row.id, prediction, moment_of(row.made_at), row.channel)


def _reason_of(raw: dict[str, Any], slope: float) -> Reason:
    """Read a reason back; one from before there were points has them from its share."""
    return Reason(**{"points": raw["share"] * slope, **raw})


def _outlook_of(raw: dict[str, Any]) -> Outlook:
    """Read an outlook back: JSON knows no whole numbers as keys."""
    curve = {int(days): chance for days, chance in raw["curve"].items()}
    return Outlook(**{**raw, "curve": curve})


def _json(value: object) -> str:
    """Write what is not a plain column as JSON; frozen mappings count as objects."""
    options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    return orjson.dumps(value, default=dict, option=options).decode()
