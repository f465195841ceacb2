from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from tests.model.invented_history import company_settings, invented_history
from tests.strategies import in_content_order

from leads.errors import DataRefused, Unavailable
from leads.history import History, microseconds
from leads.settings import Settings
from model.backtest.outcomes import FOLDER, LATEST, Outcome, read_backtest
from model.backtest.rehearsal import Rehearsed, Span, rehearse, rehearse_month, spans

MAY = Span(
    "2025-05",
    microseconds(datetime(2025, 5, 1, tzinfo=UTC)),
    microseconds(datetime(2025, 6, 1, tzinfo=UTC)),
)
Change = Callable[[History, int], History]


def quick(folder: Path) -> Settings:
    """Make settings under which a training takes about a second."""
    return company_settings(folder, rounds=20, threads=1)


def silent(_: str) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def history() -> History:
    """Invent the small company, with managers."""
    made = invented_history()
    owners = pl.Series([f"M{i % 4}" for i in range(900)], dtype=pl.String)
    leads = made.tables.leads.with_columns(owner=owners)
    events = in_content_order(made.tables.events)
    return History(replace(made.tables, leads=leads, events=events))


@pytest.fixture(scope="module")
def may(
    history: History, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Outcome, pl.DataFrame]:
    """Rehearse May once."""
    settings = quick(tmp_path_factory.mktemp("may"))
    return rehearse_month(history, settings, MAY, progress=silent)


def after(moment: int) -> pl.Expr:
    """Mark rows that were recorded later."""
    return pl.col("recorded_at").cast(pl.Int64) > moment


def forgotten(history: History, moment: int) -> History:
    """Leave out events and payments that were recorded later."""
    tables = history.tables
    return History(
        replace(
            tables,
            events=tables.events.filter(~after(moment)),
            payments=tables.payments.filter(~after(moment)),
        )
    )


def backdated(history: History, moment: int) -> History:
    """Add rows that claim to be old but were recorded later: visits, payments."""
    tables = history.tables
    late = pl.from_epoch(pl.lit(moment + 1), "us").dt.replace_time_zone("UTC")
    visits = tables.events.with_columns(
        at=pl.col("at") - timedelta(minutes=1), recorded_at=late
    )
    early = tables.leads.filter(~after(moment)).select("lead_id", "created_at")
    paid = early.head(200).select(
        "lead_id", at=pl.col("created_at") + timedelta(hours=1), recorded_at=late,
        amount_minor=pl.lit(100_00), currency=pl.lit("RUB"),
    )  # fmt: skip
    return History(
        replace(
            tables,
            events=in_content_order(pl.concat([tables.events, visits])),
            payments=in_content_order(
                pl.concat([tables.payments, paid.select(tables.payments.columns)])
            ),
        )
    )  # fmt: skip


@pytest.mark.parametrize("change", [forgotten, backdated])
def test_what_was_recorded_after_a_month_began_is_unknown_to_its_model(
    history: History,
    may: tuple[Outcome, pl.DataFrame],
    tmp_path: Path,
    change: Change,
) -> None:
    """Rows recorded after its first moment leave the model of a month to the bit."""
    other = change(history, MAY.start)

    found, _ = rehearse_month(other, quick(tmp_path), MAY, progress=silent)

    assert found.bundle == may[0].bundle


@pytest.mark.parametrize("change", [forgotten, backdated])
def test_what_was_recorded_after_a_month_changes_no_prediction_in_it(
    history: History,
    may: tuple[Outcome, pl.DataFrame],
    tmp_path: Path,
    change: Change,
) -> None:
    """Outcomes may change with hindsight; what was said of a snapshot never does."""
    other = change(history, MAY.end)

    _, rows = rehearse_month(other, quick(tmp_path), MAY, progress=silent)

    both = may[1].join(rows, on=["lead_id", "moment"], suffix="_now")
    assert len(both) > 150
    assert both["log_odds"].equals(both["log_odds_now"])
    assert both["tier"].equals(both["tier_now"])


def test_a_month_holds_its_own_snapshots_with_known_outcomes(
    history: History, may: tuple[Outcome, pl.DataFrame]
) -> None:
    """Moments lie in the month, outcomes are those known today, counts agree."""
    outcome, rows = may

    assert rows["moment"].is_between(MAY.start, MAY.end, closed="left").all()
    paid = set(history.tables.payments["lead_id"])
    assert {r for r, won in rows.select("lead_id", "label").rows() if won} <= paid
    assert outcome.whole is not None
    assert outcome.whole.count == len(rows) == sum(t.count for t in outcome.tiers)
    assert outcome.converted == rows["label"].sum()
    assert outcome.logloss is not None
    assert outcome.base_logloss is not None
    assert outcome.logloss < outcome.base_logloss
    assert set(rows["owner"]) == {"M0", "M1", "M2", "M3"}


