"""The verbs of points and the strict check, as a person types them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.serve.conftest import Company
from tests.serve.service import config_of
from typer.testing import CliRunner, Result

from pipelines.__main__ import app

BOOK = """\
playbook: 1
title: {ru: Схема, en: Chart}
points:
  fit:
    borders: [10, 5, 1]
    groups:
      size: {most: 8, items: [{when: {card.size: {at_least: 20}}, points: 10}]}
branches:
  - {when: {grid: [A1, B1]}, plan: one}
  - {else: all}
plans:
  one: {segment: Один, steps: [Звонок]}
  all: {segment: Все, steps: [Письмо]}
"""


Typed = Callable[..., Result]


@pytest.fixture
def typed(company: Company, tmp_path: Path) -> Typed:
    """Type a command with the company's configuration; the playbook has points."""
    config = str(config_of(company.charted(tmp_path, BOOK), tmp_path))

    def typing(*words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--config", config])

    return typing


def test_what_was_learned_can_be_shown_and_tried(typed: Typed, tmp_path: Path) -> None:
    """The written file is read back by show and test, as it stands."""
    to = tmp_path / "learned.yaml"
    learned = typed("points", "learn", str(to), "--lang", "en")
    shown = typed("points", "show", str(to), "--lang", "en")
    tried = typed("points", "test", str(to))

    assert [one.exit_code for one in (learned, shown, tried)] == [0, 0, 0]
    assert "traits" in learned.stdout
    assert to.read_text(encoding="utf-8").count("points: ") == shown.stdout.count(
        "│ +"
    ) + shown.stdout.count("│ -")
    assert "auc      0." in tried.stdout


def test_the_hypotheses_say_how_leads_differ_with_intervals(typed: Typed) -> None:
    """All of them are more than those beyond luck, and none claims a p of nought."""
    sure = typed("points", "hypotheses", "--lang", "en")
    every = typed("points", "hypotheses", "--lang", "en", "--all")

    assert (sure.exit_code, every.exit_code) == (0, 0)
    assert " to " in sure.stdout
    assert every.stdout.count("\n") > sure.stdout.count("\n")
    assert not re.search(r"│ 0 +│ [0-9,]+ +│$", every.stdout, re.MULTILINE)


def test_a_misspelt_field_of_points_is_named_with_its_place(
    typed: Typed, tmp_path: Path
) -> None:
    """Exit code 2, line and column, and what was perhaps meant."""
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(BOOK.replace("card.size", "card.sise"), encoding="utf-8")
    refused = typed("points", "show", str(wrong))

    assert refused.exit_code == 2
    assert "line 7, column" in refused.stderr
    assert "Did you mean 'size'?" in refused.stderr


def test_a_strict_check_fails_on_what_a_plain_one_only_tells(
    typed: Typed, tmp_path: Path
) -> None:
    """A dead branch: 0 plain, 1 strict; the good file 0 both; a fault 2 both."""
    dead, broken = tmp_path / "dead.yaml", tmp_path / "broken.yaml"
    dead.write_text(BOOK.replace("{grid: [A1, B1]}", "{grid: A1, not: {grid: A1}}"))
    broken.write_text(BOOK.replace("  - {else: all}\n", ""))

    def codes(*file: str) -> list[int]:
        plain = typed("playbook", "check", *file)
        strict = typed("playbook", "check", *file, "--strict")
        return [plain.exit_code, strict.exit_code]

    assert codes() == [0, 0]
    assert codes(str(dead)) == [0, 1]
    assert codes(str(broken)) == [2, 2]
    told = typed("playbook", "check", str(dead)).stdout
    assert "dead.yaml, line 9, column 5: no lead can reach branch 1" in told
