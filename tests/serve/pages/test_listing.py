import random
from dataclasses import replace
from pathlib import Path

import pytest
from tests.serve import example

from leads.decision import Tier
from leads.history import History
from model.examples.snapshots import open_leads
from serve.pages.listing import MOST_PAGES, Wanted, main_reason


@pytest.mark.parametrize(
    ("sent", "wanted"),
    [
        ({"tier": "hot", "q": "L-1", "page": "3"}, Wanted(Tier.HOT, "L-1", 3)),
        ({"tier": "HOT", "q": "  ", "page": "0"}, Wanted()),
        ({"tier": "<script>", "q": "\x00a\u202eb\n", "page": "9" * 400},
         Wanted(search="ab")),
        ({"q": "x" * 999, "page": "-1"}, Wanted(search="x" * 200)),
        ({"tier": "not enough data", "page": "²"}, Wanted(Tier.NO_DATA)),
        ({"page": "999999999"}, Wanted(page=MOST_PAGES)),
        ({"owner": "m1\0", "closed": "no"}, Wanted(owner="m1")),
        ({"pipeline": "sales", "source": "a&b", "closed": "yes"},
         Wanted(pipeline="sales", source="a&b", closed=True)),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_as_if_not_sent(
    sent: dict[str, str], wanted: Wanted
) -> None:
    """Whatever a browser sends is read as some page of the list, and links to it."""
    assert Wanted.of(sent) == wanted
    assert Wanted.of(dict(wanted.to_query())) == wanted


def test_pages_cover_the_list_once(tmp_path: Path) -> None:
    """Leafing through all pages meets every lead once, in calling order."""
    ids = example.lead_ids(23)
    with example.sight(tmp_path, ids) as sight:
        wanted = Wanted(closed=True)
        pages = [sight.listing(wanted.at(n), size=5) for n in range(1, 6)]

    rows = [row for page in pages for row in page.rows]
    assert sorted(row.lead_id for row in rows) == ids
    tiers = list(Tier)
    places = [
        (tiers.index(row.tier), row.called is not None, -row.probability)
        for row in rows
    ]
    assert places == sorted(places)
    assert {row.called is None for row in rows} == {True, False}
    assert [(page.first, page.last, page.pages) for page in pages] == [
        (1, 5, 5), (6, 10, 5), (11, 15, 5), (16, 20, 5), (21, 23, 5),
    ]  # fmt: skip


def test_page_past_the_end_is_the_last(tmp_path: Path) -> None:
    """A page that is not there shows the last one, as when leads have gone."""
    with example.sight(tmp_path, example.lead_ids(7)) as sight:
        page = sight.listing(Wanted(page=400, closed=True), size=5)

    assert (page.wanted.page, page.first, page.last) == (2, 6, 7)


def test_tier_and_search_narrow_the_list(tmp_path: Path) -> None:
    """The filter keeps one tier, the search those ids that hold the text."""
    with example.sight(tmp_path, example.lead_ids(40)) as sight:
        warm = sight.listing(Wanted(tier=Tier.WARM, closed=True))
        found = sight.listing(Wanted(search="l-0001"))

    assert {row.tier for row in warm.rows} == {Tier.WARM}
    assert {row.lead_id[:6] for row in found.rows} == {"L-0001"}
    assert found.total == 10
    counts = {counted.tier: counted.count for counted in warm.counts}
    assert counts[None] == 40
    assert counts[Tier.WARM] == warm.total


def test_empty_journal_is_an_empty_list(tmp_path: Path) -> None:
    """Before the first prediction the list is empty and knows why."""
    with example.sight(tmp_path, [], ingested=False) as sight:
        page = sight.listing(Wanted())

    assert (page.total, page.pages, page.nothing_predicted) == (0, 1, True)


def test_main_reason_speaks_for_the_lead(tmp_path: Path) -> None:
    """The reason in the list is the strongest of those for, never one against."""
    with example.sight(tmp_path, example.lead_ids(30)) as sight:
        said = [stored.prediction for lead_id in example.lead_ids(30)
                for stored in sight.journal.history(lead_id)]  # fmt: skip

    for prediction in said:
        main = main_reason(prediction)
        positive = [reason.share for reason in prediction.reasons if reason.share > 0]
        assert (main.share if main else None) == max(positive, default=None)


def test_lead_without_a_reason_for_has_no_main_reason() -> None:
    """Where everything speaks against a lead, none of it is shown as a reason for."""
    made = example.prediction("x", random.Random(1))
    against = tuple(replace(r, share=-abs(r.share)) for r in made.reasons)

    assert against
    assert main_reason(replace(made, reasons=against)) is None


def test_lead_that_has_paid_since_is_marked(tmp_path: Path) -> None:
    """A lead that converted after its last prediction is not shown as open."""
    ids = example.lead_ids(40)
    with example.sight(tmp_path, ids) as sight:
        history = sight.history()
        assert history is not None
        still_open = set(open_leads(history, sight.settings)["lead_id"])
        rows = sight.listing(Wanted(closed=True)).rows
        closed = {row.lead_id for row in rows if row.closed}
        dossiers = {lead_id: sight.dossier(lead_id) for lead_id in ids}

    assert closed == set(ids) - still_open
    assert closed
    assert closed == {
        i for i, dossier in dossiers.items() if dossier and dossier.closed
    }


def test_lead_that_was_never_ingested_is_not_closed(tmp_path: Path) -> None:
    """Of a lead known only from a request nobody can say that it has closed."""
    with example.sight(tmp_path, ["x"], ingested=True) as sight:
        other = History(example.tables(["y"]))
        seen = replace(sight, history=lambda: other)

        assert [row.closed for row in seen.listing(Wanted()).rows] == [False]


def test_closed_leads_are_listed_only_if_asked_for(tmp_path: Path) -> None:
    """Whom to call are open leads; the others come on request, or by their number."""
    with example.sight(tmp_path, example.lead_ids(40)) as sight:
        every = sight.listing(Wanted(closed=True)).rows
        closed = [row.lead_id for row in every if row.closed]
        shown = sight.listing(Wanted())
        found = sight.listing(Wanted(search=closed[0]))

    assert closed
    assert {row.lead_id for row in shown.rows} == {
        row.lead_id for row in every if not row.closed
    }
    assert shown.counts[0].count == shown.total == 40 - len(closed)
    assert [row.lead_id for row in found.rows] == closed[:1]


@pytest.mark.parametrize("column", ["owner", "pipeline", "source"])
def test_filters_keep_exactly_their_leads(tmp_path: Path, column: str) -> None:
    """A filter keeps all leads with that value, in the same order, and no other."""
    with example.sight(tmp_path, example.lead_ids(60)) as sight:
        every = sight.listing(Wanted(), size=100)
        choices = getattr(every.choices, f"{column}s")
        kept = {
            value: sight.listing(Wanted().but(**{column: value}), size=100).rows
            for value in choices
        }

    assert choices
    for value, rows in kept.items():
        assert rows == tuple(row for row in every.rows if getattr(row, column) == value)


def test_unknown_manager_has_no_leads(tmp_path: Path) -> None:
    """A filter that fits nobody gives an empty list, not the whole one."""
    with example.sight(tmp_path, example.lead_ids(5)) as sight:
        page = sight.listing(Wanted(owner="nobody"))

    assert (page.total, page.rows, page.nothing_predicted) == (0, (), False)


def test_row_says_how_far_the_chance_moved(tmp_path: Path) -> None:
    """The move is from the entry before the latest one, dated by that entry."""
    with example.sight(tmp_path, example.lead_ids(5)) as sight:
        row = sight.listing(Wanted(closed=True)).rows[0]
        latest, earlier = sight.journal.history(row.lead_id)

    assert row.probability == latest.prediction.probability
    assert row.moved == row.probability - earlier.prediction.probability
    assert row.moved_since == earlier.made_at


def test_list_follows_the_journal_at_once(tmp_path: Path) -> None:
    """A new prediction is in the list as soon as it is in the journal."""
    with example.sight(tmp_path, example.lead_ids(5)) as sight:
        before = sight.listing(Wanted(closed=True))
        said = example.prediction("new", random.Random(1))
        made = replace(said, probability=0.999, tier=Tier.HOT)
        sight.journal.record([made], made_at=example.NOW, channel="api")
        after = sight.listing(Wanted(closed=True))

    assert after.total == before.total + 1
    assert after.rows[0].lead_id == "new"


def test_export_holds_every_lead_of_the_list(tmp_path: Path) -> None:
    """What a file is made of are the rows of all pages, in order."""
    with example.sight(tmp_path, example.lead_ids(30)) as sight:
        pages = [sight.listing(Wanted(page=n), size=10).rows for n in (1, 2, 3)]
        every = tuple(sight.every(Wanted(page=2)))

    assert every == tuple(row for rows in pages for row in rows)
