"""The pages a browser opens: leads to call, one lead, proof and card, managers.

Plain HTML that works without JavaScript, and quicker with it. A page reads and never
writes, but for the tier that a person sets with a sealed form on a lead's page; what it
may look at is given once, when the pages are attached.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.convertors import Convertor, register_url_convertor

from serve.guard import sent
from serve.pages.deciding import MOST_BY, Pen, Seals, decide
from serve.pages.export import KINDS
from serve.pages.index import PAGES, Page
from serve.pages.links import LiveLinks, lead_path
from serve.pages.listing import Wanted
from serve.pages.portrait import answer_part, dossier_page
from serve.pages.rendering import compare_page, listing_page
from serve.pages.sight import Sight
from serve.pages.twins import add_twins
from serve.pages.view import View, message_page, policy, script
from serve.pages.wording import language_of
from serve.security import name_of

HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cache-Control": "private, no-store",
}


MISSING: Final = ("missing.title", "missing.how")
REFUSED: Final = {
    404: ("nowhere.title", "nowhere.how"),
    500: ("failed.title", "failed.how"),
    503: ("away.title", "away.how"),
}
"""What is said of a refusal and of the way out, by its status."""

MISFIT: Final = ("refused.title", "refused.how")


class Whole(Convertor[str]):
    """The rest of a path, whatever it holds; Starlette's own stops at a line's end."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        """Take it as it is."""
        return value

    def to_string(self, value: str) -> str:
        """Write it as it is."""
        return value


def attach(app: FastAPI, sight: Sight) -> None:
    """Add the pages to a service, and their JSON twins."""
    register_url_convertor("whole", Whole())
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    for page in PAGES:
        router.add_api_route(page.at, _route(page, sight))
    _list(router, sight)
    _portray(router, sight)
    app.include_router(router)
    twins = APIRouter()
    add_twins(twins, sight)
    app.include_router(twins)


def refusal(sight: Sight) -> Callable[[Request, Response], HTMLResponse]:
    """Say on a page what is refused to a browser, as ``problems.install`` asks it to.

    Nothing of the request is looked up or repeated: what failed may be just that.
    """

    def show(request: Request, answer: Response) -> HTMLResponse:
        company, asked = sight.settings.company, request.query_params
        language = language_of(asked.get("lang"), company)
        links = LiveLinks(language, company.language, here="/")
        view = View.of(sight.settings, links, {})
        words = REFUSED.get(answer.status_code, MISFIT)
        made = _message(view, words, status=answer.status_code)
        for name in ("allow", "retry-after"):
            if name in answer.headers:
                made.headers[name] = answer.headers[name]
        return made

    return show


def _route(page: Page[Any], sight: Sight) -> Callable[[Request], HTMLResponse]:
    def show(request: Request) -> HTMLResponse:
        html, facts = page.shown(sight, _view(request, sight, page.at))
        return _answer(html, status=404 if facts is None else 200)

    return show


def _list(router: APIRouter, sight: Sight) -> None:
    """Add what is asked for with a query: the list, its files, and two versions."""

    @router.get("/")
    def leads(request: Request) -> HTMLResponse:
        listing = sight.listing(Wanted.of(request.query_params))
        state = sight.morning()
        late = state if state is not None and state.is_late else None
        return _answer(listing_page(listing, _view(request, sight, "/"), late))

    @router.get("/leads.{kind}", response_class=Response)
    def export(request: Request, kind: Literal["csv", "xlsx"]) -> Response:
        wording = _view(request, sight, "/").wording
        media_type, write = KINDS[kind]
        content = write(sight.every(Wanted.of(request.query_params)), wording)
        name = {"Content-Disposition": f'attachment; filename="leads.{kind}"'}
        return Response(content, media_type=media_type, headers=HEADERS | name)

    @router.get("/model/compare")
    def compare(request: Request) -> HTMLResponse:
        view, asked = _view(request, sight, "/model/compare"), request.query_params
        facts = sight.versus(asked.get("from"), asked.get("to"))
        missing = facts.missing in {"unknown", "none"}
        return _answer(compare_page(facts, view), status=404 if missing else 200)


def _portray(router: APIRouter, sight: Sight) -> None:
    """Add the page of one lead, its form, and the script that makes it quick."""
    seals = Seals()

    @router.get("/pages/whatif.js", response_class=Response)
    def whatif() -> Response:
        return Response(script(), media_type="text/javascript", headers=HEADERS)

    @router.get("/leads/{lead_id:whole}")
    def lead(request: Request, lead_id: str) -> HTMLResponse:
        view, query = _view(request, sight, lead_path(lead_id)), request.query_params
        if query.get("part") == "answer":
            found = sight.answer(lead_id, query.multi_items())
            return _answer(answer_part(found, view))
        dossier = sight.dossier(lead_id)
        if dossier is None:
            return _message(view, MISSING, status=404)
        aside = sight.aside(lead_id, query.multi_items())
        who = name_of(request.headers.get("authorization", "").encode("latin-1"))
        pen = Pen(seals.of(lead_id, sight.now()), who)
        scripted = aside.whatif is not None
        return _answer(dossier_page(dossier, view, aside, pen), scripted=scripted)

    @router.post("/leads/{lead_id:whole}")
    def set_tier(request: Request, lead_id: str) -> Response:
        view = _view(request, sight, lead_path(lead_id))
        return _set_tier(sight, seals, view, lead_id, _form(request))


def _set_tier(
    sight: Sight, seals: Seals, view: View, lead_id: str, form: Mapping[str, str]
) -> Response:
    """Do what a form asks for if it is ours, and show the page again."""
    now = sight.now()
    if sight.dossier(lead_id) is None:
        return _message(view, MISSING, status=404)
    if not seals.holds(form.get("seal", ""), lead_id, now):
        return _refused(view, "override.stale", status=403)
    wrong = decide(sight.journal, lead_id, form, now=now)
    if wrong is not None:
        return _refused(view, wrong, status=422)
    place = str(view.links.lead(lead_id))
    return RedirectResponse(f"{place}#content", status_code=303, headers=HEADERS)


def _form(request: Request) -> dict[str, str]:
    """Give what a form holds; JSON, which the guard lets in as well, is no form."""
    given = sent(request.scope)
    if not isinstance(given, dict):
        return {}
    return {name: text for name, text in given.items() if isinstance(text, str)}


def _refused(view: View, why: str, *, status: int) -> HTMLResponse:
    say = view.wording.say
    page = message_page(say("override.refused"), say(why, most=MOST_BY), view)
    return _answer(page, status=status)


def _view(request: Request, sight: Sight, here: str) -> View:
    company, asked = sight.settings.company, request.query_params
    language = language_of(asked.get("lang"), company)
    query = tuple(asked.multi_items())
    links = LiveLinks(language, company.language, here=here, query=query)
    return View.of(sight.settings, links, sight.fields())


def _message(view: View, words: tuple[str, str], *, status: int) -> HTMLResponse:
    title, remedy = map(view.wording.say, words)
    return _answer(message_page(title, remedy, view), status=status)


def _answer(page: str, *, status: int = 200, scripted: bool = False) -> HTMLResponse:
    allowed = policy(scripted=scripted)
    headers = {"Content-Security-Policy": f"{allowed}; frame-ancestors 'none'"}
    return HTMLResponse(page, status_code=status, headers=headers | HEADERS)
