from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.playbook.charts import TEXT, WORLD

from playbook.condition import Condition
from playbook.drawing import to_svg
from playbook.file import parse_playbook
from playbook.mermaid import to_mermaid
from playbook.telling import Telling
from playbook.text import SPACE, Language

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>alert(1)</script> \"x\" 'y' & `z` #1"


def telling(text: str = TEXT, language: Language = "en") -> Telling:
    """Make the words of a playbook."""
    return Telling.of(parse_playbook(text, WORLD), WORLD, language)


def asked(text: str, language: Language) -> str:
    """Say a condition in words."""
    told = telling(TEXT.replace("{tier: hot}", text), language)
    condition: Condition | None = told.playbook.branches[0].when
    assert condition is not None
    return told.condition(condition).replace(SPACE, " ")


@pytest.mark.parametrize(
    ("condition", "en", "ru"),
    [
        ("{tier: [hot, warm]}", "tier: hot or warm", "группа: горячий или тёплый"),
        ("{tier: {not: [hot, cold]}}", "tier: not cold and hot",
         "группа: кроме горячий и холодный"),
        ("{probability: {at_least: 12.5%}}", "chance: 12.5% or more",
         "вероятность: не меньше 12,5 %"),
        ("{quiet: {more_than: 21}}", "no activity for: more than 21 days",
         "нет активности: больше 21 дня"),
        ("{events.visit: {at_least: 2, within: 48h}}",
         "Visits in 2 days: 2 or more", "Визиты за 2 дня: не меньше 2"),
        ("{stage_age_ratio: {more_than: 2}}",
         "time in the stage: more than 2 × the usual",
         "срок на стадии: больше 2 × обычного"),
        ("{card.vip: false}", "vip: no", "vip: нет"),
        ("{card.size: {known: false}}", "size: not known", "size: неизвестно"),
        ("{any: [{tier: hot}, {stage: New, quiet: {is: 1}}]}",
         "tier: hot or (stage: New; no activity for: 1 day)",
         "группа: горячий или (стадия: New; нет активности: 1 день)"),
        ("{not: {stage: New}}", "not (stage: New)", "не (стадия: New)"),
    ],
)  # fmt: skip
def test_a_condition_is_said_in_both_languages(
    condition: str, en: str, ru: str
) -> None:
    """Numbers, plurals and joints are right in either language."""
    assert (asked(condition, "en"), asked(condition, "ru")) == (en, ru)


@pytest.mark.parametrize("width", [304, 760])
def test_a_drawing_is_well_formed_whatever_the_owner_writes(width: int) -> None:
    """No word of the file becomes markup, and every box lies within the picture."""
    text = TEXT.replace("segment: Hot", f"segment: {json.dumps(HOSTILE)}")
    told = telling(text)

    drawn = ElementTree.fromstring(to_svg(told, width=width))

    words = " ".join("".join(part.itertext()) for part in drawn.iter(f"{SVG}text"))
    boxes = list(drawn.iter(f"{SVG}rect"))
    assert "<script>alert(1)</script>" in words
    assert len(boxes) == 4 + 5
    for box in boxes:
        assert float(box.get("x", "-1")) + float(box.get("width", "0")) <= width
        bottom = float(box.get("y", "-1")) + float(box.get("height", "0"))
        assert bottom <= float(drawn.get("height", "0"))


@pytest.mark.parametrize("width", [304, 760])
def test_boxes_of_a_drawing_do_not_overlap(width: int) -> None:
    """Whatever the width, nothing hides something else."""
    drawn = ElementTree.fromstring(to_svg(telling(), width=width))
    boxes = [
        tuple(float(box.get(name, "0")) for name in ("x", "y", "width", "height"))
        for box in drawn.iter(f"{SVG}rect")
    ]

    def apart(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
        beside = one[0] + one[2] <= other[0] or other[0] + other[2] <= one[0]
        return beside or one[1] + one[3] <= other[1] or other[1] + other[3] <= one[1]

    pairs = [(a, b) for place, a in enumerate(boxes) for b in boxes[:place]]
    assert all(apart(one, other) for one, other in pairs)


def test_mermaid_has_every_way_of_the_chart() -> None:
    """Yes leads inside, no leads on, and hostile words stay words."""
    text = TEXT.replace("segment: Hot", f"segment: {json.dumps(HOSTILE)}")

    drawn = to_mermaid(telling(text))

    ways = re.findall(r"(\w+) -->\|(\w+)\| (\w+)", drawn)
    assert ways == [
        ("q1", "yes", "q1_1"), ("q1", "no", "q2"), ("q1_1", "yes", "p1_1"),
        ("q1_1", "no", "p1_2"), ("q2", "yes", "p2"), ("q2", "no", "q3"),
        ("q3", "yes", "p3"), ("q3", "no", "p4"),
    ]  # fmt: skip
    assert "<script>" not in drawn


def test_the_demos_playbook_says_everything_in_both_languages() -> None:
    """The example that owners start from has no text in one language only."""
    path = Path(__file__).parents[2] / "pipelines/config/demo.playbook.yaml"
    made = parse_playbook(path.read_text("utf-8"), type(WORLD)(language="ru"))

    texts = [made.title, *(state.words for state in made.usage)]
    texts += [branch.title for branch in made.every_branch() if branch.title]
    for plan in made.plans.values():
        texts += [plan.segment, *plan.steps, *plan.questions]
        texts += [text for text in (plan.script, plan.message) if text]
    assert texts
    assert all(set(text) == {"en", "ru"} for text in texts)


def test_two_bounds_of_one_number_are_said_with_its_name_once() -> None:
    """A range reads as one; what is between two other facts does not run together."""
    text = TEXT.replace(
        "{usage: tried, card.size: {at_least: 10}}",
        "{card.size: {at_least: 10, less_than: 50}}",
    )
    made = parse_playbook(text, WORLD)
    telling = Telling.of(made, WORLD, "en")

    assert telling.branch(made.branches[1]) == "Size: 10 or more, less than 50"
