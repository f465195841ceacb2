"""Refusals over HTTP: problem documents (RFC 9457) that never echo what was sent.

One handler answers every ``LeadcastError``, one every request that does not fit its
schema, one what the router itself refuses, and one what nobody foresaw. Whatever goes
wrong, the client gets the same shape and no word of its own input back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, NotRequired

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from typing_extensions import TypedDict

from leads.errors import BadInput, Fault, LeadcastError, Unavailable

MEDIA_TYPE: Final = "application/problem+json"
MOST_FAULTS: Final = 20
MOST_DETAIL: Final = 1_000
RETRY_SECONDS: Final = 5
NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}")

PROGRAMS: Final = ("/v1/", "/healthz", "/readyz", "/metrics", "/openapi.json")
"""Addresses that programs ask; a browser that does gets what they get."""

ForPeople = Callable[[Request, Response], Response]

log = structlog.get_logger()


class FaultText(TypedDict):
    """One thing wrong with a request, and what to do about it."""

    where: str
    what: str
    remedy: str


class Problem(TypedDict):
    """Why a request was refused, and the way out."""

    type: str
    title: str
    status: int
    detail: str
    remedy: str
    faults: NotRequired[list[FaultText]]


class Refusal(LeadcastError):
    """A request that is wrong as HTTP or as JSON, before anyone reads what it says."""

    def __init__(self, status: int, what: str, *, remedy: str) -> None:
        super().__init__(what, remedy=remedy)
        self.status = status


def problem(
    error: LeadcastError, *, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer a refusal.

    Examples
    --------
    >>> from leads.errors import NoModel
    >>> answer = problem(NoModel("No model is promoted.", remedy="Run promote."))
    >>> answer.status_code, answer.headers["content-type"]
    (503, 'application/problem+json')
    >>> answer.headers["retry-after"]
    '5'
    """
    more = {"Retry-After": str(RETRY_SECONDS)} if error.status == 503 else {}
    return Response(
        orjson.dumps(problem_of(error)),
        status_code=error.status,
        media_type=MEDIA_TYPE,
        headers={**more, **(headers or {})},
    )


def problem_of(error: LeadcastError) -> Problem:
    """Say a refusal as a problem document."""
    status = HTTPStatus(error.status)
    kind = status.phrase if isinstance(error, Refusal) else type(error).__name__
    said: Problem = {
        "type": f"urn:leadcast:problem:{_kebab(kind)}",
        "title": status.phrase,
        "status": status.value,
        "detail": error.what[:MOST_DETAIL],
        "remedy": error.remedy[:MOST_DETAIL],
    }
    if isinstance(error, BadInput) and error.faults:
        said["faults"] = [_fault_text(fault) for fault in error.faults[:MOST_FAULTS]]
    return said


def schema_refusal(errors: Iterable[Mapping[str, Any]], *, whole: str) -> BadInput:
    """Turn what pydantic found into our own refusal, without a byte of the input.

    Parameters
    ----------
    errors
        As ``ValidationError.errors()`` lists them.
    whole
        What the errors are about, such as ``"The request"``.
    """
    faults = [
        Fault(_place(error["loc"]), _broken_rule(error), "See /docs for the schema.")
        for error in errors
    ]
    many = len(faults) != 1
    return BadInput(
        f"{whole} does not fit the schema: {len(faults)} fault{'s' * many}.",
        remedy="Mend what is listed and send it again.",
        faults=faults,
    )


def faults_of(error: ValidationError, *, whole: str) -> BadInput:
    """Do the same for a validation error of our own."""
    listed = error.errors(include_url=False, include_context=True, include_input=False)
    return schema_refusal(listed, whole=whole)


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Declare for OpenAPI which problems a route may answer with."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status in statuses
    }


