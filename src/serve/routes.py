"""The addresses of the API: what each takes, answers and refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, FastAPI, Path, Query, Request
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter
from starlette.responses import Response

from crm.courier import Courier
from leads.records import MOST_LEAD_ID
from serve.answers import (
    answer_said,
    batch_said,
    change_said,
    daily_said,
    delivery_said,
    history_said,
    listening_said,
    model_said,
    similar_said,
    what_if_said,
    written,
)
from serve.desk import Desk
from serve.guard import sent
from serve.insight import Insight
from serve.intake import checked_what_if
from serve.judging import OverrideSent, add_judging, never_predicted
from serve.listening import Listening
from serve.monitor import CONTENT_TYPE, Monitor
from serve.problems import Problem, refusals
from serve.scheduler import Scheduler
from serve.schemas.aside import ChangeSaid, SimilarSaid, WhatIfSaid
from serve.schemas.predicted import AnswerSaid, BatchSaid, HistorySaid
from serve.schemas.sent import BatchSent, LeadSent, WhatIfSent, body_of
from serve.schemas.standing import HealthSaid, ModelSaid, ReadySaid

MOST_ENTRIES: Final = 200
READS: Final = (401, 413, 500, 503)
ASKS_LEAD: Final = (401, 404, 413, 422, 500, 503)
SENDS: Final = (400, 401, 404, 408, 413, 415, 422, 500, 503)

Reasons = Annotated[bool, Query(description="Whether to explain the prediction.")]
LeadId = Annotated[str, Path(min_length=1, max_length=MOST_LEAD_ID)]
Limit = Annotated[int, Query(ge=1, le=MOST_ENTRIES)]
Since = Annotated[
    str | None,
    Query(
        max_length=40,
        description="The id of an entry, or an instant; by default the one before.",
    ),
]
Before = Annotated[
    int | None, Query(ge=1, le=2**63 - 1, description="The id of the last entry seen.")
]


class Api:
    """What the addresses do, whoever finds the way to them."""

    def __init__(
        self,
        desk: Desk,
        monitor: Monitor,
        insight: Insight,
        scheduler: Scheduler,
        courier: Courier | None = None,
        listening: Listening | None = None,
    ) -> None:
        self.desk = desk
        self.courier = courier
        self.scheduler = scheduler
        self.listening = listening
        self.monitor = monitor
        self.insight = insight
        self.language = desk.settings.company.language

    async def predict(self, raw: object, *, reasons: bool) -> bytes:
        """Predict one lead and write the answer."""
        prediction, unwritable = await self.desk.tried(raw, reasons=reasons)
        recorded = unwritable is None
        self.monitor.count([prediction], recorded=recorded)
        return written(answer_said(prediction, self.language, recorded=recorded))

    async def predict_batch(self, raw: object, *, reasons: bool) -> bytes:
        """Predict many leads and write the answers."""
        many = await self.desk.many(raw, reasons=reasons)
        made = [item for item in many.items if not isinstance(item, Exception)]
        self.monitor.count(made, recorded=many.recorded)
        said = batch_said(many.items, self.language, recorded=many.recorded)
        return written(said)

    def delivery(self) -> dict[str, Any] | None:
        """Say how writing to the CRM is doing; nothing without one."""
        return None if self.courier is None else delivery_said(self.courier.state())

    def daily(self) -> dict[str, Any] | None:
        """Say how this morning's run stands; nothing where nobody runs mornings."""
        state = self.scheduler.state()
        return None if state is None else daily_said(state)

    def hearing(self) -> dict[str, Any] | None:
        """Say how hearing from the CRM is doing; nothing where nobody listens."""
        return (
            None if self.listening is None else listening_said(self.listening.state())
        )


def router(api: Api) -> APIRouter:
    """Make the routes of one service."""
    made = APIRouter()
    _add_predicting(made, api)
    _add_insight(made, api)
    _add_reading(made, api.desk)
    _add_watching(made, api)
    return made


def _add_predicting(made: APIRouter, api: Api) -> None:

    @made.post(
        "/v1/predict",
        response_model=AnswerSaid,
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


def _add_insight(made: APIRouter, api: Api) -> None:
    insight, language = api.insight, api.language

    @made.get(
        "/v1/leads/{lead_id:path}/change",
        response_model=ChangeSaid,
        responses=refusals(*ASKS_LEAD),
        tags=["insight"],
    )
    def change(lead_id: LeadId, since: Since = None) -> Response:
        """Say why a lead's chance is not what it was, in parts that add up."""
        return _json(written(change_said(insight.change(lead_id, since), language)))

    @made.post(
        "/v1/leads/{lead_id:path}/what-if",
        response_model=WhatIfSaid,
        responses=refusals(*SENDS),
        openapi_extra={"requestBody": body_of(WhatIfSent)},
        tags=["insight"],
    )
    def what_if(request: Request, lead_id: LeadId) -> Response:
        """Ask what the model would say of a lead with something changed."""
        wanted = checked_what_if(sent(request.scope))
        asked = insight.what_if(
            lead_id, wanted.get("fields") or {}, wanted.get("events") or {}
        )
        return _json(written(what_if_said(asked, language)))

    @made.get(
        "/v1/leads/{lead_id:path}/similar",
        response_model=SimilarSaid,
        responses=refusals(*ASKS_LEAD),
        tags=["insight"],
    )
    def similar(lead_id: LeadId) -> Response:
        """List the past leads most like this one, with what became of them."""
        return _json(written(similar_said(insight.similar(lead_id))))


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
            raise never_predicted()
        said = history_said(lead_id, entries, limit=limit, language=language)
        return _json(written(said))

    add_judging(made, desk)

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
        """Say whether predictions can be made, and whether they are recorded."""
        serving = api.desk.check()
        is_whole = api.desk.recorder.has_room()
        said: dict[str, Any] = {
            "status": "ready" if is_whole else "degraded",
            "recording": is_whole,
            "model_version": serving.version,
            "bundle_digest": serving.bundle.digest,
            "delivery": api.delivery(),
            "daily": api.daily(),
            "listening": api.hearing(),
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
        for kind in (Problem, LeadSent, BatchSent, WhatIfSent, OverrideSent):
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
