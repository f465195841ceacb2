"""A lead's hook leads to its tier on the card, and to its stage on its page."""

from __future__ import annotations

import time
from pathlib import Path

import orjson
import pytest
from tests.serve.conftest import Company
from tests.serve.service import Service, serving
from tests.serve.telling import telling


def test_a_new_lead_gets_its_tier(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lead that nobody has ingested is heard of, looked at, shown, written back."""
    with (
        telling(company, tmp_path, monkeypatch) as told,
        serving(told.settings, tmp_path) as service,
    ):
        told.listen_at(f"{service.url}/crm/bitrix24/events")
        told.tier_on(told.lead())
        ready = orjson.loads(service.get("/readyz")[1])
        said = orjson.loads(service.get("/v1/leads/21")[1])
        told.move(21, "PROCESSED")
        stage = stage_of(service, "21", wanted="Обработан")

    assert ready["listening"]["dead"] == 0
    assert said["lead_id"] == "21"
    assert stage == "Обработан"


def stage_of(service: Service, lead_id: str, *, wanted: str) -> object:
    """Wait until the portrait of a lead tells a stage; give what it tells."""
    ends = time.monotonic() + 20.0
    while True:
        told = orjson.loads(service.get(f"/v1/portraits/{lead_id}")[1])
        stage = told["card"] and told["card"]["stage"]
        if stage == wanted or time.monotonic() > ends:
            return stage
        time.sleep(0.05)
