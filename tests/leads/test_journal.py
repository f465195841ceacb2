import math
import struct
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from crm import calls, consents, tokens
from crm.hearing import tables as hearing
from crm.writeback.tables import OUTBOX
from leads import runs
from leads.decision import Outlook, Prediction, Reason, Tier
from leads.errors import BadConfig, BadInput, Unavailable
from leads.journal import Journal
from leads.records import METADATA

NOW = datetime(2026, 3, 1, 12, 0, 0, 123457, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]
NASTY = (
    -0.0, 0.1, 5e-324, -2.2250738585072014e-308, 1 / 3, -700.25, 2.0**53 + 2, 1e300,
    1.7976931348623157e308,
)  # fmt: skip


def said(
    lead_id: str = "L-1", probability: float = 0.25, *, tier: Tier = Tier.WARM
) -> Prediction:
    """Make a prediction with a reason in two languages."""
    reason = Reason("visits", 0.5, "3", 120, 0.18, {"en": "3 visits", "ru": "3 визита"})
    return Prediction(
        lead_id=lead_id,
        as_of=NOW - timedelta(days=1),
        horizon_days=30,
        probability=probability,
        log_odds=-1.1,
        base=-1.6,
        tier=tier,
        shares={"visits": 0.5, "город": -0.0},
        reasons=(reason, replace(reason, value=None, count=None, rate=None)),
        model_version="3",
        bundle_digest="ab" * 32,
    )


def record(journal: Journal, *predictions: Prediction, made_at: datetime = NOW) -> None:
    """Journal these as one batch of the API."""
    journal.record(predictions, made_at=made_at, channel="api")


def bits(numbers: Sequence[float]) -> bytes:
    """Spell numbers out to the last bit; == would call -0.0 and 0.0 the same."""
    return struct.pack(f"<{len(numbers)}d", *numbers)


def test_a_prediction_comes_back_as_it_was(journal: Journal) -> None:
    """Every part of a prediction survives the journal, also words and moments."""
    record(journal, said())

    assert journal.latest("L-1") == said()
    [stored] = journal.history("L-1")
    assert (stored.prediction, stored.made_at, stored.channel) == (said(), NOW, "api")


def test_an_outlook_comes_back_as_it_was(journal: Journal) -> None:
    """Interval, curve with its days as numbers, days and money survive the journal."""
    curve = {7: 0.1, 30: 0.25, 90: 1 / 3}
    whole = Outlook(0.2, 0.3, curve, 12.5, 1_234_567, "RUB")
    bare = Outlook(0.2, 0.3, {})
    first, second = replace(said("A"), outlook=whole), replace(said("B"), outlook=bare)
    record(journal, first, second)

    assert journal.latest("A") == first
    assert journal.latest("B") == second
    assert [*journal.history("A")[0].prediction.outlook.curve] == [7, 30, 90]  # type: ignore[union-attr]


def test_what_was_said_before_there_were_outlooks_has_none(url: str) -> None:
    """A journal of the first revision is upgraded, and its predictions are kept."""
    journal = Journal(url)
    journal.upgrade()
    record(journal, said())
    going_back(journal, "0001")

    journal.upgrade()

    assert journal.latest("L-1") == said()
    record(journal, replace(said("L-2"), outlook=Outlook(0.1, 0.4, {7: 0.2})))
    assert journal.latest("L-2") != said("L-2")
    journal.close()


def going_back(journal: Journal, revision: str, *, stamp: str | None = None) -> None:
    """Make a journal one of an earlier revision, whatever number that had then."""
    config = Config()
    config.set_main_option("script_location", "leads:migrations")
    with journal.writing() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
        if stamp is not None:
            command.stamp(config, stamp)


@pytest.mark.parametrize("stamp", ["0010", "0011"])
def test_a_store_whose_last_revision_was_renumbered_goes_on(
    url: str, stamp: str
) -> None:
    """Routes were made as 0011 once, as 0010 later; both get what follows."""
    journal = Journal(url)
    journal.upgrade()
    going_back(journal, "0010", stamp=stamp)

    journal.upgrade()

    with journal.reading() as connection:
        seen = sa.inspect(connection)
        hints = {column["name"] for column in seen.get_columns("crm_hints")}
        assert {"is_whole", "likeness"} <= hints
        assert seen.has_table("routed")
    journal.close()


