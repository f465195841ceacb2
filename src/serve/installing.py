"""Where a browser or Bitrix24's installer comes back to while an account is connected.

An ASGI middleware in front of keys and guard, since neither a portal nor a browser on
its way back has a key of ours, and both bring a query or a form rather than JSON. What
they bring is believed only as far as ``crm.connecting`` can prove it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import parse_qsl

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from crm.connecting import Connecting
from leads.errors import LeadcastError
from serve.body import read_body
from serve.problems import Refusal, problem

MOST_BYTES: Final = 65_536
MOST_FIELDS: Final = 100
BITRIX24_SCRIPT: Final = "https://api.bitrix24.com/api/v1/"
FINISH: Final = "BX24.init(function () { BX24.installFinish(); });"
"""Without it the events and tabs of an application with pages stay dead."""
FINISH_HASH: Final = "'sha256-l7GtC//7304eG3I3ytEOzotYF7HZ1yF70/3OGMpy6kI='"
WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "en": (
        "Leadcast is connected",
        "Go back to where you ran connect and press Enter.",
    ),
    "ru": (
        "Leadcast подключён",
        "Вернитесь туда, где запущена команда connect, и нажмите Enter.",
    ),
}
PAGE: Final = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>{title}</title>
<style>body {{ font: 1.125rem/1.5 system-ui, sans-serif; margin: 3rem auto;
max-width: 34rem; padding: 0 1rem }}</style>{script}</head>
<body><main><h1>{title}</h1><p>{text}</p></main></body></html>
"""

log = structlog.get_logger()


class Installing:
    """Take in what a consent brings; everything else goes on to the app.

    Parameters
    ----------
    app
        Whatever answers all other addresses.
    connecting
        Of the account that is entered by OAuth.
    kind
        Of its CRM: the address is ``/crm/<kind>/install``.
    language
        Of the page that says it is done.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        connecting: Callable[[], Connecting],
        kind: str,
        language: str,
    ) -> None:
        self.app = app
        self.connecting = connecting
        self.path = f"/crm/{kind}/install"
        self.has_installer = kind == "bitrix24"
        self.language = language

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer at our one address, or let the app answer."""
        if scope["type"] != "http" or scope["path"] != self.path:
            await self.app(scope, receive, send)
            return
        answer = await self._answered(Request(scope, receive))
        await answer(scope, receive, send)

    async def _answered(self, request: Request) -> Response:
        closing = {"Connection": "close"}
        try:
            if request.method == "GET":
                came = _flat(request.scope["query_string"])
                await run_in_threadpool(lambda: self.connecting().finish(came))
            elif request.method == "POST" and self.has_installer:
                came = _flat(await read_body(request.receive, most=MOST_BYTES))
                await run_in_threadpool(lambda: self.connecting().installed(came))
            else:
                raise Refusal(405, "Not so at this address.", remedy="See docs/crm.md.")
        except LeadcastError as error:
            log.warning("consent_refused", why=type(error).__name__)
            return problem(error, headers=closing)
        log.info("consent_taken")
        return self._done()

    def _done(self) -> Response:
        title, text = WORDS[self.language]
        script, policy = "", "default-src 'none'; style-src 'unsafe-inline'"
        if self.has_installer:
            script = (
                f'<script src="{BITRIX24_SCRIPT}"></script><script>{FINISH}</script>'
            )
            policy += f"; script-src https://api.bitrix24.com {FINISH_HASH}"
        page = PAGE.format(
            language=self.language, title=title, text=text, script=script
        )
        headers = {
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
        }
        return HTMLResponse(page, headers=headers)


def _flat(form: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(form.decode("ascii"), max_num_fields=MOST_FIELDS)
    except ValueError as error:  # also what is no ASCII
        raise Refusal(400, "This is no form.", remedy="See docs/crm.md.") from error
    return dict(pairs)
