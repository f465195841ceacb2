"""What an answer of Bitrix24 means: the body decides, the status comes second.

Errors come inside HTTP 200, as HTML, and with ``error`` empty or 0. Told apart is only
what changes what we do: a limit (did not run, later), a door that is shut (did not run,
a person mends it), a failure (may have run), a refusal of this one call (for good).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from crm.port import Heard, Outcome
from crm.transport import Answer, Verdict, clamped
from leads.errors import Unavailable

LIMITS: Final = frozenset({"QUERY_LIMIT_EXCEEDED", "OPERATION_TIME_LIMIT"})
BLOCKS: Final = frozenset({"OVERLOAD_LIMIT"})
DOORS: Final = frozenset(
    {
        "expired_token", "NO_AUTH_FOUND", "INVALID_CREDENTIALS", "insufficient_scope",
        "user_access_error", "allowed_only_intranet_user", "WRONG_AUTH_TYPE",
        "PORTAL_DELETED", "PAYMENT_REQUIRED", "invalid_token",
    }
)  # fmt: skip
FAILURES: Final = frozenset({"INTERNAL_SERVER_ERROR", "ERROR_UNEXPECTED_ANSWER"})
ENDED: Final = frozenset({"expired_token", "invalid_token"})
LONGEST_CODE: Final = 60


class Kind(StrEnum):
    """What an error means for us."""

    LIMIT = "limit"
    BLOCK = "block"
    DOOR = "door"
    FAILURE = "failure"
    REFUSAL = "refusal"


HEALTH: Final[Mapping[Kind, Heard]] = {
    Kind.LIMIT: Heard.LIMITED,
    Kind.BLOCK: Heard.BLOCKED,
    # A revoked webhook: only a person mends it, then it goes on by itself.
    Kind.DOOR: Heard.DOWN,
    Kind.FAILURE: Heard.DOWN,
    Kind.REFUSAL: Heard.WELL,
}
OUTCOMES: Final[Mapping[Kind, Outcome]] = {
    Kind.LIMIT: Outcome.NOT_APPLIED,
    Kind.BLOCK: Outcome.NOT_APPLIED,
    Kind.DOOR: Outcome.NOT_APPLIED,
    Kind.FAILURE: Outcome.UNCLEAR,
    Kind.REFUSAL: Outcome.REFUSED,
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """One error, read."""

    kind: Kind
    code: str
    """``"NOT_FOUND"``; ``"EMPTY"`` for the empty code, ``"NOT_JSON"`` for HTML."""
    retry_after: timedelta | None = None

    @property
    def outcome(self) -> Outcome:
        """How a write ended that met it."""
        return OUTCOMES[self.kind]


class Refused(Unavailable):
    """Bitrix24 answered with an error; never with a text, which may name a person."""

    def __init__(self, method: str, trouble: Trouble) -> None:
        super().__init__(
            f"Bitrix24 answered {method} with {trouble.code} ({trouble.kind.value}).",
            remedy=REMEDIES[trouble.kind],
        )
        self.trouble = trouble


class Failed(Refused):
    """An error that may pass: a limit, a server that stumbled."""


REMEDIES: Final[Mapping[Kind, str]] = {
    Kind.LIMIT: "Its limit is used up; run again later.",
    Kind.BLOCK: "The portal has blocked requests; ask Bitrix24, then run"
    " `deliver replay`.",
    Kind.DOOR: "Look at the webhook or application: its rights, its owner, its end, and"
    " the plan.",
    Kind.FAILURE: "Run again later.",
    Kind.REFUSAL: "Run `connect bitrix24 --check`, which says what is missing.",
}


def refused(method: str, trouble: Trouble) -> Refused:
    """Make the error to raise."""
    passing = trouble.kind in {Kind.LIMIT, Kind.FAILURE}
    return (Failed if passing else Refused)(method, trouble)


def trouble_in(answer: Answer) -> Trouble | None:
    """Find the error of a whole answer; None if it is a success."""
    body = answer.json()
    if not isinstance(body, dict) or not ("error" in body or "result" in body):
        return Trouble(Kind.FAILURE, "NOT_JSON")
    if "error" not in body:
        fine = 200 <= answer.status < 300
        return None if fine else Trouble(Kind.FAILURE, f"HTTP_{answer.status}")
    return trouble_of(body, answer.status)


def trouble_of(body: Mapping[str, Any], status: int = 400) -> Trouble:
    """Read an error body, of a request or of one command of a batch.

    Examples
    --------
    >>> trouble_of({"error": ""}).code, trouble_of({"error": 0}).code
    ('EMPTY', '0')
    >>> trouble_of({"error": "QUERY_LIMIT_EXCEEDED"}, 503).outcome.value
    'not applied'
    """
    code = _code(body["error"])
    if code in LIMITS:
        return Trouble(Kind.LIMIT, code, _reset(body))
    if code in BLOCKS:
        return Trouble(Kind.BLOCK, code)
    if code in DOORS or status in {401, 402}:
        return Trouble(Kind.DOOR, code)
    if code in FAILURES or status >= 500 or status == 429:
        return Trouble(Kind.FAILURE, code)
    return Trouble(Kind.REFUSAL, code)


def judge(answer: Answer) -> Verdict:
    """Tell the gate how the portal is, limits inside a batch included."""
    trouble = trouble_in(answer)
    if trouble is None:
        trouble = next(iter(_limits_inside(answer.json())), None)
    elif trouble.kind is Kind.REFUSAL and answer.status == 403:
        trouble = Trouble(Kind.DOOR, trouble.code)
    if trouble is None:
        return Verdict(Heard.WELL)
    if trouble.code == "NOT_JSON" and answer.status == 429:
        return Verdict(Heard.LIMITED)
    return Verdict(HEALTH[trouble.kind], trouble.retry_after)


def judge_renewed(answer: Answer) -> Verdict:
    """Do the same where tokens are renewed: each hour's end of one is no illness."""
    return Verdict(Heard.WELL) if has_ended(answer) else judge(answer)


def has_ended(answer: Answer) -> bool:
    """Whether a call was refused because its token is over: it did not run."""
    trouble = trouble_in(answer)
    return trouble is not None and trouble.code in ENDED


def _limits_inside(body: Mapping[str, Any]) -> list[Trouble]:
    result = body.get("result")
    errors = result.get("result_error") if isinstance(result, dict) else None
    found = errors.values() if isinstance(errors, dict) else errors or []
    read = [
        trouble_of(each) for each in found if isinstance(each, dict) and "error" in each
    ]
    return [each for each in read if each.kind is Kind.LIMIT]


def _code(value: Any) -> str:
    """Keep what is a code; a whole sentence may name somebody."""
    if isinstance(value, Mapping):  # version 3
        value = value.get("code")
    text = str(value if value is not None else "")
    if not text:
        return "EMPTY"
    plain = text.isascii() and text.replace("_", "").replace("-", "").isalnum()
    return text[:LONGEST_CODE] if plain else "SENTENCE"


def _reset(body: Mapping[str, Any]) -> timedelta | None:
    """Read when the oldest minute leaves the count, by the portal's own clock."""
    told = body.get("time")
    if not isinstance(told, Mapping):
        return None
    reset, now = told.get("operating_reset_at"), told.get("finish")
    if not isinstance(reset, int | float) or not isinstance(now, int | float):
        return None
    return clamped(timedelta(seconds=max(-1e6, min(reset - now, 1e6))))
