"""The addresses of the API: what each takes, answers and refuses."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, FastAPI, Path, Query, Request
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter
from starlette.responses import Response

from crm.courier import Courier
from leads.errors import UnknownLead
from leads.records import MOST_LEAD_ID
from serve.answers import (
    batch_said,
    delivery_said,
    history_said,
    model_said,
    prediction_said,
    written,
)
from serve.desk import Desk
from serve.guard import sent
from serve.monitor import CONTENT_TYPE, Monitor
from serve.problems import MEDIA_TYPE, Problem
from serve.schemas import (
    BatchSaid,
    BatchSent,
    HealthSaid,
    HistorySaid,
    LeadSent,
    ModelSaid,
    PredictionSaid,
    ReadySaid,
    body_of,
)

MOST_ENTRIES: Final = 200
READS: Final = (401, 413, 500, 503)
ASKS_LEAD: Final = (401, 404, 413, 422, 500, 503)
SENDS: Final = (400, 401, 404, 408, 413, 415, 422, 500, 503)

Reasons = Annotated[bool, Query(description="Whether to explain the prediction.")]
LeadId = Annotated[str, Path(min_length=1, max_length=MOST_LEAD_ID)]
Limit = Annotated[int, Query(ge=1, le=MOST_ENTRIES)]
Before = Annotated[
    int | None, Query(ge=1, le=2**63 - 1, description="The id of the last entry seen.")
]


class Api:
    """What the addresses do, whoever finds the way to them."""

    def __init__(
        self, desk: Desk, monitor: Monitor, courier: Courier | None = None
    ) -> None:
        self.desk = desk
        self.courier = courier
        self.monitor = monitor
        self.language = desk.settings.company.language

    async def predict(self, raw: object, *, reasons: bool) -> bytes:
        """Predict one lead and write the answer."""
        prediction = await self.desk.one(raw, reasons=reasons)
        self.monitor.count([prediction])
        return written(prediction_said(prediction, self.language))

    async def predict_batch(self, raw: object, *, reasons: bool) -> bytes:
        """Predict many leads and write the answers."""
        items = await self.desk.many(raw, reasons=reasons)
        self.monitor.count(item for item in items if not isinstance(item, Exception))
        return written(batch_said(items, self.language))

    def delivery(self) -> dict[str, Any] | None:
        """Say how writing to the CRM is doing; nothing without one."""
        return None if self.courier is None else delivery_said(self.courier.state())


def router(api: Api) -> APIRouter:
    """Make the routes of one service."""
    made = APIRouter()
    _add_predicting(made, api)
    _add_reading(made, api.desk)
    _add_watching(made, api)
    return made


def _add_predicting(made: APIRouter, api: Api) -> None:

    @made.post(
        "/v1/predict",
        response_model=PredictionSaid,
        responses=refusals(*SENDS),
        openapi_extra={"requestBody": body_of(LeadSent)},
        tags=["predict"],
    )
    async def predict(request: Request, reasons: Reasons = True) -> Response:  # noqa: FBT002 - a query parameter has no position
        """Predict one lead: sent whole, or by the id of an ingested one."""
        return _json(await api.predict(sent(request.scope), reasons=reasons))

    @made.post(
        "/v1/predict/batch",
        response_model=BatchSaid,
        responses=refusals(*(status for status in SENDS if status != 404)),
        openapi_extra={"requestBody": body_of(BatchSent)},
        tags=["predict"],
    )
    async def predict_batch(request: Request, reasons: Reasons = True) -> Response:  # noqa: FBT002 - as above
        """Predict many leads; one that cannot be predicted does not cost the others."""
        return _json(await api.predict_batch(sent(request.scope), reasons=reasons))


def _add_reading(made: APIRouter, desk: Desk) -> None:
    language = desk.settings.company.language

    @made.get(
        "/v1/leads/{lead_id:path}/history",
        response_model=HistorySaid,
        responses=refusals(*ASKS_LEAD),
        tags=["journal"],
    )
    def history(lead_id: LeadId, limit: Limit = 50, before: Before = None) -> Response:
        """List what was said about a lead, newest first."""
        entries = desk.journal.history(lead_id, limit=limit, before=before)
        if not entries and before is None:
            raise _never_predicted()
        said = history_said(lead_id, entries, limit=limit, language=language)
        return _json(written(said))

    @made.get(
        "/v1/leads/{lead_id:path}",
        response_model=PredictionSaid,
        responses=refusals(*ASKS_LEAD),
        tags=["journal"],
    )
    def latest(lead_id: LeadId) -> Response:
        """Give the latest prediction of a lead, as it is in the journal."""
        prediction = desk.journal.latest(lead_id)
        if prediction is None:
            raise _never_predicted()
        return _json(written(prediction_said(prediction, language)))

    @made.get(
        "/v1/model",
        response_model=ModelSaid,
        responses=refusals(*READS),
        tags=["model"],
    )
    async def model() -> Response:
        """Say which model answers now, and what was proved of it."""
        return _json(written(model_said(desk.live.serving())))


def _add_watching(made: APIRouter, api: Api) -> None:
    @made.get(
        "/healthz",
        response_model=HealthSaid,
        responses=refusals(413, 500),
        tags=["watch"],
    )
    async def healthz() -> Response:
        """Say that the process is alive."""
        return _json(written({"status": "alive"}))

    @made.get(
        "/readyz",
        response_model=ReadySaid,
        responses=refusals(413, 500, 503),
        tags=["watch"],
    )
    def readyz() -> Response:
        """Say whether predictions can be made and recorded."""
        serving = api.desk.check()
        said: dict[str, Any] = {
            "status": "ready",
            "model_version": serving.version,
            "bundle_digest": serving.bundle.digest,
            "delivery": api.delivery(),
        }
        return _json(written(said))

    @made.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}, **refusals(413, 500)},
        tags=["watch"],
    )
    def metrics() -> Response:
        """Give counts and durations in Prometheus' text form."""
        return Response(api.monitor.page(), media_type=CONTENT_TYPE)


def _json(answer: bytes) -> Response:
    return Response(answer, media_type="application/json")


def _never_predicted() -> UnknownLead:
    return UnknownLead("This lead was never predicted.", remedy="Predict it first.")


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


def document(app: FastAPI, *, secured: bool) -> Mapping[str, Any]:
    """Write the OpenAPI document: FastAPI's, with our bodies, problems and keys."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
        )
        parts = made.setdefault("components", {})
        schemas = parts.setdefault("schemas", {})
        for kind in (Problem, LeadSent, BatchSent):
            _add_schema(schemas, kind)
        if secured:
            bearer = {"type": "http", "scheme": "bearer"}
            parts["securitySchemes"] = {"key": bearer}
            made["security"] = [{"key": []}]
        app.openapi_schema = made
    return app.openapi_schema


def _add_schema(schemas: dict[str, Any], kind: Any) -> None:
    schema = TypeAdapter(kind).json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs", {}))
    schemas[kind.__name__] = schema