@pytest.mark.parametrize(
    "outlook",
    [
        Outlook(-0.1, 0.3, {}),
        Outlook(0.1, math.nan, {}),
        Outlook(0.1, 0.3, {7: 1.5}),
        Outlook(0.1, 0.3, {}, expected_days=math.inf),
    ],
)
def test_an_outlook_that_is_none_is_refused(journal: Journal, outlook: Outlook) -> None:
    """Bounds and steps are probabilities, and days are a number."""
    with pytest.raises(BadInput, match="outlook"):
        record(journal, replace(said(), outlook=outlook))


def test_floats_come_back_bit_for_bit(journal: Journal) -> None:
    """No database rounds a number or drops the sign of a zero."""
    for number in NASTY:
        shares = {"visits": number, "calls": -number}
        reason = replace(said().reasons[0], share=number)
        record(
            journal,
            replace(
                said(), log_odds=number, base=-number, shares=shares, reasons=(reason,)
            ),
        )

        back = journal.latest("L-1")
        assert back is not None
        got = (back.log_odds, back.base, *back.shares.values(), back.reasons[0].share)
        assert bits(got) == bits((number, -number, number, -number, number))


@pytest.mark.parametrize("probability", [5e-324, math.nextafter(1.0, 0.0), 0.0, 1.0])
def test_probability_is_not_rounded(journal: Journal, probability: float) -> None:
    """A chance next to 0 or 1 stays next to it, and never becomes it."""
    record(journal, said(probability=probability))

    back = journal.latest("L-1")
    assert back is not None
    assert bits([back.probability]) == bits([probability])


def test_moments_are_kept_to_the_microsecond_in_any_zone(journal: Journal) -> None:
    """A moment said in another zone is the same moment when it comes back."""
    far = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    moscow = NOW.astimezone(timezone(timedelta(hours=3)))
    record(journal, replace(said(), as_of=moscow), made_at=far)

    [stored] = journal.history("L-1")
    assert (stored.prediction.as_of, stored.made_at) == (NOW, far)


def test_inputs_are_kept_beside_the_prediction(journal: Journal) -> None:
    """What a prediction was made from can be had again, byte for byte."""
    blob = bytes(range(256))
    journal.record(
        [said(), said("L-2")], made_at=NOW, inputs=[blob, None], channel="score"
    )

    [first], [second] = journal.history("L-1"), journal.history("L-2")
    assert journal.inputs(first.id) == blob
    assert journal.inputs(second.id) is None


def test_a_batch_is_refused_whole_with_every_fault_named(journal: Journal) -> None:
    """One bad prediction keeps the whole batch out, and no fault hides another."""
    naive = datetime(2026, 3, 1)  # noqa: DTZ001 - the fault under test
    faulty = [
        replace(said(), lead_id="a\0b", log_odds=math.nan),
        said(),
        replace(said(), lead_id="\ud800", base=math.inf, as_of=naive),
        replace(said(), shares={"x": -math.inf}, lead_id="x" * 501, horizon_days=0),
        replace(said(), reasons=(replace(said().reasons[0], rate=math.nan),)),
        replace(said(), reasons=(replace(said().reasons[0], text={"en": "\udfff"}),)),
        replace(said(), probability=math.nan, model_version="\0"),
        replace(said(), probability=1.5, bundle_digest="\udc00"),
    ]

    with pytest.raises(BadInput) as refusal:
        journal.record(faulty, made_at=naive, inputs=[None], channel="\0")
    found = {(fault.column, tuple(fault.rows)) for fault in refusal.value.faults}
    assert found == {
        ("made_at", ()), ("channel", ()), ("inputs", ()),
        ("lead_id", (1,)), ("log_odds", (1,)),
        ("lead_id", (3,)), ("base", (3,)), ("as_of", (3,)),
        ("shares", (4,)), ("lead_id", (4,)), ("horizon_days", (4,)),
        ("reasons", (5,)), ("reasons", (6,)),
        ("probability", (7,)), ("model_version", (7,)),
        ("probability", (8,)), ("bundle_digest", (8,)),
    }  # fmt: skip
    assert "a\0b" not in str(refusal.value)
    assert journal.latest("L-1") is None


