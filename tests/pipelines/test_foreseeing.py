"""Forecast, proof and routing by command, over a small company with a playbook."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
import structlog
from tests.model.invented_history import invented_history
from tests.pipelines.small import CONFIG, exported
from typer.testing import CliRunner, Result

from leads.history import History
from leads.journal import Journal
from leads.settings import Routing, Settings, read_settings
from model.backtest.months import month_model
from model.backtest.rehearsal import spans
from model.backtest.replay import Step, replay
from model.backtest.weeks import ROWS, strike_replayed
from model.distance.shelf import FORECAST, PROOF, kept
from model.promotion import champion
from model.training import train
from pipelines.__main__ import app
from pipelines.ingest import stored
from pipelines.lookback import look_back
from pipelines.routing import route_morning
from playbook.routed import arms_of
from serve.vocabulary import playbook_of

GIVING = """
[playbook]
file = "playbook.yaml"
[criteria]
right_budget = "budget"
[routing]
random = 0.5
[[routing.person]]
id = "A"
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
opens = 00:00:00
closes = 23:59:59
"""
BOOK = """
playbook: 1
title: {en: Test, ru: Проба}
branches:
  - when: {customer: returning}
    plan: paid
  - when: {source: friend}
    plan: call
  - when: {right_budget: true, source: web}
    plan: later
  - else: write
