"""What each page must say, worked out from nothing but its JSON twin.

A page is right if all of these texts stand on it, and nothing else on it is a number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Any, Final

from playwright.sync_api import Page

from leads.decision import Tier, probability_of
from leads.records import moment_of
from serve.pages.wording import Wording

Facts = Mapping[str, Any]
Says = Iterator[str]

TEXT: Final = """() => {
  const walker = document.createTreeWalker(
    document.querySelector('main'), NodeFilter.SHOW_TEXT);
  const told = [];
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (!node.parentElement.closest('svg, script, select')) told.push(node.data);
  }
  return told.join('\\u0001');
}"""
DIGITS: Final = re.compile(r"\d+")


def read_main(page: Page) -> str:
    """Give all that a page says in words, hidden parts and all, but for its charts."""
    return plain(str(page.evaluate(TEXT)).replace("\u0001", " "))


def plain(text: str) -> str:
    """Take blanks of all kinds for one."""
    return re.sub(r"\s+", " ", text).strip()


def differences(text: str, said: Iterable[str]) -> tuple[list[str], list[str]]:
    """Hold a page against what it must say.

    Returns
    -------
    tuple
        What is not on the page, and the numbers on it that nothing accounts for.
    """
    missing = []
    for part in sorted(map(plain, said), key=len, reverse=True):
        if part and part not in text:
            missing.append(part)
        elif part:
            text = text.replace(part, "\u0002", 1)
    around = [
        text[max(0, found.start() - 30) : found.end() + 15]
        for found in DIGITS.finditer(text)
    ]
    return missing, around


def at(iso: str) -> datetime:
    """Read a moment."""
    return datetime.fromisoformat(iso)


def whole_money(minor: int | None, currency: str | None, w: Wording) -> str:
    """Say an amount without its cents."""
    return "" if minor is None else w.money(round(minor / 100) * 100, currency or "")


def action(one: Facts, w: Wording) -> str:
    """Say what to try."""
    what = one["words"][w.language]
    if one["sort"] == "events":
        return w.say("whatif.more", what=what)
    return w.say("whatif.to", what=what, to=w.knob(one["to"]))


def today(facts: Facts, w: Wording) -> Says:
    """Say the list of leads."""
    for counted in facts["counts"]:
        yield w.count(counted["count"])
    size, number = facts["page_size"], facts["wanted"]["page"]
    first, last = (number - 1) * size + 1, (number - 1) * size + len(facts["rows"])
    yield w.say("list.shown", first=first, last=last, total=w.count(facts["total"]))
    pages = -(-facts["total"] // size)
    yield w.say("pages.at", page=w.count(number), pages=w.count(pages))
    yield w.goal(_Conversion, facts["horizon_days"])  # type: ignore[arg-type]
    for row in facts["rows"]:
        yield from _row(row, w)
        yield w.say("digest.today") if row["lead_id"] in facts["today"] else ""


class _Conversion:
    """The fixture's conversion, a payment."""

    kind, stage = "payment", None


def _row(row: Facts, w: Wording) -> Says:
    yield row["lead_id"]
    yield w.tier(Tier(row["tier"]))
    yield w.chance(row["probability"])
    yield w.say("row.range", low=w.chance(row["low"]), high=w.chance(row["high"]))
    yield whole_money(row["expected_minor"], row["currency"], w)
    yield row["reason"][w.language] if row["reason"] else w.say("reason.none")
    if row["change"]:
        yield row["change"][w.language]
    elif row["moved"] is not None:
        still = abs(row["moved"]) < 0.0005
        yield w.say("row.still") if still else w.points(row["moved"])
        yield w.say("row.since", day=w.day(at(row["moved_since"])))
    if row["plan"]:
        yield w.of(row["plan"]["action"])
        due = row["plan"]["due_at"]
        yield w.say("plan.due", when=w.moment(at(due))) if due else ""
    yield from (row["stage"] or "", row["owner"] or w.say("row.nobody"))
    yield from (row["pipeline"] or "", row["source"] or "")
    yield w.day(at(row["active_at"]))
    yield w.say("row.quiet") if row["quiet"] else ""


