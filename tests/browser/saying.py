"""What the pages for sellers must say, worked out from nothing but their JSON twins."""

from __future__ import annotations

from datetime import date

from tests.browser.reading import Facts, Says, at, goal, whole_money

from leads.decision import Tier, probability_of
from serve.pages.portrait import RECENT
from serve.pages.wording import Wording


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
    yield goal(facts["horizon_days"], w)
    for row in facts["rows"]:
        yield from _row(row, w)
        yield w.say("digest.today") if row["lead_id"] in facts["today"] else ""


def _row(row: Facts, w: Wording) -> Says:
    yield row["lead_id"]
    yield w.tier(Tier(row["tier"]))
    yield _called(row, w)
    yield w.chance(row["probability"])
    yield w.say("row.range", low=w.chance(row["low"]), high=w.chance(row["high"]))
    yield whole_money(row["expected_minor"], row["currency"], w)
    yield row["telling"][w.language] if row["telling"] else w.say("reason.none")
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


def _called(row: Facts, w: Wording) -> str:
    called = row["called"]
    if not called:
        return ""
    return w.say(f"row.called.{called['how']}", when=w.moment(at(called["at"])))


def _points(points: Facts, w: Wording) -> Says:
    yield f"{w.say('leadpoints.title')}: {points['grid']}"
    for side, letter in zip(("fit", "engagement"), points["grid"], strict=True):
        total = w.signed(points[side], 0) if points[side] else "0"
        yield f"{w.say(f'leadpoints.{side}')}: {total} ({letter})"
    for line in points["lines"]:
        yield f"{w.of(line['what'])} {w.signed(line['points'], 0)}"


def portrait(facts: Facts, w: Wording) -> Says:
    """Say the page of one lead."""
    yield from _head(facts, w)
    yield from _points(facts["points"], w)
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
    older = len(facts["story"]) - RECENT
    yield w.say("story.more", n=w.count(older)) if older > 0 else ""
    for stored in facts["earlier"]:
        said = stored["prediction"]
        yield from (w.moment(at(stored["made_at"])), w.chance(said["probability"]))
        yield from (said["model_version"], w.tier(Tier(said["tier"])))


def _head(facts: Facts, w: Wording) -> Says:
    outlook, usual = facts["outlook"], w.chance(facts["usual"])
    yield facts["lead_id"]
    yield from (w.chance(facts["probability"]), w.tier(Tier(facts["tier"])))
    yield w.say("lead.chance", goal=goal(facts["horizon_days"], w))
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
    yield plan["line"]["whom"] or ""
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
    if facts["called"]:
        yield w.say("digest.calls.called", n=w.count(facts["called"]))
    for call in facts["calls"]:
        row, step = call["row"], call["step"]
        yield from (row["lead_id"], row["owner"] or w.say("row.nobody"), row["stage"])
        yield from (_called(row, w), w.chance(row["probability"]))
        yield whole_money(row["expected_minor"], row["currency"], w)
        yield row["telling"][w.language] if row["telling"] else w.say("reason.none")
        yield step["action"][w.language]
        if step["due_at"]:
            due = "digest.due.late" if step["is_late"] else "digest.due"
            yield w.say(due, when=w.moment(at(step["due_at"])))
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
    for way in changes["crossed"]:
        yield w.crossing(Tier(way["before"]), Tier(way["after"]), way["leads"])
    for one in changes["leads"]:
        yield from (one["lead_id"], one["owner"] or w.say("row.nobody"))
        yield w.points(one["after"] - one["before"])
        yield f"{w.chance(one['before'])} → {w.chance(one['after'])}:"
        yield one["why"][w.language] if one["why"] else w.say("digest.why.unknown")


def _missed(missed: Facts, w: Wording) -> Says:
    counts = {key: w.count(missed[key]) for key in ("overdue", "untouched", "cold")}
    yield w.say("digest.missed.sum", **counts)
    for one in missed["leads"]:
        yield from (one["lead_id"], w.chance(one["chance"]), one["owner"] or "")
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
    days = w.many("days", facts["horizon_days"])
    promised = w.decimal(was["promised"], 1)
    yield w.say("digest.yesterday.promised", days=days, promised=promised)
