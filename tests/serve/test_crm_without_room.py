"""T20 beside a CRM: the disk is full, and no card is lost, doubled or put back."""

from __future__ import annotations

import time
from pathlib import Path

import orjson
import pytest
from tests.pipelines.test_no_space import disk, forget_slack, full
from tests.serve.conftest import Company
from tests.serve.service import serving
from tests.serve.telling import TIER_FIELD, Telling, telling

__all__ = ["disk"]

SECONDS = 150.0
"""A poll a minute finds what no hook could tell."""


@pytest.mark.long
def test_a_full_disk_costs_no_card_its_tier(
    company: Company, disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the CRM tells meanwhile is refused and found again; each card is written."""
    with telling(company, disk, monkeypatch) as told:
        crm = told.settings.crm
        assert crm is not None
        often = crm.model_copy(update={"poll_minutes": 1})
        settings = told.settings.model_copy(update={"crm": often})
        with serving(settings, tmp_path) as service:
            told.listen_at(f"{service.url}/crm/bitrix24/events")
            early = told.lead()
            told.tier_on(early)
            forget_slack(settings)

            with full(disk, left=0):
                missed = told.lead()
                body = orjson.dumps({"lead_id": "1"})
                said = orjson.loads(service.post("/v1/predict", body)[1])
                ready = orjson.loads(service.get("/readyz")[1])
                time.sleep(3)
                during = told.tier_of(missed)
                refused = service.get("/metrics")[1].decode()

            late = told.lead()
            told.tier_on(late)
            told.tier_on(missed, seconds=SECONDS)
            over = orjson.loads(service.get("/readyz")[1])

    assert (said["recorded"], ready["status"], during) == (False, "degraded", None)
    assert 'leadcast_hooks_total{end="failed"}' in refused
    assert (over["status"], over["delivery"]["dead"]) == ("ready", 0)
    assert over["listening"]["dead"] == 0
    assert written_of(told, missed) == written_of(told, late) == 1


def written_of(told: Telling, lead: int) -> int:
    """Count how often a tier was written on a lead's card."""
    names = [name for one in told.portal.ledger.of("lead", lead) for name in one.after]
    return sum(name.startswith(TIER_FIELD) for name in names)
