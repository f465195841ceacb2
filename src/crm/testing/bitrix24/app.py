"""The portal behind HTTP: what is looked at before a method, and in which order.

Redirect, bucket, credentials, plan, method, operating time; only then the scripted
fault of this call and the work itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from crm.testing.bitrix24 import batch, methods, oauth, version3
from crm.testing.bitrix24.account import Switch
from crm.testing.bitrix24.credentials import Caller
from crm.testing.bitrix24.portal import Context, Portal, Result
from crm.testing.bitrix24.reading import Heard, hear
from crm.testing.bitrix24.refusals import CutShort, Refusal, over_limit
from crm.testing.faults import HTML, Call
from crm.testing.ledger import Request
from crm.testing.wire import Answer, Line, Receive, Scope, Send, carry_out

App = Callable[[Scope, Receive, Send], Awaitable[None]]


def application(portal: Portal) -> App:
    """Put a portal behind ASGI."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        line = Line(scope, receive, send)
        try:
            heard = await hear(scope, receive)
        except Refusal as refusal:
            await line.answer(_refused(refusal))
            return
        await _answer(portal, heard, line)

    return app


async def _answer(portal: Portal, heard: Heard, line: Line) -> None:
    name = heard.method or heard.path
    if heard.path.startswith("/oauth/"):
        request = _enter(portal, heard, name, "oauth")
        await _work(portal, request, line, lambda: _oauth(portal, heard))
        return
    request = _enter(portal, heard, name, f"user:{heard.user}" if heard.user else "")
    try:
        caller = _admit(portal, heard)
    except Refusal as refusal:
        request.error, request.status = str(refusal.code), refusal.status
        await line.answer(_refused(refusal))
        return
    request.credential = caller.credential
    context = Context(portal, caller, request)
    if heard.version == 3:
        key = heard.headers.get("idempotency-key")
        work = version3.prepare(
            context, heard.method, heard.params, body=heard.body, key=key
        )
    else:

        def work() -> Answer:
            return _method(context, heard)

    await _work(portal, request, line, work)


def _enter(portal: Portal, heard: Heard, name: str, credential: str) -> Request:
    portal.calls[name] += 1
    hidden = {"auth", "client_secret", "refresh_token", "code"}
    params = {key: value for key, value in heard.params.items() if key not in hidden}
    return portal.ledger.asked(
        portal.clock.now, name, credential=credential, params=params
    )


def _admit(portal: Portal, heard: Heard) -> Caller:
    """Let a request in, or say why not; what is refused here has not run."""
    if portal.profile.on(Switch.HTTPS_ONLY) and heard.scheme != "https":
        raise Refusal(400, "INVALID_REQUEST", "Https required")
    if portal.renamed_to:
        # The old domain redirects; where the new one is served is the test's affair.
        host = heard.headers.get("host", "")
        if host != portal.renamed_to:
            raise Refusal(302, "", f"https://{portal.renamed_to}{heard.path}")
    if portal.deleted:
        raise Refusal(500, "PORTAL_DELETED", "Portal was deleted")
    if not portal.bucket.takes(heard.address):
        raise over_limit()
    caller = _caller(portal, heard)
    if not portal.profile.commercial:
        text = "REST API is available only on commercial plans"
        raise Refusal(403, "ACCESS_DENIED", text)
    return caller


def _caller(portal: Portal, heard: Heard) -> Caller:
    if heard.secret:
        return portal.credentials.by_path(heard.user, heard.secret)
    return portal.credentials.by_token(str(heard.params.get("auth") or ""))


async def _work(
    portal: Portal, request: Request, line: Line, work: Callable[[], Answer]
) -> None:
    name = request.method
    asked = Call(
        method=name,
        writes=methods.writes(name),
        number=request.number,
        nth=portal.calls[name],
        at=portal.clock.elapsed,
    )
    fault = portal.plan.pick(asked)
    request.fault = fault.kind.value if fault else ""

    def noted() -> Answer:
        answer = work()
        request.status = answer.status
        return answer

    await carry_out(fault, noted, line, clock=portal.clock)


def _method(context: Context, heard: Heard) -> Answer:
    name, portal = heard.method, context.portal
    try:
        if name == "batch":
            result = batch.run(context, heard.params)
        else:
            result = methods.call(context, name, heard.params)
        answer = _given(context, name, result)
    except CutShort:
        answer = Answer(504, HTML, {"content-type": "text/html"})
    except Refusal as refusal:
        if context.request:
            context.request.error = str(refusal.code)
        answer = _refused(refusal, **_reset(context, name, refusal))
    if context.spent > portal.profile.request_seconds:
        return Answer(504, HTML, {"content-type": "text/html"})
    return answer


def _reset(context: Context, name: str, refusal: Refusal) -> dict[str, Any]:
    """Tell when to come back; other errors have no ``time``, as clients must bear."""
    if refusal.status != 429:
        return {}
    return {"time": methods.time_of(context, name, context.spent)}


def _given(context: Context, name: str, result: Result) -> Answer:
    body: dict[str, Any] = {"result": result.value}
    if result.next is not None:
        body["next"] = result.next
    if result.total is not None:
        body["total"] = result.total
    body["time"] = methods.time_of(context, name, context.spent)
    return Answer(200, orjson.dumps(body))


def _oauth(portal: Portal, heard: Heard) -> Answer:
    try:
        if heard.path.rstrip("/") == "/oauth/authorize":
            return oauth.authorize(portal, heard.params)
        if heard.path.rstrip("/") == "/oauth/token":
            return oauth.token(portal, heard.params)
        raise Refusal(404, "invalid_request", "Not found")
    except Refusal as refusal:
        return _refused(refusal)


def _refused(refusal: Refusal, **more: Any) -> Answer:
    if refusal.status == 302:
        return Answer(302, b"", {"location": refusal.text})
    return Answer(refusal.status, orjson.dumps({**refusal.body, **more}))
