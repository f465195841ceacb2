"""Promotion and rollback rehearsed on a live service while clients hammer it."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.benchmarks.load import load_apart
from tests.serve.conftest import Company
from tests.serve.service import Service, serving
from tests.serve.test_process import ask_until, body_of, expected_of, wait_for

from leads.settings import Settings
from model.bundle import check as bundle_check
from model.bundle.whole import Bundle
from model.promotion import champion

NOW = datetime(2026, 6, 2, tzinfo=UTC)
SLOWEST = 10.0
"""Seconds within which a rollback is in service, on a machine shared with the load."""


@dataclass
class Rehearsal:
    """What came of it: every answer, and how long each change took to be in service."""

    answers: list[tuple[int, bytes]]
    promotions: list[float]
    rollbacks: list[float]


@pytest.fixture
def apart(company: Company, tmp_path: Path) -> Settings:
    """Make a store of this test's own, in which the first bundle serves."""
    settings = company.apart(tmp_path)
    folder = company.store_in(tmp_path / "store")
    champion.set_champion(folder, company.first.path, "1", NOW)
    store = settings.store.model_copy(update={"folder": folder})
    return settings.model_copy(update={"store": store})


def rehearse(
    company: Company, settings: Settings, service: Service, cycles: int
) -> Rehearsal:
    """Promote and roll back, over and over, while four clients ask."""
    folder, body, ended = settings.store.folder, body_of(company), threading.Event()
    done = Rehearsal([], [], [])
    with ThreadPoolExecutor(4) as pool:
        asking = [
            pool.submit(ask_until, ended, service, body, query)
            for query in ("", "", "?reasons=false", "?reasons=false")
        ]
        try:
            for _ in range(cycles):
                champion.set_champion(folder, company.second.path, "2", NOW)
                done.promotions.append(in_service(service, company.second))
                champion.roll_back(folder, NOW)
                done.rollbacks.append(in_service(service, company.first))
        finally:
            ended.set()
        done.answers = [answer for task in asking for answer in task.result()]
    return done


def in_service(service: Service, bundle: Bundle) -> float:
    """Give the seconds until a bundle serves, from now."""
    began = time.monotonic()
    wait_for(service, bundle)
    return time.monotonic() - began


def check(company: Company, done: Rehearsal) -> None:
    """Let no request have failed, and every answer be one whole bundle's."""
    body = body_of(company)
    whole = {
        (version, bundle.digest, expected_of(bundle, body))
        for bundle, version in ((company.first, "1"), (company.second, "2"))
    }
    said = [json.loads(content) for _, content in done.answers]

    assert {status for status, _ in done.answers} == {200}
    assert {
        (one["model_version"], one["bundle_digest"], one["probability"])
        for one in said
    } == whole  # fmt: skip
    for bundle in (company.first, company.second):
        tiers = {one["tier"] for one in said if one["bundle_digest"] == bundle.digest}
        assert tiers == {bundle.borders.tier_of(expected_of(bundle, body)).value}
    assert max(done.rollbacks) < SLOWEST


def test_a_rollback_under_load_takes_seconds_and_fails_nobody(
    company: Company,
    apart: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Promoted and rolled back twice in mid-load, each answer is one bundle's."""
    # The service proves bundles in a child anyway; once is enough for the short run.
    monkeypatch.setattr(
        bundle_check,
        "verify_in_child",
        lambda path: Bundle.open(path).check_golden_rows(),
    )
    with serving(apart, tmp_path) as service:
        done = rehearse(company, apart, service, 2)

    check(company, done)


@pytest.mark.long
def test_fifty_rollbacks_under_full_load_fail_nobody(
    company: Company, apart: Settings, tmp_path: Path
) -> None:
    """The same fifty times, while keep-alive connections ask as fast as they can."""
    body = tmp_path / "lead.json"
    body.write_bytes(body_of(company))
    with serving(apart, tmp_path) as service, ThreadPoolExecutor(1) as pool:
        address = f"{service.url}/v1/predict?reasons=false"
        loading = pool.submit(load_apart, address, body, 8, 120.0)
        done = rehearse(company, apart, service, 50)
        load = loading.result()

    check(company, done)
    assert load.failures == 0
    assert load.rate > 0
