import random
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from tests.serve import example

from leads.decision import Tier
from leads.history import History
from leads.tables import LEADS
from model.snapshots import open_leads
from serve.pages.listing import MOST_PAGES, Origin, Wanted, main_reason, origins_of


@pytest.mark.parametrize(
    ("tier", "search", "page", "wanted"),
    [
        ("hot", "L-1", "3", Wanted(Tier.HOT, "L-1", 3)),
        ("HOT", "  ", "0", Wanted()),
        ("<script>", "\x00a\u202eb\n", "9" * 400, Wanted(search="ab")),
        ("", "x" * 999, "-1", Wanted(search="x" * 200)),
        ("not enough data", "", "²", Wanted(Tier.NO_DATA)),
        ("", "", "999999999", Wanted(page=MOST_PAGES)),
    ],
)
def test_what_makes_no_sense_is_as_if_not_sent(
    tier: str, search: str, page: str, wanted: Wanted
) -> None:
    """Whatever a browser sends is read as some page of the list."""
    assert Wanted.of(tier, search, page) == wanted


def test_pages_cover_the_list_once(tmp_path: Path) -> None:
    """Leafing through all pages meets every lead once, the likeliest first."""
    ids = example.lead_ids(23)
    with example.sight(tmp_path, ids) as sight:
        pages = [sight.listing(Wanted(page=n), size=5) for n in range(1, 6)]

    rows = [row for page in pages for row in page.rows]
    assert sorted(row.lead_id for row in rows) == ids
    chances = [row.probability for row in rows]
    assert chances == sorted(chances, reverse=True)
    assert [(page.first, page.last, page.pages) for page in pages] == [
        (1, 5, 5), (6, 10, 5), (11, 15, 5), (16, 20, 5), (21, 23, 5),
    ]  # fmt: skip


def test_page_past_the_end_is_the_last(tmp_path: Path) -> None:
    """A page that is not there shows the last one, as when leads have gone."""
    with example.sight(tmp_path, example.lead_ids(7)) as sight:
        page = sight.listing(Wanted(page=400), size=5)

    assert (page.wanted.page, page.first, page.last) == (2, 6, 7)


def test_tier_and_search_narrow_the_list(tmp_path: Path) -> None:
    """The filter keeps one tier, the search those ids that hold the text."""
    with example.sight(tmp_path, example.lead_ids(40)) as sight:
        warm = sight.listing(Wanted(tier=Tier.WARM))
        found = sight.listing(Wanted(search="l-0001"))

    assert {row.tier for row in warm.rows} == {Tier.WARM}
    assert {row.lead_id[:6] for row in found.rows} == {"L-0001"}
    assert found.total == 10
    counts = {counted.tier: counted.count for counted in found.counts}
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
        rows = sight.listing(Wanted()).rows
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


def test_origins_are_those_of_the_leads_asked_for() -> None:
    """Source and pipeline come from the lead's own row; unknown leads have none."""
    rows = [("a", "ads", "sales"), ("b", None, "sales"), ("c", "web", None)]
    leads = pl.DataFrame(
        [(i, example.NOW, example.NOW, s, p, None) for i, s, p in rows],
        schema=dict(LEADS),
        orient="row",
    )

    found = origins_of(leads, ["c", "b", "nobody"])

    assert found == {"b": Origin(None, "sales"), "c": Origin("web", None)}