def portrait(facts: Facts, w: Wording) -> Says:
    """Say the page of one lead."""
    yield from _head(facts, w)
    for reason in [*facts["reasons_for"], *facts["reasons_against"]]:
        yield reason["text"][w.language]
    yield from (w.chance(facts["start"]), w.signed(facts["base"], 2))
    for move in facts["moves"]:
        before, after = probability_of(move["before"]), probability_of(move["after"])
        yield from (w.points(after - before), w.chance(after))
        yield w.signed(move["share"], 2)
    yield from _change(facts["aside"]["change"], w)
    yield from _what_if(facts["aside"]["whatif"], w)
    yield from _similar(facts["aside"]["similar"], w)
    for happening in facts["story"]:
        yield w.moment(at(happening["at"]))
        if isinstance(happening["value"], float):
            yield w.knob(happening["value"])
    for stored in facts["earlier"]:
        said = stored["prediction"]
        yield from (w.moment(at(stored["made_at"])), w.chance(said["probability"]))
        yield from (said["model_version"], w.tier(Tier(said["tier"])))


def _head(facts: Facts, w: Wording) -> Says:
    outlook, usual = facts["outlook"], w.chance(facts["usual"])
    yield facts["lead_id"]
    yield from (w.chance(facts["probability"]), w.tier(Tier(facts["tier"])))
    yield w.say("lead.chance", goal=w.goal(_Conversion, facts["horizon_days"]))  # type: ignore[arg-type]
    low, high = w.chance(outlook["low"]), w.chance(outlook["high"])
    yield w.say("lead.interval", low=low, high=high)
    times = w.decimal(facts["probability"] / facts["usual"], 1)
    yield {
        "above": w.say("lead.times", times=times, base=usual),
        "below": w.say("lead.fraction", base=usual),
        "about": w.say("lead.usual", base=usual),
    }[facts["compared"]]
    for days, chance in outlook["curve"].items():
        yield f"{w.say('lead.by', days=w.many('days', int(days)))}: {w.chance(chance)}"
    yield whole_money(outlook["expected_minor"], outlook["currency"], w)
    yield w.many("days", max(1, round(outlook["expected_days"])))
    card = facts["card"]
    yield from (card["stage"] or "", card["owner"] or w.say("row.nobody"))
    yield from (card["source"], card["pipeline"], w.day(at(card["created_at"])))
    yield from (w.day(at(facts["active_at"])), w.moment(at(facts["as_of"])))
    yield from (w.moment(at(facts["made_at"])), facts["model_version"])
    yield from _plan(facts["plan"], w)


def _plan(plan: Facts, w: Wording) -> Says:
    yield from (w.of(plan["line"]["action"]), w.of(plan["segment"]))
    if plan["line"]["due_at"]:
        yield w.moment(at(plan["line"]["due_at"]))
    yield from (w.of(one) for one in (*plan["steps"], *plan["questions"]))
    for step in plan["path"]:
        yield f"{step['branch']}. {w.of(step['question'])}"
    made = w.moment(at(plan["made_at"]))
    yield w.say("plan.decided", when=made, version=plan["playbook"][:12])


def _change(change: Facts, w: Wording) -> Says:
    before, after = (change[key]["prediction"] for key in ("before", "after"))
    yield w.points(after["probability"] - before["probability"])
    yield w.say(
        "change.from", before=w.chance(before["probability"]),
        after=w.chance(after["probability"]),
        when=w.moment(at(change["before"]["made_at"])),
    )  # fmt: skip
    for line in change["lines"]:
        yield from (w.points(line["points"]), line["text"][w.language])
    for part in change["road"]["parts"]:
        if part["log_odds"] or part["causes"][0] != "rewritten":
            yield from (w.points(part["points"]), w.signed(part["log_odds"], 2))
    yield w.points(after["probability"] - before["probability"])
    yield w.signed(after["log_odds"] - before["log_odds"], 2)


