"""The outbox: what each card of the CRM should say, and what was sent to it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the four tables."""
    op.create_table(
        "crm_outbox",
        sa.Column("account", KEY, primary_key=True),
        sa.Column("entity", KEY, primary_key=True),
        sa.Column("lead_id", KEY, nullable=False),
        sa.Column("desired_version", sa.Integer, nullable=False),
        sa.Column("desired", sa.Text, nullable=False),
        sa.Column("stage", sa.String),
        sa.Column("confirmed_version", sa.Integer, nullable=False),
        sa.Column("shown_version", sa.Integer, nullable=False),
        sa.Column("shown", sa.Text, nullable=False),
        sa.Column("overridden", sa.Text, nullable=False),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("lease_until", sa.BigInteger, nullable=False),
        sa.Column("next_at", sa.BigInteger),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("unclear_since", sa.BigInteger),
        sa.Column("is_check", sa.Boolean, nullable=False),
        sa.Column("dead_since", sa.BigInteger),
        sa.Column("dead_why", sa.String),
        sa.Column("offered_at", sa.BigInteger, nullable=False),
    )
    op.create_index("crm_outbox_due", "crm_outbox", ["account", "next_at"])
    op.create_table(
        "crm_sent",
        sa.Column("account", KEY, primary_key=True),
        sa.Column("entity", KEY, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("fields", sa.Text, nullable=False),
        sa.Column("move_before", sa.String),
        sa.Column("move_after", sa.String),
        sa.Column("sent_at", sa.BigInteger, nullable=False),
        sa.Column("settled_at", sa.BigInteger),
    )
    op.create_index("crm_sent_by_time", "crm_sent", ["account", "sent_at"])
    op.create_table(
        "crm_notes",
        sa.Column("account", KEY, primary_key=True),
        sa.Column("marker", KEY, primary_key=True),
        sa.Column("entity", KEY, nullable=False),
        sa.Column("remote_id", sa.String, nullable=False),
        sa.Column("said", sa.String, nullable=False),
    )
    op.create_table(
        "crm_pace",
        sa.Column("bucket", KEY, primary_key=True),
        sa.Column("level", sa.Double, nullable=False),
        sa.Column("measured_at", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("opened_at", sa.BigInteger),
        sa.Column("probe_at", sa.BigInteger),
        sa.Column("is_blocked", sa.Boolean, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables; what cards should say is forgotten, what they say stays."""
    for name in ("crm_pace", "crm_notes", "crm_sent", "crm_outbox"):
        op.drop_table(name)
