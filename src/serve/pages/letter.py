"""The digest where no style sheet reaches: as an e-mail, as text, and for Telegram.

A mail program keeps inline styles and little else, so the letter carries its colours on
every element and repeats them for the dark where a program can read a style sheet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Final

from leads.decision import Tier
from serve.pages.digest import Call, Digest, Miss, Moved
from serve.pages.view import View, environment
from serve.pages.wording import Wording

MOST_UNITS: Final = 4_096
"""What a message of Telegram holds, in UTF-16 units; here with its tags, to be sure."""

CALLS: Final = 1
"""The place of the block that says whom to call."""

Block = list[str]
"""Lines that belong together, in Telegram's subset of HTML; the first is a heading."""


@dataclass(frozen=True, slots=True)
class Letter:
    """An e-mail: what it is called, and what it says with and without markup."""

    subject: str
    html: str
    text: str


def letter_of(facts: Digest, view: View) -> Letter:
    """Write the digest as an e-mail."""
    wording = view.wording
    day = wording.on(facts.day)
    html = environment().get_template("letter.html").render(
        w=wording, company=view.company, facts=facts, tier_of=tier_of
    )  # fmt: skip
    plain = "\n\n".join("\n".join(block) for block in _blocks(facts, view))
    return Letter(
        subject=_one_line(wording.say("digest.subject", company=view.company, day=day)),
        html=html,
        text=_unmarked(plain) + "\n",
    )


def telegram_of(facts: Digest, view: View, *, most: int = MOST_UNITS) -> str:
    """Write the digest as one message: whole lines only, never longer than allowed.

    Every block keeps its heading; what does not fit is left out from the ends of the
    longest blocks, least of whom to call, and its number said.
    """
    blocks = _blocks(facts, view)
    dropped = [0] * len(blocks)
    while True:
        text = "\n\n".join(
            "\n".join([*block, *_more(count, view.wording)])
            for block, count in zip(blocks, dropped, strict=True)
        )
        if _units(text) <= most:
            return text
        longest = max(range(len(blocks)), key=lambda place: _spare(place, blocks))
        if len(blocks[longest]) <= 1:
            return _cut(blocks, most)
        blocks[longest] = blocks[longest][:-1]
        dropped[longest] += 1


def _spare(place: int, blocks: list[Block]) -> tuple[bool, float]:
    """Say how gladly a block gives up a line: whom to call, a third as gladly."""
    lines = len(blocks[place])
    return lines > 1, lines / 3 if place == CALLS else lines


def tier_of(call: Call) -> Tier:
    """Give the tier that counts: a person's, or else the model's."""
    row = call.row
    return row.override.tier if row.override else row.tier


def _more(count: int, wording: Wording) -> Block:
    return [wording.say("digest.more", n=wording.count(count))] if count else []


def _cut(blocks: list[Block], most: int) -> str:
    """Keep as many headings as fit: where names alone are longer than a message."""
    text = ""
    for block in blocks:
        longer = f"{text}\n\n{block[0]}" if text else block[0]
        if _units(longer) > most:
            break
        text = longer
    return text


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _one_line(text: str) -> str:
    """Keep line ends out of a header."""
    return " ".join(text.split())


def _unmarked(text: str) -> str:
    for tag in ("<b>", "</b>"):
        text = text.replace(tag, "")
    for name, sign in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(name, sign)
    return text


def _plain(text: str) -> str:
    """Escape for Telegram, whose HTML knows only the three signs."""
    return escape(_one_line(text), quote=False)


def _blocks(facts: Digest, view: View) -> list[Block]:
    say, wording = view.wording.say, view.wording
    title = say("digest.title", day=wording.on(facts.day))
    opened = wording.many("leads", facts.open)
    head = [
        f"<b>{_plain(view.company)}: {_plain(title)}</b>",
        _plain(say("digest.open", open=opened, hot=wording.count(facts.hot))),
    ]
    return [
        head,
        [_bold(say("digest.calls")), *(_calls(facts, wording))],
        [_bold(say("digest.moved")), *(_moves(facts, wording))],
        [_bold(say("digest.missed")), *(_misses(facts, wording))],
        [_bold(say("digest.yesterday")), *(_yesterday(facts, wording))],
        *([] if not facts.plans else [_plans(facts, wording)]),
    ]


