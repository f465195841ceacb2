"""Calls of a CRM that wait for our answer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "crm_calls",
        sa.Column("account", KEY, primary_key=True),
        sa.Column("mark", KEY, primary_key=True),
        sa.Column("entity", sa.String, nullable=False),
        sa.Column("secret", sa.Text),
        sa.Column("said", sa.Text),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("next_at", sa.BigInteger),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("ended", sa.String),
    )
    op.create_index("crm_calls_due", "crm_calls", ["account", "next_at"])


def downgrade() -> None:
    """Drop the table; whoever waits for an answer waits in vain."""
    op.drop_table("crm_calls")
