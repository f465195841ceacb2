from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.playbook.charts import TEXT, WORLD

from leads.errors import BadConfig
from playbook.condition import Ask
from playbook.facts import Asked
from playbook.file import parse_playbook, read_playbook
from playbook.plan import StageStep
from playbook.world import World

FAULTS = {
    # what is written instead of what, and what must be named, on which line
    ("{tier: hot}", "{tear: hot}"): ("there is no fact 'tear'", 9, "'tier'"),
    ("{tier: hot}", "{tier: heiss}"): ("there is no tier 'heiss'", 9, "'hot'"),
    ("{tier: hot}", "{tier: 1}"): ("tier is a name, got 1", 9, "quotes"),
    ("{tier: hot}", "{tier: {at_least: hot}}"): ("cannot be asked of tier", 9, "is"),
    ("{tier: hot}", "{stage: Nwe}"): ("there is no stage 'Nwe'", 9, "'New'"),
    ("{tier: hot}", "{manager: M1, source: tv}"): ("no source 'tv'", 9, "'ads'"),
    ("{more_than: 2}", "{more_than: two}"): ("is a number, got 'two'", 11, "0.3"),
    ("{tier: hot}", "{probability: 30}"): ("between 0 and 1", 9, "30%"),
    ("events.setup:", "events.stup:"): ("no kind of event 'stup'", 6, "'setup'"),
    ("card.size:", "card.sice:"): ("there is no card field 'sice'", 14, "'size'"),
    ("usage: tried,", "usage: trid,"): ("there is no usage 'trid'", 14, "'tried'"),
    ("reasons_for: visit", "reasons_for: moon"): ("business field 'moon'", 16, "vis"),
    ("  - else: others\n", ""): ("the last branch is not else", 16, "else"),
    ("plan: stuck", "plan: stock"): ("there is no plan 'stock'", 12, "'stuck'"),
    ("plan: curious", "plan: large"): ("'large' is used on line 15", 17, "any:"),
    ("  others: {", "  large: {"): ("'large' is here twice", 28, "rename"),
    ("aims: [visit]", "aims: [city]"): ("nobody can change 'city'", 27, "change"),
    ("for: M2", "for: M9"): ("there is no manager 'M9'", 26, "'M"),
    ("within: 4h", "within: soon"): ("within says how soon", 24, "4h"),
    ("type: call", "type: fax"): ("the type of a task is one of", 24, "There is"),
    ("{card.city}", "{card.town}"): ("fills the gap {card.town}", 25, "card.city"),
    ("country: RU", "country: XX"): ("holidays of 'XX' are not known", 3, "ISO"),
    ("open: 09:00", "open: 19:00"): ("is no working day", 3, "earlier"),
    ("{days: 14}", "{days: soon}"): ("a whole number, got 'soon'", 4, "14"),
    ("playbook: 1", "playbook: 2"): ("the format is 1, got 2", 1, "playbook: 1"),
    ("automatic: true", "automatic: maybe"): ("'maybe' is no flag", 28, "true"),
    ("steps: [Letters]", "stops: [Letters]"): ("has no key 'stops'", 28, "'steps'"),
}


@pytest.mark.parametrize(("change", "named"), FAULTS.items())
def test_a_fault_is_named_with_its_line_and_a_way_out(
    change: tuple[str, str], named: tuple[str, int, str]
) -> None:
    """Whatever is wrong is said in words, with its line and what to write instead."""
    broken = TEXT.replace(*change, 1)
    assert broken != TEXT

    with pytest.raises(BadConfig) as refused:
        parse_playbook(broken, WORLD)

    what, line, remedy = named
    found = [f for f in refused.value.faults if what in f.what]
    assert found, [str(f) for f in refused.value.faults]
    assert f"line {line}," in found[0].where
    assert remedy in found[0].remedy


def test_all_faults_are_named_at_once_in_the_order_of_the_file() -> None:
    """Nobody has to run the check again for the next fault."""
    broken = TEXT
    apart = [
        "{more_than: 2}", "events.setup:", "reasons_for: visit", "aims: [visit]",
        "within: 4h", "country: RU", "{days: 14}", "playbook: 1", "automatic: true",
    ]  # fmt: skip
    chosen = {pair: named for pair, named in FAULTS.items() if pair[0] in apart}
    for pair in chosen:
        broken = broken.replace(*pair, 1)

    with pytest.raises(BadConfig) as refused:
        parse_playbook(broken, WORLD)

    faults = refused.value.faults
    lines = [int(re.findall(r"line (\d+)", f.where)[0]) for f in faults]
    assert len(chosen) == len(apart)
    for what, line, _ in chosen.values():
        assert any(what in f.what and f"line {line}," in f.where for f in faults), what
    assert lines == sorted(lines)


def test_holidays_are_the_companys_and_no_others() -> None:
    """A file that names none keeps the company's, one that names others is refused."""
    german = replace(WORLD, country="DE", region="BY")
    silent = TEXT.replace(", country: RU", "")
    assert silent != TEXT

    made = parse_playbook(silent, german)

    assert (made.hours.country, made.hours.region) == ("DE", "BY")
    with pytest.raises(BadConfig, match=r"those of RU, but \[company\] says DE BY"):
        parse_playbook(TEXT, german)


