"""What the CRM told us of, what we saw then, and how far we looked ourselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the three tables."""
    op.create_table(
        "crm_hints",
        sa.Column("account", KEY, primary_key=True),
        sa.Column("entity", KEY, primary_key=True),
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
    )
    op.create_index("crm_hints_due", "crm_hints", ["account", "next_at"])
    op.create_table(
        "crm_fresh",
        sa.Column("account", KEY, primary_key=True),
        sa.Column("lead_id", KEY, primary_key=True),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("known", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "crm_watch",
        sa.Column("account", KEY, primary_key=True),
        sa.Column("stream", KEY, primary_key=True),
        sa.Column("upto", sa.BigInteger),
        sa.Column("next_at", sa.BigInteger, nullable=False),
        sa.Column("done_at", sa.BigInteger),
        sa.Column("process", sa.String),
    )


def downgrade() -> None:
    """Drop the tables; the CRM is asked for all changes again by ``ingest``."""
    for name in ("crm_watch", "crm_fresh", "crm_hints"):
        op.drop_table(name)
