"""The JSON twins of the pages: the same facts, for programs.

Where there is nothing to show yet, a twin refuses in the words that the page says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

import orjson
from fastapi import APIRouter, Query, Request, Response

from leads.errors import NoModel, UnknownLead
from serve.judging import never_predicted
from serve.pages.index import PAGES, Page
from serve.pages.listing import Wanted
from serve.pages.portrait import plain_portrait
from serve.pages.sight import Sight
from serve.pages.versus import demanded
from serve.pages.wording import Wording
from serve.problems import refusals

READS: Final = (401, 413, 422, 500, 503)
Twin = Callable[..., Response]


def add_twins(router: APIRouter, sight: Sight) -> None:
    """Add the facts of every page as JSON."""
    for page in PAGES:
        _add(router, page.twin_at, _twin(page, sight))

    def today(request: Request) -> Response:
        """Give one page of the list of leads, by the query that the page takes."""
        return _json(sight.listing(Wanted.of(request.query_params)))

    def compare(
        old: str | None = Query(None, alias="from", max_length=100),
        new: str | None = Query(None, alias="to", max_length=100),
    ) -> Response:
        """Give how two versions compare; by default the two newest."""
        return _json(demanded(sight.versus(old, new)))

    def funnel(what: Literal["forecast", "proof"]) -> Response:
        """Give the forecast of the funnel, or the proof of the order of calls."""
        found = sight.foreseen()
        facts = found.distance if what == "forecast" else found.benefit
        if facts is None:
            raise NoModel(
                f"No {what} of the funnel was made.",
                remedy=f"Run funnel {what} with this config.",
            )
        return _json(facts)

    _add(router, "/v1/today", today)
    _add(router, "/v1/model/compare", compare, 404)
    _add(router, "/v1/funnel/{what}", funnel)
    _add_leads(router, sight)


def _add_leads(router: APIRouter, sight: Sight) -> None:
    """Add what the page of one lead shows."""

    def portrait(lead_id: str) -> Response:
        """Give all that the page of one lead shows."""
        dossier = sight.dossier(lead_id)
        if dossier is None:
            raise never_predicted()
        return _json(plain_portrait(dossier, sight.aside(lead_id)))

    def points(lead_id: str) -> Response:
        """Give one lead's points at its newest prediction, and what each is for."""
        newest = next(iter(sight.journal.history(lead_id, limit=1)), None)
        found = None if newest is None else sight.lead_points(newest.prediction)
        if newest is None or found is None:
            raise UnknownLead(
                f"There are no points of {lead_id!r}.",
                remedy="Ingest and predict the lead; GET /v1/points says the card.",
            )
        as_of = newest.prediction.as_of.isoformat()
        return _json({"lead_id": lead_id, "as_of": as_of, **found.plain()})

    _add(router, "/v1/portraits/{lead_id:whole}", portrait, 404)
    _add(router, "/v1/points/{lead_id:whole}", points, 404)


def _add(router: APIRouter, at: str, twin: Twin, *refused: int) -> None:
    router.add_api_route(
        at,
        twin,
        response_class=Response,
        responses={
            200: {"content": {"application/json": {}}},
            **refusals(*READS, *refused),
        },
        tags=["pages"],
    )


def _twin(page: Page[Any], sight: Sight) -> Twin:
    english = Wording("en", sight.settings.company.zone)

    def twin() -> Response:
        facts = page.look(sight)
        if facts is None:
            how = english.say(f"{page.missing}.how")
            raise NoModel(f"{english.say(page.missing)}.", remedy=how)
        return _json(page.plain(facts))

    twin.__name__ = page.name
    twin.__doc__ = f"Give all that the page {page.at} shows."
    return twin


def _json(facts: Any) -> Response:
    content = orjson.dumps(facts, option=orjson.OPT_NON_STR_KEYS)
    return Response(content, media_type="application/json")
