"""A messy dump in either CRM is cleaned from the command line, and put back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from tests.journeys.messy import ACTS, AmoTown, BitrixTown, Town
from typer.testing import CliRunner

from crm.testing.serving import running
from pipelines.__main__ import app


@dataclass
class Shell:
    """A person at a terminal."""

    town: Town
    folder: Path

    def run(self, *words: str) -> str:
        """Run a command that must do well; give what it says."""
        asked = [*words, "--config", str(self.folder / "acme.toml")]
        done = CliRunner().invoke(app, asked)
        assert done.exit_code == 0, done.output + done.stderr
        return done.output

    def deliver(self) -> None:
        """Write what is due."""
        self.run("deliver", "--once")


@pytest.fixture(params=[BitrixTown, AmoTown], ids=["bitrix24", "amocrm"])
def shell(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shell]:
    """Connect to a double with the messy dump in it, and read it."""
    town: Town = request.param()
    (tmp_path / "acme.toml").write_text(town.config, encoding="utf-8")
    with running(town.app, town.companions) as address:
        for name, value in town.secrets(address).items():
            monkeypatch.setenv(name, value)
        made = Shell(town, tmp_path)
        made.run("connect", "bitrix24" if request.param is BitrixTown else "amocrm")
        made.run("ingest")
        yield made


def approved(plan: Path, ids: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Say yes to what was proposed, and link the colleague to her company by hand.

    Gives what was proposed, by the story's own names.
    """
    names = {number: key for key, number in ids.items()}
    rows = pl.read_csv(plan, infer_schema=False).fill_null("")
    proposed = {
        names[row["lead"]]: (row["act"], names.get(row["target"], ""))
        for row in rows.to_dicts()
        if row["act"] != "keep"
    }
    act = pl.when(lead=ids["colleague"]).then(pl.lit("link")).otherwise("act")
    edited = rows.with_columns(act=act).with_columns(
        approve=pl.when(pl.col("act").is_in(["merge", "link", "close"]))
        .then(pl.lit("yes"))
        .otherwise(pl.lit(""))
    )
    edited.write_csv(plan)
    return proposed


def test_a_dump_is_cleaned_as_approved_and_put_back(shell: Shell) -> None:
    """Read, audited, planned, approved, done exactly once, and undone as it was."""
    town, plan = shell.town, shell.folder / "plan.csv"
    before = town.standing()

    shell.run("funnel", "audit")
    said = shell.run("funnel", "clean", "--plan", str(plan))
    proposed = approved(plan, town.ids)
    ordered = shell.run("funnel", "clean", "--apply", str(plan), "--approved-by", "V.")
    nothing = town.acts()
    shell.deliver()
    done, comments, after = town.acts(), town.comments(), town.standing()
    shell.run("funnel", "clean", "--apply", str(plan), "--approved-by", "V.")
    shell.deliver()

    assert proposed == ACTS
    assert "unknown  1 open leads carry nothing" in said
    assert "ordered  6 cards" in ordered
    assert nothing == []
    acted = ["again", "by mail", "colleague", "own", "robot", "typo"]
    assert sorted(name for name, _ in done) == acted
    assert {name for name in before if before[name] != after[name]} == set(acted)
    assert len(comments) == 6
    assert sum("detail" in text for text in comments) == 4
    assert sorted(town.acts()) == sorted(done)

    (first, *_) = sorted((shell.folder / "store" / "cleaning").glob("*.json"))
    shell.run("funnel", "clean", "--undo", str(first), "--approved-by", "V.")
    shell.deliver()

    assert town.standing() == before
    assert len(town.acts()) == 2 * len(done)
    assert len(town.comments()) == 6
