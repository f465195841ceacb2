"""Start an amoCRM account by hand: ``python -m crm.testing.amocrm --port 8025``.

It listens on loopback only, its clock follows the real one, and it is filled by the
invented company.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer

from crm.testing.amocrm import AmoCrm
from crm.testing.amocrm.company import fill
from crm.testing.amocrm.founding import OWNER
from crm.testing.amocrm.hooks import SETTINGS
from crm.testing.clock import Clock
from crm.testing.serving import address_of, serve, server_of, taken
from leads.synthetic import invent


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
    door = taken(port)
    typer.echo(f"address  http://{address_of(door)}")
    typer.echo(f"token    {amo.token}")
    for one in amo.tokens.integrations.values():
        typer.echo(f"client   {one.client_id}")
        typer.echo(f"secret   {one.client_secret}")
        typer.echo(f"redirect {one.redirect_uri}")
    typer.echo(f"account  {leads:,} leads, seed {seed}; Ctrl+C ends it")
    companions = [amo.clock.follow, amo.hooks.pump.run, amo.digital.pump.run]
    asyncio.run(serve(server_of(amo.app), companions, door=door))


if __name__ == "__main__":
    typer.run(main)
