"""How a portal says no: the codes as they really come, empty and numeric ones too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from crm.testing.faults import Fault, answering
from crm.testing.wire import JSON


class Refusal(Exception):
    """An error answer: HTTP status, ``error``, ``error_description`` and extra keys."""

    def __init__(self, status: int, code: str | int, text: str, **extra: Any) -> None:
        super().__init__(f"{status} {code!r}: {text}")
        self.status, self.code, self.text = status, code, text
        self.extra: Mapping[str, Any] = extra

    @property
    def body(self) -> dict[str, Any]:
        """The JSON body."""
        return {"error": self.code, "error_description": self.text, **self.extra}


class CutShort(Exception):
    """The portal gave up on the request (60 s); what it had done stays done."""


def missing(name: str) -> Refusal:
    """Refuse a call without a parameter that it needs."""
    return Refusal(400, "100", f"Could not find value for parameter {{{name}}}")


def not_found() -> Refusal:
    """Refuse a universal call about an item that is not there."""
    return Refusal(400, "NOT_FOUND", "Item not found")


def classic_not_found() -> Refusal:
    """Refuse a classic call about a record that is not there: an empty code."""
    return Refusal(400, "", "Not found")


def not_valid(name: str) -> Refusal:
    """Refuse a value of a field."""
    text = f'Invalid value of the field "{name}"'
    return Refusal(400, "CRM_FIELD_ERROR_VALUE_NOT_VALID", text)


def access_denied(status: int = 403) -> Refusal:
    """Refuse for want of rights."""
    return Refusal(status, "ACCESS_DENIED", "Access denied.")


def wrong_auth_type() -> Refusal:
    """Refuse a webhook where only an application may call."""
    return Refusal(403, "WRONG_AUTH_TYPE", "Application context required")


def over_limit() -> Refusal:
    """Refuse a request that does not fit into the bucket."""
    return Refusal(503, "QUERY_LIMIT_EXCEEDED", "Too many requests")


def out_of_time() -> Refusal:
    """Refuse a method whose operating time is used up."""
    text = "Method is blocked due to operation time limit."
    return Refusal(429, "OPERATION_TIME_LIMIT", text)


def as_fault(refusal: Refusal) -> Fault:
    """Make of an error answer a fault for a plan: nothing is applied."""
    return answering(refusal.status, json.dumps(refusal.body).encode(), **JSON)


QUERY_LIMIT: Final = as_fault(over_limit())
OPERATION_TIME: Final = as_fault(out_of_time())
OVERLOAD: Final = as_fault(Refusal(503, "OVERLOAD_LIMIT", "REST API is blocked"))
SERVER_ERROR: Final = as_fault(
    Refusal(500, "INTERNAL_SERVER_ERROR", "Internal server error")
)
ERROR_IN_200: Final = as_fault(Refusal(200, "ERROR_CORE", "Something went wrong"))
