"""The playbook's JSON twin holds all that its page tells a reader."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from tests.playbook.charts import TEXT, WORLD
from tests.serve.markup import read

from leads.settings import Conversion
from playbook.file import parse_playbook
from serve.pages.flowchart import Flowchart, chart_of
from serve.pages.links import LiveLinks
from serve.pages.rendering import playbook_page
from serve.pages.view import View
from serve.pages.wording import LANGUAGES, Language, Wording
from serve.pages.words.flowchart import FLOWCHART

TALKATIVE = TEXT.replace(
    "steps: [Ask what keeps it]",
    "steps: [{en: Ask what keeps it, ru: Спросить}], script: Good day,"
    " questions: [Who signs?, When?], stage: {move: Offer}",
)


def chart(folder: Path) -> Flowchart:
    """Take a playbook into use that nobody tried."""
    made = parse_playbook(TALKATIVE, WORLD)
    return Flowchart(made, WORLD, chart_of(made, {}, folder))


def texts_of(twin: Any, language: Language) -> Iterator[str]:
    """List the texts of a twin as a reader of one language is told them."""
    if isinstance(twin, str):
        yield twin
    elif isinstance(twin, list):
        for one in twin:
            yield from texts_of(one, language)
    elif isinstance(twin, dict) and set(twin) <= {"en", "ru"}:
        yield twin.get(language) or next(iter(twin.values()))
    elif isinstance(twin, dict):
        for value in twin.values():
            yield from texts_of(value, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_plan_says_the_same_to_people_and_to_programs(
    tmp_path: Path, language: Language
) -> None:
    """Steps, script, questions, task, stage, message and aims stand in the twin."""
    facts = chart(tmp_path)
    wording = Wording(language, ZoneInfo("UTC"))
    view = View(wording, LiveLinks(language, language), "acme", Conversion())
    labels = {words[language] for words in FLOWCHART.values()}

    page = read(playbook_page(facts, view)).texts  # the last is the footer
    twin = orjson.loads(orjson.dumps(facts.plain()))

    begin = page.index(wording.say("playbook.steps")) - 1  # the first plan's heading
    headings = {f"{leaf['branch']}. {leaf['segment']['en']}" for leaf in twin["leaves"]}
    told = set(texts_of(twin, language))
    shown = {text for text in page[begin:-1] if text not in labels}
    assert "Good day" in shown
    assert shown - headings <= told
    for leaf in twin["leaves"]:
        for name in ("steps", "script", "questions", "task", "stage", "message"):
            assert set(texts_of(leaf[name], language)) <= shown, (leaf["plan"], name)
    for part in ("title", "hours", "usage"):
        words = " ".join(page)
        assert all(text in words for text in texts_of(twin[part], language)), part
    assert [one["branch"] for one in twin["branches"]] == [
        one.number for one in facts.playbook.every_branch()
    ]
