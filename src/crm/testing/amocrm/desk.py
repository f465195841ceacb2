"""What a handler is given: the account with all that belongs to it, and one request."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from crm.testing.amocrm.account import Account, Hand
from crm.testing.amocrm.digital import DigitalPipeline
from crm.testing.amocrm.events import EventLog
from crm.testing.amocrm.hooks import Hooks
from crm.testing.amocrm.problems import problem
from crm.testing.amocrm.tokens import TokenDesk
from crm.testing.wire import Answer

HAL: Final = {"content-type": "application/hal+json"}


@dataclass(frozen=True, slots=True)
class Desk:
    """The account and its departments."""

    account: Account
    tokens: TokenDesk
    events: EventLog
    hooks: Hooks
    digital: DigitalPipeline
    cache: dict[str, tuple[int, list[Any]]] = field(default_factory=dict)

    def need_admin(self, hand: Hand) -> None:
        """Refuse whoever is no administrator, 403."""
        if not self.account.users[hand.user_id]["rights"]["is_admin"]:
            raise problem(403, "Only an administrator may do this")

    def need_right(self, hand: Hand, kind: str, right: str) -> None:
        """Refuse whoever is denied a right (``D``) on a kind of card, 403."""
        rights = self.account.users.get(hand.user_id, {}).get("rights", {})
        if rights.get(kind, {}).get(right) == "D":
            raise problem(403, f"You may not {right} {kind}")

    def need(self, section: str) -> None:
        """Refuse with 402 what the account's plan does not include."""
        if section in self.account.profile.without:
            raise problem(402, f"The plan does not include {section}")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, parsed.

    Parameters
    ----------
    site
        Scheme and host, as the caller knows them.
    path
        With its leading slash.
    query
        Unfolded from PHP's brackets.
    body
        From JSON (or a form, where one is taken); ``None`` without a body.
    """

    site: str
    path: str
    query: Mapping[str, Any]
    body: Any
    hand: Hand
    params: Mapping[str, Any]

    @property
    def id(self) -> int:
        """The number of the record in the address."""
        return int(self.params["id"])

    @property
    def withs(self) -> set[str]:
        """What ``with=`` asks for."""
        return set(filter(None, str(self.query.get("with", "")).split(",")))

    def items(self, most: int = 250) -> list[dict[str, Any]]:
        """Give the records of a body that is a list of them.

        Raises
        ------
        Refusal
            400 if it is no list of objects; 422 if there are too many.
        """
        body = self.body
        if not isinstance(body, list) or not all(isinstance(b, dict) for b in body):
            raise problem(400, "The body must be a list of objects")
        if not body:
            raise problem(400, "The body is an empty list")
        if len(body) > most:
            raise problem(422, f"At most {most} records in one request")
        return body

    def item(self) -> dict[str, Any]:
        """Give the one object that is the body; 400 if it is none."""
        if not isinstance(self.body, dict):
            raise problem(400, "The body must be an object")
        return self.body


Handler = Callable[[Desk, Asked], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """One address under ``/api/v4/`` with one verb; ``{id}`` stands for a number."""

    verb: str
    path: str
    handler: Handler

    @property
    def name(self) -> str:
        """What the ledger and the plans of faults call it."""
        return f"{self.verb} {self.path}"


def hal(body: Mapping[str, Any] | Sequence[Any], status: int = 200) -> Answer:
    """Answer with a HAL object, or a list of them."""
    return Answer(status, json.dumps(body, ensure_ascii=False).encode(), dict(HAL))


def nothing() -> Answer:
    """Answer 204: amoCRM has no empty lists."""
    return Answer(204, b"", {})


def request_id(item: Mapping[str, Any], place: int) -> str:
    """Give the request id that is echoed: the one sent, or the place in the list."""
    return str(item.get("request_id", place))
