"""Start a portal by hand: ``python -m crm.testing.bitrix24 --port 8024``.

It listens on loopback only, its clock follows the real one, and it is filled by the
invented company.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer

from crm.testing.bitrix24.account import PROFILES
from crm.testing.bitrix24.app import application
from crm.testing.bitrix24.company import fill
from crm.testing.bitrix24.opening import opened
from crm.testing.bitrix24.portal import Portal
from crm.testing.bitrix24.subscriptions import OutgoingWebhook
from crm.testing.clock import Clock
from crm.testing.serving import address_of, serve, server_of, taken
from leads.synthetic import invent

EVENTS = frozenset(
    f"ONCRM{kind}{what}" for kind in ("LEAD", "DEAL") for what in ("ADD", "UPDATE")
)


def prepared(
    *,
    profile: str,
    leads: int,
    seed: int,
    events_to: str = "",
    secret: str = "s3cret",
    handler: str = "",
) -> Portal:
    """Open a portal of a profile and move the invented company in."""
    portal = opened(PROFILES[profile], clock=Clock(datetime.now(UTC)), seed=seed)
    portal.credentials.webhook(secret=secret)
    if handler:
        portal.credentials.install(handler)
    if leads:
        fill(portal, invent(leads, seed))
    if events_to:
        hook = OutgoingWebhook(events_to, EVENTS, "apptok1", 975)
        portal.subscriptions.webhooks.append(hook)
    return portal


def main(
    port: Annotated[int, typer.Option(help="On 127.0.0.1; 0: any free one.")] = 8024,
    profile: Annotated[
        str, typer.Option(help=f"One of {', '.join(PROFILES)}.")
    ] = "standard",
    leads: Annotated[int, typer.Option(help="Leads to invent; 0: none.")] = 500,
    seed: Annotated[int, typer.Option(help="Same seed, same company.")] = 7,
    events_to: Annotated[
        str, typer.Option(help="Address that events are posted to.")
    ] = "",
    handler: Annotated[
        str, typer.Option(help="Address of a local application to install.")
    ] = "",
) -> None:
    """Start a Bitrix24 portal to play with."""
    if profile not in PROFILES:
        raise typer.BadParameter(f"{profile!r} is not one of {', '.join(PROFILES)}.")
    portal = prepared(
        profile=profile, leads=leads, seed=seed, events_to=events_to, handler=handler
    )
    door = taken(port)
    address = address_of(door)
    if handler:  # tokens name the portal that they open, which must be this one
        portal.renamed_to = address
    typer.echo(f"webhook  http://{address}/rest/1/s3cret/")
    for app in portal.credentials.applications.values():
        typer.echo(f"client   {app.client_id}")
        typer.echo(f"secret   {app.client_secret}")
    typer.echo(f"profile  {profile}, {leads:,} leads, seed {seed}; Ctrl+C ends it")
    companions = [portal.clock.follow, portal.pump.run]
    asyncio.run(serve(server_of(application(portal)), companions, door=door))


if __name__ == "__main__":
    typer.run(main)
