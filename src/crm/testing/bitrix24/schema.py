"""What a record of each kind is made of: fields, both their names, types, rules.

Records are kept under universal names with typed values; a custom field is kept under
its ``UF_CRM_`` name. The kinds are those that the contracts name; of the fields, those
that the product reads or writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final


class Type(StrEnum):
    """How a value is kept and written; ``LINK`` is the id of another record, or 0."""

    INTEGER = "integer"
    DOUBLE = "double"
    STRING = "string"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    STATUS = "crm_status"
    USER = "user"
    LINK = "crm_entity"
    LINKS = "crm_entities"
    ENUMERATION = "enumeration"
    MONEY = "money"
    MULTIFIELD = "crm_multifield"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a kind of record."""

    name: str  # universal
    classic: str
    type: Type
    read_only: bool = False
    required: bool = False


@dataclass(frozen=True)
class Entity:
    """One kind of record."""

    type_id: int
    name: str  # as in ``crm.lead.list`` and in the ledger
    fields: tuple[Field, ...]
    event: str  # ONCRM<event>ADD
    custom: str  # entity of its custom fields
    classic: bool = True
    stages: str = ""  # ENTITY_ID of its stages, without the pipeline
    stage_prefix: str = ""  # of stage ids in pipelines other than 0

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """Fields by universal name."""
        return {field.name: field for field in self.fields}

    @cached_property
    def by_classic(self) -> Mapping[str, Field]:
        """Fields by classic name."""
        return {field.classic: field for field in self.fields if field.classic}


def _fields(*rows: str) -> tuple[Field, ...]:
    """Read rows of ``universal CLASSIC type [ro|must]``."""
    made = []
    for row in rows:
        name, classic, kind, *flags = row.split()
        old = "" if classic == "-" else classic
        made.append(Field(name, old, Type(kind), "ro" in flags, "must" in flags))
    return tuple(made)


_COMMON: Final = (
    "id ID integer ro",
    "opened OPENED boolean",
    "comments COMMENTS string",
    "assignedById ASSIGNED_BY_ID user",
    "createdBy CREATED_BY_ID user ro",
    "updatedBy MODIFY_BY_ID user ro",
    "createdTime DATE_CREATE datetime ro",
    "updatedTime DATE_MODIFY datetime ro",
    "lastActivityTime LAST_ACTIVITY_TIME datetime ro",
    "sourceId SOURCE_ID crm_status",
    "originatorId ORIGINATOR_ID string",
    "originId ORIGIN_ID string",
    "utmSource UTM_SOURCE string",
    "utmMedium UTM_MEDIUM string",
    "utmCampaign UTM_CAMPAIGN string",
    "webformId WEBFORM_ID integer",
)
_PERSON: Final = (
    "name NAME string",
    "lastName LAST_NAME string",
    "post POST string",
    "phone PHONE crm_multifield",
    "email EMAIL crm_multifield",
)
_MOVED: Final = ("movedBy MOVED_BY_ID user ro", "movedTime MOVED_TIME datetime ro")
_MONEY: Final = (
    "opportunity OPPORTUNITY double",
    "currencyId CURRENCY_ID string",
    "isManualOpportunity IS_MANUAL_OPPORTUNITY boolean",
)
_CLIENT: Final = (
    "contactId CONTACT_ID crm_entity",
    "contactIds CONTACT_IDS crm_entities",
    "companyId COMPANY_ID crm_entity",
)

LEAD: Final = Entity(
    type_id=1,
    name="lead",
    event="LEAD",
    custom="CRM_LEAD",
    stages="STATUS",
    fields=_fields(
        "title TITLE string",
        "stageId STATUS_ID crm_status",
        "stageSemanticId STATUS_SEMANTIC_ID string ro",
        "statusDescription STATUS_DESCRIPTION string",
        "companyTitle COMPANY_TITLE string",
        "isReturnCustomer IS_RETURN_CUSTOMER boolean ro",
        *_COMMON,
        *_PERSON,
        *_MOVED,
        *_MONEY,
        *_CLIENT,
    ),
)
DEAL: Final = Entity(
    type_id=2,
    name="deal",
    event="DEAL",
    custom="CRM_DEAL",
    stages="DEAL_STAGE",
    stage_prefix="C",
    fields=_fields(
        "title TITLE string",
        "typeId TYPE_ID crm_status",
        "categoryId CATEGORY_ID integer",
        "stageId STAGE_ID crm_status",
        "stageSemanticId STAGE_SEMANTIC_ID string ro",
        "leadId LEAD_ID crm_entity",
        "closed CLOSED boolean ro",
        "begindate BEGINDATE date",
        "closedate CLOSEDATE date",
        "probability PROBABILITY integer",
        *_COMMON,
        *_MOVED,
        *_MONEY,
        *_CLIENT,
    ),
)
CONTACT: Final = Entity(
    type_id=3,
    name="contact",
    event="CONTACT",
    custom="CRM_CONTACT",
    fields=_fields(
        "leadId LEAD_ID crm_entity",
        "companyId COMPANY_ID crm_entity",
        *_COMMON,
        *_PERSON,
    ),
)
COMPANY: Final = Entity(
    type_id=4,
    name="company",
    event="COMPANY",
    custom="CRM_COMPANY",
    fields=_fields(
        "title TITLE string must",
        "leadId LEAD_ID crm_entity",
        "industry INDUSTRY string",
        "employees EMPLOYEES string",
        "phone PHONE crm_multifield",
        "email EMAIL crm_multifield",
        *_COMMON,
    ),
)
INVOICE: Final = Entity(
    type_id=31,
    name="invoice",
    event="DYNAMICITEM",
    custom="CRM_SMART_INVOICE",
    classic=False,
    stages="SMART_INVOICE_STAGE",
    stage_prefix="DT31_",
    fields=_fields(
        "title TITLE string",
        "categoryId CATEGORY_ID integer",
        "stageId STAGE_ID crm_status",
        "stageSemanticId STAGE_SEMANTIC_ID string ro",
        "accountNumber ACCOUNT_NUMBER string",
        "begindate BEGINDATE date",
        "closedate CLOSEDATE date",
        "parentId2 PARENT_ID_2 crm_entity",
        *_COMMON,
        *_MOVED,
        *_MONEY,
        *_CLIENT,
    ),
)

ENTITIES: Final[Mapping[int, Entity]] = {
    entity.type_id: entity for entity in (LEAD, DEAL, CONTACT, COMPANY, INVOICE)
}
BY_NAME: Final[Mapping[str, Entity]] = {
    entity.name: entity for entity in ENTITIES.values()
}
BY_CUSTOM: Final[Mapping[str, Entity]] = {
    entity.custom: entity for entity in ENTITIES.values()
}
