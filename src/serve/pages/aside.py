"""What a lead's page shows beside its prediction: change, what-if, similar leads.

Facts only. Each of the three may be absent, and the page then says nothing of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from leads.errors import BadInput, Unavailable, UnknownLead
from model.reasons.whatif import Knob, Suggestion, Value, WhatIf
from serve.insight import Change, Insight, Similar

PREFIX: Final = "if."
MORE: Final = "more."
"""Names of the form's fields: ``if.<card field>`` and ``more.<kind of event>``."""

MOST_LETTERS: Final = 40
"""Of a number that somebody typed."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A what-if as its form shows it.

    ``asked`` holds what was typed, by the name of the form's field; ``found`` is None
    if nothing was asked, and ``wrong`` lists what could not be asked about.
    """

    knobs: tuple[Knob, ...]
    suggestions: tuple[Suggestion, ...]
    asked: Mapping[str, str]
    found: WhatIf | None = None
    wrong: tuple[Knob, ...] = ()

    def name(self, knob: Knob) -> str:
        """Name the form's field of a knob."""
        return name_of(knob)


@dataclass(frozen=True, slots=True)
class Aside:
    """The three; None where there is nothing to show."""

    change: Change | None = None
    whatif: Trial | None = None
    similar: Similar | None = None


NOTHING: Final = Aside()


def name_of(knob: Knob) -> str:
    """Name the form's field of a knob."""
    return (MORE if knob.sort == "events" else PREFIX) + knob.name


def look_aside(
    insight: Insight | None, lead_id: str, query: Iterable[tuple[str, str]] = ()
) -> Aside:
    """Look up what stands beside a lead's prediction.

    Parameters
    ----------
    insight
        None where nothing can be looked at again.
    query
        The page's query, which holds what the what-if's form asked.
    """
    if insight is None:
        return NOTHING
    try:
        similar = insight.similar(lead_id)
    except UnknownLead:
        return NOTHING
    return Aside(
        change=_change(insight, lead_id),
        whatif=_trial(insight, lead_id, dict(query)),
        similar=similar if similar.neighbours else None,
    )


def answer_to(
    insight: Insight | None, lead_id: str, query: Iterable[tuple[str, str]]
) -> Aside:
    """Look up only what a what-if answers."""
    if insight is None:
        return NOTHING
    try:
        return Aside(whatif=_trial(insight, lead_id, dict(query)))
    except UnknownLead:
        return NOTHING


def _change(insight: Insight, lead_id: str) -> Change | None:
    try:
        return insight.change(lead_id)
    except (UnknownLead, BadInput):  # said once only, or ingested otherwise since
        return None


def _trial(insight: Insight, lead_id: str, query: Mapping[str, str]) -> Trial | None:
    try:
        possible = insight.possible(lead_id)
    except (Unavailable, BadInput):  # the model is gone, or reads its data otherwise
        return None
    knobs, suggested = possible.knobs, possible.suggestions
    known = {name_of(knob): knob for knob in knobs}
    asked = {name: text for name, text in query.items() if name in known and text}
    fields: dict[str, Value] = {}
    more: dict[str, int] = {}
    for name, text in asked.items():
        knob = known[name]
        if knob.sort == "events":
            more[knob.name] = _count(text)
        elif (value := _read(knob, text)) != knob.now:
            fields[knob.name] = value
    if not knobs:
        return None
    if not fields and not any(more.values()):
        return Trial(knobs, suggested, asked)
    try:
        found = insight.what_if(lead_id, fields, more).found
    except BadInput as error:
        places = {fault.where for fault in error.faults}
        wrong = [knob for knob in knobs if _place(knob) in places]
        return Trial(knobs, suggested, asked, wrong=tuple(wrong))
    return Trial(knobs, suggested, asked, found)


def _read(knob: Knob, text: str) -> Value:
    """Read what was typed; what cannot be read stays text, and is refused as such."""
    if knob.sort == "level":
        return text
    if knob.sort == "flag":
        return {"yes": True, "no": False}.get(text, text)
    try:
        number = float(text[:MOST_LETTERS].replace(",", "."))
    except ValueError:
        return text
    return number if math.isfinite(number) else text


def _count(text: str) -> int:
    """Read a count; what is none becomes one that is refused in the same words."""
    short = text.strip()[:MOST_LETTERS]
    return int(short) if short.isascii() and short.isdigit() else -1


def _place(knob: Knob) -> str:
    """Say where a fault of this knob is found."""
    section = "events" if knob.sort == "events" else "fields"
    return f"{section}[{knob.name!r}]"