def _what_if(trial: Facts, w: Wording) -> Says:
    for one in trial["suggestions"]:
        yield action(one, w)
        gain, then = w.points(one["gain"]), w.chance(one["after"])
        yield w.say("whatif.gain", points=gain, after=then)
        yield w.say(
            "whatif.counted", leads=w.many("leads", one["count"]),
            rate=w.rate(one["rate"]), now=w.rate(one["rate_now"]),
        )  # fmt: skip
    for knob in trial["knobs"]:
        what = knob["words"][w.language]
        low, high = w.knob(knob["low"]), w.knob(knob["high"])
        if knob["sort"] == "events":
            yield w.say("whatif.events", what=what, high=high)
        elif knob["sort"] == "number":
            yield w.say("whatif.number", what=what, low=low, high=high)


def _similar(similar: Facts, w: Wording) -> Says:
    near = similar["neighbours"]
    won = sum(one["converted"] for one in near)
    yield w.say("similar.sum", won=won, all=len(near))
    for one in near:
        yield from (w.on(date.fromisoformat(one["day"])), w.tier(Tier(one["tier"])))
        yield w.chance(one["chance"])
        won_in = one["days"] is not None and one["converted"]
        yield w.say("similar.won.in", days=w.days(one["days"])) if won_in else ""
        yield from (one["stage"] or "", one["source"] or "")


def digest(facts: Facts, w: Wording) -> Says:
    """Say the morning's digest."""
    yield w.say("digest.title", day=w.on(date.fromisoformat(facts["day"])))
    hot = w.count(facts["hot"])
    yield w.say("digest.open", open=w.many("leads", facts["open"]), hot=hot)
    yield w.say("digest.known", when=w.moment(at(facts["known_at"])))
    yield w.say("digest.calls.room", room=w.many("calls", facts["room"]))
    for call in facts["calls"]:
        row, step = call["row"], call["step"]
        yield from (row["lead_id"], row["owner"] or w.say("row.nobody"), row["stage"])
        yield w.chance(row["probability"])
        yield whole_money(row["expected_minor"], row["currency"], w)
        yield row["reason"][w.language] if row["reason"] else w.say("reason.none")
        yield step["action"][w.language]
        if step["due_at"]:
            yield w.say("digest.due", when=w.moment(at(step["due_at"])))
    yield from _moved(facts["changes"], w)
    yield from _missed(facts["missed"], w)
    yield from _yesterday(facts, w)
    for plan in facts["plans"]:
        yield from (plan["segment"][w.language], w.count(plan["leads"]))


def _moved(changes: Facts, w: Wording) -> Says:
    yield w.say(
        "digest.moved.sum", warmer=w.count(changes["warmer"]),
        colder=w.count(changes["colder"]), fresh=w.count(changes["fresh"]),
    )  # fmt: skip
    yield w.say("digest.moved.since", when=w.moment(at(changes["since"])))
    for one in changes["leads"]:
        yield from (one["lead_id"], one["owner"] or w.say("row.nobody"))
        yield w.points(one["after"] - one["before"])
        yield f"{w.chance(one['before'])} → {w.chance(one['after'])}:"
        yield one["why"][w.language] if one["why"] else w.say("digest.why.unknown")


def _missed(missed: Facts, w: Wording) -> Says:
    counts = {key: w.count(missed[key]) for key in ("overdue", "untouched", "cold")}
    yield w.say("digest.missed.sum", **counts)
    for one in missed["leads"]:
        yield from (one["lead_id"], w.chance(one["chance"]))
        days = w.days(one["days"])
        if one["why"] == "overdue":
            yield w.say("digest.overdue", stage=one["stage"], days=days)
        else:
            yield w.say("digest.untouched", days=days)


