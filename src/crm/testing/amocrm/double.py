"""The double itself: an ASGI application around one account.

What the proxy, the limits and the tokens do comes first and is never late; what the
account does is one step that a fault may put off, repeat or hide.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from crm.testing.amocrm.account import ROBOT, Account, Hand
from crm.testing.amocrm.account_profile import AmoProfile
from crm.testing.amocrm.arrival import Incoming, arrived
from crm.testing.amocrm.desk import Asked, Desk, Handler
from crm.testing.amocrm.digital import DigitalPipeline
from crm.testing.amocrm.events import EventLog
from crm.testing.amocrm.founding import INTEGRATION_USER, OWNER, found
from crm.testing.amocrm.hooks import PATIENCE_SECONDS, Hooks
from crm.testing.amocrm.people import Person
from crm.testing.amocrm.problems import Refusal, problem
from crm.testing.amocrm.punishment import Guard
from crm.testing.amocrm.routing import Place, find
from crm.testing.amocrm.tokens import Integration, TokenDesk
from crm.testing.clock import Clock
from crm.testing.faults import Call, Fault, Kind, NoFaults, Plan
from crm.testing.ledger import Ledger, Request
from crm.testing.pump import Poster, http_poster
from crm.testing.wire import Answer, Line, Receive, Scope, Send, carry_out

CLIENT: Final = Integration(
    client_id="9e1b-client",
    client_secret="s3cret-of-the-client",
    redirect_uri="https://app.example/amo/cb",
    user_id=INTEGRATION_USER,
)
READS: Final = frozenset({"GET", "HEAD"})


class AmoCrm:
    """An amoCRM account to test against.

    Parameters
    ----------
    profile
        The account it plays.
    clock
        Moved by the test.
    plan
        Which request meets which fault; may be replaced at any time. Methods are named
        as the ledger names them: ``PATCH leads``, ``POST oauth2/access_token``.
    post
        Posts webhooks: ``asgi_poster(receiver)``, or over HTTP by default.
    seed
        Of the weather that events meet.
    patience_seconds
        Real seconds that the receiver has to answer.

    Attributes
    ----------
    token
        A long-lived token of the integration that is installed from the beginning.
    """

    def __init__(
        self,
        profile: AmoProfile | None = None,
        *,
        clock: Clock | None = None,
        plan: Plan | None = None,
        post: Poster | None = None,
        seed: int = 0,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self.profile, self.clock = profile or AmoProfile(), clock or Clock()
        self.plan: Plan = plan or NoFaults()
        self.ledger = Ledger()
        self.account = Account(self.clock, self.profile, self.ledger)
        found(self.account)
        self.guard = Guard(self.clock, self.profile)
        self.tokens = TokenDesk(self.clock, self.profile)
        self.tokens.install(CLIENT)
        self.token = self.tokens.long_lived(CLIENT.client_id)
        self.events = EventLog(self.account)
        poster, patience = post or http_poster(), patience_seconds
        self.hooks = Hooks(self.account, poster, seed=seed, patience_seconds=patience)
        self.digital = DigitalPipeline(
            self.account, poster, seed=seed, patience_seconds=patience
        )
        self._desk = Desk(
            self.account, self.tokens, self.events, self.hooks, self.digital
        )
        self._calls: dict[str, int] = {}

    def person(self, user_id: int = OWNER) -> Person:
        """Give a person who works in the CRM beside us; 0 is the account's robot."""
        return Person(self.account, self.events, user_id)

    def values(self, lead: int, *, kind: str = "leads") -> dict[str, Any]:
        """Read a card as one flat record, custom fields by code; costs no request."""
        return self.account.flat(self.account.cards[kind][lead])

    async def deliver(self) -> int:
        """Post all events that are due; give their number."""
        return await self.hooks.pump.deliver() + await self.digital.pump.deliver()

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        incoming = await arrived(scope, receive)
        place = find(incoming)
        request = self.ledger.asked(
            self.clock.now,
            place.name,
            credential=incoming.token or "",
            params={"query": incoming.query, "body": incoming.told},
        )
        line = Line(scope, receive, _watched(send, request))
        try:
            work, fault = self._admit(incoming, place, request)
        except Refusal as refusal:
            request.error = refusal.error
            await line.answer(refusal.answer)
            return
        request.fault = fault.kind.value if fault else ""
        await carry_out(fault, work, line, clock=self.clock)

    def _admit(
        self, incoming: Incoming, place: Place, request: Request
    ) -> tuple[Callable[[], Answer], Fault | None]:
        asked = Asked(
            site=incoming.site,
            path=incoming.path,
            query=incoming.query,
            body=None,
            hand=self._hand(incoming, place, request),
            params=place.params,
        )
        if not self.profile.commercial:
            raise problem(402, "The account is not paid for")
        asked = replace(asked, body=incoming.read())
        fault = self._fault(place.name, incoming.verb, request)
        asked, fault = self._hurried(asked, fault)
        return self._work(place.handler, asked, request), fault

    def _hand(self, incoming: Incoming, place: Place, request: Request) -> Hand:
        """Say who asks, after the limits have let the request in."""
        if place.is_open:
            self.guard.admit(None, incoming.address)
            return Hand(ROBOT, request)
        try:
            holder = self.tokens.holder(incoming.token)
        except Refusal as refusal:
            self.guard.admit(None, incoming.address)
            raise refusal from None
        self.guard.admit(holder.client_id, incoming.address)
        return Hand(self._user(incoming, holder), request)

    def _work(
        self, handler: Handler, asked: Asked, request: Request
    ) -> Callable[[], Answer]:
        def work() -> Answer:
            try:
                return handler(self._desk, asked)
            except Refusal as refusal:
                request.error = refusal.error
                return refusal.answer

        return work

    def _user(self, incoming: Incoming, holder: Integration) -> int:
        named = incoming.headers.get("x-context-user-id")
        if named is None:
            return holder.user_id
        if not named.isdecimal() or int(named) not in self.account.users:
            raise problem(403, "There is no such user to act as")
        return int(named)

    def _fault(self, name: str, verb: str, request: Request) -> Fault | None:
        nth = self._calls[name] = self._calls.get(name, 0) + 1
        call = Call(name, verb not in READS, request.number, nth, self.clock.elapsed)
        return self.plan.pick(call)

    def _hurried(self, asked: Asked, fault: Fault | None) -> tuple[Asked, Fault | None]:
        """Cut a write that takes too long: half is applied, the answer is 504."""
        most = self.profile.most_in_time
        if most is None or not isinstance(asked.body, list) or len(asked.body) <= most:
            return asked, fault
        part = replace(asked, body=asked.body[:most])
        return part, fault or Fault(Kind.TIMEOUT)


def _watched(send: Send, request: Request) -> Send:
    async def watched(event: Any) -> None:
        if event["type"] == "http.response.start":
            request.status = event["status"]
        await send(event)

    return watched
