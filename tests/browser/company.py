"""A whole service of a company with data enough for all that a page can show."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.serve import example
from tests.serve.company import START, invented_tables, learned, settings_in

from leads import store
from leads.history import History
from leads.journal import Journal
from leads.lead import microseconds
from leads.runs import Runs
from leads.settings import Daily, Person, PlaybookFile, Routing, Settings
from leads.tables import Tables
from model.backtest.outcomes import keep_backtest
from model.examples.labels import funnel_of
from model.examples.snapshots import take
from model.promotion import champion
from model.reasons.past import gather
from model.reasons.similar import write_past
from model.survey.datacard import describe
from pipelines.score import score_open
from serve.app import create_app

NOW = datetime(2026, 6, 2, 12, tzinfo=UTC)
LEADS = 700
"""As many as the model needs to learn interval, curve and money."""

KNOWN = 94
"""Days of the company's life that are known; leads come for 96."""

MORNINGS = ((7, date(2026, 6, 1)), (0, date(2026, 6, 2)))
"""How many days before the cut-off each morning's run looked, and its date."""

PATIENCE = 20.0
PLAYBOOK = """\
playbook: 1
title: {ru: Схема, en: Chart}
points:
  fit:
    borders: [30, 20, 10]
    groups:
      company:
        most: 25
        items:
          - {when: {card.size: {at_least: 10}}, points: 20,
             title: {ru: Крупные, en: Big}}
          - {when: {card.city: Omsk}, points: 10}
  engagement:
    borders: [10, 5, 0]
    groups:
      site:
        items:
          - {event: visit, points: 8, half_life: 2d, within: 5d, most: 10,
             title: {ru: Визиты, en: Visits}}
branches:
  - when: {tier: [hot, warm]}
    plan: talk
  - when: {stage: offered, events.visit: {at_least: 1, within: 30d}}
    plan: offer
  - else: others
plans:
  talk:
    segment: {ru: Разговор, en: A talk}
    steps: [{ru: Позвонить сегодня, en: Call today}]
    questions: [{ru: Кто решает?, en: Who decides?}]
    task: {type: call, within: 4h}
  offer: {segment: {ru: Предложение, en: Offer}, steps: [{ru: Напомнить, en: Remind}]}
  others: {segment: {ru: Прочие, en: Rest}, steps: [{ru: Письмо, en: Mail}],
           automatic: true}
"""


@dataclass(frozen=True)
class Live:
    """A whole service on this machine, and open leads that it predicted twice."""

    address: str
    api: TestClient
    leads: tuple[str, ...]
    settings: Settings

    def said(self, path: str) -> Any:
        """Ask the API."""
        answer = self.api.get(f"/v1{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def moved_most(self) -> str:
        """Choose the open lead whose chance moved most since the morning before."""
        rows = self.said("/today")["rows"]
        told = [row for row in rows if row["moved"] is not None]
        return str(max(told, key=lambda row: abs(row["moved"]))["lead_id"])

    def page(self, lead_id: str, language: str = "en") -> str:
        """Give the address of a lead's page."""
        return f"{self.address}/leads/{lead_id}?lang={language}"


@contextmanager
def opened_company(folder: Path) -> Iterator[Live]:
    """Learn, look back, run two mornings, and serve."""
    settings = _settings(folder)
    tables = _owned(_while_leads_come(invented_tables(LEADS)))
    store.save(tables, settings.store.folder)
    bundle, history = learned(tables, settings, folder / "work"), History(tables)
    funnel = funnel_of(history, settings)
    taken = take(history, settings, funnel=funnel)
    describe(history, settings, taken, funnel).save(settings.store.folder)
    champion.set_champion(settings.store.folder, bundle.path, "1", NOW)
    write_past(gather(bundle, history, settings), settings.store.folder)
    keep_backtest(settings.store.folder, example.backtest(), set())
    app = create_app(settings, now=lambda: NOW)
    with TestClient(app) as api, serving(app) as address:
        _run_mornings(settings, tables.cut_off)
        rows = api.get("/v1/today").json()["rows"]
        twice = tuple(row["lead_id"] for row in rows if row["moved"] is not None)
        yield Live(address, api, twice, settings)


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Serve an app on a free port of this machine; give its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        config = uvicorn.Config(app, log_level="warning", ws="none", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        until = time.monotonic() + PATIENCE
        while not server.started:
            assert time.monotonic() < until, "the pages were not served in time"
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True
        thread.join(PATIENCE)


def _settings(folder: Path) -> Settings:
    book = folder / "playbook.yaml"
    book.write_text(PLAYBOOK, encoding="utf-8")
    people = (
        Person(id="m1", level="leading", per_day=5),
        Person(id="m2", level="consultant", per_day=4),
    )
    return settings_in(folder).model_copy(
        update={
            "playbook": PlaybookFile(file=book),
            "daily": Daily(calls=9),
            "routing": Routing(person=people, random=0.1),
        }
    )


def _while_leads_come(tables: Tables) -> Tables:
    """Know them as of a day on which new leads still come, so that some are hot."""
    return History(tables).until(microseconds(START + timedelta(days=KNOWN))).tables


def _owned(tables: Tables) -> Tables:
    """Part the leads among three managers and nobody."""
    owner = pl.int_range(pl.len()) % 4
    names = {0: "m1", 1: "m2", 2: "m3", 3: None}
    leads = tables.leads.with_columns(
        owner=owner.replace_strict(names, return_dtype=pl.String)
    )
    return replace(tables, leads=leads)


def _run_mornings(settings: Settings, cut_off: datetime) -> None:
    """Do what ``daily`` does of a date, but for reading the source anew."""
    with closing(Journal(settings.store.database)) as journal:
        runs = Runs(journal)
        for back, day in MORNINGS:
            as_of = cut_off - timedelta(days=back)
            run = runs.claim(day)
            assert run is not None
            after = str(journal.mark()[0])
            run = runs.complete(run, ingest="", as_of=as_of.isoformat(), after=after)
            score_open(settings, None, as_of=as_of, now=NOW - timedelta(days=back))
            runs.finish(runs.complete(run, score="done"))
