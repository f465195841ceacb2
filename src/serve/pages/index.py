"""Every page that is looked up whole, in one list: where it lies, its facts, its words.

The service, its JSON twins and the files of a report all go through this list, so a
page that is added here is everywhere, and one that is not is nowhere. The list of leads
and the comparison, which are asked for with a query, and the page of one lead have
routes of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from serve.pages.morning import digest_of
from serve.pages.rendering import (
    backtest_page,
    card_page,
    digest_page,
    funnel_page,
    playbook_page,
    points_page,
    routing_page,
    team_page,
    trust_page,
)
from serve.pages.sight import Sight
from serve.pages.tally import tally_of
from serve.pages.view import View, message_page

F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class Page(Generic[F]):
    """One page.

    ``at`` is its address, ``twin_at`` that of its JSON twin, and ``name`` that of its
    file. ``look`` gives its facts, or None; then ``missing`` is the key of the words
    that say so, and with ``.how`` at its end of the way out. ``plain`` gives the facts
    as JSON holds them, where that is not what they are.
    """

    name: str
    at: str
    twin_at: str
    missing: str
    look: Callable[[Sight], F | None]
    draw: Callable[[F, View], str]
    plain: Callable[[F], Any] = lambda facts: facts

    def shown(self, sight: Sight, view: View) -> tuple[str, Any]:
        """Draw the page; give it with its plain facts, None if there are none."""
        facts = self.look(sight)
        if facts is None:
            say = view.wording.say
            how = say(f"{self.missing}.how")
            return message_page(say(self.missing), how, view), None
        return self.draw(facts, view), self.plain(facts)


PAGES: Final[tuple[Page[Any], ...]] = (
    Page("digest", "/digest", "/v1/digest", "digest.none", digest_of, digest_page),
    Page("funnel", "/funnel", "/v1/funnel", "funnel.none", Sight.passage, funnel_page,
         lambda facts: facts.plain()),
    Page("playbook", "/playbook", "/v1/playbook", "playbook.none", Sight.flowchart,
         playbook_page, lambda facts: facts.plain()),
    Page("routing", "/routing", "/v1/routing", "routing.none", Sight.handout,
         routing_page, lambda facts: facts.plain()),
    Page("points", "/points", "/v1/points", "points.none", tally_of, points_page,
         lambda facts: facts.sheet.plain()),
    Page("team", "/team", "/v1/team", "team.none", Sight.managers, team_page),
    Page("model", "/model", "/v1/model/proof", "model.none", Sight.trust, trust_page),
    Page("card", "/model/card", "/v1/model/card", "model.none", Sight.card, card_page),
    Page("backtest", "/model/backtest", "/v1/model/backtest", "backtest.none",
         Sight.hindsight, backtest_page),
)  # fmt: skip
