"""Where a lead may go: pipelines, the unsorted, required fields, loss reasons."""

from __future__ import annotations

from typing import Any

from crm.testing.amocrm.account import CLOSED, LOST, Account, Card, Pipeline
from crm.testing.amocrm.account_profile import PATCH_LEAVES_INBOX, REQUIRED_NOT_ENFORCED
from crm.testing.amocrm.drafts import Draft
from crm.testing.amocrm.problems import MISSING, NOT_A_CHOICE, by_id

Place = tuple[int, int]


def check_move(account: Account, draft: Draft, card: Card | None) -> None:
    """Note in the draft of a lead what is wrong with where it goes."""
    old: Place | None = None
    if card is not None:
        old = (card.plain["pipeline_id"], card.plain["status_id"])
    new = _target(account, draft, old)
    if new is None or new == old:
        return
    pipeline = account.pipelines[new[0]]
    if old is not None and _in_inbox(account, old):
        if not account.profile.on(PATCH_LEAVES_INBOX):
            draft.fault(NOT_A_CHOICE, "status_id")
    elif new[1] == pipeline.inbox:
        draft.fault(NOT_A_CHOICE, "status_id")
    if not account.profile.on(REQUIRED_NOT_ENFORCED):
        _check_required(account, draft, card, new)


def settle(account: Account, plain: dict[str, Any], before: Place | None) -> None:
    """Bring the rest of a lead in line with its stage: closing, loss reason."""
    closed = plain["status_id"] in CLOSED
    moved = before != (plain["pipeline_id"], plain["status_id"])
    if moved and closed:
        plain["closed_at"] = plain.get("closed_at") or account.now
    if not closed:
        plain["closed_at"] = None
    if plain["status_id"] != LOST:
        plain["loss_reason_id"] = None


def check_loss_reasons(account: Account, drafts: list[Draft]) -> None:
    """Refuse the request, 400 in its second form, for a reason without a loss."""
    errors: dict[int, str] = {}
    for draft in drafts:
        if draft.plain.get("loss_reason_id") is None:
            continue
        card = account.cards["leads"].get(draft.id or 0)
        status = draft.plain.get("status_id", card and card.plain["status_id"])
        if status != LOST:
            key = draft.id or 0
            errors[key] = "Loss reason can be specified only for lost lead"
        elif draft.plain["loss_reason_id"] not in account.loss_reasons:
            draft.fault(NOT_A_CHOICE, "loss_reason_id")
    if errors:
        raise by_id(errors)


def main_pipeline(account: Account) -> Pipeline:
    """Give the pipeline that leads enter without being told."""
    return next(line for line in account.pipelines.values() if line.is_main)


def first_status(pipeline: Pipeline) -> int:
    """Give the first status of a pipeline after the unsorted."""
    open_ = [s for s in pipeline.statuses.values() if s.id != pipeline.inbox]
    return min(open_, key=lambda status: status.sort).id


def _target(account: Account, draft: Draft, old: Place | None) -> Place | None:
    line, status = draft.plain.get("pipeline_id"), draft.plain.get("status_id")
    if line is not None and line not in account.pipelines:
        draft.fault(NOT_A_CHOICE, "pipeline_id")
        return None
    if line is None:
        line = old[0] if old else main_pipeline(account).id
    if status is None:
        # Another pipeline without a status: the contracts say to send both.
        if old and line != old[0]:
            draft.fault(MISSING, "status_id")
            return None
        status = old[1] if old else first_status(account.pipelines[line])
    if status not in account.pipelines[line].statuses:
        draft.fault(NOT_A_CHOICE, "status_id")
        return None
    return line, status


def _in_inbox(account: Account, place: Place) -> bool:
    return account.pipelines[place[0]].inbox == place[1]


def _check_required(
    account: Account, draft: Draft, card: Card | None, place: Place
) -> None:
    for field in account.fields["leads"].values():
        if place not in field.required_statuses:
            continue
        held = card.values.get(field.id) if card else None
        if not draft.values.get(field.id, held):
            draft.fault(MISSING, f"custom_fields_values.{field.id}")
