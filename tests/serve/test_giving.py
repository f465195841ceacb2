from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.crm.writeback.saying import said
from tests.serve.company import START, invented_tables, settings_in

from crm.writeback.outbox import Outbox, Terms
from leads.decision import Override, Tier
from leads.errors import BadConfig
from leads.history import History, microseconds
from leads.journal import Journal
from leads.overruling import overrule
from leads.settings import Crm, Routing, Settings
from model.examples.labels import funnel_of, label
from model.examples.snapshots import open_leads
from playbook.routed import keep_routes
from playbook.routing import GIVEN, Route
from serve.giving import (
    Giving,
    give_out,
    heldout_of,
    holidays_until,
    keep_giving,
    next_round,
)

MONDAY = datetime(2026, 5, 4, 7, tzinfo=UTC)
SUNDAY = datetime(2026, 5, 3, 7, tzinfo=UTC)
PEOPLE = [
    {"id": "7", "level": "leading", "per_day": 99},
    {"id": "8", "per_day": 99}, {"id": "9", "per_day": 99},
]  # fmt: skip


@dataclass
class Morning:
    """A company whose open leads were predicted, and its settings of routing."""

    settings: Settings
    journal: Journal
    history: History
    leads: list[str]

    def routing(self, **asked: Any) -> None:
        """Set [routing]."""
        made = Routing.model_validate({"person": PEOPLE, **asked})
        self.settings = self.settings.model_copy(update={"routing": made})

    def company(self, **asked: Any) -> None:
        """Change [company]."""
        made = self.settings.company.model_copy(update=asked)
        self.settings = self.settings.model_copy(update={"company": made})

    def given(self, now: datetime = MONDAY) -> Giving:
        """Give out."""
        return give_out(self.settings, self.journal, self.history, now=now)

    def kept(self, now: datetime = MONDAY) -> int:
        """Give out, and keep it."""
        return keep_giving(self.settings, self.journal, self.given(now), now=now)

    def owned_by(self, owners: dict[str, str]) -> None:
        """Let leads have owners in the data; whoever is not named has none."""
        tables = self.history.tables
        names = [owners.get(one) for one in tables.leads["lead_id"]]
        column = pl.Series("owner", names, dtype=pl.String)
        self.history = History(replace(tables, leads=tables.leads.with_columns(column)))


@pytest.fixture
def morning(tmp_path: Path) -> Iterator[Morning]:
    """Predict twelve open leads: four hot, four warm, four cold."""
    tables = invented_tables(60)
    renamed = {
        name: getattr(tables, name).with_columns(
            pl.col("lead_id").str.replace("L0*", "9").alias("lead_id")
        )
        for name in ("leads", "events", "stages", "payments", "field_changes")
    }
    tables = replace(
        tables, **{n: f.sort(f.columns[: 2]) if n != "leads" else f.sort("lead_id")
                   for n, f in renamed.items()},
    )  # fmt: skip
    history = History(tables)
    settings = settings_in(tmp_path)
    leads = open_leads(history, settings)["lead_id"].to_list()[:12]
    with closing(Journal(settings.store.database)) as journal:
        journal.upgrade()
        tiers = [Tier.HOT, Tier.WARM, Tier.COLD] * 4
        made = [said(one, t) for one, t in zip(leads, tiers, strict=True)]
        journal.record(made, made_at=MONDAY, channel="score")
        opened = Morning(settings, journal, history, leads)
        opened.routing(random=0.0, learn=0.0)
        opened.owned_by({})
        yield opened


def by_lead(given: Giving) -> dict[str, Route]:
    """Give routes by lead."""
    return {one.lead_id: one for one in given.routes}


