"""Tokens of accounts that a person connected, and consents under way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the two tables."""
    op.create_table(
        "crm_tokens",
        sa.Column("kind", KEY, primary_key=True),
        sa.Column("account", KEY, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("member", sa.String, nullable=False),
        sa.Column("user_id", sa.String, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("kept_at", sa.BigInteger, nullable=False),
        sa.Column("lease_until", sa.BigInteger, nullable=False),
        sa.Column("refused_at", sa.BigInteger),
    )
    op.create_table(
        "crm_consents",
        sa.Column("state", KEY, primary_key=True),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("account", KEY, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Drop them; accounts must be connected again."""
    op.drop_table("crm_consents")
    op.drop_table("crm_tokens")
