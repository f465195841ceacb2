from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from tests.model.invented import flat_settings

from leads.errors import DamagedBundle, NoModel, PromotionRefused
from model.bundle import check
from model.bundle.whole import Bundle
from model.learning import Task, Trained, learn
from model.promotion import champion

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
TUESDAY = datetime(2026, 3, 3, 9, tzinfo=UTC)


@pytest.fixture(scope="session")
def other(task: Task, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Learn a second bundle of another seed."""
    folder = tmp_path_factory.mktemp("other")
    return learn(task, flat_settings(folder, seed=8), workdir=folder)


@pytest.fixture(autouse=True)
def _no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check bundles in this process: the child has tests of its own, and is slow."""
    monkeypatch.setattr(
        check, "verify_in_child", lambda path: Bundle.open(path).check_golden_rows()
    )


def test_without_promotion_there_is_no_champion(tmp_path: Path) -> None:
    """An empty store says how to get a model."""
    with pytest.raises(NoModel, match="Run train, then promote"):
        champion.read(tmp_path)


def test_the_champion_is_a_whole_copy(trained: Trained, tmp_path: Path) -> None:
    """The store keeps its own copy under the digest, and predicts the same bits."""
    champion.set_champion(tmp_path, trained.bundle.path, "1", MONDAY)

    now = champion.read(tmp_path)
    assert (now.version, now.promoted_at) == ("1", MONDAY)
    assert now.path == tmp_path / "bundles" / trained.bundle.digest
    copy = Bundle.open(now.path, digest=now.digest)
    assert np.array_equal(copy.log_odds(trained.table), trained.log_odds)


def test_promoting_the_champion_again_changes_nothing(
    trained: Trained, tmp_path: Path
) -> None:
    """A repeat after a crash adds no second term, so rollback still means the same."""
    champion.set_champion(tmp_path, trained.bundle.path, "1", MONDAY)
    before = (tmp_path / champion.POINTER).read_bytes()
    champion.set_champion(tmp_path, trained.bundle.path, "1", TUESDAY)

    assert (tmp_path / champion.POINTER).read_bytes() == before


def test_a_rollback_returns_to_the_one_before(
    trained: Trained, other: Trained, tmp_path: Path
) -> None:
    """The earlier champion serves again, and what was undone is remembered."""
    champion.set_champion(tmp_path, trained.bundle.path, "1", MONDAY)
    champion.set_champion(tmp_path, other.bundle.path, "2", TUESDAY)

    back = champion.roll_back(tmp_path, TUESDAY)

    assert back == champion.read(tmp_path)
    assert (back.version, back.digest) == ("1", trained.bundle.digest)
    undone = json.loads((tmp_path / champion.POINTER).read_text())["undone"]
    assert [term["version"] for term in undone] == ["2"]


def test_there_is_nothing_before_the_first(trained: Trained, tmp_path: Path) -> None:
    """Going back from the first champion is refused, and it goes on serving."""
    champion.set_champion(tmp_path, trained.bundle.path, "1", MONDAY)

    with pytest.raises(PromotionRefused, match="Version 1 is the first"):
        champion.roll_back(tmp_path, TUESDAY)
    assert champion.read(tmp_path).version == "1"


def test_a_damaged_bundle_never_becomes_champion(
    trained: Trained, other: Trained, tmp_path: Path
) -> None:
    """The pointer stays where it was when the new bundle is not whole."""
    champion.set_champion(tmp_path, trained.bundle.path, "1", MONDAY)
    damaged = tmp_path / "damaged"
    shutil.copytree(other.bundle.path, damaged)
    (damaged / "tiers.json").write_text("{}")

    with pytest.raises(DamagedBundle):
        champion.set_champion(tmp_path, damaged, "2", TUESDAY)
    assert champion.read(tmp_path).version == "1"


def test_a_rollback_to_a_damaged_bundle_is_refused(
    trained: Trained, other: Trained, tmp_path: Path
) -> None:
    """The present champion goes on serving when the earlier copy has rotted."""
    first = champion.set_champion(tmp_path, trained.bundle.path, "1", MONDAY)
    champion.set_champion(tmp_path, other.bundle.path, "2", TUESDAY)
    (first.path / "booster.txt").write_text("tree")

    with pytest.raises(DamagedBundle):
        champion.roll_back(tmp_path, TUESDAY)
    assert champion.read(tmp_path).version == "2"


def test_a_damaged_copy_is_replaced(trained: Trained, tmp_path: Path) -> None:
    """A copy that a crash left half-written is written anew."""
    place = tmp_path / "bundles" / trained.bundle.digest
    place.mkdir(parents=True)
    (place / "manifest.json").write_text("{")

    champion.set_champion(tmp_path, trained.bundle.path, "1", MONDAY)

    kept = champion.read(tmp_path).path
    assert kept == place
    assert Bundle.open(kept).digest == trained.bundle.digest


def test_a_crash_before_the_swap_leaves_the_old_pointer(
    trained: Trained, other: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the one rename, whoever reads sees the old champion whole."""
    champion.set_champion(tmp_path, trained.bundle.path, "1", MONDAY)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", _power_cut)
        with pytest.raises(OSError, match="power cut"):
            champion.set_champion(tmp_path, other.bundle.path, "2", TUESDAY)

    assert champion.read(tmp_path).version == "1"
    champion.set_champion(tmp_path, other.bundle.path, "2", TUESDAY)
    assert champion.read(tmp_path).version == "2"


def _power_cut(*_: object) -> None:
    raise OSError("power cut")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"terms": [{}]}'])
def test_an_unreadable_pointer_is_refused_in_words(tmp_path: Path, text: str) -> None:
    """A pointer file that was damaged is named; nobody sees a stack trace."""
    (tmp_path / champion.POINTER).write_text(text)

    with pytest.raises(DamagedBundle, match=r"champion\.json cannot be read"):
        champion.read(tmp_path)
