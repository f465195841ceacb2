"""The double itself: an ASGI application around one account.

What the proxy, the limits and the tokens do comes first and is never late; what the
account does is one step that a fault may put off, repeat or hide.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from starlette.routing import compile_path

from crm.testing import brackets
from crm.testing.amocrm import (
    card_routes,
    catalog_routes,
    field_routes,
    link_routes,
    log_routes,
    note_routes,
    office_routes,
    task_routes,
)
from crm.testing.amocrm.account import Account, Change, Hand
from crm.testing.amocrm.account_profile import AmoProfile
from crm.testing.amocrm.desk import Asked, Desk, Handler, Route
from crm.testing.amocrm.digital import DigitalPipeline
from crm.testing.amocrm.events import EventLog
from crm.testing.amocrm.founding import INTEGRATION_USER, OWNER, found
from crm.testing.amocrm.hooks import PATIENCE_SECONDS, Hooks
from crm.testing.amocrm.people import Person
from crm.testing.amocrm.problems import Refusal, problem, revoked
from crm.testing.amocrm.punishment import Guard
from crm.testing.amocrm.tokens import Integration, TokenDesk
from crm.testing.clock import Clock
from crm.testing.faults import Call, Fault, Kind, NoFaults, Plan
from crm.testing.ledger import Ledger, Request
from crm.testing.pump import Poster, http_poster
from crm.testing.wire import Answer, Line, Receive, Scope, Send, carry_out

API: Final = "/api/v4/"
TOKENS: Final = "/oauth2/access_token"
CONSENT: Final = "/oauth"
CLIENT: Final = Integration(
    client_id="9e1b-client",
    client_secret="s3cret-of-the-client",
    redirect_uri="https://app.example/amo/cb",
    user_id=INTEGRATION_USER,
)
SHAPES: Final = (("{id}", "{id:int}"), ("{note}", "{note:int}"),
                 ("{element}", "{element:int}"))  # fmt: skip
READS: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Incoming:
    """One request as it came in, before anybody has judged it."""

    verb: str
    path: str
    query: Mapping[str, Any]
    body: bytes
    headers: Mapping[str, str]
    address: str
    scheme: str

    @property
    def site(self) -> str:
        """Scheme and host, as the caller knows them."""
        return f"{self.scheme}://{self.headers.get('host', 'localhost')}"

    @property
    def token(self) -> str | None:
        """The bearer token."""
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        return token if kind.lower() == "bearer" and token else None


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
        incoming = await _incoming(scope, receive)
        found_ = find(incoming)
        request = self.ledger.asked(
            self.clock.now,
            found_.name,
            credential=incoming.token or "",
            params={"query": incoming.query, "body": _json(incoming)},
        )
        line = Line(scope, receive, _watched(send, request))
        try:
            work, fault = self._admit(incoming, found_, request)
        except Refusal as refusal:
            request.error = refusal.error
            await line.answer(refusal.answer)
            return
        request.fault = fault.kind.value if fault else ""
        await carry_out(fault, work, line, clock=self.clock)

    def _admit(
        self, incoming: Incoming, place: Place, request: Request
    ) -> tuple[Callable[[], Answer], Fault | None]:
        hand = None
        try:
            holder = self.tokens.holder(incoming.token)
        except Refusal as refusal:
            self.guard.admit(None, incoming.address)
            if incoming.path.startswith(API):
                raise refusal from None
        else:
            self.guard.admit(holder.client_id, incoming.address)
            hand = Hand(self._user(incoming, holder), request)
        if not self.profile.commercial:
            raise problem(402, "The account is not paid for")
        asked = Asked(
            site=incoming.site,
            path=incoming.path,
            query=incoming.query,
            body=_body(incoming),
            hand=hand or Hand(0, request),
            params=place.params,
        )
        fault = self._fault(place.name, incoming.verb, request)
        asked, fault = self._hurried(asked, fault)
        return self._work(place.handler or self._outside, asked, request), fault

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
        part = Asked(
            site=asked.site,
            path=asked.path,
            query=asked.query,
            body=asked.body[:most],
            hand=asked.hand,
            params=asked.params,
        )
        return part, fault or Fault(Kind.TIMEOUT)

    def _outside(self, desk: Desk, asked: Asked) -> Answer:
        if asked.path == TOKENS:
            return self._exchange(asked)
        return self._consent(desk, asked)

    def _exchange(self, asked: Asked) -> Answer:
        body = asked.body if isinstance(asked.body, dict) else {}
        pair = self.tokens.exchange(body)
        client = str(body["client_id"])
        told = {"grant_type": body["grant_type"], "made": self.tokens.made}
        self.account.changed(Change("tokens", client, "add", {}, told, asked.hand))
        return Answer(
            200, json.dumps(pair).encode(), {"content-type": "application/json"}
        )

    def _consent(self, desk: Desk, asked: Asked) -> Answer:
        """Send the browser back with a code, as if a person had said yes."""
        del desk
        client = str(asked.query.get("client_id"))
        integration = self.tokens.integrations.get(client)
        if integration is None:
            raise revoked("Check the `client_id` parameter", 400)
        query = {
            "code": self.tokens.code(client),
            "referer": self.profile.domain,
            "state": str(asked.query.get("state", "")),
            "client_id": client,
        }
        where = f"{integration.redirect_uri}?{urlencode(query)}"
        return Answer(302, b"", {"location": where})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request goes; without a handler it is for the door, not the desk."""

    name: str
    handler: Handler | None
    params: Mapping[str, Any]


