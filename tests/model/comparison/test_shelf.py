from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.serve import example

from leads.errors import DamagedBundle
from model.comparison import shelf
from model.comparison.records import Comparison, Figure


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Make a store where versions 3 and 4 served and were compared."""
    example.keep_versions(tmp_path)
    return tmp_path


def test_what_is_kept_is_found_again(store: Path) -> None:
    """A comparison is read back whole, under the names of today."""
    old, new = shelf.versions(store)

    found = shelf.find(store, old, new)
    assert found is not None
    assert replace(
        found, old=example.comparison().old, new=example.comparison().new
    ) == (example.comparison())
    assert (found.old.version, found.new.version) == ("3", "4")
    assert shelf.find(store, new, old) is None


def test_what_was_only_trained_can_be_compared(store: Path) -> None:
    """A challenger is known by its comparison, and by its version once it serves."""
    made = example.comparison()
    trained = replace(made.new, version="9", digest="77" * 32, promoted_at=None)
    shelf.keep(replace(made, old=made.new, new=trained), store)

    assert [one.version for one in shelf.versions(store)] == ["3", "4", "challenger"]

    pointer = json.loads((store / "champion.json").read_text())
    term = {"version": "5", "digest": "77" * 32, "promoted_at": "2026-11-20T09:00:00Z"}
    pointer["terms"].append(term)
    (store / "champion.json").write_text(json.dumps(pointer))
    (store / "bundles" / ("77" * 32)).mkdir()
    assert [one.version for one in shelf.versions(store)] == ["3", "4", "5"]


def test_a_rolled_back_version_can_still_be_compared(store: Path) -> None:
    """What was undone is listed before what serves, as long as its bundle is there."""
    pointer = json.loads((store / "champion.json").read_text())
    pointer["undone"] = [pointer["terms"].pop()]
    (store / "champion.json").write_text(json.dumps(pointer))

    assert [one.version for one in shelf.versions(store)] == ["4", "3"]


def test_the_erased_leave_comparisons(store: Path) -> None:
    """A lead's moves are dropped, the figures stay, and repeating drops no more."""
    assert shelf.forget(store, ["L-00001"]) == 1
    assert shelf.forget(store, ["L-00001"]) == 0

    (left,) = shelf.kept(store)
    assert [move.lead_id for move in left.moves] == ["<b>hostile</b>"]
    assert left.figures == example.comparison().figures


def test_a_damaged_file_is_passed_over_and_erased(store: Path) -> None:
    """Nobody can say who is in a damaged file, so erasing removes it whole."""
    (path,) = (store / shelf.FOLDER).glob("*.json")
    path.write_text("{}")

    with pytest.raises(DamagedBundle, match="cannot be read"):
        Comparison.from_json(path.read_text())
    assert shelf.kept(store) == ()
    shelf.forget(store, ["anybody"])
    assert not path.exists()


@pytest.mark.parametrize(
    ("name", "low", "high", "verdict"),
    [("auc", 0.01, 0.03, "better"), ("auc", -0.03, -0.01, "worse"),
     ("pr_auc", 0.01, 0.03, "better"), ("lift10", 0.5, 0.9, "better"),
     ("brier", -0.03, -0.01, "better"), ("ece15", 0.01, 0.03, "worse"),
     ("logloss", -0.03, -0.01, "better"), ("logloss", 0.01, 0.03, "worse"),
     ("ece15", -0.01, 0.01, "same"), ("lift10", 0.0, 0.5, "same")],
)  # fmt: skip
def test_better_is_said_only_beyond_noise(
    name: str, low: float, high: float, verdict: str
) -> None:
    """Less loss is better and more ranking is, if the interval is on one side."""
    assert Figure(name, 0.0, 0.0, (low + high) / 2, low, high).verdict == verdict
