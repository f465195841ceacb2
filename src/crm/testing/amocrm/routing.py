"""Which handler answers which address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.routing import compile_path

from crm.testing.amocrm import (
    card_routes,
    catalog_routes,
    field_routes,
    link_routes,
    log_routes,
    note_routes,
    office_routes,
    task_routes,
    token_routes,
)
from crm.testing.amocrm.arrival import Incoming
from crm.testing.amocrm.desk import Asked, Desk, Handler, Route
from crm.testing.amocrm.problems import problem
from crm.testing.wire import Answer

API: Final = "/api/v4/"
SHAPES: Final = (("{id}", "{id:int}"), ("{note}", "{note:int}"),
                 ("{element}", "{element:int}"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request goes; an open one needs no token."""

    name: str
    handler: Handler
    params: Mapping[str, Any]
    is_open: bool = False


ROUTES: Final[tuple[Route, ...]] = (
    *office_routes.ROUTES,
    *field_routes.ROUTES,
    *link_routes.ROUTES,
    *note_routes.ROUTES,
    *task_routes.ROUTES,
    *log_routes.ROUTES,
    *catalog_routes.ROUTES,
    *card_routes.ROUTES,
)


def find(incoming: Incoming) -> Place:
    """Find the route of a request; an unknown address gets one that refuses it."""
    own, others = incoming.path.removeprefix(API), False
    for route in token_routes.ROUTES:
        if incoming.path == f"/{route.path}":
            if route.verb == incoming.verb:
                return Place(route.name, route.handler, {}, is_open=True)
            others = True
    for route, pattern, convertors in _COMPILED:
        match = pattern.match(own) if own != incoming.path else None
        if match is None:
            continue
        if route.verb == incoming.verb:
            read = {k: convertors[k].convert(v) for k, v in match.groupdict().items()}
            return Place(route.name, route.handler, read)
        others = True
    status = 405 if others else 404
    return Place(f"{incoming.verb} {own}", _refusing(status), {})


def _compiled(route: Route) -> tuple[Route, Any, Any]:
    path = route.path
    for short, typed in SHAPES:
        path = path.replace(short, typed)
    pattern, _, convertors = compile_path(path)
    return route, pattern, convertors


_COMPILED: Final = tuple(_compiled(route) for route in ROUTES)


def _refusing(status: int) -> Handler:
    def handler(desk: Desk, asked: Asked) -> Answer:
        del desk
        raise problem(status, f"{asked.path} is not there for that")

    return handler
