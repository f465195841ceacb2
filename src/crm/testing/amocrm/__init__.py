"""An amoCRM account to test against.

``AmoCrm`` is the double; its ``app`` is the ASGI application::

    amo = AmoCrm(post=asgi_poster(receiver))
    lead = amo.person().create(name="Anna", price=5_000)
    headers = {"authorization": f"Bearer {amo.token}"}
    transport = httpx2.ASGITransport(app=amo.app)
    async with httpx2.AsyncClient(transport=transport, headers=headers, ...) as client:
        await client.patch(f"/api/v4/leads/{lead}", json={"price": 6_000})
    await amo.deliver()                       # webhooks, the Digital Pipeline's calls
    amo.ledger.values("lead", lead, "price")  # [5000, 6000]

``AmoProfile`` is the account played, its ``switches`` what the documents leave open;
the default of each is the stricter behaviour. To start one by hand:
``python -m crm.testing.amocrm``.
"""

from crm.testing.amocrm.account_profile import AmoProfile
from crm.testing.amocrm.double import CLIENT, AmoCrm

__all__ = ["CLIENT", "AmoCrm", "AmoProfile"]
