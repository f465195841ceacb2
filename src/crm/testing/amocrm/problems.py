"""How amoCRM refuses: problem+json, a list of validation errors, or a proxy's page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from crm.testing.wire import Answer

PROBLEM: Final = {"content-type": "application/problem+json"}
PAGE: Final = {"content-type": "text/html"}
NOT_A_CHOICE: Final = "NotSupportedChoice"
WRONG_TYPE: Final = "InvalidType"
NOT_EXPECTED: Final = "FieldNotExpected"
MISSING: Final = "FieldMissing"
"""The contracts name three codes and none for what is missing: this one is ours."""

DETAILS: Final = {
    NOT_A_CHOICE: "The value you selected is not a valid choice.",
    WRONG_TYPE: "This value has the wrong type.",
    NOT_EXPECTED: "This field was not expected.",
    MISSING: "This field is missing.",
}
RETRY_AFTER: Final = 300


class Refusal(Exception):
    """A request that is refused; carries the answer and a word for the ledger."""

    def __init__(self, answer: Answer, error: str) -> None:
        super().__init__(error)
        self.answer = answer
        self.error = error


@dataclass(frozen=True, slots=True)
class Finding:
    """One validation error: a code and where, dots between the steps."""

    code: str
    path: str

    def shown(self) -> dict[str, str]:
        """Show it as the API does."""
        return {"code": self.code, "path": self.path, "detail": DETAILS[self.code]}


def problem(status: int, detail: str, **more: Any) -> Refusal:
    """Refuse with problem+json.

    Examples
    --------
    >>> refusal = problem(401, "Unknown token")
    >>> refusal.answer.status, refusal.error
    (401, 'Unauthorized')
    """
    title = HTTPStatus(status).phrase
    body = {
        "title": title,
        "type": f"https://httpstatus.es/{status}",
        "status": status,
        "detail": detail,
        **more,
    }
    return Refusal(Answer(status, json.dumps(body).encode(), dict(PROBLEM)), title)


def invalid(found: Mapping[str, Sequence[Finding]]) -> Refusal:
    """Refuse a whole request for the faults of some of its records.

    ``found`` goes by request id; records without faults may be in it.
    """
    errors = [
        {"request_id": who, "errors": [each.shown() for each in findings]}
        for who, findings in found.items()
        if findings
    ]
    refusal = problem(400, "Request validation failed", **{"validation-errors": errors})
    refusal.error = ",".join(
        dict.fromkeys(each.code for findings in found.values() for each in findings)
    )
    return refusal


def by_id(errors: Mapping[int, str]) -> Refusal:
    """Refuse in the second form that 400 takes: messages by record."""
    body = {"errors": {str(key): text for key, text in errors.items()}}
    headers = {"content-type": "application/json"}
    return Refusal(Answer(400, json.dumps(body).encode(), headers), "errors")


def page(status: int) -> Refusal:
    """Refuse as the proxy in front of the API does, with a page."""
    title = f"{status} {HTTPStatus(status).phrase}"
    text = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n<hr><center>nginx</center>\r\n"
        "</body>\r\n</html>\r\n"
    )
    return Refusal(Answer(status, text.encode(), dict(PAGE)), title)


def too_many(*, as_page: bool) -> Refusal:
    """Refuse a request over the limit; the time to wait stands in the body only."""
    if as_page:
        return page(429)
    return problem(429, "Too many requests", retry_after=RETRY_AFTER)


def revoked(hint: str, status: int = 401) -> Refusal:
    """Refuse a grant; ``hint`` tells why."""
    body = {
        "hint": hint,
        "title": "Wrong request",
        "type": "https://developers.amocrm.ru/v3/errors/OAuthProblemJson",
        "status": status,
        "detail": "Parameters are missing or not valid",
    }
    return Refusal(Answer(status, json.dumps(body).encode(), dict(PROBLEM)), hint)
