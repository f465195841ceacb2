"""The tables of hearing, in the journal's database so that one transaction fills both.

Times are integer microseconds since the epoch by the database's own clock, but for
``seen_at`` and ``upto``, which the CRM's clock tells.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from leads.records import LEAD_ID, METADATA

HINTS: Final = sa.Table(
    "crm_hints",
    METADATA,
    sa.Column("account", LEAD_ID, primary_key=True),
    sa.Column("entity", LEAD_ID, primary_key=True),
    sa.Column("first_at", sa.BigInteger, nullable=False),
    sa.Column("last_at", sa.BigInteger, nullable=False),
    sa.Column("times", sa.Integer, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("token", sa.BigInteger, nullable=False),
    sa.Column("lease_until", sa.BigInteger, nullable=False),
    sa.Column("next_at", sa.BigInteger),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("digest", sa.String),
    sa.Column("mark", sa.String),
    sa.Column("dead_since", sa.BigInteger),
    sa.Column("dead_why", sa.String),
    sa.Column("is_whole", sa.Boolean, nullable=False),
    sa.Column("likeness", sa.String),
    sa.Index("crm_hints_due", "account", "next_at"),
)
"""One row per thing that the CRM spoke of, however often it did.

``next_at`` is when to look at it next; NULL if there is nothing to do. ``digest`` is of
what was known of the lead when it was last predicted, ``mark`` the time of change that
the CRM gave then. ``is_whole`` asks for a look at all that hangs on the card, not at
the card alone; ``likeness`` is of the card as the last such look saw it.
"""

FRESH: Final = sa.Table(
    "crm_fresh",
    METADATA,
    sa.Column("account", LEAD_ID, primary_key=True),
    sa.Column("lead_id", LEAD_ID, primary_key=True),
    sa.Column("seen_at", sa.BigInteger, nullable=False),
    sa.Column("known", sa.LargeBinary, nullable=False),
)
"""Leads as they were looked at after the last ``ingest``, which supersedes them."""

WATCH: Final = sa.Table(
    "crm_watch",
    METADATA,
    sa.Column("account", LEAD_ID, primary_key=True),
    sa.Column("stream", LEAD_ID, primary_key=True),
    sa.Column("upto", sa.BigInteger),
    sa.Column("next_at", sa.BigInteger, nullable=False),
    sa.Column("done_at", sa.BigInteger),
    sa.Column("process", sa.String),
)
"""How far changes were asked for: one row per stream that is watched.

``process`` names our reservation in the CRM's own queue of events.
"""


def inserting(connection: sa.Connection, table: sa.Table) -> Any:
    """Begin an insert that may meet rows which are there already."""
    dialect: Any = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table)
