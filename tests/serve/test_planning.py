"""The playbook at work: over a company's past, in its service, on its page."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from tests.serve.conftest import Company
from tests.serve.markup import read
from tests.serve.service import config_of
from typer.testing import CliRunner

from crm.hearing.fresh import Fresh
from crm.writeback.guidance import Guidances
from leads.decision import Prediction, Tier
from leads.errors import Unavailable
from leads.journal import Journal
from leads.lead import Event, StageChange, microseconds
from leads.settings import Crm, PlaybookFile, Settings
from model.examples.snapshots import take
from pipelines.__main__ import app as command_line
from pipelines.playbook import Opened, try_playbook
from pipelines.score import score_open
from playbook.ledger import kept_plans, planned_counts
from serve.app import create_app
from serve.bulk import Model
from serve.planning import Planning
from serve.tryout import past_cases, past_ground
from serve.vocabulary import playbook_of

NOW = datetime(2026, 6, 2, 9, tzinfo=UTC)
HEARD = Crm(kind="bitrix24", account="acme", hear=True)
TEXT = """\
playbook: 1
title: {ru: Схема, en: Chart}
branches:
  - when: {tier: [hot, warm]}
    plan: talk
  - when: {stage: offered, events.visit: {at_least: 1, within: 30d}}
    plan: offer
  - else: others
plans:
  talk: {segment: Разговор, steps: [Позвонить], task: {type: call, within: 4h}}
  offer: {segment: Предложение, steps: [Напомнить]}
  others: {segment: Остальные, steps: [Письмо], automatic: true}
"""


@pytest.fixture
def settings(company: Company, tmp_path: Path) -> Settings:
    """Configure a playbook, and a journal of one test's own."""
    path = tmp_path / "playbook.yaml"
    path.write_text(TEXT, encoding="utf-8")
    apart = company.apart(tmp_path)
    store = apart.store.model_copy(update={"folder": company.settings.store.folder})
    return apart.model_copy(
        update={"playbook": PlaybookFile(file=path), "store": store}
    )


def test_past_leads_are_those_the_model_never_learned_from(
    company: Company, settings: Settings
) -> None:
    """Every judged moment is newer than the learning, and has an outcome."""
    model, history = Model.of(settings), company.history
    since = model.bundle.manifest.learned_until
    assert since is not None

    ground = past_ground(history, settings, model)
    cases = list(
        past_cases(ground, model, playbook_of(settings, history), progress=len_of)
    )

    snapshots = take(history, settings)
    later = snapshots.filter(snapshots["moment"] >= since, snapshots["mature"])
    assert 0 < len(cases) <= len(later)
    assert ground.rows["moment"].min() >= since  # type: ignore[operator]  # integers
    labels = ground.rows["label"].to_list()
    assert [case.converted for case in cases] == labels


def len_of(_: int) -> None:
    """Stand where nobody watches."""


def test_a_run_decides_on_every_open_lead_and_again_when_the_file_changes(
    settings: Settings,
) -> None:
    """The next run takes the new file, though no prediction is new."""
    assert settings.playbook is not None
    done = score_open(settings, None, as_of=None, now=NOW)
    with closing(Journal(settings.store.database)) as journal:
        first = planned_counts(journal)
        text = TEXT.replace("[hot, warm]", "[hot]")
        settings.playbook.file.write_text(text, encoding="utf-8")
        score_open(settings, None, as_of=None, now=NOW)
        second = planned_counts(journal)

    assert sum(first.values()) == sum(second.values()) == done.tiers.total()
    assert {book for book, _ in first}.isdisjoint(book for book, _ in second)


def test_a_file_with_faults_leaves_the_last_good_one_at_work(
    company: Company, settings: Settings
) -> None:
    """A typing error in the morning stops no prediction and changes no plan."""
    assert settings.playbook is not None
    history = company.history
    planning = Planning(settings, lambda: history, now=lambda: NOW)
    before = planning.current()
    settings.playbook.file.write_text("playbook: [", encoding="utf-8")
    after = planning.current()

    assert before is not None
    assert after is not None
    assert after.playbook == before.playbook


def test_the_card_and_the_page_say_what_was_decided(settings: Settings) -> None:
    """The next step on a card and the numbers on the page are the playbook's."""
    score_open(settings, None, as_of=None, now=NOW)
    with closing(Journal(settings.store.database)) as journal:
        best = journal.ranking()[0][0]
        counts = planned_counts(journal)
        plan = kept_plans(journal, [best])[best].plan
    with TestClient(create_app(settings)) as client:
        card = client.get(f"/v1/leads/{best}/card").json()["text"]
        page = client.get("/playbook?lang=en").text

    assert plan == "talk"
    assert card.endswith("Дальше: Позвонить")
    text = " ".join(read(page).texts)
    assert "Chart" in text
    for number in counts.values():
        assert f"now: {number:,} lead" in text


def test_the_page_without_a_playbook_says_how_to_get_one(
    company: Company, tmp_path: Path
) -> None:
    """Nothing configured is no error of the service."""
    with TestClient(create_app(company.apart(tmp_path))) as client:
        answer = client.get("/playbook?lang=en")

    assert answer.status_code == 404
    assert "[playbook] file" in answer.text