def _yesterday(facts: Facts, w: Wording) -> Says:
    was = facts["yesterday"]
    day, hot = w.on(date.fromisoformat(was["day"])), w.count(was["hot"])
    won = w.count(len(was["converted"]))
    yield w.say("digest.yesterday.sum", day=day, hot=hot, converted=won)
    yield w.say("digest.yesterday.touched", touched=w.count(was["touched"]), hot=hot)
    yield w.say("digest.yesterday.others", n=w.count(was["others"]))
    yield from was["converted"]
    days, promised = (
        w.many("days", facts["horizon_days"]),
        w.decimal(was["promised"], 1),
    )
    yield w.say("digest.yesterday.promised", days=days, promised=promised)


def team(facts: Facts, w: Wording) -> Says:
    """Say the page of managers."""
    leads, converted = w.many("leads", facts["leads"]), w.count(facts["converted"])
    yield w.say("team.together", leads=leads, converted=converted)
    yield w.say("team.unowned", n=w.count(facts["unowned"]))
    yield w.say("team.marked", n=w.count(facts["marked"]))
    hot, quiet = (sum(one[key] for one in facts["waiting"]) for key in ("hot", "quiet"))
    yield w.say("team.waiting.sum", n=w.count(quiet), hot=w.count(hot))
    for one in facts["waiting"]:
        yield one["owner"] or w.say("row.nobody")
        yield from (w.count(one[key]) for key in ("open", "hot", "quiet"))
    for one in facts["managers"]:
        yield from (one["name"], w.say(f"standing.{one['standing']}"))
        yield from (w.count(one["leads"]), w.chance(one["mix"]))
        yield w.decimal(one["expected"], 1)
        yield f"{w.count(one['low'])} – {w.count(one['high'])}"
        yield from (w.count(one["actual"]), w.span(one["rate_low"], one["rate_high"]))
    yield w.say("team.moved", moved=w.signed(facts["moved"], 2))
    yield from (w.say(key) for key in ("team.chart.how", "team.warning.small"))


def funnel(facts: Facts, w: Wording) -> Says:
    """Say how leads pass the stages, and what is wrong with them."""
    moment = moment_of(facts["as_of"])
    yield w.say("funnel.as_of", when=w.moment(moment))
    if facts["unstaged"]:
        yield w.say("funnel.unstaged", n=w.count(facts["unstaged"]))
    days = w.many("days", facts["horizon_days"])
    yield from (w.say("col.soon", days=days), w.say("funnel.rates", days=days))
    yield w.say("funnel.how")
    for _, group in groupby(facts["stages"], key=lambda stage: stage["pipeline"]):
        yield from _stages([one for one in group if one["state"] == "open"], w)
    yield from _audit(facts["audit"], w)


def _stages(stages: Sequence[Facts], w: Wording) -> Says:
    slow = [one for one in stages if one["slow"]]
    if slow:
        worst = max(slow, key=lambda one: one["slow"])
        counts = {key: w.count(worst[key]) for key in ("slow", "here")}
        yield w.say("funnel.slowest", stage=worst["stage"], **counts)
    for one in stages:
        yield from (one["stage"], w.count(one["here"]), w.count(one["slow"]))
        for key in ("waiting_days", "usual_days", "slow_days"):
            yield "—" if one[key] is None else w.days(one[key])
        for found in filter(None, (one["soon"], one["finally_"])):
            yield w.rate(found["share"])
            of = w.say("funnel.of", n=w.count(found["count"]))
            yield f"{w.span(found['low'], found['high'])}, {of}"


