from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from tests.crm.writeback.carddesk import HttpDesk
from tests.crm.writeback.cardstore import CardStore, opened
from tests.model.cleaning.invented_dump import invented_dump
from typer.testing import CliRunner

from crm.courier import Courier
from crm.port import CardDesk, Gate
from leads.errors import BadConfig, BadInput
from leads.journal import Journal
from leads.settings import Crm, Settings, read_settings
from model.cleaning.advice import Act
from model.cleaning.planfile import Approved
from pipelines.__main__ import app
from pipelines.tidying import carry_out, undo

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CONFIG = """
[source]
kind = "files"
folder = "export"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Make a small company with a dump of leads that stand in a stage."""
    tables = invented_dump(300).history.tables
    folder = tmp_path / "export"
    folder.mkdir()
    tables.leads.drop("recorded_at").write_parquet(folder / "leads.parquet")
    stages = tables.leads.select("lead_id", at="created_at", stage=pl.lit("Почта"))
    stages.write_parquet(folder / "stages.parquet")
    path = tmp_path / "company.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def test_the_audit_can_be_asked_for(config: Path, tmp_path: Path) -> None:
    """The command prints findings and writes the same as JSON and as a mapping."""
    twin, rules = tmp_path / "audit.json", tmp_path / "map.yaml"
    asked = ["funnel", "audit", "-c", str(config), "--json", str(twin)]

    done = CliRunner().invoke(app, [*asked, "--propose", str(rules)])
    again = CliRunner().invoke(app, [*asked, "--mapping", str(rules)])

    assert (done.exit_code, again.exit_code) == (0, 0)
    facts = json.loads(twin.read_text())
    assert facts["open"] == 300
    assert [one["stage"] for one in facts["channels"]] == ["Почта"]
    assert "Почта" in rules.read_text(encoding="utf-8")


def test_a_plan_can_be_asked_for(config: Path, tmp_path: Path) -> None:
    """The command writes a file with a row for each open lead."""
    plan = tmp_path / "plan.csv"

    done = CliRunner().invoke(
        app, ["funnel", "clean", "-c", str(config), "--plan", str(plan)]
    )

    assert done.exit_code == 0
    assert len(pl.read_csv(plan, infer_schema=False)) == 300


@pytest.mark.parametrize(
    "asked", [[], ["--plan", "a.csv", "--undo", "b"], ["--apply", "a.csv"]]
)
def test_an_unclear_wish_is_refused(config: Path, asked: list[str]) -> None:
    """One thing at a time, and nothing is carried out without a name."""
    done = CliRunner().invoke(app, ["funnel", "clean", "-c", str(config), *asked])

    assert done.exit_code == 2


def company(config: Path, **clean: str) -> Settings:
    """Read the configuration, with a CRM."""
    settings = read_settings(config)
    return settings.model_copy(
        update={
            "crm": Crm(kind="bitrix24", account="acme"),
            "clean": settings.clean.model_copy(update=clean),
        }
    )


ROWS = (
    Approved("1", Act.MERGE, "2", "mail"), Approved("3", Act.CLOSE, "", "machine"),
    Approved("4", Act.LINK, "2", "phone"), Approved("x", Act.CLOSE, "", "machine"),
    Approved("0", Act.LINK, "1", "inn"),
)  # fmt: skip


def test_what_was_approved_is_carried_out_and_taken_back(
    config: Path, tmp_path: Path
) -> None:
    """Merges and closings move cards, links tie them; the receipt brings all back."""
    plan = tmp_path / "plan.csv"
    plan.write_text("as approved")
    settings = company(config, close_stage="JUNK", duplicate_stage="DOUBLE")
    store = CardStore(1)
    store.cards = {f"lead:{number}": {} for number in range(5)}
    store.stages = dict.fromkeys(store.cards, "NEW")
    store.clients = {"lead:2": ["contact:7", "company:3"], "lead:4": ["contact:9"]}
    with opened(store) as address:

        def door(_: Crm, gate: Gate, __: Journal) -> CardDesk:
            return HttpDesk(address, gate)

        def deliver() -> None:
            journal = Journal(settings.store.database)
            worker = Courier(settings, journal, door=door).worker()
            while worker.round().claimed:
                pass
            journal.close()

        done = carry_out(settings, ROWS, by="V.", plan=plan, now=NOW, door=door)
        deliver()
        moved, tied = dict(store.stages), dict(store.clients)
        assert done.path is not None
        undo(settings, done.path, by="V.")
        deliver()

    assert done.left == {"without a card": 1, "target without a company": 1}
    assert tied["lead:4"] == ["contact:9", "contact:7"]
    assert store.clients["lead:4"] == ["contact:9"]
    assert moved == {**dict.fromkeys(store.cards, "NEW"),
                     "lead:1": "DOUBLE", "lead:3": "JUNK"}  # fmt: skip
    assert set(store.stages.values()) == {"NEW"}
    assert [note["text"] for note in store.notes] == [
        "Taken back by V.: the clean-up of this card was undone."
    ] * 3


def test_stages_for_what_goes_have_to_be_named(config: Path, tmp_path: Path) -> None:
    """Without them nothing is ordered, and both missing keys are told."""
    plan = tmp_path / "plan.csv"

    with pytest.raises(BadConfig, match="close_stage and duplicate_stage"):
        carry_out(company(config), ROWS, by="V.", plan=plan, now=NOW)


def test_only_a_receipt_can_be_undone(config: Path) -> None:
    """Another file is refused, with the folder where receipts are."""
    with pytest.raises(BadInput, match="cleaning"):
        undo(company(config), config, by="V.")
