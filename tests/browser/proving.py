"""What the pages that judge must say, worked out from nothing but their JSON twins."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from tests.browser.reading import Facts, Says, at, goal

from leads.records import moment_of
from model.points.record import Hypothesis
from serve.pages.wording import Wording


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
    yield w.say("funnel.rates", days=days)
    yield w.say("funnel.how")
    for _, group in groupby(facts["stages"], key=lambda stage: stage["pipeline"]):
        yield w.say("col.soon", days=days)
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
    """Say who is in which plan, and all that the plans tell their readers."""
    yield from (w.of(facts["title"]), w.of(facts["hours"]))
    yield w.say("playbook.version", version=facts["version"][:12])
    leads = sum(leaf["leads"] for leaf in facts["leaves"])
    yield w.say("playbook.decided", n=w.many("leads", leads))
    for leaf in facts["leaves"]:
        title = f"{leaf['branch']}. {w.of(leaf['segment'])}"
        yield from (title, title, w.count(leaf["leads"]))
        for text in [*leaf["steps"], *leaf["questions"]]:
            yield w.of(text)
        for name in ("script", "task", "message", "aims"):
            yield w.of(leaf[name]) if leaf[name] else ""
        yield leaf["stage"] or ""
    for state in facts["usage"]:
        yield from (w.of(state["state"]), w.of(state["when"]))


def points(facts: Facts, w: Wording) -> Says:
    """Say the grid, the leads with most points, and the scorecard."""
    yield from (w.say(f"points.{key}.how") for key in ("grid", "apart"))
    yield w.say("points.lead")
    for one in facts["cells"]:
        yield from (one["grid"], w.count(one["leads"]))
    for one in facts["first"]:
        yield from (one["lead_id"], worth(one["score"], w))
        yield from (one["score"]["grid"], w.chance(one["chance"]))
    for one in facts["apart"]:
        yield from _apart(one, w)
    yield from _rival(facts["rival"], w)
    for name, names in (("fit", "A, B, C"), ("engagement", "1, 2, 3")):
        side = facts["card"][name]
        borders = ", ".join(map(str, side["borders"]))
        yield w.say("points.borders", names=names, borders=borders)
        for group in side["groups"]:
            for item in group["items"]:
                yield from (w.signed(item["points"], 0), *_most(item, w))
            yield from _most(group, w)


def _most(one: Facts, w: Wording) -> Says:
    most = one["bounds"]["most"]
    if most is not None:
        yield w.say("points.bounds.most", n=w.signed(most, 0))


def _rival(rival: Facts, w: Wording) -> Says:
    yield w.say("points.rival.how", traits=rival["traits"])
    for one in rival["against"]:
        yield from (w.metric(one["metric"]), w.decimal(one["points"], 3))
        yield from (w.decimal(one["model"], 3), w.signed(one["gain"], 3))
        yield f"({w.signed(one['low'], 3)} … {w.signed(one['high'], 3)})"
    found = [Hypothesis(**one) for one in rival["hypotheses"]]
    sure = [one for one in found if one.differs]
    yield w.say("points.check.how", n=len(found))
    yield w.say("points.check.rest", n=len(found) - len(sure))
    for one in found:
        yield from _differing(one, w)


def _differing(one: Hypothesis, w: Wording) -> Says:
    yield getattr(one, w.language)
    if one.kind == "share":
        yield from (w.rate(one.won), w.rate(one.lost), w.points(one.effect))
        yield f"({w.points(one.low)} … {w.points(one.high)})"
    else:
        digits = [2 if value < 10 else 0 for value in (one.won, one.lost)]
        yield from (w.decimal(one.won, digits[0]), w.decimal(one.lost, digits[1]))
        yield w.say("points.pairs", share=w.rate(one.effect))
        yield w.span(one.low, one.high)


def _holidays(facts: Facts, w: Wording) -> str:
    if facts["holidays"]:
        names = ", ".join(w.of(one) for one in facts["holidays"])
        return w.say("routing.holidays", names=names)
    if facts["country"]:
        return w.say("routing.country", country=facts["country"])
    return w.say("routing.country.none")


def routing(facts: Facts, w: Wording) -> Says:
    """Say who has which leads, and what the next round would give out."""
    yield w.say("routing.next", when=w.moment(at(facts["on"])))
    yield _holidays(facts, w)
    for one in facts["people"]:
        gets, has = one["gets"], one["has"]
        yield from (one["person"], one["person"])  # in both tables
        yield w.say(f"routing.level.{one['level']}")
        total, most = w.count(sum(gets.values())), w.count(one["per_day"])
        yield w.say("routing.of", n=total, most=most)
        opened, most = w.count(one["open"]), w.count(one["most_open"])
        yield w.say("routing.of", n=opened, most=most)
        yield from (w.count(one["waits"]), f"{one['opens'][:5]}–{one['closes'][:5]}")
        for counts in (gets, has):
            yield from (w.count(counts[name]) for name in ("hot", "warm"))
            yield w.count(counts["cold"] + counts["no_data"])
    for name in ("nurture", "drawn"):
        yield w.say(f"routing.{name}", n=w.many("leads", facts[name]))
    if facts["waiting"]:
        yield w.say("routing.waiting", n=w.many("leads", facts["waiting"]))
        for want, count in facts["lacking"].items():
            yield f"{w.say(f'routing.lack.{want}')} ({w.count(count)})"
    if facts["owned"]:
        kind = "on" if facts["applied"] else "off"
        yield w.say(f"routing.owned.{kind}", n=w.many("leads", facts["owned"]))
    called, held = w.count(facts["called"]), w.count(facts["held"])
    yield w.say("routing.arms", called=called, held=held)


def worth(score: Facts, w: Wording) -> str:
    """Say how many points both sides make."""
    return w.signed(score["fit"] + score["engagement"], 0)


def _apart(one: Facts, w: Wording) -> Says:
    lead = one["lead"]
    yield lead["lead_id"]
    score = f"({worth(lead['score'], w)}, {lead['score']['grid']})"
    yield f"{w.count(int(100 * lead['rank'] + 0.5))} {score}"
    yield f"{w.count(int(100 * lead['told'] + 0.5))} ({w.chance(lead['chance'])})"
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
    said, happened, _ = _held(proof, w)
    yield w.say(
        f"latest.{hot['verdict']}", month=w.month(latest["month"]),
        said=said, happened=happened, n=w.count(proof["count"]),
    )  # fmt: skip


def _held(proof: Facts, w: Wording) -> tuple[str, str, str]:
    low, high = proof["low"], proof["high"]
    return w.held(proof["said"], proof["happened"], low=low, high=high)


def _judged(judged: Facts, w: Wording) -> Says:
    for one in (*judged["tiers"], {**judged, "proof": judged["whole"]}):
        yield from _said(one["proof"], w, count="count")
        yield w.say(f"verdict.{one['verdict']}")


def _said(proof: Facts, w: Wording, *, count: str) -> Says:
    yield from (*_held(proof, w), w.count(proof[count]))


def model(facts: Facts, w: Wording) -> Says:
    """Say the proof of the model, what is inside it, and what it learned from."""
    version, horizon = facts["model"], facts["model"]["horizon_days"]
    yield from (version["version"], w.moment(at(version["promoted_at"])))
    yield from (version["digest"], w.chance(facts["base_rate"]))
    yield goal(horizon, w)
    yield w.many("snapshots", facts["count"])
    if facts["latest"]:
        yield from _latest(facts["latest"], w)
    for one in facts["tiers"]:
        if one["proof"]["count"]:
            yield from _said(one["proof"], w, count="count")
    for one in facts["capacity"]:
        yield from _capacity(one, w)
    yield from _measured(facts, w)
    yield from _curves(facts, w)
    yield from _inside(facts["anatomy"], facts["growing"], w)
    yield from _learned_from(facts["card"], w)
    yield from (f"({code})" for code in facts["leaks"]["probed"])
    for key in ("reliability.how", "metrics.how"):
        yield w.say(f"model.{key}")
    yield from (w.say("model.reliability"), w.say("inside.slices.how"))


def _measured(facts: Facts, w: Wording) -> Says:
    for one in facts["measures"]:
        yield from (w.metric(one["name"]), w.decimal(one["value"], 3))
        yield f"{w.decimal(one['low'], 3)} – {w.decimal(one['high'], 3)}"
        yield w.decimal(one["base"], 3) if one["base"] is not None else ""
    for one in facts["slices"]:
        yield from _slice(one["proof"], w)
    for one in facts["worths"]:
        yield w.signed(one["value"], 4)
        yield f"{w.signed(one['low'], 4)} – {w.signed(one['high'], 4)}"


def _capacity(one: Facts, w: Wording) -> Says:
    yield w.count(one["per_week"])
    if one["floored"]:
        yield w.say("capacity.floored", reached=w.decimal(one["reached"], 1))
    yield from (w.rate(one["border"]), *_held(one, w), w.rate(one["caught"]))


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
        yield from (w.span(one["low"], one["high"]), w.count(one["count"]))
    best = facts["headline"]
    yield w.say(
        "model.gain.how", part=w.rate(best["called"]), found=w.rate(best["found"]),
        lift=w.decimal(best["lift"], 1),
    )  # fmt: skip


def _inside(inside: Facts, growing: str, w: Wording) -> Says:
    yield w.say("inside.weights.how", rows=w.many("snapshots", inside["rows"]))
    shown = inside["weights"][:12]
    if len(inside["weights"]) > len(shown):
        yield w.say("inside.rest", n=len(inside["weights"]))
        shown = [*shown, *inside["weights"]]
    for one in shown:
        yield from (w.decimal(one["share"], 3), w.rate(one["part"]))
        yield f"{w.decimal(one['low'], 3)} – {w.decimal(one['high'], 3)}"
    yield w.say("inside.depend.how")
    for item in inside["dependences"]:
        yield item["words"][w.language]
        for spot in filter(None, (*item["spots"], item["absent"])):
            yield from (spot["words"][w.language], w.signed(spot["share"], 2))
            yield f"{w.signed(spot['low'], 2)} – {w.signed(spot['high'], 2)}"
            yield w.count(spot["count"])
    if inside["tried"]:
        yield w.say("inside.pairs.how", tried=inside["tried"])
    yield from _growth(inside["growth"], growing, w)


def _growth(growth: Facts, growing: str, w: Wording) -> Says:
    gains = {key: w.decimal(growth[key], 4) for key in ("gain", "low", "high")}
    yield w.say(f"growing.{growing}", **gains)
    for step in growth["steps"]:
        yield from (w.many("leads", step["leads"]), w.count(step["rows"]))
        yield from (w.decimal(step["logloss"], 4), w.decimal(step["auc"], 3))


def _learned_from(data: Facts, w: Wording) -> Says:
    yield from (w.count(data["leads"]), w.count(data["conversions"]))
    yield from (w.date(data["first_lead"]), w.date(data["cut_off"]))
    for name in ("events", "stages", "payments", "field_changes"):
        yield w.count(data["rows"][name])
    delays = dict(data["maturity"]["quantiles"])
    yield from (w.days(delays[50]), w.days(delays[90]))
    yield w.count(sum(count for _, count in data["censored"]))
    for group in data["groups"]:
        yield from (group["pipeline"], group["source"])
        yield from (w.count(group["leads"]), w.rate(group["rate"]))
