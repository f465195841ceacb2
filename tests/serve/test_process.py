from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.serve.company import sent_of
from tests.serve.conftest import Company, point
from tests.serve.service import Service, config_of, environment, serving

from leads.journal import Journal
from model.bundle.whole import Bundle
from model.features.twin import build_one
from serve.intake import checked, field_types, history_of, instant_of
from serve.scoring import predict

ANY_MOMENT = datetime(2026, 5, 5, tzinfo=UTC)  # a probability does not depend on it


def body_of(company: Company, lead_id: str = "L00003") -> bytes:
    """Write a lead whole, as of the cut-off."""
    as_of = company.tables.cut_off.isoformat()
    return orjson.dumps({**sent_of(company.history, lead_id), "as_of": as_of})


def test_nothing_of_mlflow_or_pickle_is_ever_loaded(
    company: Company, tmp_path: Path
) -> None:
    """Serving works where MLflow cannot be imported, and imports nothing like it."""
    script = Path(__file__).with_name("without_mlflow.py")
    config = config_of(company.apart(tmp_path), tmp_path)
    body = tmp_path / "lead.json"
    body.write_bytes(body_of(company))

    done = subprocess.run(
        [sys.executable, str(script), str(config), str(body)], env=environment(),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr[-2_000:]


@pytest.fixture(scope="module")
def swapping(
    company: Company, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Any]:
    """Make a store of this module's own, whose champion changes."""
    folder = tmp_path_factory.mktemp("swapping")
    company.store_in(folder)
    settings = company.apart(folder)
    store = settings.store.model_copy(update={"folder": folder})
    return folder, settings.model_copy(update={"store": store})


def test_promotions_under_load_fail_no_request(
    company: Company, swapping: tuple[Path, Any]
) -> None:
    """While the champion changes 20 times each answer is one bundle's, whole."""
    folder, settings = swapping
    point(folder, company.pointers[0])
    body = body_of(company)
    ended = threading.Event()
    with serving(settings, folder) as service, ThreadPoolExecutor(4) as pool:
        asking = [
            pool.submit(ask_until, ended, service, body, query)
            for query in ("", "", "?reasons=false", "?reasons=false")
        ]
        for turn in range(20):
            point(folder, company.pointers[(turn + 1) % 2])
            wait_for(service, (company.second, company.first)[turn % 2])
        ended.set()
        answers = [answer for task in asking for answer in task.result()]
        assert service.terminate() == 0

    assert {status for status, _ in answers} == {200}
    expected = {
        bundle.digest: (version, expected_of(bundle, body))
        for bundle, version in ((company.first, "1"), (company.second, "2"))
    }
    said = [json.loads(content) for _, content in answers]
    assert {answer["bundle_digest"] for answer in said} == set(expected)
    for answer in said:
        version, probability = expected[answer["bundle_digest"]]
        assert (answer["model_version"], answer["probability"]) == (
            version, probability,
        )  # fmt: skip


def ask_until(
    ended: threading.Event, service: Service, body: bytes, query: str
) -> list[tuple[int, bytes]]:
    """Predict over and over; keep every answer."""
    answers = []
    while not ended.is_set():
        answers.append(service.post(f"/v1/predict{query}", body))
    return answers


def wait_for(service: Service, bundle: Bundle) -> None:
    """Wait until a bundle serves."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        said = json.loads(service.get("/v1/model")[1])
        if said["bundle_digest"] == bundle.digest:
            return
        time.sleep(0.05)
    raise AssertionError("the promoted bundle did not come into service")


def expected_of(bundle: Bundle, body: bytes) -> float:
    """Compute a probability without any service."""
    lead = checked(orjson.loads(body))
    history = history_of(lead, field_types(bundle.catalog), dated=True)
    table = build_one(bundle.catalog, history, instant_of(str(lead["as_of"]), "as_of"))
    (said,) = predict(bundle, table, ["x"], [ANY_MOMENT], version="", reasons=False)
    return said.probability


def test_a_terminated_service_answers_what_it_accepted(
    company: Company, swapping: tuple[Path, Any]
) -> None:
    """SIGTERM in mid-load: answers are whole and recorded, and the exit is clean."""
    folder, settings = swapping
    point(folder, company.pointers[0])
    body = orjson.dumps({**orjson.loads(body_of(company)), "lead_id": "drained"})
    answered: list[int] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.is_set():
            try:
                status, _ = service.post("/v1/predict", body)
            except OSError:  # the door is closed: refused before it was accepted
                return
            answered.append(status)

    with serving(settings, folder) as service:
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        while len(answered) < 20:
            time.sleep(0.01)
        began = time.monotonic()
        code = service.terminate()
        took = time.monotonic() - began
        ended.set()
        for thread in threads:
            thread.join()
    journal = Journal(settings.store.database)
    recorded = len(journal.history("drained", limit=100_000))
    journal.close()

    assert code == 0
    assert took < 15
    assert set(answered) == {200}
    assert recorded >= len(answered)