def test_the_verbs_show_check_test_and_compare(
    settings: Settings, tmp_path: Path
) -> None:
    """Each verb ends with 0 on a good file and 2 on a bad one, saying what is wrong."""
    config = str(config_of(settings, tmp_path))
    new = tmp_path / "new.yaml"
    new.write_text(TEXT.replace("[hot, warm]", "hot"), encoding="utf-8")
    bad = tmp_path / "bad.yaml"
    bad.write_text(TEXT.replace("tier:", "tear:"), encoding="utf-8")
    run = CliRunner().invoke

    def said(*words: str) -> tuple[int, str]:
        done = run(command_line, ["playbook", *words, "--config", config])
        return done.exit_code, done.output

    assert said("show", "--as", "mermaid")[1].startswith("flowchart TD")
    assert said("show", "--as", "svg", "--narrow")[1].startswith("<svg")
    code, words = said("check")
    assert (code, words.split()[:3]) == (0, ["good", "3", "plans,"])
    code, words = said("check", str(bad))
    assert code == 2
    assert "line 4, column 12: there is no fact 'tear'" in " ".join(words.split())
    code, words = said("diff", str(new), "--to", str(tmp_path / "moved.csv"))
    assert code == 0
    assert "get another plan" in words
    rows = (tmp_path / "moved.csv").read_text().splitlines()
    assert rows[0] == "lead_id,before,after,probability"
    assert len(rows) > 1


def test_a_trial_counts_every_open_lead_and_is_kept_for_the_page(
    settings: Settings, tmp_path: Path
) -> None:
    """What the test found stands beside the plans of the very version it tried."""
    opened = Opened.of(config_of(settings, tmp_path), None)

    done, why = try_playbook(opened, now=NOW, say=None)

    assert why == ""
    assert done.past > 0
    assert done.open_leads == sum(leaf.open_leads for leaf in done.leaves) > 0
    with TestClient(create_app(settings)) as client:
        page = " ".join(read(client.get("/playbook?lang=en").text).texts)
    assert f"on {done.past:,} lead" in page


def test_a_changed_file_is_offered_to_the_cards_with_the_decision_or_not_at_all(
    company: Company, settings: Settings
) -> None:
    """What cannot be offered is not decided either; what can is offered once."""
    assert settings.playbook is not None
    done = score_open(settings, None, as_of=None, now=NOW)
    text = TEXT.replace("[hot, warm]", "[hot]")
    settings.playbook.file.write_text(text, encoding="utf-8")
    planning = Planning(settings, lambda: company.history, now=lambda: NOW)
    offered: list[Guidances | None] = []

    def offers(
        connection: sa.Connection,
        predictions: Sequence[Prediction],
        guidances: Guidances | None = None,
    ) -> None:
        del connection, predictions
        offered.append(guidances)
        if len(offered) == 1:
            raise Unavailable("The cards are away.", remedy="Ask again.")

    with closing(Journal(settings.store.database)) as journal:
        before = planned_counts(journal)
        with pytest.raises(Unavailable):
            list(planning.renewed(iter([done.best]), journal, offers))
        after = planned_counts(journal)
        for _ in range(2):
            list(planning.renewed(iter([done.best]), journal, offers))

    assert after == before
    assert len(offered) == 2
    assert offered[1] is not None
    assert set(offered[1]) == {made.lead_id for made in done.best}


def plans_of(journal: Journal, made: Sequence[Prediction]) -> dict[str, str]:
    """Name the plan of each lead that has one."""
    kept = kept_plans(journal, [one.lead_id for one in made])
    return {lead_id: decided.plan for lead_id, decided in kept.items()}


def test_a_lead_is_planned_by_what_the_same_look_showed(
    company: Company, settings: Settings
) -> None:
    """Who was moved, or came, after the ingest gets the plan of where it stands now."""
    heard = settings.model_copy(update={"crm": HEARD})
    planning = Planning(heard, lambda: company.history, now=lambda: NOW)
    done = score_open(settings, None, as_of=None, now=NOW)
    cold = [one for one in done.best if one.tier is Tier.COLD]
    made = [replace(one, as_of=NOW, tier=Tier.COLD) for one in (cold or done.best)[:1]]
    at = microseconds(NOW) - 1
    ingested = company.history.lead(made[0].lead_id)
    place = StageChange(at, at, ingested.pipeline, "offered")
    visit = Event(at, at, "visit", None, None)
    moved = replace(ingested, stages=(place,), events=(*ingested.events, visit))
    newcomer = replace(moved, lead_id="newcomer", created_at=at, recorded_at=at)
    made.append(replace(made[0], lead_id="newcomer"))

    with closing(Journal(heard.store.database, also=planning.also(None))) as journal:
        fresh = Fresh(journal, HEARD.account)
        journal.record(made, made_at=NOW, channel="api")
        before = plans_of(journal, made)

        def look(connection: sa.Connection, _: Sequence[Prediction]) -> None:
            fresh.put_in(connection, [moved, newcomer], seen_at=microseconds(NOW))

        journal.record(made, made_at=NOW, channel="hook", also=look)
        after = plans_of(journal, made)

    assert before == {moved.lead_id: "others"}
    assert after == {moved.lead_id: "offer", "newcomer": "offer"}


def test_a_lead_s_plan_stands_on_today_in_files_and_on_its_page(
    settings: Settings,
) -> None:
    """The same next step and deadline everywhere; the page says how it came."""
    score_open(settings, None, as_of=None, now=NOW)
    with closing(Journal(settings.store.database)) as journal:
        best = journal.ranking()[0][0]
        kept = kept_plans(journal, [best])[best]
    with TestClient(create_app(settings)) as client:
        page = " ".join(read(client.get(f"/leads/{best}?lang=en").text).texts)
        today = " ".join(read(client.get("/?lang=en").text).texts)
        file = client.get("/leads.csv?lang=en").text.splitlines()

    assert kept.due_at is not None
    assert "What to do next" in page
    assert "Tier: hot or warm yes" in page
    assert kept.playbook[:12] in page
    assert "Next: Call: Позвонить (by 2 Jun 2026" in today.replace("\u00a0", " ")
    assert '"What to do"' in file[0]
    assert '"Call: Позвонить","2026-06-02 ' in file[1]
