from __future__ import annotations

from pathlib import Path

import pytest

from leads.errors import BadInput
from model.cleaning.advice import Act, Advice, Plan
from model.cleaning.knowing import Known
from model.cleaning.planfile import Approved, read_plan, write_plan

PLAN = Plan(
    (
        Advice("7", Act.MERGE, "3", "mail", 0.98, again=1, card="=1+1; a@example.org"),
        Advice("8", Act.CLOSE, "", "machine", 0.97),
        Advice("-9", Act.LOOK, "3", "phone", 0.85),
    ),
    leads=4, pairs=2, known=Known(3, 0, {}),
)  # fmt: skip


def saved(folder: Path, *rows: str) -> Path:
    """Save a plan as a person's spreadsheet would."""
    path = folder / "plan.csv"
    path.write_text("\n".join(("approve;act;lead;target", *rows)), encoding="utf-8")
    return path


@pytest.mark.parametrize("ending", ["csv", "xlsx", "yaml"])
def test_nothing_is_approved_by_itself(tmp_path: Path, ending: str) -> None:
    """A plan as written carries out nothing, and says yes where a person did."""
    path = tmp_path / f"plan.{ending}"
    write_plan(PLAN, path, language="ru")

    assert read_plan(path) == ()


@pytest.mark.parametrize(
    ("ending", "old", "new"),
    [
        ("csv", ",merge,7", "yes,merge,7"),
        ("yaml", "approve: ''\n  act: merge", "approve: yes\n  act: merge"),
    ],
)
def test_what_was_approved_is_read_back(
    tmp_path: Path, ending: str, old: str, new: str
) -> None:
    """A yes in a row carries out this row alone."""
    path = tmp_path / f"plan.{ending}"
    write_plan(PLAN, path, language="en")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(old, new), encoding="utf-8")

    assert read_plan(path) == (Approved("7", Act.MERGE, "3", "mail"),)


def test_a_formula_stays_a_text(tmp_path: Path) -> None:
    """What a lead calls itself runs in no spreadsheet, and ids come back whole."""
    path = tmp_path / "plan.csv"
    write_plan(PLAN, path, language="en")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(",look,'-9", "да,keep,'-9"), encoding="utf-8")

    assert ",=1+1" not in text
    assert read_plan(path) == (Approved("-9", Act.KEEP, "3", "phone"),)


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    """An unknown act, a merge into nothing, a chain and a lead twice: all are told."""
    path = saved(
        tmp_path, "yes;merge;1;", "maybe;merge;2;3", "yes;melt;4;", "yes;close;5;",
        "да;merge;6;5", "yes;look;7;1", ";keep;8;", ";keep;8;",
    )  # fmt: skip

    with pytest.raises(BadInput) as refusal:
        read_plan(path)

    columns = [fault.column for fault in refusal.value.faults]
    assert columns == ["target", "approve", "act", "act", "lead", "target"]


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    """The ending says what a plan is; another one names the way out."""
    with pytest.raises(BadInput, match=r"\.csv, \.xlsx, \.yaml"):
        write_plan(PLAN, tmp_path / "plan.doc", language="en")