def test_what_was_predicted_is_given_out_once(morning: Morning) -> None:
    """Who was given a lead keeps it on the next day; the cold ones stay apart."""
    first = morning.given()
    assert Counter(r.kind for r in first.routes) == {"given": 8, "nurture": 4}
    hot = [r.person for r in first.routes if r.tier is Tier.HOT]
    assert set(hot) == {"7"}
    assert morning.kept() == 12

    again = morning.given(MONDAY.replace(hour=8))

    assert morning.kept(MONDAY.replace(hour=8)) == 0
    assert {r.kind for r in again.routes} == {"nurture"}
    assert again.stays == {"7": 4, "8": 2, "9": 2}


def test_another_tier_gives_a_lead_out_anew(morning: Morning) -> None:
    """A person's word on the tier counts, too."""
    morning.kept()
    warm = morning.leads[1]
    overrule(morning.journal, Override(warm, Tier.HOT, "V.", MONDAY, None))

    found = by_lead(morning.given())[warm]

    assert (found.kind, found.person, found.tier) == ("given", "7", Tier.HOT)


def test_switched_on_it_leaves_alone_whom_a_person_chose(morning: Morning) -> None:
    """Owners stay with their leads and count as load; proposals heed them not."""
    hot = morning.leads[0]
    morning.owned_by({hot: "8", morning.leads[3]: "77"})
    assert by_lead(morning.given())[hot].kind == "given"
    assert morning.given().owned == 2

    morning.routing(apply=True, random=0.0, learn=0.0)

    found = by_lead(morning.given())
    assert (found[hot].kind, found[hot].person) == ("kept", "8")
    assert found[morning.leads[3]].person == "77"


def test_an_owner_who_is_no_one_or_ours_is_replaced(morning: Morning) -> None:
    """A form's account is nobody; whom we put there goes when the tier changes."""
    hot, warm = morning.leads[:2]
    morning.routing(apply=True, nobody=["1"], random=0.0, learn=0.0)
    morning.owned_by({hot: "1"})
    assert by_lead(morning.given())[hot].kind == "given"
    morning.kept()
    ours = by_lead(morning.given()).get(warm)
    assert ours is None
    morning.owned_by({warm: "9", hot: "9"})
    overrule(morning.journal, Override(hot, Tier.WARM, "V.", MONDAY, None))

    found = by_lead(morning.given())

    assert found[hot].kind == "kept"  # "7" was ours, so a person chose "9"
    morning.kept()
    morning.owned_by({hot: "7"})
    overrule(morning.journal, Override(hot, Tier.HOT, "V.", MONDAY, None))
    assert by_lead(morning.given())[hot].kind == "kept"


def test_routes_reach_cards_only_where_it_is_switched_on(morning: Morning) -> None:
    """The card may replace nobody, the form's account, and whom we put there before."""
    crm = Crm(kind="bitrix24", account="acme")
    morning.settings = morning.settings.model_copy(update={"crm": crm})
    outbox = Outbox(morning.journal, "acme", Terms(MONDAY - SUNDAY))
    morning.kept()
    assert not outbox.due(99)

    morning.routing(apply=True, nobody=["1"], random=0.0, learn=0.0)
    hot = morning.leads[0]
    overrule(morning.journal, Override(hot, Tier.WARM, "V.", MONDAY, None))
    morning.kept()

    (claim,) = outbox.due(99)
    wanted = claim.decision.assignment
    assert wanted is not None
    assert claim.entity == f"lead:{hot}"
    assert wanted.person in {"8", "9"}
    assert wanted.instead_of == ("1", "7")


def test_the_next_round_is_a_morning_on_which_somebody_works(morning: Morning) -> None:
    """From Friday noon on it is Monday at seven, on the company's clock."""
    friday = datetime(2026, 5, 1, 12, tzinfo=UTC)

    found = next_round(morning.settings, friday)

    assert found == datetime(2026, 5, 4, 4, tzinfo=UTC)
    assert {r.kind for r in morning.given(SUNDAY).routes} == {"waits", "nurture"}


