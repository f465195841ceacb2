from __future__ import annotations

import random
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.serve.example import prediction as example

from leads.decision import Prediction, Reason, Tier
from model.features.phrases import Language
from serve.short import MOST_CHARACTERS, Form, card_text

TEXTS = st.text(max_size=300)
FORMS = st.sampled_from(["text", "bb"])
LANGUAGES = st.sampled_from(["en", "ru"])
TAGS = re.compile(r"\[/?B\]")


def lead(*reasons: Reason) -> Prediction:
    """Make a prediction with these reasons."""
    made = example("L-1", random.Random(3))
    return replace(made, probability=0.62, tier=Tier.HOT, reasons=reasons)


def reason(share: float, fact: str, *, advisable: bool = True) -> Reason:
    """Make a reason whose sentence has a fact and a count."""
    text = {
        "en": f"{fact}. Of 412 such leads 31% converted, usual is 12%.",
        "ru": f"{fact}. Из 412 таких лидов сконвертировались 31 %, обычно 12 %.",
    }
    return Reason("f", share, "3", 412, 0.31, text, 0.1, advisable)


@st.composite
def reasons(draw: st.DrawFn) -> list[Reason]:
    """Draw up to six reasons about anything."""
    shares = st.floats(-3, 3).filter(bool)
    return [
        reason(draw(shares), draw(TEXTS), advisable=draw(st.booleans()))
        for _ in range(draw(st.integers(0, 6)))
    ]


@given(said=reasons(), form=FORMS, language=LANGUAGES, action=TEXTS)
def test_it_is_never_longer_than_a_card_takes(
    said: list[Reason], form: Form, language: Language, action: str
) -> None:
    """Whatever the data hold, the text has at most 500 characters."""
    text = card_text(lead(*said), form=form, language=language, action=action)

    assert 0 < len(text) <= MOST_CHARACTERS


@given(said=reasons(), language=LANGUAGES, action=TEXTS)
def test_data_bring_no_markup(
    said: list[Reason], language: Language, action: str
) -> None:
    """In BB-code the only brackets are ours, and every one of them is closed."""
    text = card_text(lead(*said), form="bb", language=language, action=action)

    assert not re.search(r"[\[\]]", TAGS.sub("", text))
    assert text.count("[B]") == text.count("[/B]")


@given(said=reasons(), form=FORMS, language=LANGUAGES)
def test_three_for_and_two_against_and_only_the_advisable(
    said: list[Reason], form: Form, language: Language
) -> None:
    """No line is about a reason that is no advice, and no side is too long."""
    text = card_text(lead(*said), form=form, language=language)
    lines = text.splitlines()

    fair = [r for r in said if r.advisable]
    assert sum(line.startswith("+ ") for line in lines) <= min(
        3, sum(r.share > 0 for r in fair)
    )
    assert sum(line.startswith("− ") for line in lines) <= min(
        2, sum(r.share < 0 for r in fair)
    )


def test_it_reads_as_a_person_would_write_it() -> None:
    """Tier and chance, what speaks for, what against, and what to do."""
    said = lead(reason(0.5, "Визиты за 7 дней: 3"), reason(-0.4, "Город: Омск"))

    assert card_text(said, form="text", language="ru", action="Позвонить").replace(
        "\u00a0", " "
    ) == (
        "Горячий: 62 % за 30 дней\n"
        "За:\n"
        "+ Визиты за 7 дней: 3. Из 412 таких лидов сконвертировались 31 %,"
        " обычно 12 %.\n"
        "Против:\n"
        "− Город: Омск. Из 412 таких лидов сконвертировались 31 %, обычно 12 %.\n"
        "Дальше: Позвонить"
    )
    assert card_text(said, form="bb", language="en").startswith(
        "[B]Hot: 62% within 30 days[/B]\n[B]For:[/B]\n+ "
    )


def test_without_room_a_reason_keeps_its_fact_and_its_count() -> None:
    """Sentences are shortened before any reason is left out."""
    fact = "Визиты на страницу цен за последние тридцать дней: " + 20 * "9"
    said = lead(*(reason(share, fact) for share in (3, 2, 1, -1, -2)))

    text = card_text(said, form="text", language="ru").replace("\u00a0", " ")

    assert text.count("(31 % из 412)") == 5


def test_it_is_cut_between_words() -> None:
    """Where even facts are too long, each is cut after a whole word."""
    fact = "пятнадцать " * 30
    said = lead(*(reason(share, fact) for share in (3, 2, 1, -1, -2)))

    lines = card_text(said, form="text", language="ru").splitlines()

    cut = [line for line in lines if line[0] in "+−"]
    assert len(cut) == 5
    assert all(re.fullmatch(r"[+−]( пятнадцать)+…", line) for line in cut)


@pytest.mark.parametrize("person", ["ivan@example.org", "+7 912 345-67-89"])
def test_no_contact_stands_on_a_card(person: str) -> None:
    """A mail address or phone number in a value is blanked out."""
    said = lead(reason(0.5, f"Comment: write to {person} soon"))

    assert person not in card_text(said, form="text", language="en", action=person)


def test_an_action_leaves_room_for_what_it_rests_on() -> None:
    """However long the action, it is cut between words and the reasons stay."""
    said = lead(reason(0.5, "Visits: 3"))

    text = card_text(said, form="text", language="en", action="call " * 200)

    assert "+ Visits: 3" in text
    assert text.endswith(" call…")
    assert len(text) <= MOST_CHARACTERS
