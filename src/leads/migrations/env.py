"""Run the steps inside the transaction that ``Journal.upgrade`` opened.

The journal holds the lock and the transaction, so that two services that start at the
same moment do not both create the tables.
"""

from __future__ import annotations

from alembic import context


def run() -> None:
    """Bring the connection that the journal handed over to the wanted revision."""
    context.configure(
        connection=context.config.attributes["connection"],
        transactional_ddl=True,  # SQLite too, since the journal says BEGIN itself
    )
    with context.begin_transaction():
        context.run_migrations()


if __name__ == "env_py":  # the name Alembic loads this file under
    run()
