"""The outbox's tables, in the journal's database so that one transaction fills both.

Times are integer microseconds since the epoch by the database's own clock; values of
fields are JSON text.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import orjson
import sqlalchemy as sa

from crm.port import Fields, OurField
from leads.records import LEAD_ID, METADATA

OUTBOX: Final = sa.Table(
    "crm_outbox",
    METADATA,
    sa.Column("account", LEAD_ID, primary_key=True),
    sa.Column("entity", LEAD_ID, primary_key=True),
    sa.Column("lead_id", LEAD_ID, nullable=False),
    sa.Column("desired_version", sa.Integer, nullable=False),
    sa.Column("desired", sa.Text, nullable=False),
    sa.Column("stage", sa.String),
    sa.Column("confirmed_version", sa.Integer, nullable=False),
    sa.Column("shown_version", sa.Integer, nullable=False),
    sa.Column("shown", sa.Text, nullable=False),
    sa.Column("overridden", sa.Text, nullable=False),
    sa.Column("token", sa.BigInteger, nullable=False),
    sa.Column("lease_until", sa.BigInteger, nullable=False),
    sa.Column("next_at", sa.BigInteger),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("unclear_since", sa.BigInteger),
    sa.Column("is_check", sa.Boolean, nullable=False),
    sa.Column("dead_since", sa.BigInteger),
    sa.Column("dead_why", sa.String),
    sa.Column("offered_at", sa.BigInteger, nullable=False),
    sa.Index("crm_outbox_due", "account", "next_at"),
)
"""One row per card: what it should say, what it says, and who is at work on it.

``next_at`` is when to look at it next; NULL if there is nothing to do.
"""

SENT: Final = sa.Table(
    "crm_sent",
    METADATA,
    sa.Column("account", LEAD_ID, primary_key=True),
    sa.Column("entity", LEAD_ID, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("fields", sa.Text, nullable=False),
    sa.Column("move_before", sa.String),
    sa.Column("move_after", sa.String),
    sa.Column("sent_at", sa.BigInteger, nullable=False),
    sa.Column("settled_at", sa.BigInteger),
    sa.Index("crm_sent_by_time", "account", "sent_at"),
)
"""Every write that left, committed before its first byte did."""

NOTES: Final = sa.Table(
    "crm_notes",
    METADATA,
    sa.Column("account", LEAD_ID, primary_key=True),
    sa.Column("marker", LEAD_ID, primary_key=True),
    sa.Column("entity", LEAD_ID, nullable=False),
    sa.Column("remote_id", sa.String, nullable=False),
    sa.Column("said", sa.String, nullable=False),
)
"""Comments and tasks that were seen in the CRM; ``said`` is a digest of their text."""

PACE: Final = sa.Table(
    "crm_pace",
    METADATA,
    sa.Column("bucket", LEAD_ID, primary_key=True),
    sa.Column("level", sa.Double, nullable=False),
    sa.Column("measured_at", sa.BigInteger, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("opened_at", sa.BigInteger),
    sa.Column("probe_at", sa.BigInteger),
    sa.Column("is_blocked", sa.Boolean, nullable=False),
)
"""How full each bucket of requests is, and whether its breaker is open."""


def text_of(fields: Fields) -> str:
    """Write values of fields as JSON.

    Examples
    --------
    >>> text_of({OurField.TIER: "hot", OurField.PROBABILITY: None})
    '{"tier":"hot","probability":null}'
    """
    return orjson.dumps({name.value: value for name, value in fields.items()}).decode()


def fields_of(text: str) -> dict[OurField, Any]:
    """Read values of fields back.

    Examples
    --------
    >>> fields_of('{"tier":"hot","probability":null}')[OurField.TIER]
    'hot'
    """
    found = {OurField(name): value for name, value in orjson.loads(text).items()}
    as_of = found.get(OurField.AS_OF)
    if as_of is not None:
        found[OurField.AS_OF] = datetime.fromisoformat(as_of)
    return found
