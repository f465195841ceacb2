"""Plans that a playbook gave leads, and how each was decided."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LEAD_ID = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "planned",
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
    )
    op.create_index("planned_of_lead", "planned", ["lead_id", "id"])
    op.create_index("planned_of_prediction", "planned", ["prediction_id", "id"])


def downgrade() -> None:
    """Drop the table, and with it how plans were decided."""
    op.drop_table("planned")
