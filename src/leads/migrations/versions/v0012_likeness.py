"""What a card looked like when its lead was last looked at, and what hints ask for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the columns; hints that wait ask for a whole look, as they did."""
    whole = sa.Column("is_whole", sa.Boolean, nullable=False, server_default=sa.true())
    op.add_column("crm_hints", whole)
    op.add_column("crm_hints", sa.Column("likeness", sa.String))


def downgrade() -> None:
    """Drop the columns; every lead is looked at whole again."""
    for name in ("likeness", "is_whole"):
        op.drop_column("crm_hints", name)
