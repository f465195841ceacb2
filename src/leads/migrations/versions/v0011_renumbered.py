"""Nothing to do: ``routed`` bore this number once, and stores of then go on here."""

from __future__ import annotations

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Change nothing: whoever comes from below has the table, whoever is here too."""


def downgrade() -> None:
    """Change nothing."""
