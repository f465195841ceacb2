"""The kinds of portal: plans and their limits, and what the documents leave open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from crm.testing.profiles import Profile, Rate


class Switch(StrEnum):
    """Behaviours that the documents contradict or leave open; off by default."""

    BILL_BATCH = "bill_batch"
    """The operating time of nested commands is billed to ``batch``."""
    BOOLEAN_FILTER_REFUSES = "boolean_filter_refuses"
    """Filtering a boolean custom field by Y or N is an error, not an empty list."""
    EMPTY_IS_FALSE = "empty_is_false"
    """Empty custom fields come as ``false`` in the universal form too."""
    UNKNOWN_OPTION_DROPPED = "unknown_option_dropped"
    """An option id that does not exist empties the field instead of an error."""
    EQUAL_UPDATE_TELLS = "equal_update_tells"
    """An update that changes nothing raises an event all the same."""
    CLEARING_IGNORED = "clearing_ignored"
    """``crm.item.update`` leaves custom fields as they are when told to clear."""
    STAGE_IGNORED = "stage_ignored"
    """``crm.item.update`` takes the fields and leaves the stage, without a word."""
    TIES_IGNORED = "ties_ignored"
    """Adding and taking away a contact of a card says yes and does nothing."""
    OFFLINE_DATA_FALSE = "offline_data_false"
    """Rows of the offline queue hold ``EVENT_DATA: false``, as the samples do."""
    PLACEMENT_WITHOUT_URI = "placement_without_uri"
    """``PLACEMENT_OPTIONS`` holds the id only."""
    HTTPS_ONLY = "https_only"
    """Plain HTTP is refused, as everywhere but on loopback."""


@dataclass(frozen=True, kw_only=True)
class PortalProfile(Profile):
    """A Bitrix24 account.

    Parameters
    ----------
    operating_seconds
        Budget of one method per credential in ten minutes; ``None``: not limited,
        and the answers say nothing of it.
    request_seconds
        After so long a request is cut by the portal; what it did stays done.
    offline_extended
        Whether the plan can reserve rows of the offline queue (``clear=0``).
    member_id
        What the portal is known by when its domain changes.
    """

    operating_seconds: float | None = 480.0
    request_seconds: float = 60.0
    offline_extended: bool = True
    member_id: str = "d0c1e5a2b7f94c3d8e6a1b2c3d4e5f60"


STANDARD: Final = PortalProfile(domain="demo.bitrix24.test", rate=Rate(50, 2))

ENTERPRISE: Final = PortalProfile(
    domain="demo.bitrix24.test", plan="enterprise", rate=Rate(250, 5)
)

SIMPLE: Final = PortalProfile(
    domain="demo.bitrix24.test", rate=Rate(50, 2), simple_crm=True
)

# Limits of one's own server are off unless its administrator switches them on.
SELF_HOSTED: Final = PortalProfile(
    domain="crm.demo.test",
    plan="box",
    rate=None,
    operating_seconds=None,
    request_seconds=float("inf"),
)

FREE: Final = PortalProfile(
    domain="demo.bitrix24.test", plan="free", rate=Rate(50, 2), commercial=False
)

PROFILES: Final[Mapping[str, PortalProfile]] = {
    "standard": STANDARD,
    "enterprise": ENTERPRISE,
    "simple": SIMPLE,
    "self-hosted": SELF_HOSTED,
    "free": FREE,
}