plans:
  paid:
    segment: {en: Paid, ru: Оплатили}
    steps: [{en: Thank, ru: Благодарить}]
  call:
    segment: {en: Friends, ru: Друзья}
    steps: [{en: Call, ru: Звонить}]
    task: {type: call, for: owner, within: 1d}
  later:
    segment: {en: Web, ru: Сайт}
    steps: [{en: Call later, ru: Звонить позже}]
    task: {type: call, for: owner, within: 2d}
  write:
    segment: {en: Others, ru: Прочие}
    steps: [{en: Write, ru: Писать}]
    task: {type: mail, for: owner, within: 3d}
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the small company with its stages, and promote a model of it."""
    folder = tmp_path_factory.mktemp("foreseeing")
    tables = invented_history(leads=600).tables
    export = exported(tables, folder / "export")
    came = tables.leads.select("lead_id", at="created_at", stage=pl.lit("new"))
    went = came.with_columns(pl.col("at") + pl.duration(hours=12), stage=pl.lit("talk"))
    pl.concat([came, went]).write_csv(export / "stages.csv")
    (folder / "company.toml").write_text(CONFIG + GIVING)
    (folder / "playbook.yaml").write_text(BOOK, encoding="utf-8")
    path = folder / "company.toml"
    settings = read_settings(path)
    history, _ = stored(settings)
    bundle = train(history, settings, workdir=folder / "work").bundle
    now = datetime(2026, 1, 1, tzinfo=UTC)
    champion.set_champion(settings.store.folder, bundle.path, "1", now)
    return path


def run(config: Path, *words: str) -> Result:
    """Run a verb as from the command line."""
    done = CliRunner().invoke(app, [*words, "-c", str(config)], terminal_width=200)
    assert done.exit_code == 0, done.output
    return done


def seen(config: Path) -> tuple[Settings, History, str]:
    """Open the settings and what was stored."""
    settings = read_settings(config)
    history, digest = stored(settings)
    return settings, history, digest


def test_the_forecast_ends_and_goes_on_from_what_was_trained(
    config: Path, tmp_path: Path
) -> None:
    """Months are told one by one; the same facts are printed, kept and written."""
    twin = tmp_path / "forecast.json"
    asked = ("funnel", "forecast", "--months", "3", "--json", str(twin))

    first = run(config, *asked)

    for part in ("1 of 3", "3 of 3"):
        assert part in first.stderr
    for part in ("Distance to the deal", "new: 25 %", "against what was sold", "held"):
        assert part in first.stdout
    settings, _, _ = seen(config)
    facts = json.loads(twin.read_text())
    assert facts == kept(settings.store.folder, FORECAST)
    assert len(list((settings.store.folder / "months").iterdir())) == 3
    assert {one["question"] for one in facts["checked"]} >= {"right_budget"}
    run(config, *asked)
    assert json.loads(twin.read_text()) == facts


def test_back_test_and_forecast_share_their_months(config: Path) -> None:
    """Whoever comes second trains nothing, nor does a later ingest of the same past."""
    settings, history, _ = seen(config)
    run(config, "backtest", "--months", "3")
    (span, *_) = spans(history, settings, 3)
    there = {
        one: one.stat().st_ino for one in (settings.store.folder / "months").iterdir()
    }
    said: list[str] = []

    made = month_model(history.until(span.start), settings, say=said.append)

    assert made.kept
    assert said == ["Taking the model that was trained before"]
    assert "points:" in made.points
    assert len(there) == 3


def test_a_month_without_leads_enough_has_no_rows_and_says_why(config: Path) -> None:
    """The others are there, oldest first, with the columns that are promised."""
    settings, history, digest = seen(config)
    steps: list[Step] = []

    rows = replay(history, settings, months=5, data_digest=digest, watch=steps.append)

    assert dict(rows.schema) == dict(ROWS)
    assert rows["month"].is_sorted()
    assert {one.of for one in steps} == {steps[-1].done}
    weeks = rows.group_by("month").agg(pl.col("moment").n_unique())["moment"]
    assert weeks.max() == 4
    late = rows.filter(pl.col("moment") < pl.col("created_at"))
    assert late.is_empty()


def test_proof_holds_the_playbook_against_the_others(config: Path) -> None:
    """Its leaves that call come first; orders and points are there, with intervals."""
    done = run(config, "funnel", "proof", "--months", "3", "--calls", "10")

    for part in ("10 calls a week", "playbook", "points", "most deals: "):
        assert part in done.stdout
    settings, _, _ = seen(config)
    facts = kept(settings.store.folder, PROOF)
    assert facts is not None
    first = facts["benefits"][0]
    orders = {one["order"]: one for one in first["orders"]}
    assert first["standard"] == "plan"
    assert first["per_week"] == 10
    assert {"plan", "points", "ours", "stage", "arrival"} <= orders.keys()
    assert orders["plan"]["more_deals"] is None
    # Friends pay most of all, and the playbook calls them first.
    assert orders["plan"]["deals"] > orders["arrival"]["deals"]


def test_what_the_playbook_would_have_said_is_what_it_says_of_each(
    config: Path,
) -> None:
    """Leaves stand in the order of the file, and only they that call say so."""
    settings, history, digest = seen(config)
    book = playbook_of(settings, history)
    past = replay(history, settings, months=3, data_digest=digest, watch=print)

    said = look_back(
        history, settings, past, playbook=book, data_digest=digest, watch=print
    )

    sources = history.tables.leads.select("lead_id", "source")
    found = said.join(sources, on="lead_id").group_by("source").agg(
        pl.col("leaf", "calls").unique()
    )  # fmt: skip
    told = {row[0]: (row[1], row[2]) for row in found.iter_rows()}
    # In the first leaf stands nobody: all who paid since were still to pay then.
    assert told == {
        "friend": ([1], [True]),
        "web": ([2], [True]),
        "ads": ([3], [False]),
    }
    assert said["points"].null_count() == 0
    assert said.height == past.height
    folder = settings.store.folder
    gone = strike_replayed(folder, [str(past["lead_id"][0])])
    assert gone >= 2


def test_routes_are_simulated_then_kept_then_stay(config: Path) -> None:
    """A simulation keeps nothing; a round does; the next one has nothing new."""
    run(config, "score")
    settings, _, _ = seen(config)

    tried = run(config, "playbook", "route", "--simulate", "--on", "2025-07-01T09:00")
    with closing(Journal(settings.store.database)) as journal:
        assert not arms_of(journal)
    made = run(config, "playbook", "route")
    again = run(config, "playbook", "route")

    assert "nothing: a simulation" in tried.stdout
    assert "new routes" in made.stdout
    assert "kept     0 new routes" in again.stdout
    with closing(Journal(settings.store.database)) as journal:
        assert {one.arm for one in arms_of(journal)} <= {"random", "held"}


def test_the_morning_gives_out_what_it_predicted_once(config: Path) -> None:
    """Repeating the step writes nothing down; without people it says so."""
    run(config, "score")
    settings, _, _ = seen(config)
    now = datetime(2026, 3, 2, 7, tzinfo=UTC)
    nobody = settings.model_copy(update={"routing": Routing()})

    structlog.reset_defaults()  # it wrote to a terminal that is closed

    route_morning(settings, now=now)
    again = route_morning(settings, now=now)

    assert again["route"].endswith("; 0 new routes")
    assert route_morning(nobody, now=now) == {
        "route": "nobody is listed to give leads to"
    }


@pytest.mark.parametrize("words", [["--on", "2025-07-01"], ["--as-applied"]])
def test_what_is_only_for_a_simulation_is_refused_without(
    config: Path, words: list[str]
) -> None:
    """The option and the way out are named."""
    asked = ["playbook", "route", "-c", str(config), *words]

    done = CliRunner().invoke(app, asked)

    assert done.exit_code == 2
    assert f"{words[0]}: is only for --simulate" in done.stderr