def _audit(audit: Facts, w: Wording) -> Says:
    yield w.say("audit.crowds", n=w.count(audit["crowd"]))
    for one in audit["crowds"]:
        yield from (w.count(one["here"]), w.count(one["slow"]))
    for one in audit["channels"]:
        yield from (w.count(one["here"]), w.rate(one["first"]))
        yield f"{one['source']} {w.rate(one['share'])}"
    work = audit["work"]
    for key in ("never", "overdue"):
        title = w.say(f"audit.{key}")
        yield f"{title}: {w.count(sum(one['count'] for one in work[key]))}"
        for one in work[key][:10]:
            yield from (one.get("owner") or "", w.count(one["count"]))
            yield w.days(one["oldest_days"])
        if len(work[key]) > 10:
            yield w.say("audit.more", n=w.count(len(work[key]) - 10))
    for one in work["load"]:
        yield one["owner"] or w.say("audit.nobody")
        for key in ("open", "fresh", "touched", "untouched", "overdue"):
            yield w.count(one[key])
    yield from _proposal(audit, w)


def _proposal(audit: Facts, w: Wording) -> Says:
    if not audit["proposal"]:
        return
    moved, still = w.count(audit["preview"]["moved"]), w.count(audit["open"])
    yield w.say("audit.clearer.how", moved=moved, open=still)
    for one in audit["preview"]["flows"]:
        yield w.count(one["count"])


def playbook(facts: Facts, w: Wording) -> Says:
    """Say who is in which plan; words of the file are not the twin's."""
    yield w.say("playbook.version", version=facts["version"][:12])
    leads = sum(leaf["leads"] for leaf in facts["leaves"])
    yield w.say("playbook.decided", n=w.many("leads", leads))
    for leaf in facts["leaves"]:
        title = f"{leaf['branch']}. {w.of(leaf['segment'])}"
        yield from (title, title, w.count(leaf["leads"]))


def points(facts: Facts, w: Wording) -> Says:
    """Say the grid, the leads with most points, and the scorecard."""
    for one in facts["cells"]:
        yield from (one["grid"], w.count(one["leads"]))
    for one in facts["first"]:
        yield from (one["lead_id"], w.signed(one["score"]["points"], 0))
        yield from (one["score"]["grid"], w.chance(one["chance"]))
    for one in facts["apart"]:
        yield from _apart(one, w)
    for name, names in (("fit", "A, B, C"), ("engagement", "1, 2, 3")):
        side = facts["card"][name]
        borders = ", ".join(map(str, side["borders"]))
        yield w.say("points.borders", names=names, borders=borders)
        for item in (item for group in side["groups"] for item in group["items"]):
            yield w.signed(item["points"], 0)


def _apart(one: Facts, w: Wording) -> Says:
    lead = one["lead"]
    yield lead["lead_id"]
    worth = f"({w.signed(lead['score']['points'], 0)}, {lead['score']['grid']})"
    yield from (w.count(round(100 * lead["rank"])), worth)
    yield from (w.count(round(100 * lead["told"])), f"({w.chance(lead['chance'])})")
    for given in lead["score"]["given"][:3]:
        yield w.signed(given["points"], 0)
    yield one["reason"][w.language] if one["reason"] else ""


def card(facts: Facts, w: Wording) -> Says:
    """Say the model card, whose twin holds its very texts."""
    for section in facts["sections"]:
        yield section["title"][w.language]
        yield from (line[w.language] for line in section["lines"])
        for name, value in section["facts"]:
            yield from (name[w.language], value[w.language])
        for row in (section["head"] if section["rows"] else (), *section["rows"]):
            yield from (cell[w.language] for cell in row)


def backtest(facts: Facts, w: Wording) -> Says:
    """Say the back-test month by month."""
    yield from _latest(facts["latest"], w)
    yield w.say("backtest.limits.how")
    yield from (w.say("backtest.how"), w.say("backtest.lead"), facts["digest"])
    yield from _judged(facts["together"], w)
    for month in facts["months"]:
        yield from (w.month(month["month"]), month["why"])
        yield from _judged(month["judged"], w) if month["judged"] else ()


