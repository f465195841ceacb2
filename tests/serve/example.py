"""A small company for the pages to show: leads, predictions and a proof, from a seed.

Nothing here is measured; it only has the shape of what the other parts make.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import polars as pl

from leads.decision import Prediction, Reason, Tier, probability_of
from leads.errors import NoModel
from leads.history import History, microseconds
from leads.journal import Journal
from leads.settings import Company, Conversion, FilesSource, Settings, Store
from leads.tables import SCHEMAS, FieldType, Tables
from model.backtest.outcomes import Backtest, Outcome
from model.bundle.manifest import Manifest
from model.card.sections import Subject, sections
from model.comparison import shelf
from model.comparison.records import (
    Comparison,
    FieldMove,
    FieldWeight,
    Figure,
    LeadMove,
    TierMove,
    Version,
)
from model.features.catalog import Catalog, Words
from model.leaks.findings import Finding, Inspection
from model.proof.anatomy import (
    Anatomy,
    Cell,
    Dependence,
    Growth,
    Pair,
    Spot,
    Step,
    Weight,
)
from model.proof.record import (
    Bar,
    Bin,
    Capacity,
    Gain,
    Measure,
    Proof,
    SliceProof,
    TierProof,
    Worth,
)
from model.survey.datacard import DataCard, Group, Maturity
from model.team import Manager, Team
from serve.pages.evidence import Evidence, Model
from serve.pages.sight import Sight

NOW: Final = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
BASE: Final = math.log(0.12 / 0.88)
FIELDS: Final[Mapping[str, Words]] = {
    "visit": Words("Visits to the site", "Визиты на сайт"),
    "setup": Words("Set-up steps", "Шаги настройки"),
    "call": Words("Calls", "Звонки"),
    "stage": Words("Stage", "Стадия"),
    "source": Words("Source", "Источник"),
    "company_size": Words("Company size", "Размер компании"),
    "lead_age": Words("Age of the lead", "Возраст лида"),
    "mail": Words("Kind of mail address", "Вид почты"),
    "invoice": Words("Invoices sent", "Выставленные счета"),
    "hour": Words("Hour of creation", "Час создания"),
    "comment": Words("Length of the comment", "Длина комментария"),
    "industry": Words("Industry", "Отрасль"),
}
SOURCES: Final = ("ads", "web", "partner", "Выставка 2026", None)
KINDS: Final = ("visit", "setup", "call", "mail", "invoice")
STAGES: Final = ("new", "qualified", "trial", "offer")


def settings(folder: Path, **company: Any) -> Settings:
    """Configure the company; ``company`` changes its section."""
    named = {"name": "Northern Bees", "timezone": "Europe/Moscow"} | company
    return Settings(
        company=Company(**named),
        source=FilesSource(kind="files", folder=folder),
        conversion=Conversion(kind="payment", horizon_days=30),
        store=Store(
            folder=folder,
            database=f"sqlite:///{folder / 'leadcast.db'}",
            tracking=f"sqlite:///{folder / 'mlflow.db'}",
        ),
    )


def lead_ids(count: int) -> list[str]:
    """Make ids whose order as texts is their order."""
    return [f"L-{number:05d}" for number in range(1, count + 1)]


def tables(ids: Sequence[str]) -> Tables:
    """Make canonical tables with some history for every lead."""
    rng = random.Random(7)
    rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in SCHEMAS}
    for lead_id in sorted(ids):
        created = NOW - timedelta(hours=rng.randint(30, 900))
        pipeline = rng.choice(("sales", "Партнёры"))
        rows["leads"].append(
            (lead_id, created, created, rng.choice(SOURCES), pipeline, "m1", 20.0)
        )
        for name, row in _happenings(lead_id, created, pipeline, rng):
            rows[name].append(row)
    frames = {
        name: pl.DataFrame(
            rows[name],
            schema=dict(schema) | ({"size": pl.Float64()} if name == "leads" else {}),
            orient="row",
        )
        for name, schema in SCHEMAS.items()
    }
    ordered = {name: frame.sort(frame.columns) for name, frame in frames.items()}
    cut_off, fields = NOW, {"size": FieldType.NUMBER}
    return Tables(cut_off=cut_off, fields=fields, **ordered)  # type: ignore[arg-type]


def _happenings(
    lead_id: str, created: datetime, pipeline: str, rng: random.Random
) -> Iterator[tuple[str, tuple[Any, ...]]]:
    hours = (NOW - created).total_seconds() / 3600
    for _ in range(rng.randint(0, 25)):
        at = created + timedelta(hours=rng.random() * hours)
        value = rng.choice((None, 3.0, 12.5))
        yield "events", (lead_id, at, at, rng.choice(KINDS), value, None)
    for number, stage in enumerate(STAGES[: rng.randint(1, 4)]):
        at = created + timedelta(hours=number * hours / 5)
        yield "stages", (lead_id, at, at, pipeline, stage)
    if rng.random() < 0.1:
        at = created + timedelta(hours=hours / 2)
        yield "payments", (lead_id, at, at, 1_250_000, "RUB")
        if rng.random() < 0.5:
            yield "payments", (lead_id, at, at, -1_250_050, "RUB")
    at = created + timedelta(hours=hours / 3)
    yield "field_changes", (lead_id, at, at, "size", "20")


def prediction(lead_id: str, rng: random.Random, *, version: str = "4") -> Prediction:
    """Say something about a lead, with shares that add up."""
    tilt = rng.gauss(-0.1, 0.2)
    shares = {field: rng.gauss(tilt, 0.8) / 2 for field in FIELDS}
    log_odds = BASE + sum(shares.values())
    chance = probability_of(log_odds)
    tier = Tier.HOT if chance > 0.4 else Tier.WARM if chance > 0.12 else Tier.COLD
    ranked = sorted(shares.items(), key=lambda item: -abs(item[1]))
    worth = [(field, share) for field, share in ranked if abs(share) > 0.05]
    speaking = [item for item in worth if item[1] > 0][:3]
    reasons = speaking + [item for item in worth if item[1] < 0][:3]
    return Prediction(
        lead_id=lead_id,
        as_of=NOW - timedelta(hours=1),
        horizon_days=30,
        probability=chance,
        log_odds=log_odds,
        base=BASE,
        tier=tier,
        shares=shares,
        reasons=tuple(_reason(field, share, rng) for field, share in reasons),
        model_version=version,
        bundle_digest="5f" * 32,
    )


def _reason(field: str, share: float, rng: random.Random) -> Reason:
    count, rate = rng.randint(30, 900), probability_of(BASE + share)
    words, value = FIELDS[field], str(rng.randint(1, 9))
    english = f"{words.en}: {value}. Of {count} such leads {100 * rate:.0f}% converted,"
    russian = (
        f"{words.ru}: {value}. Из {count} таких лидов"
        f" сконвертировались {100 * rate:.0f}\N{NO-BREAK SPACE}%,"
    )
    return Reason(
        field=field,
        share=share,
        value=value,
        count=count,
        rate=rate,
        text={"en": english + " usual is 12%.", "ru": russian + " обычно 12 %."},
    )


def proof() -> Proof:
    """Make a proof of the shape that an evaluation leaves."""
    said = (0.01, 0.03, 0.05, 0.08, 0.11, 0.15, 0.21, 0.3, 0.42, 0.58)
    happened = (0.012, 0.025, 0.055, 0.075, 0.12, 0.15, 0.19, 0.33, 0.41, 0.55)
    spread = [1.96 * math.sqrt(p * (1 - p) / 412) for p in happened]
    found = (0, 0.34, 0.55, 0.69, 0.79, 0.86, 0.91, 0.95, 0.975, 0.99, 1)
    return Proof(
        count=4_120,
        base_rate=0.121,
        measures=(
            Measure("auc", 0.812, 0.795, 0.829, 0.5),
            Measure("pr_auc", 0.463, 0.431, 0.498, 0.121),
            Measure("logloss", 0.297, 0.284, 0.311, 0.369),
            Measure("brier", 0.089, 0.084, 0.094, 0.106),
            Measure("ece15", 0.011, 0.008, 0.021, None),
            Measure("lift10", 3.4, 3.1, 3.7, 1.0),
        ),
        reliability=tuple(
            Bin(s, h, max(0.0, h - w), min(1.0, h + w), 412)
            for s, h, w in zip(said, happened, spread, strict=True)
        ),
        gains=tuple(Gain(i / 10, part) for i, part in enumerate(found) if i),
        tiers=(
            TierProof(Tier.COLD, 2_884, 95, 0.036, 0.033, 0.027, 0.04),
            TierProof(Tier.HOT, 412, 198, 0.49, 0.481, 0.433, 0.529),
            TierProof(Tier.WARM, 824, 206, 0.21, 0.25, 0.222, 0.281),
        ),
        histogram=tuple(
            Bar(i / 20, (i + 1) / 20, int(1_900 * math.exp(-i / 2.6)))
            for i in range(20)
        ),
        capacity=(capacity(10, 0.69), capacity(20, 0.53), capacity(60, 0.36)),
        slices=(
            SliceProof("source", "ads", 2_000, 400, 240, 0.12, 0.12, 0.09, 0.15, 0.05),
            SliceProof("source", "<i>web</i>", 90, 30, 20, 0.1, 0.22, 0.15, 0.3, 0.01),
        ),
        ablation=(
            Worth("events", 40, 0.031, 0.012, 0.05),
            Worth("time", 3, -0.0002, -0.004, 0.003),
        ),
        anatomy=anatomy(),
    )  # fmt: skip


def anatomy() -> Anatomy:
    """Say what is inside the model: visits and setups, which work together."""
    far = Words("far below", "намного меньше")
    spots = tuple(
        Spot(Words(f"{n} days", f"{n} дней"), 90 * n, n / 10 - 0.4, n / 10 - 0.5,
             n / 10 - 0.2, float(n))
        for n in range(1, 9)
    )  # fmt: skip
    levels = tuple(
        Spot(Words(name, name), 200, share, share - 0.1, share + 0.1)
        for name, share in (("<b>ads</b>", 0.3), ("partner", -0.2))
    )
    visits, setup = Words("Visits in 7 days", "Визиты за 7 дней"), FIELDS["setup"]
    cells = (
        Cell(Words("up to 2", "до 2"), far, 300, -0.05, 0.1, 0.11),
        Cell(Words("above 2", "больше 2"), far, 120, 0.31, 0.4, 0.42),
    )
    return Anatomy(
        rows=1_500,
        weights=tuple(
            Weight(name, 0.5 / i, 0.45 / i, 0.55 / i, 0.3 / i)
            for i, name in enumerate(FIELDS, 1)
        ),
        dependences=(
            Dependence("visit", visits, 1_500, spots, Spot(far, 70, 0.1, 0.0, 0.2)),
            Dependence("source", FIELDS["source"], 1_500, levels),
        ),
        tried=5,
        pairs=(Pair(("visit", "setup"), (visits, setup), 0.12, 0.004, 0.001, 0.007,
                    cells),),
        growth=Growth(
            (Step(200, 900, 0.41, 0.7), Step(400, 1_800, 0.36, 0.76),
             Step(800, 3_600, 0.33, 0.8)),
            0.03, 0.01, 0.05,
        ),
    )  # fmt: skip


def comparison() -> Comparison:
    """Hold version 4 against version 3: better ranked, two leads change tier."""
    moves = tuple(
        LeadMove(lead_id, 0.21, 0.42, Tier.WARM, Tier.HOT, -0.01,
                 (FieldMove("visit", 0.8, 0.15), FieldMove("source", 0.2, 0.05)))
        for lead_id in ("L-00001", "<b>hostile</b>")
    )  # fmt: skip
    return Comparison(
        Version("3", "3f" * 32), Version("4", "5f" * 32), "d1" * 32,
        rows=4_120, converted=499, note="not_parted",
        figures=(Figure("auc", 0.79, 0.812, 0.022, 0.01, 0.03),
                 Figure("logloss", 0.297, 0.297, 0.0, -0.01, 0.01)),
        leads=120,
        tiers=(TierMove(Tier.WARM, Tier.HOT, 2), TierMove(Tier.COLD, Tier.COLD, 118)),
        moves=moves,
        weights=(FieldWeight("visit", 0.2, 0.3), FieldWeight("hour", 0.1, None)),
        names=FIELDS,
    )  # fmt: skip


def keep_versions(folder: Path) -> None:
    """Let versions 3 and 4 have served, and be compared."""
    made = comparison()
    terms = []
    for days, one in ((9, made.old), (2, made.new)):
        (folder / "bundles" / one.digest).mkdir(parents=True)
        at = (NOW - timedelta(days=days)).isoformat()
        terms.append({"version": one.version, "digest": one.digest, "promoted_at": at})
    (folder / "champion.json").write_text(json.dumps({"terms": terms, "undone": []}))
    shelf.keep(made, folder)


def capacity(per_week: int, happened: float) -> Capacity:
    """Say what so many calls per week would do; twenty are made now, 41 can be."""
    return Capacity(
        per_week=per_week, present=per_week == 20, floored=per_week > 41,
        reached=min(per_week, 41.3), border=happened - 0.1, said=happened + 0.02,
        happened=happened, low=happened - 0.09, high=happened + 0.09,
        caught=per_week ** 0.5 / 17,
    )  # fmt: skip


def card() -> DataCard:
    """Make a data card."""
    return DataCard(
        company="Northern Bees", dated=True, first_lead="2025-02-03T08:00:00+00:00",
        cut_off=NOW.isoformat(), span_days=655.0,
        conversion="payment", horizon_days=30, leads=3_411,
        conversions=398, base_rate=0.121,
        rows={"events": 48_210, "stages": 9_120, "payments": 612, "field_changes": 0},
        groups=(
            Group("sales", "ads", 1_800, 190, 1_500, 0.11),
            Group("Партнёры", "—", 1_611, 208, 1_211, None),
        ),
        maturity=Maturity(90, 2_000, 310, ((0, 0.1), (30, 1.0)), ((50, 4.2), (90, 21))),
        fields=(), snapshots=(), censored=(("horizon not over", 2_031),), refused=(),
        stages={}, won={}, lost={},
    )  # fmt: skip


def evidence() -> Evidence:
    """Say which model is in use, and prove it."""
    model = Model("4", "5f" * 32, NOW - timedelta(days=2), horizon_days=30)
    return Evidence(model, proof(), FIELDS, card(), leaks(), None, sections(subject()))


def subject() -> Subject:
    """Describe the bundle that the model card is about."""
    parts = ("", "_leads", "_conversions")
    rows = [name + part for name in ("train", "test") for part in parts]
    manifest = Manifest(
        horizon_days=30, cut_off=microseconds(NOW), learned_until=microseconds(NOW),
        data_digest="d1" * 32, catalog_digest="c1" * 32, git_commit="ab" * 20,
        base_rate=0.121, rounds=120, ladder={"linear": {"logloss": 0.3, "weight": 1.0}},
        rows=dict.fromkeys(rows, 1_200), metrics={}, split={}, files={},
        settings={"model": {"seed": 7, "exclude": ["owner"]}},
        leaks=leaks().to_facts(), git_dirty="e1" * 32,
    )  # fmt: skip
    return Subject("5f" * 32, manifest, proof(), Catalog(()))


def backtest() -> Backtest:
    """Look back on two months, of which the first had no model."""
    whole = Bin(0.13, 0.14, 0.11, 0.17, 900)
    judged = Outcome(
        "2026-09", microseconds(NOW), bundle="5f" * 32, leads=300, converted=126,
        logloss=0.29, base_logloss=0.38, whole=whole, tiers=proof().tiers,
    )  # fmt: skip
    why = "The history is too short: <b>12</b> leads."
    months = (Outcome("2026-08", 0, "no_model", why), judged)
    managers = (
        Manager("Отдел <script>продаж</script>", 210, 0.12, 25.2, 16, 35, 24, 0.08,
                0.17, 1.0, "luck"),
        Manager("m2", 180, 0.11, 19.8, 12, 28, 44, 0.19, 0.31, 0.001, "more"),
        Manager("m3", 12, 0.1, 1.2, 0, 4, 3, 0.09, 0.53, 1.0, "few"),
    )  # fmt: skip
    team = Team(402, 71, 8, 0.12, -0.2, managers)
    return Backtest(
        "d1" * 32, 30, months, whole, proof().tiers, team, ("folds beyond 3",)
    ).signed()


def leaks() -> Inspection:
    """Say what the leak gate found: one field set aside, one kept on trust."""
    late = Words("filled for 40 % of past leads", "заполнено у 40 % прошлых лидов")
    return Inspection(
        probed=("LK01", "LK04"),
        findings=(
            Finding("LK04", "<b>close</b>", "suspected", late),
            Finding("LK01", "score", "certain", late, trusted=True),
        ),
        trusted=("score",),
    )


def no_evidence() -> Evidence:
    """Refuse, as before any promotion."""
    raise NoModel("No model is promoted.", remedy="Run train, then promote.")


@cache
def _empty_journal() -> bytes:
    """Prepare a database once; migrations take a second."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "empty.db"
        journal = Journal(f"sqlite:///{file}")
        journal.upgrade()
        journal.close()
        return file.read_bytes()


@contextmanager
def sight(
    folder: Path, ids: Sequence[str] = (), *, ingested: bool = True, **company: Any
) -> Iterator[Sight]:
    """Open the company's journal with two predictions for the first leads."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = settings(folder, **company)
    (folder / "leadcast.db").write_bytes(_empty_journal())
    keep_versions(folder)
    journal = Journal(chosen.store.database)
    rng = random.Random(11)
    for days, version in ((3, "3"), (0, "4")):
        said = [prediction(lead_id, rng, version=version) for lead_id in ids]
        made_at = NOW - timedelta(days=days)
        journal.record(said, made_at=made_at, channel="score")
    history = History(tables(ids)) if ingested else None
    yield Sight(chosen, journal, lambda: history, evidence, backtest)
    journal.close()