ROUTES: Final[tuple[Route, ...]] = (
    *office_routes.ROUTES,
    *field_routes.ROUTES,
    *link_routes.ROUTES,
    *note_routes.ROUTES,
    *task_routes.ROUTES,
    *log_routes.ROUTES,
    *catalog_routes.ROUTES,
    *card_routes.ROUTES,
)


def find(incoming: Incoming) -> Place:
    """Find the route of a request; an unknown address gets one that refuses it."""
    own = incoming.path.removeprefix(API)
    outside = {TOKENS: "POST", CONSENT: "GET"}.get(incoming.path)
    if outside == incoming.verb:
        return Place(f"{outside} {incoming.path[1:]}", None, {})
    others = False
    for route, pattern, convertors in _COMPILED:
        match = pattern.match(own) if own != incoming.path else None
        if match is None:
            continue
        if route.verb == incoming.verb:
            read = {k: convertors[k].convert(v) for k, v in match.groupdict().items()}
            return Place(route.name, route.handler, read)
        others = True
    status = 405 if others or outside else 404
    return Place(f"{incoming.verb} {own}", _refusing(status), {})


def _compiled(route: Route) -> tuple[Route, Any, Any]:
    path = route.path
    for short, typed in SHAPES:
        path = path.replace(short, typed)
    pattern, _, convertors = compile_path(path)
    return route, pattern, convertors


_COMPILED: Final = tuple(_compiled(route) for route in ROUTES)


def _refusing(status: int) -> Handler:
    def handler(desk: Desk, asked: Asked) -> Answer:
        del desk
        raise problem(status, f"{asked.path} is not there for that")

    return handler


async def _incoming(scope: Scope, receive: Receive) -> Incoming:
    body, more = b"", True
    while more:
        event = await receive()
        body += event.get("body", b"")
        more = event.get("more_body", False)
    client = scope.get("client") or ("", 0)
    return Incoming(
        verb=scope["method"],
        path=scope["path"],
        query=brackets.decode(scope["query_string"].decode("latin-1")),
        body=body,
        headers={k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]},
        address=client[0],
        scheme=scope.get("scheme", "http"),
    )


def _json(incoming: Incoming) -> Any:
    if not incoming.body:
        return None
    if "x-www-form-urlencoded" in incoming.headers.get("content-type", ""):
        return brackets.decode(incoming.body.decode(errors="replace"))
    try:
        return json.loads(incoming.body)
    except ValueError:
        return None


def _body(incoming: Incoming) -> Any:
    """Read the body; only the token's address takes forms, as OAuth clients send."""
    form = "x-www-form-urlencoded" in incoming.headers.get("content-type", "")
    body = _json(incoming)
    if incoming.body and (body is None or (form and incoming.path != TOKENS)):
        raise problem(400, "The body is not JSON")
    return body


def _watched(send: Send, request: Request) -> Send:
    async def watched(event: Any) -> None:
        if event["type"] == "http.response.start":
            request.status = event["status"]
        await send(event)

    return watched