def install(app: FastAPI, *, page: ForPeople | None = None) -> None:
    """Teach a service to refuse in this one way.

    Parameters
    ----------
    app
        The service.
    page
        What a browser is shown instead, which asks for no program's address.
    """

    def told(request: Request, answer: Response) -> Response:
        if page is None or not _is_for_people(request):
            return answer
        return page(request, answer)

    @app.exception_handler(LeadcastError)
    async def refused(request: Request, error: LeadcastError) -> Response:
        return told(request, problem(error))

    @app.exception_handler(RequestValidationError)
    async def misfit(request: Request, error: RequestValidationError) -> Response:
        whole = schema_refusal(error.errors(), whole="The request")
        return told(request, problem(whole))

    @app.exception_handler(HTTPException)
    async def unrouted(request: Request, error: HTTPException) -> Response:
        answer = problem(_unrouted(error.status_code), headers=error.headers)
        return told(request, answer)

    @app.exception_handler(OperationalError)
    async def away(request: Request, error: OperationalError) -> Response:
        log.error("database_away", kind=type(error.orig).__name__)
        refusal = Unavailable("The database did not answer.", remedy="Try again soon.")
        return told(request, problem(refusal))

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> Response:
        route = request.scope.get("route")
        where = getattr(route, "path", "no route")
        log.error("unforeseen", kind=type(error).__name__, where=where)
        failed = Refusal(
            500,
            "The service failed on this request; nothing was recorded.",
            remedy="Report the time of the request to those who run the service.",
        )
        return told(request, problem(failed))


def _is_for_people(request: Request) -> bool:
    """Say whether a browser asks for a page, rather than for a program's address."""
    is_page = not request.url.path.startswith(PROGRAMS)
    return is_page and "text/html" in request.headers.get("accept", "")


def _unrouted(status: int) -> Refusal:
    known = {
        404: ("There is nothing at this address.", "See /docs for the addresses."),
        405: ("This method is not for this address.", "The Allow header says which."),
    }  # fmt: skip
    what, remedy = known.get(
        status, (f"{HTTPStatus(status).phrase}.", "See /docs for how to ask.")
    )
    return Refusal(status, what, remedy=remedy)


def _place(location: Sequence[int | str]) -> str:
    """Name a place in the request; a key that the client made up is not repeated.

    Examples
    --------
    >>> _place(("body", "events", 3, "at")), _place(("body", "fields", "a b"))
    ('body.events[3].at', 'body.fields.*')
    """
    said = ""
    for part in location:
        if isinstance(part, int):
            said += f"[{part}]"
        else:
            name = part if NAME.fullmatch(part) and part in PLACES else "*"
            said += f".{name}" if said else name
    return said or "body"


PLACES: Final = frozenset(
    {
        "body", "query", "path", "header", "lead_id", "as_of", "created_at",
        "recorded_at", "source", "pipeline", "owner", "fields", "events", "stages",
        "payments", "field_changes", "leads", "at", "kind", "value", "properties",
        "stage", "amount_minor", "currency", "field", "reasons", "limit", "before",
    }
)  # fmt: skip
"""Names that the schema itself gives; every other one came from the client."""


def _broken_rule(error: Mapping[str, Any]) -> str:
    """Say the rule in pydantic's words, which name bounds and types, not the value."""
    kind = str(error["type"])
    if kind in QUIET:
        return QUIET[kind]
    return str(error["msg"])[:200]


QUIET: Final = {
    "missing": "is required",
    "extra_forbidden": "is not a key of the schema",
    "string_pattern_mismatch": "does not match the pattern of the schema",
    "enum": "is not one of the allowed words",
    "literal_error": "is not one of the allowed words",
    "union_tag_invalid": "is not one of the allowed words",
    "bool_parsing": "is not true or false",
    "int_parsing": "is not a whole number",
}
"""Rules said in our words, where pydantic's would be long or quote the input."""


def _fault_text(fault: Fault) -> FaultText:
    where = f"{fault.where}.{fault.column}" if fault.column else fault.where
    return {"where": where, "what": fault.what[:300], "remedy": fault.remedy[:300]}


def _kebab(name: str) -> str:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name)
    return re.sub(r"[^a-z]+", "-", spaced.lower()).strip("-")
