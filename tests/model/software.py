"""The invented company that sells software, and the truth of its leads."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from crm.export import open_source
from leads.history import History
from leads.settings import Settings
from leads.synthetic import invent, write

COLUMNS: Final = {
    "leads": {
        "lead_id": "deal_id", "created_at": "registered_at", "source": "utm_source",
        "pipeline": "funnel", "owner": "manager",
    },
    "events": {
        "lead_id": "deal_id", "at": "happened_at", "recorded_at": "received_at",
        "kind": "event",
    },
    "stages": {"lead_id": "deal_id", "at": "moved_at", "pipeline": "funnel"},
    "payments": {
        "lead_id": "deal_id", "at": "paid_at", "recorded_at": "booked_at",
        "amount": "sum",
    },
    "field_changes": {"lead_id": "deal_id", "at": "changed_at", "value": "new_value"},
}  # fmt: skip


def software_company(
    folder: Path, leads: int, seed: int, *, events: float = 30.0, **sections: Any
) -> tuple[History, Settings]:
    """Invent a company into ``folder/export``, its truth into ``folder/truth``."""
    write(invent(leads, seed, events_per_lead=events), folder)
    export = {"kind": "files", "folder": str(folder / "export"), "currency": "RUB"}
    tables = {name: {"columns": names} for name, names in COLUMNS.items()}
    settings = Settings.model_validate({"source": export | tables} | sections)
    return History(open_source(settings).read()), settings
