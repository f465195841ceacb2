from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sklearn.metrics import roc_auc_score

from crm.export import open_source
from leads.errors import BadInput
from leads.settings import FilesSource, Settings, read_settings
from leads.synthetic import Invented, invent, write
from leads.synthetic.behaviour import INVOICED, PAID, make_world
from leads.synthetic.clock import midnight
from leads.synthetic.company import SPAN
from leads.synthetic.export import TABLES
from leads.synthetic.office import STAGES
from leads.synthetic.people import INTERCEPT
from leads.synthetic.truth import AGES, _value, kept
from leads.tables import Tables

LEADS = 20_000
DEMO = Path(__file__).resolve().parents[2] / "pipelines" / "config" / "demo.toml"
KINDS = ["creation", "1d", "3d", "7d", "14d", "30d"]
END = pl.lit(midnight(SPAN[1])).cast(pl.Datetime("us", "UTC"))
CLOSING = {name for stages in STAGES for name in stages[-2:]}


@pytest.fixture(scope="session")
def company() -> Invented:
    """One company for all tests that only look."""
    return invent(LEADS, seed=7)


def at_age(company: Invented, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Give true probabilities and what came of them, at one age."""
    rows = company.truth.filter(pl.col("kind") == kind)
    return rows["probability"].to_numpy(), rows["converted"].to_numpy()


def ingested(folder: Path) -> Tables:
    """Read an export as the demo's configuration does."""
    settings: Settings = read_settings(DEMO)
    assert isinstance(settings.source, FilesSource)
    source = settings.source.model_copy(update={"folder": folder / "export"})
    return open_source(settings.model_copy(update={"source": source})).read()


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, byte for byte."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    """A company can be made again from its seed; another seed makes another one."""
    for name, seed in (("one", 5), ("two", 5), ("three", 6)):
        write(invent(700, seed=seed), tmp_path / name)

    one, two, three = (files(tmp_path / name) for name in ("one", "two", "three"))
    assert one == two
    assert not {name for name in one if one[name] == three[name]}


@pytest.mark.parametrize("count", [1, 2, 500, 20_001])
def test_any_number_of_leads_can_be_had(count: int) -> None:
    """Every lead asked for is there, across the stretches they are made in too."""
    company = invent(count, seed=1, events_per_lead=1.0)

    assert company.leads["deal_id"].n_unique() == count
    assert company.truth["lead_id"].n_unique() == count


def test_the_company_is_about_as_large_as_ordered(company: Invented) -> None:
    """There are some thirty events a lead, and one lead in eight pays in a month."""
    creation = company.truth.filter(pl.col("kind") == "creation")
    fewer = invent(2_000, seed=7, events_per_lead=6.0)

    assert 25 < company.events.height / LEADS < 35
    assert 5 < fewer.events.height / 2_000 < 7
    assert 0.10 < creation["converted"].to_numpy().mean() < 0.15


@pytest.mark.parametrize("kind", KINDS)
def test_the_truth_is_calibrated(company: Invented, kind: str) -> None:
    """Of leads with a true chance p a share p pays, in each tenth of the chances."""
    chance, came = at_age(company, kind)
    tenths = np.array_split(np.argsort(chance, kind="stable"), 10)
    expected = np.array([chance[part].sum() for part in tenths])
    spread = np.array([(chance[part] * (1 - chance[part])).sum() for part in tenths])
    counted = np.array([came[part].sum() for part in tenths])

    assert ((counted - expected) ** 2 / spread).sum() < 29.6  # chi-square, 1 in 1,000
    assert abs(counted.sum() - expected.sum()) < 3.3 * np.sqrt(spread.sum())


@pytest.mark.parametrize("kind", KINDS)
def test_the_truth_has_the_brier_score_it_promises(
    company: Invented, kind: str
) -> None:
    """A true probability p costs p(1 - p) on average, neither more nor less."""
    chance, came = at_age(company, kind)
    promised = chance * (1 - chance)
    paid = (came - chance) ** 2
    noise = np.sqrt((promised * (1 - 2 * chance) ** 2).sum())

    assert abs(paid.sum() - promised.sum()) < 3.3 * noise


def test_time_tells(company: Invented) -> None:
    """The best possible ranking is fair at creation and good after a week."""
    reached = [roc_auc_score(*reversed(at_age(company, kind))) for kind in KINDS[:4]]

    assert reached == sorted(reached)
    assert 0.70 <= reached[0] <= 0.75
    assert reached[3] > 0.85


def test_the_chance_ahead_agrees_with_walking_forward() -> None:
    """Walking forward through all states gives what walking back from the end gave."""
    world = make_world(*SPAN, events_per_lead=30.0)
    for age, horizon, pipeline, z in ((0, 30, 0, 1), (7, 30, 1, 0), (100, 45, 2, 1)):
        here, gained = np.array([1.0, 0.0, 0.0]), 0.0
        for day in range(age, min(age + horizon, world.pay.shape[-1])):
            pay = world.pay[pipeline, z, :PAID, day] * world.season[200 + day]
            move = world.move[pipeline, z, :PAID, day]
            gained += (here * pay).sum() * kept(np.array(age + horizon - 1 - day))
            unpaid = here * (1 - pay)
            here = unpaid * (1 - move)
            here[1:] += (unpaid * move)[:INVOICED]

        back = _value(world, np.array([200]), age=age, horizon=horizon)
        assert back[0, pipeline, z, 0] == pytest.approx(gained, rel=1e-12)


def test_refunds_come_as_often_and_as_fast_as_the_truth_counts() -> None:
    """Of payments the truth's share is given back in full within so many days."""
    company = invent(LEADS, seed=8, events_per_lead=0.1)
    old = pl.col("paid_at").min() < END - timedelta(days=30)
    money = company.payments.unique().sort("paid_at").group_by("deal_id")
    first = money.agg(
        old.alias("old"),
        pl.col("paid_at").first(),
        back_at=pl.col("paid_at")
        .filter(pl.col("sum") == -pl.col("sum").first())
        .first(),
    ).filter("old")
    after = (first["back_at"] - first["paid_at"]).dt.total_hours() / 24

    for days in (5, 10, 20):
        share = 1 - float(kept(np.array(days)))
        noise = np.sqrt(share * (1 - share) * first.height)
        counted = int((after < days + 0.5).sum())
        assert abs(counted - share * first.height) < 3.3 * noise


def test_what_converted_can_be_counted_from_the_payments(company: Invented) -> None:
    """The outcome kept aside is what the books say: paid in time and not given back."""
    month = timedelta(days=30)
    settled = pl.col("moment") + month < END - timedelta(days=3)
    rows = company.truth.filter(settled)
    money = company.payments.unique().sort("paid_at")
    first = money.group_by("deal_id", maintain_order=True).first()
    back = (
        money.join(first.select("deal_id", full="sum"), on="deal_id")
        .filter(pl.col("sum") == -pl.col("full"))
        .group_by("deal_id")
        .agg(back_at=pl.col("paid_at").min())
    )
    told = (
        rows.join(first, left_on="lead_id", right_on="deal_id", how="left")
        .join(back, left_on="lead_id", right_on="deal_id", how="left")
        .with_columns(until=pl.col("moment") + month)
    )
    paid = pl.col("paid_at").is_between("moment", "until", closed="right")
    kept_it = pl.col("back_at").is_null() | (pl.col("back_at") > pl.col("until"))

    counted = told.select((paid & kept_it).fill_null(value=False).alias("converted"))
    assert told.filter(paid & ~kept_it).height > 20
    assert told.filter(pl.col("paid_at") <= pl.col("moment")).is_empty()
    assert counted["converted"].to_list() == told["converted"].to_list()


def test_drivers_add_up_to_the_hidden_kind(company: Invented) -> None:
    """The sum of all drivers is the log-odds of being a buyer, at every age."""
    drivers = company.drivers.drop("lead_id", "moment", "kind")
    odds = INTERCEPT + drivers.sum_horizontal().to_numpy()
    chance = 1 / (1 + np.exp(-odds))
    buyer = company.truth["buyer"].to_numpy()

    assert_frame_equal(
        company.drivers.select("lead_id", "moment", "kind"),
        company.truth.select("lead_id", "moment", "kind"),
    )
    for kind in KINDS:
        mine = (company.truth["kind"] == kind).to_numpy()
        for part in np.array_split(np.flatnonzero(mine)[np.argsort(chance[mine])], 10):
            noise = np.sqrt((chance[part] * (1 - chance[part])).sum())
            assert abs(buyer[part].sum() - chance[part].sum()) < 4 * noise


@pytest.mark.parametrize(
    ("kind", "driver"),
    [
        *(("creation", name) for name in (
            "source", "position", "current_crm", "industry", "headcount", "comment",
            "email_kind", "phone", "created_at",
        )),
        *(("7d", name) for name in (
            "stage", "visit_pricing", "feature_used", "mail_click", "setup_attempt",
        )),
    ],
)  # fmt: skip
def test_drivers_point_the_right_way(company: Invented, kind: str, driver: str) -> None:
    """Leads for whom a driver speaks pay more often than those it speaks against."""
    here = company.truth["kind"] == kind
    amount = company.drivers.filter(here)[driver].to_numpy()
    came = company.truth.filter(here)["converted"].to_numpy()
    low, high = np.quantile(amount, [0.3, 0.7])

    assert came[amount >= high].mean() > 1.1 * came[amount <= low].mean()


def test_idle_things_tell_nothing(company: Invented) -> None:
    """Calls, tickets and managers carry no log-odds; managers differ by chance only."""
    chance, came = at_age(company, "creation")
    owner = company.leads.unique("deal_id", maintain_order=True)["manager"]
    groups = pl.DataFrame({"owner": owner, "chance": chance, "came": came})
    per_owner = groups.group_by("owner").agg(
        (pl.col("came").sum() - pl.col("chance").sum()) ** 2
        / (pl.col("chance") * (1 - pl.col("chance"))).sum()
    )

    assert (company.drivers.select("call", "support_ticket") == 0.0).to_numpy().all()
    assert per_owner.height == 12
    assert per_owner["came"].sum() < 32.9  # chi-square of 12, 1 in 1,000


def test_rows_are_recorded_late_but_never_before_they_happen(
    company: Invented,
) -> None:
    """Calls, tickets and payments come in hours to days after their own moment."""
    late = company.events.group_by("event").agg(
        (pl.col("received_at") > pl.col("happened_at")).mean().alias("late")
    )
    share = dict(late.with_columns(pl.col("event").cast(pl.String)).iter_rows())
    payments = company.payments

    assert share.pop("contract_scan") == 1.0
    assert 0.3 < share.pop("call") < 0.4
    assert 0.1 < share.pop("support_ticket") < 0.2
    assert set(share.values()) == {0.0}
    assert (payments["booked_at"] > payments["paid_at"]).to_numpy().mean() > 0.3
    assert (payments["booked_at"] >= payments["paid_at"]).all()
    assert (company.events["received_at"] >= company.events["happened_at"]).all()


def test_contracts_are_dated_back_but_filed_after_the_money(
    company: Invented,
) -> None:
    """Who believes a scan's own date sees the future; who waits for it sees none."""
    scans = company.events.filter(pl.col("event") == "contract_scan")
    first = company.payments.group_by("deal_id").agg(
        pl.col("paid_at").min(), pl.col("booked_at").min()
    )
    created = company.leads.unique("deal_id").select("deal_id", "registered_at")
    both = scans.join(first, on="deal_id").join(created, on="deal_id")

    assert both.height == scans.height > 500
    assert (both["happened_at"] < both["paid_at"]).all()
    assert (both["received_at"] > both["booked_at"]).all()
    assert (both["happened_at"] >= both["registered_at"]).all()


def test_nothing_after_the_export_is_in_it(company: Invented) -> None:
    """What is recorded after the last day is not known yet."""
    moments = {
        "leads": "registered_at", "events": "received_at", "stages": "moved_at",
        "payments": "booked_at", "field_changes": "changed_at", "truth": "moment",
    }  # fmt: skip
    for name, column in moments.items():
        assert getattr(company, name).filter(pl.col(column) >= END).is_empty()


def test_the_closing_reason_is_filled_only_at_closing(company: Invented) -> None:
    """A reason appears at the very moment of a closing stage, and on no open lead."""
    moves = company.stages.unique().sort("deal_id", "moved_at")
    reasons = company.field_changes.filter(
        (pl.col("field") == "close_reason") & pl.col("new_value").is_not_null()
    )
    closings = moves.filter(pl.col("stage").is_in(CLOSING))
    at_closing = reasons.join(
        closings, left_on=["deal_id", "changed_at"], right_on=["deal_id", "moved_at"]
    )
    never_closed = company.leads.join(closings, on="deal_id", how="anti")

    assert at_closing.height >= reasons.height > 0
    assert never_closed["close_reason"].null_count() == never_closed.height > 0


def test_without_field_history_the_reason_is_a_leak() -> None:
    """The same cards come without the moments at which their fields were filled."""
    kept_history = invent(800, seed=2)
    without = invent(800, seed=2, field_history=False)

    assert_frame_equal(kept_history.leads, without.leads)
    assert kept_history.field_changes.height > 0
    assert without.field_changes.is_empty()
    assert without.leads["close_reason"].null_count() < 800


def test_leads_move_back_are_reopened_and_refunded(company: Invented) -> None:
    """Every turn that a funnel can take is taken by somebody."""
    moves = company.stages.unique().sort("deal_id", "moved_at")
    steps = moves.with_columns(later=pl.col("stage").shift(-1).over("deal_id"))
    pairs = set(steps.select("stage", "later").iter_rows())
    negative = company.payments.filter(pl.col("sum") < 0)
    regulars = company.payments.unique().group_by("deal_id").len()

    assert {
        ("Demo", "Contacted"),
        ("Lost", "New"),
        ("Lost", "Won"),
        ("Won", "Lost"),
    } < (pairs)
    assert negative.height > 50
    assert regulars["len"].to_numpy().max() > 6


def test_some_leads_are_open_in_the_end(company: Invented) -> None:
    """There is somebody left to predict: new leads and old ones not yet closed."""
    last = company.stages.sort("moved_at").group_by("deal_id").last()
    still = last.filter(~pl.col("stage").is_in(CLOSING))

    assert 0.03 < still.height / LEADS < 0.2


def test_rows_and_people_come_twice(company: Invented) -> None:
    """Exports repeat rows, and some people register a second time."""
    people = company.leads.unique("deal_id")
    mails = people["email"].drop_nulls()

    for name in TABLES:
        frame = getattr(company, name)
        assert 0.002 < frame.is_duplicated().mean() < 0.05, name
    assert 100 < mails.len() - mails.n_unique() < 1_000


def test_contacts_reach_nobody(company: Invented) -> None:
    """Mail lies under reserved domains, phones in an area that does not exist."""
    mails, phones = (company.leads[name].drop_nulls() for name in ("email", "phone"))

    assert mails.str.contains(r"@(example\.org|firm\d+\.example\.com)$").all()
    assert phones.str.starts_with("+7 000 ").all()
    assert 0 < mails.len() < company.leads.height
    assert 0 < phones.len() < company.leads.height


def test_seasons_and_drift_show(company: Invented) -> None:
    """Weekends and summers are quiet, late leads are worse and from elsewhere."""
    leads = company.leads.unique("deal_id").with_columns(
        local=pl.col("registered_at").dt.convert_time_zone("Europe/Moscow")
    )
    weekday = leads.group_by(pl.col("local").dt.weekday()).len().sort("local")["len"]
    early = leads.filter(pl.col("local").dt.date() < date(2025, 4, 1))
    late = leads.filter(pl.col("local").dt.date() >= date(2026, 4, 1))
    cold = [
        (part["utm_source"] == "cold_base").to_numpy().mean() for part in (early, late)
    ]
    truth = company.truth.filter(pl.col("kind") == "creation")
    paid = [
        truth.join(part, left_on="lead_id", right_on="deal_id", how="semi")
        ["probability"].to_numpy().mean()
        for part in (early, late)
    ]  # fmt: skip

    assert weekday[5] < 0.6 * weekday[1]
    assert cold[1] > 2 * cold[0]
    assert paid[1] < 0.8 * paid[0]


@pytest.mark.parametrize("field_history", [True, False])
def test_the_export_conforms(tmp_path: Path, *, field_history: bool) -> None:
    """What the company exports is taken in without a fault, each row once."""
    company = invent(600, seed=4, field_history=field_history)
    tables = {}
    for form in ("parquet", "csv"):
        folder = tmp_path / form
        write(company, folder, form=form)
        tables[form] = ingested(folder)

    for name in TABLES:
        ours = getattr(company, name).unique()
        assert tables["parquet"][name].height == ours.height
        assert_frame_equal(tables["parquet"][name], tables["csv"][name])
    assert tables["parquet"].fields["headcount"] == "number"
    assert tables["parquet"].fields["newsletter"] == "flag"


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_the_truth_is_kept_aside(
    tmp_path: Path, form: Literal["parquet", "csv"]
) -> None:
    """Where ingest looks there is no truth, and nothing of an earlier company."""
    write(invent(50, seed=3), tmp_path)
    company = invent(60, seed=4)
    write(company, tmp_path, form=form)

    export = {path.name for path in (tmp_path / "export").iterdir()}
    assert export == {f"{name}.{form}" for name in TABLES}
    assert {path.name for path in tmp_path.iterdir()} == {"export", "truth"}
    back = pl.read_parquet(tmp_path / "truth" / "truth.parquet")
    assert_frame_equal(back, company.truth)


def test_impossible_orders_are_refused_with_every_fault() -> None:
    """All that is wrong with an order is said at once."""
    with pytest.raises(BadInput) as refusal:
        invent(0, 1, span=(SPAN[1], SPAN[0]), horizon_days=0, events_per_lead=-1.0)

    named = [fault.column for fault in refusal.value.faults]
    assert named == ["leads", "span", "horizon_days", "events_per_lead"]


def test_ages_and_kinds_agree() -> None:
    """The truth is told at the moments at which snapshots are taken."""
    assert [f"{age}d" if age else "creation" for age in AGES] == KINDS
