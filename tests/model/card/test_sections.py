from __future__ import annotations

import re
from dataclasses import replace

import pytest
from tests.serve import example
from tests.serve.markup import read

from model.card.paper import card_html
from model.card.sections import Section, Subject, sections
from model.leaks.findings import NOT_INSPECTED
from model.points.record import Against, Rival
from model.proof.record import NO_PROOF

CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)


def named(subject: Subject) -> dict[str, Section]:
    """Give the sections by name."""
    return {section.name: section for section in sections(subject)}


def test_the_card_has_every_part() -> None:
    """Purpose, misuse, data, figures, slices, leaks, limits: none is missing."""
    assert list(named(example.subject())) == [
        "purpose", "misuse", "data", "metrics", "calibration", "slices", "leaks",
        "aside", "ladder", "ablation", "limits", "again",
    ]  # fmt: skip


def test_each_language_is_whole() -> None:
    """The English card has no Cyrillic, the Russian one says every sentence in it."""
    card = sections(example.subject())

    english = read(card_html(example.subject(), "en")).texts
    assert len(english) > 100
    assert not any(CYRILLIC.search(text) for text in english)
    for section in card:
        assert CYRILLIC.search(section.title.ru)
        assert all(CYRILLIC.search(line.ru) for line in section.lines)
        assert all(CYRILLIC.search(name.ru) for name, _ in section.facts)


def test_no_gap_is_left_open() -> None:
    """Every number that a sentence promises is in it."""
    for language in ("en", "ru"):
        document = read(card_html(example.subject(), language))
        assert [text for text in document.texts if re.search(r"{\w*}", text)] == []


def test_slices_outside_their_range_are_marked_and_thin_ones_named() -> None:
    """Said 10 % where 15 to 30 % happened is marked; 30 leads are thin."""
    card = named(example.subject())

    assert [row[4].en for row in card["slices"].rows] == ["no", "yes"]
    assert card["limits"].lines[-1].en.endswith(": <i>web</i>.")


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-0.03, -0.01, "better beyond luck"),
        (-0.03, 0.01, "not clearly better"),
        (0.01, 0.03, "worse than the points"),
    ],
)
def test_the_scorecard_is_met_in_words(low: float, high: float, said: str) -> None:
    """Who is better, points or model, stands over the figures in either language."""
    subject = example.subject()
    met = Against("logloss", 0.31, 0.30, (low + high) / 2, low, high)
    proof = replace(subject.proof, rival=Rival("", 9, 20, (met,)))

    verdict, how = named(replace(subject, proof=proof))["metrics"].lines

    assert said in verdict.en
    assert "9 traits" in how.en
    assert "признаков: 9" in how.ru
    assert "0,3100" in how.ru


def test_a_dirty_tree_is_owned_up_to() -> None:
    """Changed code is said in a sentence and by its digest; clean code is not."""
    dirty = example.subject()
    clean = replace(dirty, manifest=replace(dirty.manifest, git_dirty=""))

    assert "cannot be made again" in named(dirty)["again"].lines[0].en
    assert not any("cannot" in line.en for line in named(clean)["again"].lines)


def test_what_was_not_measured_is_said() -> None:
    """A bundle without proof or inspection makes a card that says so."""
    subject = example.subject()
    facts = NOT_INSPECTED.to_facts()
    bare = replace(
        subject, proof=NO_PROOF, manifest=replace(subject.manifest, leaks=facts)
    )

    card = named(bare)

    assert "Not measured" in card["slices"].lines[0].en
    assert "Not measured" in card["ablation"].lines[0].en
    assert "too few data" in card["leaks"].lines[0].en


def test_the_file_stands_alone_and_escapes() -> None:
    """The card as a file fetches nothing, runs nothing and shows names as text."""
    text = card_html(example.subject(), "ru")

    assert read(text).open_at_end == []
    assert '<html lang="ru">' in text
    assert "&lt;i&gt;web&lt;/i&gt;" in text
    assert not re.search(r"<script|src=|href=", text)
