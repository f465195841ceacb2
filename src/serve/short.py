"""The short form of a prediction, for a field or a comment on a CRM's card.

At most 500 characters: tier and chance, three reasons for, two against, and what to do.
The facts are those of the page, and only what is advisable: a card is read as advice.
A reason that has no room for its whole sentence keeps its fact and its count.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from leads.decision import Prediction, Reason, Tier
from leads.logs import mask
from leads.pointed import pointed
from model.features.phrases import Language, counted, number, percent
from model.reasons.sentences import fact_of

Form = Literal["text", "bb"]

MOST_CHARACTERS: Final = 500
MOST_FOR: Final = 3
MOST_AGAINST: Final = 2
MOST_ACTION: Final = 120
LEAST_LINE: Final = 12
"""Fewer characters of a reason say nothing; it is left out then."""

CUT: Final = "…"
BRACKETS: Final = str.maketrans("[]", "()")
"""BB-code has no escape that every reader knows, so data must bring no brackets."""

UNSEEN: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069]+"
)

TIERS: Final[Mapping[Language, Mapping[Tier, str]]] = {
    "en": {
        Tier.HOT: "Hot",
        Tier.WARM: "Warm",
        Tier.COLD: "Cold",
        Tier.NO_DATA: "Not enough data",
    },
    "ru": {
        Tier.HOT: "Горячий",
        Tier.WARM: "Тёплый",
        Tier.COLD: "Холодный",
        Tier.NO_DATA: "Мало данных",
    },
}
HEADINGS: Final[Mapping[Language, tuple[str, str, str]]] = {
    "en": ("For", "Against", "Next"),
    "ru": ("За", "Против", "Дальше"),
}


def card_text(
    prediction: Prediction, *, form: Form, language: Language, action: str = ""
) -> str:
    """Write a prediction for a card.

    Parameters
    ----------
    form
        Plain text, or BB-code as Bitrix24 reads it.
    action
        What to do next, in the same language; nothing if empty.

    Returns
    -------
    str
        At most 500 characters, cut between words; no mail address and no phone number.
    """
    speaking = [r for r in prediction.reasons if r.advisable and r.share > 0]
    against = [r for r in prediction.reasons if r.advisable and r.share < 0]
    chosen = speaking[:MOST_FOR], against[:MOST_AGAINST]
    whole = [[_plain(r.text[language]) for r in side] for side in chosen]
    brief = [[_plain(_brief(r, language)) for r in side] for side in chosen]
    head = _head(prediction, language)
    closing = _cut(_plain(action), MOST_ACTION)
    for sides in (whole, brief):
        text = _laid_out(head, sides, closing, form=form, language=language)
        if len(text) <= MOST_CHARACTERS:
            return text
    return _squeezed(head, brief, closing, form=form, language=language)


def _squeezed(
    head: str,
    sides: Sequence[Sequence[str]],
    action: str,
    *,
    form: Form,
    language: Language,
) -> str:
    """Give every reason the same room, as much as there is."""
    bare = [[""] * len(side) for side in sides]
    spent = len(_laid_out(head, bare, action, form=form, language=language))
    lines = sum(map(len, sides))
    room = (MOST_CHARACTERS - spent) // max(1, lines)
    cut = [[_cut(line, room) for line in side] for side in sides]
    if room < LEAST_LINE:
        cut = [[], []]
    return _laid_out(head, cut, action, form=form, language=language)


def _head(prediction: Prediction, language: Language) -> str:
    by = pointed(prediction)
    if by is not None:  # the usual rate is no chance of this lead
        return f"{TIERS[language][prediction.tier]}. {by.text[language]}"
    chance = percent(prediction.probability, language)
    tier = TIERS[language][prediction.tier]
    days = counted("day", prediction.horizon_days, language)
    return f"{tier}: {chance} {'within' if language == 'en' else 'за'} {days}"


def _brief(reason: Reason, language: Language) -> str:
    fact = fact_of(reason, language)
    if reason.count is None or reason.rate is None:
        return fact
    many, rate = number(reason.count, language), percent(reason.rate, language)
    of = "of" if language == "en" else "из"
    return f"{fact} ({rate} {of} {many})"


def _laid_out(
    head: str,
    sides: Sequence[Sequence[str]],
    action: str,
    *,
    form: Form,
    language: Language,
) -> str:
    bold = "[B]{}[/B]" if form == "bb" else "{}"
    lines = [bold.format(_safe(head, form))]
    for title, sign, said in zip(HEADINGS[language], "+−", sides, strict=False):
        if said:
            lines.append(bold.format(f"{title}:"))
            lines += [f"{sign} {_safe(line, form)}" for line in said]
    if action:
        lines.append(
            f"{bold.format(f'{HEADINGS[language][2]}:')} {_safe(action, form)}"
        )
    return "\n".join(lines)


def _safe(text: str, form: Form) -> str:
    return text.translate(BRACKETS) if form == "bb" else text


def _plain(text: str) -> str:
    """Take out what is not seen, what breaks lines, and what could name a person."""
    return mask(" ".join(UNSEEN.sub(" ", text).split(" "))).strip()


def _cut(text: str, room: int) -> str:
    """Cut a text between words.

    Examples
    --------
    >>> _cut("Visits to the price page: 3", 20), _cut("short", 20)
    ('Visits to the price…', 'short')
    """
    if len(text) <= room:
        return text
    if room <= len(CUT):
        return ""
    kept = text[: room - len(CUT) + 1]
    words = kept.rpartition(" ")[0] or text[: room - len(CUT)]
    return words.rstrip(" ,.:;(") + CUT
