"""Start an amoCRM account by hand: ``python -m crm.testing.amocrm --port 8025``.

It listens on loopback only, its clock follows the real one, and it is filled by the
invented company.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from crm.testing.amocrm import AmoCrm
from crm.testing.amocrm.company import fill
from crm.testing.amocrm.founding import OWNER
from crm.testing.amocrm.hooks import SETTINGS
from crm.testing.clock import Clock
from crm.testing.serving import LOOPBACK, serve, server_of
from leads.synthetic import invent

STARTING_SECONDS: Final = 0.02


def prepared(*, leads: int, seed: int, events_to: str = "") -> AmoCrm:
    """Open an account and move the invented company in."""
    amo = AmoCrm(clock=Clock(datetime.now(UTC)), seed=seed)
    if leads:
        fill(amo.account, amo.events, invent(leads, seed))
    if events_to:
        amo.hooks.subscribe(events_to, sorted(SETTINGS), by=OWNER)
    return amo


def main(
    port: Annotated[int, typer.Option(help="On 127.0.0.1; 0: any free one.")] = 8025,
    leads: Annotated[int, typer.Option(help="Leads to invent; 0: none.")] = 500,
    seed: Annotated[int, typer.Option(help="Same seed, same company.")] = 7,
    events_to: Annotated[
        str, typer.Option(help="Address that webhooks are posted to.")
    ] = "",
) -> None:
    """Start an amoCRM account to play with."""
    amo = prepared(leads=leads, seed=seed, events_to=events_to)
    server = server_of(amo.app, port)

    async def greet() -> None:
        while not server.started:
            await asyncio.sleep(STARTING_SECONDS)
        own = server.servers[0].sockets[0].getsockname()[1]
        typer.echo(f"address  http://{LOOPBACK}:{own}")
        typer.echo(f"token    {amo.token}")
        for one in amo.tokens.integrations.values():
            typer.echo(f"client   {one.client_id}")
            typer.echo(f"secret   {one.client_secret}")
            typer.echo(f"redirect {one.redirect_uri}")
        typer.echo(f"account  {leads:,} leads, seed {seed}; Ctrl+C ends it")

    companions = [greet, amo.clock.follow, amo.hooks.pump.run, amo.digital.pump.run]
    asyncio.run(serve(server, companions))


if __name__ == "__main__":
    typer.run(main)