def test_only_whole_mature_months_are_asked_for(
    history: History, tmp_path: Path
) -> None:
    """June is mature by mid July; months of open outcomes or without a past are not."""
    settings = quick(tmp_path)
    shorter = replace(
        history.tables, cut_off=history.tables.cut_off - timedelta(days=30)
    )

    assert [s.month for s in spans(history, settings, 2)] == ["2025-05", "2025-06"]
    young = History(shorter)
    assert [s.month for s in spans(young, settings, 9)] == [
        "2025-02", "2025-03", "2025-04", "2025-05",
    ]  # fmt: skip
    begun = replace(history.tables, cut_off=datetime(2025, 6, 3, tzinfo=UTC))
    assert spans(History(begun), settings, 1)[0].month == "2025-04"


def test_months_are_those_of_the_companys_zone(
    history: History, tmp_path: Path
) -> None:
    """In Moscow May begins three hours earlier than in Greenwich."""
    settings = quick(tmp_path)
    moscow = settings.company.model_copy(update={"timezone": "Europe/Moscow"})

    found = spans(history, settings.model_copy(update={"company": moscow}), 2)

    assert found[0].start == MAY.start - 3 * 3_600 * 1_000_000


def test_leads_without_time_have_no_months(history: History, tmp_path: Path) -> None:
    """A flat table without times is refused in words, with the way out."""
    undated = History(replace(history.tables, dated=False))

    with pytest.raises(DataRefused, match="have no times"):
        spans(undated, quick(tmp_path), 3)


def test_too_short_a_history_is_refused_in_words(
    history: History, tmp_path: Path
) -> None:
    """Where no month is over and mature, that is said."""
    cut_off = datetime(2025, 2, 3, tzinfo=UTC)
    young = History(replace(history.tables, cut_off=cut_off))

    with pytest.raises(DataRefused, match="No calendar month is over and mature"):
        spans(young, quick(tmp_path), 3)


@pytest.fixture(scope="module")
def done(
    history: History, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Settings, Rehearsed]:
    """Back-test the first two months: too little, enough."""
    settings = quick(tmp_path_factory.mktemp("done"))
    cut = datetime(2025, 4, 15, tzinfo=UTC)
    early = history.until(microseconds(cut))
    made = rehearse(early, settings, months=3, data_digest="d", progress=silent)
    return settings, made


def test_a_month_without_enough_data_says_so(done: tuple[Settings, Rehearsed]) -> None:
    """February has too short a past to learn from; it stands there with the reason."""
    early, march = done[1].backtest.months

    assert (early.month, early.gap, early.whole) == ("2025-02", "no_model", None)
    assert "more than" in early.why
    assert march.gap == ""
    assert march.whole is not None


def test_all_months_together_are_the_sum(done: tuple[Settings, Rehearsed]) -> None:
    """Cases of all months add up, and managers are compared on them."""
    made = done[1].backtest

    assert made.whole is not None
    counted = [m.whole.count for m in made.months if m.whole]
    assert made.whole.count == sum(counted)
    assert {m.name for m in made.team.managers} == {"M0", "M1", "M2", "M3"}


def test_the_store_holds_what_was_done(done: tuple[Settings, Rehearsed]) -> None:
    """What is read back is what was made, under the same digest."""
    settings, made = done

    assert read_backtest(settings.store.folder) == made.backtest
    assert made.backtest.signed().digest == made.backtest.digest


def test_a_month_is_not_rehearsed_twice(
    history: History, done: tuple[Settings, Rehearsed]
) -> None:
    """Data, settings and code being the same, months are taken from the store."""
    settings, made = done
    cut = microseconds(datetime(2025, 4, 15, tzinfo=UTC))
    early, said = history.until(cut), list[str]()

    again = rehearse(early, settings, months=3, data_digest="d", progress=said.append)

    assert (again.reused, said) == (2, [])
    assert again.backtest == made.backtest


def test_damaged_rows_are_made_anew(
    history: History, done: tuple[Settings, Rehearsed]
) -> None:
    """A month whose rows are not what was written counts as not done."""
    settings, made = done
    folder = settings.store.folder / FOLDER
    for path in folder.glob("*.parquet"):
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    cut = microseconds(datetime(2025, 4, 15, tzinfo=UTC))

    again = rehearse(
        history.until(cut), settings, months=1, data_digest="d", progress=silent
    )

    assert again.reused == 0
    assert again.backtest.months == made.backtest.months[-1:]
    assert len(list(folder.glob("*.parquet"))) == 1  # other months are swept


def test_an_unreadable_back_test_is_refused(tmp_path: Path) -> None:
    """A file that somebody cut off is named with the way out; none is none."""
    assert read_backtest(tmp_path) is None
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / LATEST).write_text("{")

    with pytest.raises(Unavailable, match="run backtest again"):
        read_backtest(tmp_path)
