"""The journal: every prediction, and the latest one of each lead."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import UserDefinedType

revision = "0001"
down_revision = None


class _Untouched(UserDefinedType[float]):
    """A SQLite column without number affinity: REAL would turn -0.0 into 0.0."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "BLOB"


EXACT: sa.types.TypeEngine[float] = sa.Double().with_variant(_Untouched(), "sqlite")
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LEAD_ID = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Make both tables and the indexes of the paged list."""
    op.create_table(
        "predictions",
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
    )
    op.create_index("predictions_of_lead", "predictions", ["lead_id", "id"])
    op.create_table(
        "latest",
        sa.Column("lead_id", LEAD_ID, primary_key=True),
        sa.Column(
            "prediction_id",
            sa.BigInteger,
            sa.ForeignKey("predictions.id"),
            nullable=False,
        ),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("probability", EXACT, nullable=False),
        sa.Column("tier", sa.String, nullable=False),
        sa.Column("folded", LEAD_ID, nullable=False),
    )
    by_probability = sa.text("probability DESC")
    op.create_index("latest_by_probability", "latest", [by_probability, "lead_id"])
    op.create_index("latest_by_tier", "latest", ["tier", by_probability, "lead_id"])


def downgrade() -> None:
    """Drop both tables, and with them every prediction."""
    op.drop_table("latest")
    op.drop_table("predictions")
