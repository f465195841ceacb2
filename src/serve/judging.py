"""Addresses about one lead that people use: the short form, and the tier they set."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final, Literal, NotRequired

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field, TypeAdapter, ValidationError, with_config
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from typing_extensions import TypedDict

from leads.decision import Override, Tier
from leads.errors import UnknownLead
from leads.lead import EPOCH
from leads.overruling import overrule, standing_override, withdraw
from leads.records import MOST_LEAD_ID
from serve.answers import prediction_said, written
from serve.desk import Desk
from serve.guard import sent
from serve.intake import instant_of
from serve.problems import faults_of, refusals
from serve.schemas.predicted import CardSaid, LeadSaid, OverrideSaid
from serve.schemas.sent import STRICT, Instant, body_of
from serve.short import Form, card_text

MOST_BY: Final = 100


@with_config(STRICT)
class OverrideSent(TypedDict):
    """The tier that a person sets: by whom (an id, not a name), and until when."""

    tier: Literal["hot", "warm", "cold"]
    by: Annotated[str, Field(min_length=1, max_length=MOST_BY)]
    until: NotRequired[Instant | None]


OVERRIDE: Final[TypeAdapter[OverrideSent]] = TypeAdapter(OverrideSent)

LeadId = Annotated[str, Path(min_length=1, max_length=MOST_LEAD_ID)]
By = Annotated[str, Query(min_length=1, max_length=MOST_BY, description="Who (an id).")]
Shape = Annotated[Form, Query(description="Plain text, or BB-code.")]
READS: Final = (401, 404, 413, 422, 500, 503)
SENDS: Final = (400, 401, 404, 408, 413, 415, 422, 500, 503)
ADDRESS: Final = "/v1/leads/{lead_id:path}"


def add_judging(made: APIRouter, desk: Desk) -> None:
    """Add the addresses; before those that take any path as a lead's id."""
    _add_card(made, desk)
    _add_override(made, desk)


def _add_card(made: APIRouter, desk: Desk) -> None:
    language = desk.settings.company.language

    @made.get(
        ADDRESS + "/card",
        response_model=CardSaid,
        responses=refusals(*READS),
        tags=["journal"],
    )
    def card(lead_id: LeadId, form: Shape = "text") -> Response:
        """Give the latest prediction in the short form, for a card in the CRM."""
        prediction = desk.journal.latest(lead_id)
        if prediction is None:
            raise never_predicted()
        action = ""
        if desk.planning is not None:
            step = desk.planning.kept(desk.journal, [lead_id]).get(lead_id)
            action = "" if step is None else step.action(language)
        text = card_text(prediction, form=form, language=language, action=action)
        return _json({"lead_id": lead_id, "form": form, "text": text})


def _add_override(made: APIRouter, desk: Desk) -> None:
    @made.put(
        ADDRESS + "/override",
        response_model=OverrideSaid,
        responses=refusals(*SENDS),
        openapi_extra={"requestBody": body_of(OverrideSent)},
        tags=["judge"],
    )
    async def put_override(lead_id: LeadId, request: Request) -> Response:
        """Set a tier beside the machine's; it stands in for an earlier one."""
        override = _override_of(lead_id, sent(request.scope), desk)
        await run_in_threadpool(_check_known, desk, lead_id)
        await run_in_threadpool(overrule, desk.journal, override)
        return _json(_override_said(override))

    @made.delete(
        ADDRESS + "/override",
        status_code=204,
        responses=refusals(*READS),
        tags=["judge"],
    )
    def delete_override(lead_id: LeadId, by: By) -> Response:
        """Let the machine's tier stand alone again; safe to repeat."""
        _check_known(desk, lead_id)
        withdraw(desk.journal, lead_id, by=by, now=desk.now())
        return Response(status_code=204)

    @made.get(
        ADDRESS,
        response_model=LeadSaid,
        responses=refusals(*READS),
        tags=["journal"],
    )
    def latest(lead_id: LeadId) -> Response:
        """Give the latest prediction of a lead, as it is in the journal.

        Beside it stands the tier that a person set, if any does now.
        """
        prediction = desk.journal.latest(lead_id)
        if prediction is None:
            raise never_predicted()
        override = standing_override(desk.journal, lead_id, now=desk.now())
        said = prediction_said(prediction, desk.settings.company.language)
        return _json(
            {**said, "override": override and _override_said(override)},
        )


def _override_of(lead_id: str, raw: object, desk: Desk) -> Override:
    try:
        asked = OVERRIDE.validate_python(raw)
    except ValidationError as error:
        raise faults_of(error, whole="The override") from error
    until = asked.get("until")
    return Override(
        lead_id=lead_id,
        tier=Tier(asked["tier"]),
        by=asked["by"],
        made_at=desk.now(),
        until=None
        if until is None
        else EPOCH + timedelta(microseconds=instant_of(until, "until")),
    )


def _check_known(desk: Desk, lead_id: str) -> None:
    """Refuse to keep anything of a lead that nobody ever asked about."""
    if desk.journal.latest(lead_id) is None:
        raise never_predicted()


def never_predicted() -> UnknownLead:
    """Refuse a lead of which the journal knows nothing."""
    return UnknownLead("This lead was never predicted.", remedy="Predict it first.")


def _override_said(override: Override) -> dict[str, Any]:
    return {
        "tier": override.tier.value,
        "by": override.by,
        "made_at": override.made_at.isoformat(),
        "until": None if override.until is None else override.until.isoformat(),
    }


def _json(said: dict[str, Any]) -> Response:
    return Response(written(said), media_type="application/json")
