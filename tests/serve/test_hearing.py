"""A new lead's hook leads to its tier on the card."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from tests.serve.conftest import Company
from tests.serve.service import serving
from tests.serve.telling import telling


def test_a_new_lead_gets_its_tier(
    company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lead that nobody has ingested is heard of, looked at and written back."""
    with (
        telling(company, tmp_path, monkeypatch) as told,
        serving(told.settings, tmp_path) as service,
    ):
        told.listen_at(f"{service.url}/crm/bitrix24/events")
        told.tier_on(told.lead())
        ready = orjson.loads(service.get("/readyz")[1])
        said = orjson.loads(service.get("/v1/leads/21")[1])

    assert ready["listening"]["dead"] == 0
    assert said["lead_id"] == "21"
