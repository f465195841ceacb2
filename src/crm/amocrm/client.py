"""Asks an amoCRM account and says what its answers mean.

::

    AmoRefused(Unavailable)
    ├── NotAuthorised   401: the token is wrong, over or taken back
    ├── NotInPlan       402: the plan does not include it, or is not paid
    ├── NoRight         403 in JSON: the token's user may not
    ├── Banned          403 as a page: blocked for too many requests
    ├── NotThere        404
    ├── Busy            429, 5xx, half a body: later it may be answered
    └── BadRequest      400, 422 and whatever else; carries the validation errors

An empty list is 204 without a body. The limits stand in the body of a 429, not in a
header, and a ban looks like a page of the proxy: both are read here and nowhere else.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from crm.port import Heard
from crm.transport import Answer, Transport, TransportFailed, Verdict, clamped
from leads.errors import Unavailable

API: Final = "/api/v4/"
JSON: Final = {"content-type": "application/json"}

Query = Mapping[str, str | int | Sequence[str | int]]
Tokens = Callable[[], str]
"""Gives the access token that is good now."""
Again = Callable[[str], str]
"""Gives the token to repeat with, from the one that was over."""


class AmoRefused(Unavailable):
    """The account answered, and the answer is no."""


class NotAuthorised(AmoRefused):
    """401."""


class NotInPlan(AmoRefused):
    """402."""


class NoRight(AmoRefused):
    """403 with words."""


class Banned(AmoRefused):
    """403 as a page: every request is refused until support lifts it."""


class NotThere(AmoRefused):
    """404."""


class Busy(AmoRefused):
    """429, 5xx, or a success without a body that can be read."""


class BadRequest(AmoRefused):
    """400, 422 or an answer that is none; ``errors`` by request id, if it named any."""

    def __init__(
        self, what: str, *, remedy: str, errors: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(what, remedy=remedy)
        self.errors = dict(errors or {})


REFUSALS: Final[Mapping[int, tuple[type[AmoRefused], str]]] = {
    401: (NotAuthorised, "Make a new long-lived token, or authorise us again."),
    402: (NotInPlan, "Pay the account, or take a larger plan."),
    403: (NoRight, "Give the token's user the right to this."),
    404: (NotThere, "It was deleted, or the address is wrong."),
}
PASSING: Final = frozenset({200, 201, 202, 429, 500, 502, 503, 504})
"""What may pass; of a success only if its body could not be read."""

AGAIN: Final = (Busy, TransportFailed)
"""What a read may ask again after."""


class AmoClient:
    """One account.

    Parameters
    ----------
    transport
        Sends through the account's gate and judges by ``judged``.
    tokens
        Gives the access token.
    again
        Gives the token to repeat with after a 401, where tokens are renewed.
    """

    def __init__(
        self, transport: Transport, tokens: Tokens, *, again: Again | None = None
    ) -> None:
        self._transport = transport
        self._tokens = tokens
        self._again = again

    @property
    def base(self) -> str:
        """The account's address."""
        return self._transport.base

    def get(
        self, path: str, query: Query | None = None, *, as_user: int | None = None
    ) -> dict[str, Any] | None:
        """Read; None if there is nothing (204).

        Parameters
        ----------
        as_user
            In whose name, where it is not our own.

        Raises
        ------
        GateClosed
            Nothing was asked.
        AmoRefused
            The account said no.
        TransportFailed
            No whole answer came.
        """
        return said(self.ask("GET", path, query=query, as_user=as_user), path)

    def send(self, verb: str, path: str, body: Any) -> dict[str, Any] | None:
        """Write; raises as ``get`` does."""
        return said(self.ask(verb, path, body=body), path)

    def ask(
        self, verb: str, path: str, *, query: Query | None = None, body: Any = None,
        as_user: int | None = None,
    ) -> Answer:  # fmt: skip
        """Send one request; again if its token was over, for then it did not run."""
        asked = API + path + (f"?{urlencode(query, doseq=True)}" if query else "")
        token = self._tokens()
        answer = self._sent(verb, asked, body, _headers(token, as_user))
        if answer.status == 401 and self._again is not None:
            headers = _headers(self._again(token), as_user)
            answer = self._sent(verb, asked, body, headers)
        return answer

    def _sent(
        self, verb: str, asked: str, body: Any, headers: dict[str, str]
    ) -> Answer:
        if body is None:
            return self._transport.request(verb, asked, headers=headers)
        return self._transport.request(
            verb, asked, body=orjson.dumps(body), headers={**headers, **JSON}
        )

    def close(self) -> None:
        """Hang up."""
        self._transport.close()


