"""Whom leads were given to, and which were drawn to be called at random."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LEAD_ID = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "routed",
        sa.Column("id", KEY, primary_key=True),
        sa.Column("lead_id", LEAD_ID, nullable=False),
        sa.Column("prediction_id", sa.BigInteger),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("tier", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("person", sa.String, nullable=False),
        sa.Column("low_arm", sa.String, nullable=False),
        sa.Column("salt", sa.String, nullable=False),
    )
    op.create_index("routed_of_lead", "routed", ["lead_id", "id"])


def downgrade() -> None:
    """Drop the table, and with it who was drawn."""
    op.drop_table("routed")