def test_poison_in_a_question_is_refused(journal: Journal) -> None:
    """A lookup that a database would choke on is bad input, not a crash."""
    for poison in ("a\0", "\ud800"):
        with pytest.raises(BadInput, match="lead id"):
            journal.latest(poison)
        with pytest.raises(BadInput, match="lead id"):
            journal.history(poison)
    for bad in (-1, 2**63):
        with pytest.raises(BadInput, match="between"):
            journal.history("L-1", before=bad)


def test_unknown_leads_and_empty_batches_change_nothing(journal: Journal) -> None:
    """A lead nobody predicted has no latest prediction and no history."""
    record(journal)

    assert journal.latest("L-1") is None
    assert journal.history("L-1") == []
    assert journal.ranking() == []


def test_latest_is_the_one_made_last(journal: Journal) -> None:
    """Of one lead's predictions the newest made counts, whatever came in when."""
    record(journal, said(probability=0.9), made_at=NOW)
    record(journal, said(probability=0.5), made_at=NOW - timedelta(microseconds=1))

    back = journal.latest("L-1")
    assert back is not None
    assert back.probability == 0.9
    assert len(journal.history("L-1")) == 2


def test_a_fall_is_kept_and_the_moment_looked_at_has_no_say(journal: Journal) -> None:
    """A lower chance replaces a higher one, also if it looks at an earlier moment."""
    record(journal, said(probability=0.9, tier=Tier.HOT))
    earlier = replace(said(probability=0.01, tier=Tier.COLD), as_of=NOW - timedelta(9))
    record(journal, earlier, made_at=NOW + timedelta(seconds=1))

    assert journal.latest("L-1") == earlier
    assert [(lead, tier) for lead, _, _, tier in journal.ranking()] == [("L-1", "cold")]


def test_of_two_in_one_batch_the_later_counts(journal: Journal) -> None:
    """A batch that holds one lead twice keeps both and ends with the last."""
    record(journal, said(probability=0.7), said("L-2"), said(probability=0.3))

    back = journal.latest("L-1")
    assert back is not None
    assert back.probability == 0.3
    chances = [entry.prediction.probability for entry in journal.history("L-1")]
    assert chances == [0.3, 0.7]


def test_history_pages_without_gap_or_overlap(journal: Journal) -> None:
    """Walking a history page by page shows every entry once, newest first."""
    for step in range(7):
        record(journal, said(probability=step / 10), made_at=NOW + timedelta(step))

    seen: list[float] = []
    before: int | None = None
    while entries := journal.history("L-1", limit=3, before=before):
        seen += [entry.prediction.probability for entry in entries]
        before = entries[-1].id
    assert seen == [0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0]


def test_the_list_goes_from_likely_to_unlikely(journal: Journal) -> None:
    """Leads are listed by chance; equal chances by id, in one order everywhere."""
    ids = ["b", "B", "я", "a", "_", "Z"]
    record(journal, said("last", 0.1), *(said(name, 0.5) for name in ids))
    record(journal, said("first", 0.9))

    expected = ["first", "B", "Z", "_", "a", "b", "я", "last"]
    assert [lead for lead, *_ in journal.ranking()] == expected


def test_the_ranking_is_the_list_without_its_words(journal: Journal) -> None:
    """Each lead stands there once, likeliest first, with the id of its latest entry."""
    record(journal, said("a", 0.1), said("b", 0.9), said("c", 0.1, tier=Tier.COLD))
    record(journal, said("a", 0.5), made_at=NOW + timedelta(days=1))

    ranking = journal.ranking()
    entries = journal.entries([entry for _, entry, _, _ in ranking] + [10**9])
    assert [(lead, chance, tier) for lead, _, chance, tier in ranking] == [
        ("b", 0.9, "warm"), ("a", 0.5, "warm"), ("c", 0.1, "cold"),
    ]  # fmt: skip
    for lead, entry, chance, _ in ranking:
        assert entries[entry].prediction == journal.latest(lead)
        assert entries[entry].prediction.probability == chance
    assert len(entries) == 3


def test_the_mark_moves_with_every_entry(journal: Journal) -> None:
    """Equal marks mean an equal list: an entry more gives another mark."""
    marks = [journal.mark()]
    for lead in ("a", "b", "a"):
        record(journal, said(lead))
        marks.append(journal.mark())

    assert len(set(marks)) == 4
    assert marks[0] == (0, 0)
    assert journal.mark() == marks[-1]


