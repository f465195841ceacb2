"""Where links lead: to the running service, or to files beside each other."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import quote, urlencode

from serve.pages.listing import Wanted
from serve.pages.wording import Language

EVERYONE: Final = Wanted()


class Links(Protocol):
    """What a template may ask for; None where there is nothing to link to."""

    @property
    def language(self) -> Language:
        """The language that is read."""

    @property
    def here(self) -> str:
        """The page itself, without its query."""

    @property
    def lang(self) -> str | None:
        """The language to send along, if any."""

    @property
    def other(self) -> Language:
        """The language to switch to."""

    @property
    def alone(self) -> bool:
        """Whether there is nothing to link to at all."""

    def leads(self, wanted: Wanted = EVERYONE) -> str:
        """Link to a part of the list."""

    def export(self, kind: str, wanted: Wanted = EVERYONE) -> str | None:
        """Link to a part of the list as a file of that kind: csv or xlsx."""

    def funnel(self) -> str:
        """Link to the funnel."""

    def playbook(self) -> str:
        """Link to the playbook."""

    def points(self) -> str:
        """Link to the points."""

    def routing(self) -> str | None:
        """Link to who gets which lead."""

    def lead(self, lead_id: str) -> str | None:
        """Link to one lead."""

    def model(self) -> str:
        """Link to the proof."""

    def card(self) -> str:
        """Link to the model card."""

    def backtest(self) -> str:
        """Link to the back-test."""

    def compare(self) -> str:
        """Link to two versions side by side."""

    def team(self) -> str:
        """Link to the managers."""

    def digest(self) -> str:
        """Link to the morning's digest."""

    def other_language(self) -> str | None:
        """Link to this same page in the other language."""


def lead_path(lead_id: str) -> str:
    """Write the path of a lead's page; ids are data and are encoded whole."""
    return f"/leads/{quote(lead_id, safe='')}"


@dataclass(frozen=True, slots=True)
class LiveLinks:
    """Links within the service; the language goes along if it is not the company's.

    Examples
    --------
    >>> from leads.decision import Tier
    >>> links = LiveLinks("ru", company="en", here="/leads/7")
    >>> links.leads(Wanted(Tier.HOT, page=2)), links.lead("a/b ?")
    ('/?tier=hot&page=2&lang=ru', '/leads/a%2Fb%20%3F?lang=ru')
    >>> links.other_language()
    '/leads/7?lang=en'
    """

    language: Language
    company: Language
    here: str = "/"
    query: tuple[tuple[str, str], ...] = ()

    @property
    def lang(self) -> str | None:
        """The language to send along, if any."""
        return None if self.language == self.company else self.language

    @property
    def other(self) -> Language:
        """The language to switch to."""
        return "en" if self.language == "ru" else "ru"

    @property
    def alone(self) -> bool:
        """Whether there is nothing to link to at all."""
        return False

    def leads(self, wanted: Wanted = EVERYONE) -> str:
        """Link to a part of the list."""
        return self._to("/", *wanted.to_query())

    def export(self, kind: str, wanted: Wanted = EVERYONE) -> str | None:
        """Link to a part of the list as a file of that kind: csv or xlsx."""
        return self._to(f"/leads.{kind}", *wanted.at(1).to_query())

    def funnel(self) -> str:
        """Link to the funnel."""
        return self._to("/funnel")

    def playbook(self) -> str:
        """Link to the playbook."""
        return self._to("/playbook")

    def points(self) -> str:
        """Link to the points."""
        return self._to("/points")

    def routing(self) -> str | None:
        """Link to who gets which lead."""
        return self._to("/routing")

    def lead(self, lead_id: str) -> str | None:
        """Link to one lead."""
        return self._to(lead_path(lead_id))

    def model(self) -> str:
        """Link to the proof."""
        return self._to("/model")

    def card(self) -> str:
        """Link to the model card."""
        return self._to("/model/card")

    def backtest(self) -> str:
        """Link to the back-test."""
        return self._to("/model/backtest")

    def compare(self) -> str:
        """Link to two versions side by side."""
        return self._to("/model/compare")

    def team(self) -> str:
        """Link to the managers."""
        return self._to("/team")

    def digest(self) -> str:
        """Link to the morning's digest."""
        return self._to("/digest")

    def other_language(self) -> str | None:
        """Link to this same page in the other language."""
        kept = [(name, value) for name, value in self.query if name != "lang"]
        return f"{self.here}?{urlencode([*kept, ('lang', self.other)])}"

    def _to(self, place: str, *query: tuple[str, str]) -> str:
        asked = [(name, value) for name, value in query if value]
        if self.lang:
            asked.append(("lang", self.lang))
        return f"{place}?{urlencode(asked)}" if asked else place


def file_of(lead_id: str) -> str:
    """Name a lead's file; ids are data and never become part of a path.

    Examples
    --------
    >>> file_of("../../etc/passwd")
    'lead-3754d6cb3a38e118.html'
    """
    return f"lead-{hashlib.sha256(lead_id.encode()).hexdigest()[:16]}.html"


@dataclass(frozen=True, slots=True)
class FileLinks:
    """Links between the written files; ``up`` leads from a file to the reports.

    ``written`` holds the ids of the leads that have a file; a file that stands
    ``alone`` has nothing beside it to link to.
    """

    language: Language
    written: Collection[str]
    up: str = ""
    here: str = ""
    lang: str | None = None
    alone: bool = False

    @property
    def other(self) -> Language:
        """The other language; files have only one."""
        return "en" if self.language == "ru" else "ru"

    def leads(self, wanted: Wanted = EVERYONE) -> str:
        """Link to the list, which is one file and cannot be searched."""
        del wanted
        return f"{self.up}leads.html"

    def export(self, kind: str, wanted: Wanted = EVERYONE) -> str | None:
        """Files are not made of files."""
        del kind, wanted
        return None

    def funnel(self) -> str:
        """Link to the funnel."""
        return f"{self.up}funnel.html"

    def playbook(self) -> str:
        """Link to the playbook."""
        return f"{self.up}playbook.html"

    def points(self) -> str:
        """Link to the points."""
        return f"{self.up}points.html"

    def routing(self) -> str | None:
        """Nobody gives out leads in a file."""
        return None

    def lead(self, lead_id: str) -> str | None:
        """Link to a lead's file if it has one."""
        known = lead_id in self.written
        return f"{self.up}leads/{file_of(lead_id)}" if known else None

    def model(self) -> str:
        """Link to the proof."""
        return f"{self.up}model.html"

    def card(self) -> str:
        """Link to the model card."""
        return f"{self.up}card.html"

    def backtest(self) -> str:
        """Link to the back-test."""
        return f"{self.up}backtest.html"

    def compare(self) -> str:
        """Link to two versions side by side."""
        return f"{self.up}compare.html"

    def team(self) -> str:
        """Link to the managers."""
        return f"{self.up}team.html"

    def digest(self) -> str:
        """Link to the morning's digest."""
        return f"{self.up}digest.html"

    def other_language(self) -> str | None:
        """Files are written in the company's language alone."""
        return None
