"""What a caller sends: leads with what happened to them, and what to change."""

from __future__ import annotations

from typing import Annotated, Any, Final, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict

from leads.records import MOST_LEAD_ID

MOST_ROWS: Final = 10_000
MOST_FIELDS: Final = 1_000

INSTANT_PATTERN: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}"
    r"(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})$"
)
STRICT: Final = ConfigDict(strict=True, extra="forbid")

LeadId = Annotated[str, Field(min_length=1, max_length=MOST_LEAD_ID)]
Name = Annotated[str, Field(min_length=1, max_length=500)]
Instant = Annotated[
    str,
    Field(
        pattern=INSTANT_PATTERN,
        json_schema_extra={"format": "date-time"},
        examples=["2026-03-01T12:30:00+03:00"],
    ),
]
CardValue = float | str | bool | None


@with_config(STRICT)
class EventSent(TypedDict):
    """Something that happened to the lead."""

    at: Instant
    kind: Name
    value: NotRequired[float | None]
    recorded_at: NotRequired[Instant | None]


@with_config(STRICT)
class StageSent(TypedDict):
    """The lead entered a stage, of the pipeline named as in the ingested data."""

    at: Instant
    stage: Name
    pipeline: NotRequired[Name | None]
    recorded_at: NotRequired[Instant | None]


@with_config(STRICT)
class PaymentSent(TypedDict):
    """Money received, in the smallest unit of its currency; negative is a refund."""

    at: Instant
    amount_minor: Annotated[int, Field(ge=-(10**15), le=10**15)]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    recorded_at: NotRequired[Instant | None]


@with_config(STRICT)
class FieldChangeSent(TypedDict):
    """A card field got a new value, as text; null if it was emptied."""

    at: Instant
    field: Name
    value: str | None
    recorded_at: NotRequired[Instant | None]


@with_config(STRICT)
class LeadSent(TypedDict):
    """One lead as the CRM knows it, or only the id of an ingested one.

    ``created_at`` may be left out if nothing but ``lead_id`` and ``as_of`` is sent (the
    lead is then looked up among the ingested ones), or if the model was learned from a
    table without times. ``as_of`` is now by default, for an ingested lead the moment
    up to which data were ingested.
    """

    lead_id: LeadId
    as_of: NotRequired[Instant | None]
    created_at: NotRequired[Instant | None]
    recorded_at: NotRequired[Instant | None]
    source: NotRequired[str | None]
    pipeline: NotRequired[str | None]
    owner: NotRequired[str | None]
    fields: NotRequired[Annotated[dict[Name, CardValue], Field(max_length=MOST_FIELDS)]]
    events: NotRequired[Annotated[list[EventSent], Field(max_length=MOST_ROWS)]]
    stages: NotRequired[Annotated[list[StageSent], Field(max_length=MOST_ROWS)]]
    payments: NotRequired[Annotated[list[PaymentSent], Field(max_length=MOST_ROWS)]]
    field_changes: NotRequired[
        Annotated[list[FieldChangeSent], Field(max_length=MOST_ROWS)]
    ]


@with_config(STRICT)
class BatchSent(TypedDict):
    """Many leads; each is answered on its own, in the order they came."""

    leads: Annotated[list[LeadSent], Field(min_length=1)]


@with_config(STRICT)
class WhatIfSent(TypedDict):
    """What to change of a predicted lead: card fields, and more events of a kind."""

    fields: NotRequired[Annotated[dict[Name, CardValue], Field(max_length=MOST_FIELDS)]]
    events: NotRequired[
        Annotated[
            dict[Name, Annotated[int, Field(ge=0, le=MOST_ROWS)]],
            Field(max_length=MOST_FIELDS),
        ]
    ]


LEAD: Final[TypeAdapter[LeadSent]] = TypeAdapter(LeadSent)
WHAT_IF: Final[TypeAdapter[WhatIfSent]] = TypeAdapter(WhatIfSent)


def body_of(kind: Any) -> dict[str, Any]:
    """Describe a request body for OpenAPI, by the name of its schema."""
    reference = {"$ref": f"#/components/schemas/{kind.__name__}"}
    return {"required": True, "content": {"application/json": {"schema": reference}}}