def test_writers_at_the_same_moment_lose_and_double_nothing(journal: Journal) -> None:
    """Eight threads on the same leads: every entry once, the latest one of them."""

    def write(writer: int) -> None:
        order = ["a", "b", "c"] if writer % 2 else ["c", "b", "a"]
        for step in range(10):
            chance = (writer * 10 + step) / 100
            record(journal, *(said(name, chance) for name in order))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(8)))
    for name in "abc":
        entries = journal.history(name, limit=100)
        chances = [entry.prediction.probability for entry in entries]
        assert sorted(chances) == [count / 100 for count in range(80)]
        assert journal.latest(name) == entries[0].prediction
    assert len(journal.ranking()) == 3


def test_the_journal_outlives_its_process(url: str) -> None:
    """What was recorded is there for whoever opens the database next."""
    first = Journal(url)
    first.upgrade()
    record(first, said())
    first.close()

    second = Journal(url)
    second.upgrade()
    assert second.latest("L-1") == said()
    second.close()


def test_many_may_start_at_once(url: str) -> None:
    """Services that upgrade the same empty database together all come up."""
    program = (
        "from leads.journal import Journal; import alembic.command, alembic.script\n"
        f"journal = Journal({url!r}); print('ready', flush=True); input()\n"
        "journal.upgrade()"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            env={"PYTHONPATH": str(ROOT / "src")},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(4)
    ]  # fmt: skip
    for process in started:
        assert process.stdout is not None
        process.stdout.readline()
    for process in started:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()

    failures = [process.communicate()[1].decode() for process in started]
    assert failures == [""] * 4


def test_steps_lead_to_the_tables_in_use(url: str) -> None:
    """The database that the steps build is the one the code describes."""
    journal = Journal(url)
    journal.upgrade()
    journal.close()

    engine = sa.create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        # What others keep in the journal's database adds its tables to ours.
        assert all((calls, consents, hearing, runs, tokens))
        assert OUTBOX.metadata is METADATA
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_a_slow_reader_holds_no_writer_up(journal: Journal, url: str) -> None:
    """Predictions go in while somebody is in the midst of reading."""
    record(journal, said())
    engine = sa.create_engine(url)
    with engine.begin() as reader:
        reader.exec_driver_sql("BEGIN") if "sqlite" in url else None
        before = reader.execute(sa.text("SELECT count(*) FROM predictions")).scalar()
        record(journal, said())

        after = reader.execute(sa.text("SELECT count(*) FROM predictions")).scalar()
        assert before == 1
        assert after == (1 if "sqlite" in url else 2)
    engine.dispose()


def test_order_does_not_depend_on_the_language_of_the_database(
    postgres_url: str,
) -> None:
    """A PostgreSQL that sorts like an English dictionary lists leads as SQLite does."""
    home = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with home.connect() as connection:
        connection.exec_driver_sql(
            "CREATE DATABASE english TEMPLATE template0"
            " LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
        )
    journal = Journal(str(home.url.set(database="english")))
    journal.upgrade()
    record(journal, *map(said, ["b", "B", "a", "_"]))

    assert [lead for lead, *_ in journal.ranking()] == ["B", "_", "a", "b"]
    journal.close()
    with home.connect() as connection:
        connection.exec_driver_sql("DROP DATABASE english")
    home.dispose()


def test_a_database_without_tables_is_unavailable(url: str) -> None:
    """Whoever forgets to upgrade is told so, in words of ours."""
    journal = Journal(url)
    path = sa.make_url(url).database if url.startswith("sqlite") else None
    if path:
        Path(path).parent.mkdir()

    with pytest.raises(Unavailable, match="upgrade"):
        record(journal, said())
    journal.close()


def test_a_server_that_is_away_is_unavailable() -> None:
    """A connection that is refused is not the caller's fault."""
    journal = Journal("postgresql://nobody@127.0.0.1:1/none")

    with pytest.raises(Unavailable, match="did not answer"):
        journal.latest("L-1")
    journal.close()


@pytest.mark.parametrize(
    "url", ["mysql://u:secret@h/d", "sqlite://", "sqlite:///:memory:", "not a url"]
)
def test_other_databases_are_refused(url: str) -> None:
    """Only a SQLite file or PostgreSQL will do, and no password is repeated."""
    with pytest.raises(BadConfig, match=r"\[store\] database") as refusal:
        Journal(url)
    assert "secret" not in str(refusal.value)