def _latest(latest: Facts, w: Wording) -> Says:
    hot = latest["hot"]
    proof = hot["proof"]
    yield w.say(
        f"latest.{hot['verdict']}", month=w.month(latest["month"]),
        said=w.rate(proof["said"]), happened=w.rate(proof["happened"]),
        n=w.count(proof["count"]),
    )  # fmt: skip


def _judged(judged: Facts, w: Wording) -> Says:
    for one in (*judged["tiers"], {**judged, "proof": judged["whole"]}):
        yield from _said(one["proof"], w, count="count")
        yield w.say(f"verdict.{one['verdict']}")


def _said(proof: Facts, w: Wording, *, count: str) -> Says:
    yield from (w.rate(proof["said"]), w.rate(proof["happened"]))
    yield from (w.span(proof["low"], proof["high"]), w.count(proof[count]))


def model(facts: Facts, w: Wording) -> Says:
    """Say the proof of the model, what is inside it, and what it learned from."""
    version, horizon = facts["model"], facts["model"]["horizon_days"]
    yield from (version["version"], w.moment(at(version["promoted_at"])))
    yield from (version["digest"], w.chance(facts["base_rate"]))
    yield w.goal(_Conversion, horizon)  # type: ignore[arg-type]
    yield w.many("snapshots", facts["count"])
    if facts["latest"]:
        yield from _latest(facts["latest"], w)
    for one in facts["tiers"]:
        if one["proof"]["count"]:
            yield from _said(one["proof"], w, count="count")
    for one in facts["capacity"]:
        yield from _capacity(one, w)
    for one in facts["measures"]:
        yield from (w.metric(one["name"]), w.decimal(one["value"], 3))
        yield f"{w.decimal(one['low'], 3)} – {w.decimal(one['high'], 3)}"
        yield w.decimal(one["base"], 3) if one["base"] is not None else ""
    for one in facts["slices"]:
        yield from _slice(one["proof"], w)
    for one in facts["worths"]:
        yield w.signed(one["gain"], 4)
        yield f"{w.signed(one['low'], 4)} – {w.signed(one['high'], 4)}"
    yield from _curves(facts, w)


def _capacity(one: Facts, w: Wording) -> Says:
    yield w.count(one["per_week"])
    if one["floored"]:
        yield w.say("capacity.floored", n=w.decimal(one["reached"], 1))
    yield from (w.rate(one["border"]), w.rate(one["said"]), w.rate(one["happened"]))
    yield from (w.span(one["low"], one["high"]), w.rate(one["caught"]))


def _slice(proof: Facts, w: Wording) -> Says:
    is_month = proof["kind"] == "month"
    yield w.month(proof["name"]) if is_month else proof["name"]
    yield from _said(proof, w, count="leads")


def _curves(facts: Facts, w: Wording) -> Says:
    for one in facts["reliability"]:
        yield from _said(one, w, count="count")
    for one in facts["gain_rows"]:
        yield from (w.rate(one["called"]), w.rate(one["found"]))
        yield w.decimal(one["lift"], 1)
    for one in facts["histogram"]:
        yield w.count(one["count"])


PAGES: Final[Mapping[str, tuple[str, str, Callable[[Facts, Wording], Says]]]] = {
    "today": ("/", "/today", today),
    "second page of today": ("/?page=2", "/today?page=2", today),
    "digest": ("/digest", "/digest", digest),
    "funnel": ("/funnel", "/funnel", funnel),
    "playbook": ("/playbook", "/playbook", playbook),
    "points": ("/points", "/points", points),
    "team": ("/team", "/team", team),
    "model": ("/model", "/model/proof", model),
    "card": ("/model/card", "/model/card", card),
    "backtest": ("/model/backtest", "/model/backtest", backtest),
}
"""Where a page lies, where its twin, and what it must say by that."""