def test_after_a_long_holiday_the_next_round_is_its_first_working_day(
    morning: Morning,
) -> None:
    """Russia's New Year takes twelve days; who has duty gets their leads before."""
    eve = datetime(2025, 12, 30, 12, tzinfo=UTC)
    morning.company(country="RU")

    found = next_round(morning.settings, eve)

    assert found == datetime(2026, 1, 12, 4, tzinfo=UTC)
    named = holidays_until(morning.settings, eve, found)
    names = [one["ru"] for one in named]
    assert len(set(names)) == len(names)
    assert {"Новогодние каникулы", "Рождество Христово"} <= set(names)
    morning.routing(person=[*PEOPLE, {"id": "10", "holidays": True}])
    assert next_round(morning.settings, eve).day == 31


def test_a_country_whose_holidays_nobody_knows_is_refused(morning: Morning) -> None:
    """The key is named, and what a code looks like; a region must be one of it."""
    morning.company(country="XX")
    with pytest.raises(BadConfig, match=r"\[company\] country = 'XX'"):
        morning.given()
    morning.company(country="DE", region="ZZ")
    with pytest.raises(BadConfig, match=r"region = 'ZZ' is none of DE.*BY"):
        morning.given()


def test_a_field_that_is_not_there_is_named(morning: Morning) -> None:
    """The key and what there is instead are said; so is an empty list of people."""
    morning.routing(skill_field="trade")
    with pytest.raises(BadConfig, match="skill_field = 'trade'"):
        morning.given()
    morning.routing(person=[])
    with pytest.raises(BadConfig, match="Nobody is listed"):
        morning.given()


def test_what_a_lead_needs_is_read_off_its_card(morning: Morning) -> None:
    """Of two who may have warm leads the one who knows the city gets its leads."""
    people = [{"id": "8", "skills": ["Москва"], "per_day": 99}]
    morning.routing(person=people, skill_field="city", random=0.0, learn=0.0)
    cards = dict(morning.history.tables.leads.select("lead_id", "city").iter_rows())

    for one in morning.given().routes:
        if one.kind in GIVEN:
            assert cards[one.lead_id] == "Москва"
        elif one.tier is not Tier.COLD:
            assert one.lacking == ("skill",)


def test_what_calls_changed_is_told_of_whom_the_journal_drew(tmp_path: Path) -> None:
    """Of those called every second one pays, of the others as many as usual do."""
    history, settings = History(invented_tables(300)), settings_in(tmp_path)
    long = settings.conversion.model_copy(update={"horizon_days": 80})
    settings = settings.model_copy(update={"conversion": long})
    early = START + timedelta(days=1)
    at = microseconds(early)
    ids = history.leads.filter(pl.col("created_at") < at + 40 * 86_400_000_000)
    moments = ids.select("lead_id", moment=pl.lit(at))
    judged = label(history, settings, moments, funnel_of(history, settings))
    paid = judged.filter("label")["lead_id"].to_list()
    others = judged.filter(~pl.col("label"))["lead_id"].to_list()
    called = [*paid, *others[: len(paid)]]
    with closing(Journal(settings.store.database)) as journal:
        journal.upgrade()
        assert heldout_of(settings, journal, history) is None
        arms = {**dict.fromkeys(others, "held"), **dict.fromkeys(called, "random")}
        routes = [
            Route(one, Tier.COLD, "nurture" if arm == "held" else "random", low_arm=arm)
            for one, arm in arms.items()
        ]
        keep_routes(journal, routes, salt="s", now=early)
        late = [Route(paid[0], Tier.HOT, "given", "8")]
        keep_routes(journal, late, salt="s", now=early + timedelta(days=2))

        found = heldout_of(settings, journal, history)

    assert found is not None
    assert (found.called, found.called_deals) == (len(called), len(paid))
    assert (found.held_deals, found.waiting) == (0, 0)
    assert found.difference == pytest.approx(0.5)
    assert found.low is not None
    assert found.low > 0
