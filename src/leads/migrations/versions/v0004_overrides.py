"""Tiers that people set, beside the machine's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LEAD_ID = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "overrides",
        sa.Column("id", KEY, primary_key=True),
        sa.Column("lead_id", LEAD_ID, nullable=False),
        sa.Column("tier", sa.String),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger),
    )
    op.create_index("overrides_of_lead", "overrides", ["lead_id", "id"])


def downgrade() -> None:
    """Drop the table, and with it what people decided."""
    op.drop_table("overrides")
