import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.serve import example
from tests.serve.markup import read

from leads.history import History
from serve.pages.listing import Wanted
from serve.pages.paper import write_digest
from serve.pages.report import write_report
from serve.pages.sight import Sight

LATER = example.NOW + timedelta(days=1)


@pytest.fixture
def sight(tmp_path: Path) -> Iterator[Sight]:
    """Open a company with 30 leads."""
    with example.sight(tmp_path / "store", example.lead_ids(30)) as opened:
        yield opened


def files(folder: Path) -> set[str]:
    """Name every file of a report."""
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def test_every_page_has_a_twin(tmp_path: Path, sight: Sight) -> None:
    """Ten pages and those of the best leads are written, each with its JSON."""
    report = write_report(sight, tmp_path / "reports", now=example.NOW, pages=5)

    names = files(tmp_path / "reports")
    assert len(names) == 2 * (10 + 5)
    assert {n.removesuffix(".html") for n in names if n.endswith(".html")} == {
        n.removesuffix(".json") for n in names if n.endswith(".json")
    }
    count = sight.listing(Wanted()).total
    assert (report.listed, report.total, report.pages) == (count, count, 5)


def test_file_stands_alone(tmp_path: Path, sight: Sight) -> None:
    """A file fetches nothing, runs nothing, and carries its own policy."""
    write_report(sight, tmp_path, now=example.NOW)
    write_digest(sight, tmp_path, now=example.NOW)

    for path in tmp_path.rglob("*.html"):
        if "store" in path.parts:
            continue
        text = path.read_text()
        assert "<script" not in text
        assert 'http-equiv="Content-Security-Policy" content="default-src' in text
        assert 'src="' not in text
        document = read(text)
        assert document.open_at_end == []
        links = [link for link in document.links if link not in {"data:,", "#content"}]
        assert all((path.parent / link).resolve().is_file() for link in links), links


def test_long_list_is_cut_and_says_so(tmp_path: Path, sight: Sight) -> None:
    """A list cut to its best says how many there are in all."""
    report = write_report(sight, tmp_path / "r", now=example.NOW, listed=10, pages=3)

    text = (tmp_path / "r" / "leads.html").read_text()
    count = sight.listing(Wanted()).total
    assert f"This file shows the 10 most promising of {count} leads." in text
    assert text.count('<tr role="row">') == 11
    assert report.listed == 10


def test_twin_holds_the_facts(tmp_path: Path, sight: Sight) -> None:
    """The JSON has the numbers themselves: unrounded, in no language."""
    write_report(sight, tmp_path / "r", now=example.NOW)

    listing = json.loads((tmp_path / "r" / "leads.json").read_text())
    best = next(row for row in sight.every(Wanted()))
    assert listing["rows"][0]["probability"] == best.probability
    assert listing["rows"][0]["lead_id"] == best.lead_id
    proof = json.loads((tmp_path / "r" / "model.json").read_text())
    assert proof["tiers"][0]["verdict"] == "agrees"


def test_second_report_replaces_the_first(tmp_path: Path, sight: Sight) -> None:
    """Pages of leads that are no longer among the best are removed; nothing else is."""
    folder = tmp_path / "r"
    write_report(sight, folder, now=example.NOW, pages=5)
    (folder / "leads" / "notes.txt").write_text("mine")
    before = files(folder)
    write_report(sight, folder, now=example.NOW, pages=2)

    after = files(folder)
    assert after < before
    assert len(after) == 2 * (9 + 2) + 1
    assert "leads/notes.txt" in after


def test_broken_off_report_leaves_the_old_list(tmp_path: Path, sight: Sight) -> None:
    """If a lead's page cannot be made, the list and the proof of before still stand."""
    folder = tmp_path / "r"
    write_report(sight, folder, now=example.NOW, pages=1)
    before = {name: (folder / name).read_bytes() for name in files(folder)}
    answers = iter([sight.history()])

    def broken() -> History | None:
        for history in answers:
            return history
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="gone"):
        write_report(replace(sight, history=broken), folder, now=LATER, pages=1)

    assert {name: (folder / name).read_bytes() for name in files(folder)} == before


def test_report_without_a_model_is_written(tmp_path: Path, sight: Sight) -> None:
    """Without a proof the page of proof says that there is none."""
    bare = replace(sight, evidence=example.no_evidence, backtest=lambda: None)

    write_report(bare, tmp_path / "r", now=example.NOW, pages=1)

    assert "No proof is kept" in (tmp_path / "r" / "model.html").read_text()
    assert "No proof is kept" in (tmp_path / "r" / "card.html").read_text()
    assert "Run backtest" in (tmp_path / "r" / "backtest.html").read_text()
    assert "hot leads that wait" in (tmp_path / "r" / "team.html").read_text()


def test_twins_of_judgement_hold_the_facts(tmp_path: Path, sight: Sight) -> None:
    """Back-test, managers and card have their numbers beside them."""
    write_report(sight, tmp_path / "r", now=example.NOW, pages=0)

    kept = {
        name: json.loads((tmp_path / "r" / f"{name}.json").read_text())
        for name in ("backtest", "team", "card")
    }
    assert kept["backtest"]["digest"] == example.backtest().digest
    assert [m["month"] for m in kept["backtest"]["months"]] == ["2026-09", "2026-08"]
    assert kept["team"]["managers"][1]["standing"] == "more"
    assert kept["card"]["sections"][0]["name"] == "purpose"
