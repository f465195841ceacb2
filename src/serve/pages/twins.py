"""The JSON twins of the pages of the model: the same facts, for programs."""

from __future__ import annotations

from typing import Any, Final, Literal

import orjson
from fastapi import APIRouter, Query, Response

from leads.errors import NoModel, UnknownLead
from serve.pages.sight import Sight
from serve.pages.versus import demanded
from serve.problems import refusals

READS: Final = (401, 404, 413, 422, 500, 503)


def add_twins(router: APIRouter, sight: Sight) -> None:
    """Add what the page of the model and that of two versions show, as JSON."""

    @router.get(
        "/v1/model/proof",
        response_class=Response,
        responses={200: {"content": {"application/json": {}}}, **refusals(*READS)},
        tags=["model"],
    )
    def proof() -> Response:
        """Give all that the page of the model shows: proof, inside, data, leaks."""
        trust = sight.trust()
        if trust is None:
            raise NoModel(
                "No model is promoted, or nothing was proved of it.",
                remedy="Run train, then promote, with this config.",
            )
        return _json(trust)

    @router.get(
        "/v1/model/compare",
        response_class=Response,
        responses={200: {"content": {"application/json": {}}}, **refusals(*READS)},
        tags=["model"],
    )
    def compare(
        old: str | None = Query(None, alias="from", max_length=100),
        new: str | None = Query(None, alias="to", max_length=100),
    ) -> Response:
        """Give how two versions compare; by default the two newest."""
        return _json(demanded(sight.versus(old, new)))

    @router.get(
        "/v1/funnel/{what}",
        response_class=Response,
        responses={200: {"content": {"application/json": {}}}, **refusals(*READS)},
        tags=["funnel"],
    )
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


def add_points(router: APIRouter, sight: Sight) -> None:
    """Add what the page of points shows, as JSON."""

    @router.get(
        "/v1/points",
        response_class=Response,
        responses={200: {"content": {"application/json": {}}}, **refusals(*READS)},
        tags=["model"],
    )
    def points() -> Response:
        """Give the scorecard in use, its grid, and how the model does against it."""
        found = sight.points()
        if found is None:
            raise NoModel(
                "There are no points: none were written, and none were learned.",
                remedy="Add a section points to the playbook, or train and promote.",
            )
        return _json(found.sheet.plain())

    @router.get(
        "/v1/points/{lead_id:path}",
        response_class=Response,
        responses={200: {"content": {"application/json": {}}}, **refusals(*READS)},
        tags=["leads"],
    )
    def portrait(lead_id: str) -> Response:
        """Give one lead's points at its newest prediction, and what each is for."""
        newest = next(iter(sight.journal.history(lead_id, limit=1)), None)
        found = None if newest is None else sight.portrait(newest.prediction)
        if newest is None or found is None:
            raise UnknownLead(
                f"There are no points of {lead_id!r}.",
                remedy="Ingest and predict the lead; GET /v1/points says the card.",
            )
        as_of = newest.prediction.as_of.isoformat()
        return _json({"lead_id": lead_id, "as_of": as_of, **found.plain()})


def _json(facts: Any) -> Response:
    content = orjson.dumps(facts, option=orjson.OPT_NON_STR_KEYS)
    return Response(content, media_type="application/json")
