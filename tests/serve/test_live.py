from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.serve.conftest import Company, point

from leads.errors import NoModel
from model.bundle.manifest import MANIFEST, sha256
from model.bundle.whole import Bundle
from model.promotion import champion
from serve.live import Live, Serving

NOW = datetime(2026, 6, 2, tzinfo=UTC)


class Watched:
    """A live bundle in a store of its own, and what it told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.swaps: list[str] = []
        self.refusals = 0
        self.live = Live(
            folder,
            now=lambda: NOW,
            on_swap=self._swapped,
            on_refusal=self._refused,
            verify=lambda path: Bundle.open(path).check_golden_rows(),
        )

    def look_at(self, pointer: bytes) -> None:
        """Promote, and look."""
        point(self.folder, pointer)
        self.live.look()

    def _swapped(self, serving: Serving) -> None:
        self.swaps.append(serving.bundle.digest)

    def _refused(self) -> None:
        self.refusals += 1


@pytest.fixture
def watched(tmp_path: Path, company: Company) -> Watched:
    """Watch a store with two bundles and no champion."""
    return Watched(company.store_in(tmp_path))


@pytest.fixture
def serving(watched: Watched, company: Company) -> Watched:
    """Watch it with the first bundle in service."""
    watched.look_at(company.pointers[0])
    return watched


def test_before_any_promotion_there_is_no_model(watched: Watched) -> None:
    """A store without a champion gives a refusal with a way out."""
    watched.live.look()

    with pytest.raises(NoModel, match="promote"):
        watched.live.serving()


def test_a_promotion_swaps_and_a_rollback_swaps_back(
    serving: Watched, company: Company
) -> None:
    """What serves is what was promoted last, or what a rollback returned to."""
    first, second = company.first, company.second
    serving.look_at(company.pointers[1])
    after = serving.live.serving()
    champion.roll_back(serving.folder, NOW)
    serving.live.look()

    assert (after.bundle.digest, after.version) == (second.digest, "2")
    assert serving.live.serving().bundle.digest == first.digest
    assert serving.swaps == [first.digest, second.digest, first.digest]


def test_nothing_is_loaded_twice(serving: Watched, company: Company) -> None:
    """A pointer that did not change, or names the same bundle, costs nothing."""
    serving.look_at(company.pointers[0])
    serving.live.look()

    assert serving.swaps == [company.first.digest]


@pytest.mark.parametrize("name", ["booster.txt", "manifest.json", "golden.json"])
def test_a_damaged_newcomer_is_refused_and_the_old_serves_on(
    serving: Watched, company: Company, name: str
) -> None:
    """One changed byte keeps a bundle out, loudly, and nothing else happens."""
    file = serving.folder / champion.BUNDLES / company.second.digest / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    serving.look_at(company.pointers[1])

    assert serving.live.serving().bundle.digest == company.first.digest
    assert serving.refusals == 1


def test_a_bundle_that_kills_its_reader_kills_only_a_child(
    tmp_path: Path, company: Company
) -> None:
    """Trees that LightGBM dies of, with digests in order, leave this process alive."""
    folder = company.store_in(tmp_path)
    refusals: list[int] = []
    live = Live(folder, now=lambda: NOW, on_refusal=lambda: refusals.append(1))
    point(folder, company.pointers[0])
    live.look()
    booster = (company.second.path / "booster.txt").read_text()
    deadly = booster.replace("num_leaves=", "num_leaves=9", 1)
    point(folder, _pointing_to(_forged(folder, company, deadly), company))
    live.look()

    assert live.serving().bundle.digest == company.first.digest
    assert refusals == [1]


def test_a_bundle_that_lies_about_its_rows_is_refused(
    serving: Watched, company: Company
) -> None:
    """Whole files whose model predicts other than its golden rows do not serve."""
    others = (company.first.path / "booster.txt").read_text()
    digest = _forged(serving.folder, company, others)
    serving.look_at(_pointing_to(digest, company))

    assert serving.live.serving().bundle.digest == company.first.digest
    assert serving.refusals == 1


def test_the_first_bundle_is_proved_too(watched: Watched, company: Company) -> None:
    """A liar does not come into service only because nothing serves yet."""
    others = (company.first.path / "booster.txt").read_text()
    watched.look_at(_pointing_to(_forged(watched.folder, company, others), company))

    assert watched.refusals == 1
    with pytest.raises(NoModel):
        watched.live.serving()


def _forged(folder: Path, company: Company, booster: str) -> str:
    """Keep the second bundle with other trees and a manifest that vouches for them."""
    forged = folder / "forged"
    shutil.copytree(company.second.path, forged)
    (forged / "booster.txt").write_text(booster)
    manifest = company.second.manifest
    files = {**manifest.files, "booster.txt": sha256(booster.encode())}
    (forged / MANIFEST).write_text(replace(manifest, files=files).to_json())
    digest = sha256((forged / MANIFEST).read_bytes())
    forged.rename(folder / champion.BUNDLES / digest)
    return digest


def _pointing_to(digest: str, company: Company) -> bytes:
    second = company.second.digest.encode()
    return company.pointers[1].replace(second, digest.encode())


def test_an_unreadable_pointer_changes_nothing(serving: Watched) -> None:
    """Half a pointer file is refused and the old bundle serves on."""
    serving.look_at(b'{"terms": [{"ver')

    assert serving.live.serving().version == "1"
    assert serving.refusals == 1
