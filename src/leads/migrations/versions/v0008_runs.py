"""The runs of each business date."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "runs",
        sa.Column("day", sa.String, primary_key=True),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("lease_until", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("done", sa.Text, nullable=False),
        sa.Column("finished_at", sa.BigInteger),
        sa.Column("failed_at", sa.BigInteger),
        sa.Column("failed_why", sa.String),
    )


def downgrade() -> None:
    """Drop the table; a date that was done may then be done again."""
    op.drop_table("runs")
