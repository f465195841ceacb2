"""Who may ask: API keys, known to the service only as digests.

A key is taken as ``Authorization: Bearer`` from programs, or as the password of HTTP
Basic from browsers, where the pages are. Everything is closed unless it is named open,
so that a new route cannot forget to ask.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from leads.errors import Unauthorized
from serve.problems import problem

OPEN: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""What orchestrators and monitors read; it tells nothing of any lead."""

CHALLENGE: Final = 'Bearer realm="leadcast", Basic realm="leadcast", charset="UTF-8"'
MOST_HEADER: Final = 1_000


class Keys:
    """The API keys, as SHA-256 digests in hex.

    Examples
    --------
    >>> keys = Keys([hashlib.sha256(b"open sesame").hexdigest()])
    >>> keys.know(b"open sesame"), keys.know(b"open barley")
    (True, False)
    """

    def __init__(self, digests: Iterable[str]) -> None:
        self._digests = [bytes.fromhex(digest) for digest in digests]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def know(self, key: bytes) -> bool:
        """Tell whether a key is known, in the same time whichever it is."""
        given = hashlib.sha256(key).digest()
        found = [hmac.compare_digest(given, digest) for digest in self._digests]
        return any(found)


class Doorkeeper:
    """An ASGI middleware that lets only known keys through; without keys, everyone.

    Without keys only loopback may be bound, which ``leads.settings`` sees to.
    """

    def __init__(self, app: ASGIApp, *, keys: Keys) -> None:
        self.app = app
        self.keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401, or let the app answer."""
        if scope["type"] != "http" or self._may_pass(scope):
            await self.app(scope, receive, send)
            return
        refusal = Unauthorized(
            "An API key is needed, and none that is known was given.",
            remedy="Send Authorization: Bearer KEY; in a browser, KEY as password.",
        )
        headers = {"WWW-Authenticate": CHALLENGE, "Connection": "close"}
        await problem(refusal, headers=headers)(scope, receive, send)

    def _may_pass(self, scope: Scope) -> bool:
        if not self.keys or scope["path"] in OPEN:
            return True
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(given) != 1 or len(given[0]) > MOST_HEADER:
            return False
        key = key_of(given[0])
        return key is not None and self.keys.know(key)


def name_of(authorization: bytes) -> str:
    """Take the name out of a Basic Authorization header; empty if it holds none.

    Examples
    --------
    >>> name_of(b"Basic dXNlcjphYmM="), name_of(b"Bearer abc")
    ('user', '')
    """
    scheme, _, rest = authorization.strip().partition(b" ")
    if scheme.lower() != b"basic":
        return ""
    try:
        return base64.b64decode(rest.strip(), validate=True).partition(b":")[0].decode()
    except ValueError:  # no base64, or no text
        return ""


def key_of(authorization: bytes) -> bytes | None:
    """Take the key out of an Authorization header; None if it holds none.

    Examples
    --------
    >>> key_of(b"Bearer abc"), key_of(b"Basic dXNlcjphYmM="), key_of(b"Digest x")
    (b'abc', b'abc', None)
    """
    scheme, _, rest = authorization.strip().partition(b" ")
    if scheme.lower() == b"bearer":
        return rest.strip() or None
    if scheme.lower() != b"basic":
        return None
    try:
        pair = base64.b64decode(rest.strip(), validate=True)
    except binascii.Error:
        return None
    return pair.partition(b":")[2] or None
