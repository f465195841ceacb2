"""A Bitrix24 portal to test against: state, limits, events and faults.

::

    portal = opened()                        # stages, a user, no records
    hook = portal.credentials.webhook()      # "/rest/1/s3cret/"
    app = application(portal)                # ASGI
    portal.plan = Scripted({("crm.item.add", 3): Fault(Kind.LOSE)})

Or by hand: ``python -m crm.testing.bitrix24 --port 8024``.
"""

from crm.testing.bitrix24.app import application
from crm.testing.bitrix24.opening import opened
from crm.testing.bitrix24.portal import Portal

__all__ = ["Portal", "application", "opened"]