def test_words_that_old_yaml_takes_for_flags_stay_words() -> None:
    """An event called "no", a stage called "on" and 09:00 are read as written."""
    text = TEXT.replace("{tier: hot}", "{events.no: {at_least: 1}, stage: on}")
    world = World(stages=frozenset({"on"}), kinds=WORLD.kinds, fields=WORLD.fields)

    made = parse_playbook(text, world)

    asked = {one.fact for one in made.asks}
    assert {"events.no", "stage"} <= asked
    assert made.hours.opens.hour == 9


def test_a_flag_of_the_card_may_be_asked_in_plain_words() -> None:
    """Both ``yes`` and ``true`` ask for a flag that is set; a misspelt one is named."""
    yes = parse_playbook(TEXT.replace("{tier: hot}", "{card.vip: yes}"), WORLD)
    true = parse_playbook(TEXT.replace("{tier: hot}", "{card.vip: true}"), WORLD)

    assert yes.branches[0].when == Ask(Asked("card.vip"), "is", value=True)
    assert yes == true
    with pytest.raises(BadConfig, match="not yes or no"):
        parse_playbook(TEXT.replace("{tier: hot}", "{card.vip: ja}"), WORLD)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "the file is empty"),
        ("a: [1\nb: : c", "not YAML"),
        ("- a\n- b", "the playbook is a block"),
        ("%YAML 1.1\n---\nplaybook: 1", "directive %YAML"),
        (TEXT.replace("{tier: hot}", "&x {all: [*x]}"), "alias"),
        ("playbook: 1\ntitle: !python/name:os.system x", "tag"),
        ("playbook: 1\n---\nplaybook: 1", "not YAML"),
        ("a: \x01", "not YAML"),
        ("a: " + "[" * 1_000, "too deep"),
        ("? [a, b]\n: c", "a key must be a word"),
    ],
)  # fmt: skip
def test_what_is_no_playbook_is_refused_in_words(text: str, what: str) -> None:
    """Broken or hostile YAML gives a refusal with a line, never a crash."""
    with pytest.raises(BadConfig) as refused:
        parse_playbook(text, WORLD)

    assert any(what in f.what and "line" in f.where for f in refused.value.faults)


def test_the_companys_language_is_needed_in_every_text() -> None:
    """A text that lacks the language people read is a fault."""
    text = TEXT.replace("segment: Hot", "segment: {en: Hot}")
    russian = World(language="ru")

    with pytest.raises(BadConfig, match="the company's language, ru, is missing"):
        parse_playbook(text, russian)


def test_the_meaning_has_one_digest_whatever_the_layout() -> None:
    """Comments, spaces and quotes do not change the version; a number does."""
    made = parse_playbook(TEXT, WORLD)
    same = parse_playbook("# note\n" + TEXT.replace("Call]", '"Call" ]'), WORLD)
    other = parse_playbook(TEXT.replace("more_than: 2", "more_than: 3"), WORLD)

    assert made.digest == same.digest != other.digest


def test_a_plan_is_read_whole() -> None:
    """What stands in the file stands in the plan."""
    plan = "hot: {segment: Hot, steps: [Call], stage: {move: Offer}, script: Hi"
    text = re.sub(r"  hot:\n(    .*\n)+", f"  {plan}, questions: [Why?]}}\n", TEXT)

    hot = parse_playbook(text, WORLD).plans["hot"]

    assert hot.stage == StageStep("Offer", moved=True)
    assert (hot.script, hot.questions) == ({"en": "Hi"}, ({"en": "Why?"},))


def test_a_missing_file_is_a_refusal(tmp_path: Path) -> None:
    """The path is named, and the setting that holds it."""
    with pytest.raises(BadConfig, match=r"no playbook .*absent.yaml.*\[playbook\]"):
        read_playbook(tmp_path / "absent.yaml", WORLD)


def test_without_data_a_card_field_is_what_is_asked_of_it() -> None:
    """A repository that knows no leads can check numbers, flags and names alike."""
    text = TEXT.replace("card.size: {at_least: 10}", "card.new: {more_than: 1}")
    flags = text.replace("reasons_for: visit", "card.vip: true, card.town: Omsk")

    parse_playbook(flags, World())
    with pytest.raises(BadConfig, match="1 fault"):
        parse_playbook(text.replace("more_than: 1", "more_than: many"), World())


def test_a_plan_does_not_aim_at_what_never_changed() -> None:
    """A field that nobody ever changed is no aim, unless the company names it."""
    fixed = replace(WORLD, changeable=None, fixed=frozenset({"city"}))
    text = TEXT.replace("aims: [visit]", "aims: [city]")

    with pytest.raises(BadConfig) as refused:
        parse_playbook(text, fixed)
    assert refused.value.faults[0].what == "nobody ever changed 'city'"
    parse_playbook(text, replace(fixed, changeable=frozenset({"city"})))
