"""One Bitrix24 portal: its state and everything that happens to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from crm.testing.bitrix24.account import STANDARD, PortalProfile
from crm.testing.bitrix24.credentials import Caller, Credentials
from crm.testing.bitrix24.limits import Bucket, OperatingTime
from crm.testing.bitrix24.state import State
from crm.testing.bitrix24.subscriptions import Subscriptions
from crm.testing.clock import Clock
from crm.testing.faults import NoFaults, Plan
from crm.testing.ledger import Ledger, Request
from crm.testing.pump import Poster, Pump, http_poster

Params = Mapping[str, Any]


def usual_cost(method: str) -> float:
    """Say how many seconds of operating time a method takes on an easy day."""
    return 0.05 if method.endswith((".list", ".get", ".fields")) else 0.1


class Portal:
    """A portal to test against; ``application`` puts it behind HTTP.

    Parameters
    ----------
    profile
        Plan and peculiarities.
    clock
        Shared with whatever else the test moves in time.
    post
        How events reach our receiver.
    seed
        Of the weather that events go through.

    Attributes
    ----------
    plan
        Faults of whole requests; replace at any time.
    command_plan
        Faults of single commands of a batch: a refusal fails that command, any other
        kind cuts the batch short there, with what came before it applied.
    cost
        Seconds of operating time by method.
    renamed_to
        New domain; when set, every request is answered by a redirect.
    deleted
        The portal is no more.
    """

    def __init__(
        self,
        profile: PortalProfile = STANDARD,
        *,
        clock: Clock | None = None,
        post: Poster | None = None,
        seed: int = 0,
    ) -> None:
        self.profile = profile
        self.clock = clock or Clock()
        self.state = State()
        self.ledger = Ledger()
        self.pump = Pump(self.clock, post or http_poster(), seed=seed)
        self.credentials = Credentials(self.clock, profile)
        self.subscriptions = Subscriptions()
        self.bucket = Bucket(self.clock, profile.rate)
        self.operating = OperatingTime(self.clock, profile.operating_seconds)
        self.plan: Plan = NoFaults()
        self.command_plan: Plan = NoFaults()
        self.cost: Callable[[str], float] = usual_cost
        self.renamed_to = ""
        self.deleted = False
        self.calls: Counter[str] = Counter()  # by method, for the plans
        self.replays: dict[tuple[str, str, str], tuple[float, bytes, bytes]] = {}

    def local(self, moment: Any) -> str:
        """Write a moment as the portal does, in its own offset."""
        return self.profile.local(moment).isoformat()

    @property
    def now_text(self) -> str:
        """The moment that it is, as the portal writes it."""
        return self.local(self.clock.now)


@dataclass(slots=True)
class Context:
    """Who calls, within which request, and how much time the calls have taken."""

    portal: Portal
    caller: Caller
    request: Request | None = None
    connector: str = ""  # auth_connector of the call
    spent: float = 0.0
    spent_on: dict[str, float] = field(default_factory=dict)
    replayed: bool = False

    @property
    def state(self) -> State:
        """The portal's state."""
        return self.portal.state


@dataclass(frozen=True, slots=True)
class Result:
    """What a method gives: value, and for lists the place of the next page."""

    value: Any
    next: int | None = None
    total: int | None = None


Method = Callable[[Context, Params], Result]
