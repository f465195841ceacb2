"""Starts an amoCRM account by hand: ``python -m crm.testing.amocrm --port 8092``.

On loopback only, its clock following the real one. It prints the address and the token
that ``curl`` or Leadcast may use.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import UTC, datetime
from typing import Final

from crm.testing.amocrm import AmoCrm
from crm.testing.amocrm.company import fill
from crm.testing.clock import Clock
from crm.testing.serving import LOOPBACK, serve, server_of
from leads.synthetic import invent

STARTING_SECONDS: Final = 0.02


def main() -> None:
    """Read the orders, fill the account, serve until interrupted."""
    orders = argparse.ArgumentParser(prog="python -m crm.testing.amocrm")
    orders.add_argument("--port", type=int, required=True, help="0 for any free one")
    orders.add_argument("--leads", type=int, default=0, help="of an invented company")
    orders.add_argument("--seed", type=int, default=7, help="of the invented company")
    given = orders.parse_args()
    amo = AmoCrm(clock=Clock(datetime.now(UTC)))
    if given.leads:
        fill(amo.account, amo.events, invent(given.leads, given.seed))
    server = server_of(amo.app, port=given.port)

    async def greet() -> None:
        while not server.started:
            await asyncio.sleep(STARTING_SECONDS)
        port = server.servers[0].sockets[0].getsockname()[1]
        sys.stdout.write(_greeting(amo, port))
        sys.stdout.flush()

    companions = (greet, amo.clock.follow, amo.hooks.pump.run, amo.digital.pump.run)
    asyncio.run(serve(server, companions))


def _greeting(amo: AmoCrm, port: int) -> str:
    address = f"http://{LOOPBACK}:{port}"
    leads = len(amo.account.cards["leads"])
    return (
        f"amoCRM's double, {leads:,} leads. Stop it with Ctrl-C.\n"
        f"address  {address}\n"
        f"token    {amo.token}\n"
        f"try      curl -H 'Authorization: Bearer {amo.token}' "
        f"'{address}/api/v4/leads?limit=2&with=contacts'\n"
    )


if __name__ == "__main__":
    main()
