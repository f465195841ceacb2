"""The outlook of a prediction: interval, curve, expected days and money.

Predictions made before have none: the column is null for them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column."""
    op.add_column("predictions", sa.Column("outlook", sa.JSON(none_as_null=True)))


def downgrade() -> None:
    """Drop the column, and with it every outlook."""
    op.drop_column("predictions", "outlook")