def _bold(text: str) -> str:
    return f"<b>{_plain(text)}</b>"


def _calls(facts: Digest, wording: Wording) -> Iterator[str]:
    if facts.left:
        left = wording.say("digest.calls.left", n=wording.count(facts.left))
        yield _plain(left)
    if facts.called:
        told = wording.say("digest.calls.called", n=wording.count(facts.called))
        yield _plain(told)
    for place, call in enumerate(facts.calls, 1):
        yield f"{place}. {_called(call, wording)}"
    if not facts.calls:
        yield _plain(wording.say("digest.calls.none"))


def _called(call: Call, wording: Wording) -> str:
    row = call.row
    parts = [f"<b>{_plain(row.lead_id)}</b>", wording.chance(row.probability)]
    if row.expected_minor is not None:
        whole = round(row.expected_minor / 100) * 100
        parts.append(wording.money(whole, row.currency or ""))
    parts.append(row.owner or wording.say("row.nobody"))
    if row.called:
        when = wording.moment(row.called.at)
        parts.append(wording.say(f"row.called.{row.called.how}", when=when))
    said = ", ".join([parts[0], *(_plain(part) for part in parts[1:])])
    if row.telling:
        said += f". {_plain(row.telling[wording.language])}"
    if call.step:
        said += f" → {_plain(call.step.action[wording.language])}"
    return said


def _moves(facts: Digest, wording: Wording) -> Iterator[str]:
    if facts.changes is None:
        yield _plain(wording.say("digest.first"))
        return
    made = facts.changes
    yield _plain(
        wording.say(
            "digest.moved.sum", warmer=wording.count(made.warmer),
            colder=wording.count(made.colder), fresh=wording.count(made.fresh),
        )
    )  # fmt: skip
    if made.crossed:
        ways = (wording.crossing(c.before, c.after, c.leads) for c in made.crossed)
        yield _plain(f"{wording.say('digest.moved.tiers')} {'; '.join(ways)}.")
    if not made.leads:
        yield _plain(wording.say("digest.moved.none"))
    yield from (_moved(one, wording) for one in made.leads)


def _moved(one: Moved, wording: Wording) -> str:
    sign = "▲" if one.rose else "▼"
    before, after = wording.chance(one.before), wording.chance(one.after)
    why = one.why[wording.language] if one.why else wording.say("digest.why.unknown")
    told = f"{before} → {after}: {why}"
    if one.crossed:
        told = f"{wording.crossing(one.tier_before, one.tier)}, {told}"
    return f"{sign} <b>{_plain(one.lead_id)}</b> {_plain(told)}"


def _misses(facts: Digest, wording: Wording) -> Iterator[str]:
    if facts.missed is None:
        yield _plain(wording.say("digest.missed.unknown"))
        return
    made = facts.missed
    yield _plain(
        wording.say(
            "digest.missed.sum", overdue=wording.count(made.overdue),
            untouched=wording.count(made.untouched), cold=wording.count(made.cold),
        )
    )  # fmt: skip
    yield from (_miss(one, wording) for one in made.leads)


def _miss(one: Miss, wording: Wording) -> str:
    days = wording.days(one.days)
    if one.why == "overdue":
        why = wording.say("digest.overdue", stage=one.stage or "—", days=days)
    else:
        why = wording.say("digest.untouched", days=days)
    owner = one.owner or wording.say("row.nobody")
    return f"<b>{_plain(one.lead_id)}</b> {_plain(f'{owner}: {why}')}"


def _yesterday(facts: Digest, wording: Wording) -> Iterator[str]:
    was = facts.yesterday
    if was is None:
        yield _plain(wording.say("digest.first"))
        return
    yield _plain(
        wording.say(
            "digest.yesterday.sum", day=wording.on(was.day),
            hot=wording.count(was.hot), converted=wording.count(len(was.converted)),
        )
    )  # fmt: skip
    if was.touched is not None:
        touched, hot = wording.count(was.touched), wording.count(was.hot)
        yield _plain(wording.say("digest.yesterday.touched", touched=touched, hot=hot))


def _plans(facts: Digest, wording: Wording) -> Block:
    return [
        _bold(wording.say("digest.plans")),
        *(
            _plain(f"{one.segment[wording.language]}: {wording.count(one.leads)}")
            for one in facts.plans or ()
        ),
    ]