def judged(answer: Answer) -> Verdict:
    """Read the account's health from an answer.

    Examples
    --------
    >>> judged(Answer(429, b'{"retry_after": 300}')).retry_after.total_seconds()
    300.0
    >>> judged(Answer(403, b"<html>")).health.value
    'blocked'
    >>> judged(Answer(403, b'{"title": "Forbidden"}')).health.value
    'well'
    """
    status = answer.status
    if status == 429:
        return Verdict(Heard.LIMITED, _asked_to_wait(answer))
    if status == 403 and answer.json() is None:
        return Verdict(Heard.BLOCKED)
    if status >= 500 or status < 200 or 300 <= status < 400:
        return Verdict(Heard.DOWN)
    if status == 200 and not isinstance(answer.json(), dict | list):
        return Verdict(Heard.DOWN)
    return Verdict(Heard.WELL)


def said(answer: Answer, path: str) -> dict[str, Any] | None:
    """Give the body of an answer; None for an empty one.

    Raises
    ------
    AmoRefused
        The status says no, or the body is no JSON object.
    """
    if answer.status in {202, 204} and not answer.body:
        return None
    body = answer.json()
    if answer.status in {200, 201, 202} and isinstance(body, dict):
        return body
    raise refusal(answer, path)


def refusal(answer: Answer, path: str) -> AmoRefused:
    """Put a refusal into words; the body's own never are, for they may name people."""
    what, status = f"amoCRM answered {answer.status} to {path}.", answer.status
    if status == 403 and answer.json() is None:
        return Banned(
            "amoCRM has blocked this account or our address for its limits.",
            remedy="Ask amoCRM's support to lift it, then run deliver replay.",
        )
    if status in REFUSALS:
        kind, remedy = REFUSALS[status]
        return kind(what, remedy=remedy)
    if status in PASSING:
        return Busy(what, remedy="It is asked again by itself.")
    remedy = "It was not understood; nothing was done."
    if 300 <= status < 400:
        remedy = "The account's address has changed: set the new one."
    return BadRequest(what, remedy=remedy, errors=faults(answer))


def faults(answer: Answer) -> dict[str, str]:
    """Read which records a 400 complains of: request id to code and path.

    Both forms are read: ``validation-errors`` and ``errors`` by id.
    """
    body = answer.json()
    if not isinstance(body, dict):
        return {}
    found: dict[str, str] = {}
    for each in _rows(body.get("validation-errors")):
        errors = _rows(each.get("errors")) or [{}]
        codes = {f"{e.get('code')} {e.get('path')}" for e in errors}
        found[str(each.get("request_id"))] = ", ".join(sorted(codes))
    by_id = body.get("errors")
    if isinstance(by_id, dict):
        found |= {str(key): "REFUSED" for key in by_id}
    return found


def _rows(found: Any) -> list[Mapping[str, Any]]:
    """Give what of a list has the form that was promised."""
    rows = found if isinstance(found, list) else []
    return [row for row in rows if isinstance(row, Mapping)]


def ends_at(token: str) -> datetime | None:
    """Read when a token ends, without trusting it; None if it does not tell."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = orjson.loads(base64.urlsafe_b64decode(padded))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (binascii.Error, ValueError, KeyError, TypeError, OverflowError):
        return None


def _asked_to_wait(answer: Answer) -> timedelta | None:
    body = answer.json()
    seconds = body.get("retry_after") if isinstance(body, dict) else None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    return clamped(timedelta(seconds=min(max(seconds, 0), 86_400)))


def _headers(token: str, as_user: int | None) -> dict[str, str]:
    context = {} if as_user is None else {"x-context-user-id": str(as_user)}
    return {**context, "authorization": f"Bearer {token}"}
