"""The account itself: ``/account``, ``/users``, pipelines, statuses, loss reasons."""

from __future__ import annotations

from typing import Any, Final

from crm.testing.amocrm.account import Account, Pipeline, Status
from crm.testing.amocrm.desk import Asked, Desk, Route, hal
from crm.testing.amocrm.listing import listed
from crm.testing.amocrm.problems import problem
from crm.testing.wire import Answer

TASK_TYPES: Final = ((1, "Follow-up"), (2, "Meeting"))


def get_account(desk: Desk, asked: Asked) -> Answer:
    """Answer the account; ``with=task_types`` and ``with=users_groups``."""
    profile = desk.account.profile
    types = [{"id": key, "name": name, "code": None} for key, name in TASK_TYPES]
    parts = {
        "task_types": types,
        "users_groups": [{"id": 0, "name": "Sales"}],
    }
    body = {
        "id": profile.account_id,
        "name": profile.subdomain,
        "subdomain": profile.subdomain,
        "current_user_id": asked.hand.user_id,
        "country": "RU",
        "currency": "RUB",
        "_links": {"self": {"href": asked.site + asked.path}},
        "_embedded": {
            name: rows for name, rows in parts.items() if name in asked.withs
        },
    }
    return hal(body)


def list_users(desk: Desk, asked: Asked) -> Answer:
    """Answer a page of users."""
    users = desk.account.users
    return listed(
        desk, asked, name="users", rows=lambda: list(users.values()), shown=dict
    )


def get_user(desk: Desk, asked: Asked) -> Answer:
    """Answer one user; 404 if there is none."""
    user = desk.account.users.get(asked.id)
    if user is None:
        raise problem(404, "There is no such user")
    return hal(user)


def list_pipelines(desk: Desk, asked: Asked) -> Answer:
    """Answer all pipelines with their statuses."""
    account = desk.account
    return listed(
        desk,
        asked,
        name="pipelines",
        rows=lambda: sorted(account.pipelines.values(), key=lambda line: line.sort),
        shown=lambda line: _pipeline(account, line),
    )


def get_pipeline(desk: Desk, asked: Asked) -> Answer:
    """Answer one pipeline; 404 if there is none."""
    return hal(_pipeline(desk.account, _line(desk, asked)))


def list_statuses(desk: Desk, asked: Asked) -> Answer:
    """Answer the statuses of one pipeline."""
    account, line = desk.account, _line(desk, asked)
    return listed(
        desk,
        asked,
        name="statuses",
        rows=lambda: list(line.statuses.values()),
        shown=lambda status: _status(account, line, status),
    )


def list_loss_reasons(desk: Desk, asked: Asked) -> Answer:
    """Answer the reasons that a lost lead may be given."""
    reasons = desk.account.loss_reasons
    return listed(
        desk,
        asked,
        name="loss_reasons",
        rows=lambda: list(reasons.items()),
        shown=lambda pair: {"id": pair[0], "name": pair[1], "sort": pair[0]},
    )


def _line(desk: Desk, asked: Asked) -> Pipeline:
    line = desk.account.pipelines.get(asked.id)
    if line is None:
        raise problem(404, "There is no such pipeline")
    return line


def _pipeline(account: Account, line: Pipeline) -> dict[str, Any]:
    return {
        "id": line.id,
        "name": line.name,
        "sort": line.sort,
        "is_main": line.is_main,
        "is_unsorted_on": line.inbox is not None,
        "is_archive": False,
        "account_id": account.profile.account_id,
        "_embedded": {
            "statuses": [_status(account, line, s) for s in line.statuses.values()]
        },
    }


def _status(account: Account, line: Pipeline, status: Status) -> dict[str, Any]:
    return {
        "id": status.id,
        "name": status.name,
        "sort": status.sort,
        "is_editable": status.type == 0 and status.id not in (142, 143),
        "pipeline_id": line.id,
        "color": "#fffeb2",
        "type": status.type,
        "account_id": account.profile.account_id,
    }


ROUTES: Final = (
    Route("GET", "account", get_account),
    Route("GET", "users", list_users),
    Route("GET", "users/{id}", get_user),
    Route("GET", "leads/pipelines", list_pipelines),
    Route("GET", "leads/pipelines/{id}", get_pipeline),
    Route("GET", "leads/pipelines/{id}/statuses", list_statuses),
    Route("GET", "leads/loss_reasons", list_loss_reasons),
)
