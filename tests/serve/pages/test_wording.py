import re
import string
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from leads.decision import Tier
from leads.settings import Company, Conversion
from leads.tables import UNDATED
from model.card.words import METRICS
from model.change.split import Cause
from model.features.catalog import Words
from serve import pages
from serve.pages.wording import BOOKS, NOTHING, Wording, language_of
from serve.pages.words.texts import COUNTED, GOALS, TIERS

EN = Wording("en", ZoneInfo("UTC"))
RU = Wording("ru", ZoneInfo("Europe/Moscow"))
SAID = {key: words for book in BOOKS for key, words in book.items()}
ALL: dict[str, Words] = {
    **SAID,
    **GOALS,
    **COUNTED,
    **METRICS,
    **{str(t): w for t, w in TIERS.items()},
}


@pytest.mark.parametrize("key", ALL)
def test_both_languages_have_the_same_gaps(key: str) -> None:
    """A text has words in both languages and the same gaps in both."""
    words = ALL[key]

    def gaps(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    assert words.en
    assert words.ru
    assert gaps(words.en) == gaps(words.ru)


def test_counted_nouns_have_all_forms() -> None:
    """A counted noun has two forms in English and three in Russian."""
    forms = {(w.en.count("|"), w.ru.count("|")) for w in COUNTED.values()}

    assert forms == {(1, 2)}


def test_texts_are_those_the_pages_use() -> None:
    """No page asks for a text that is not there, and no text lies unused."""
    folder = Path(pages.__file__).parent
    sources = [*folder.glob("*.py"), *folder.glob("templates/*.html")]
    code = "\n".join(p.read_text() for p in sources)

    quoted = set(re.findall(r"""["']([a-z_]+(?:\.[a-z_]+)*)["']""", code))
    asked = set(re.findall(r"""say\(\s*["']([a-z_.]+)["']\s*[,)]""", code))
    starts = (
        "verdict.", "story.", "rows.", "standing.", "filter.", "latest.", "state.",
        "change.missing.", "audit.col.", "audit.when.", "audit.why.",
    )  # fmt: skip
    put_together = r"""(?:["']|f["'])([a-z_.]+\.)(?:["']\s*~|\{)"""
    starts += tuple(re.findall(put_together, code))
    built = {k for k in SAID if k.startswith(starts) or k.endswith(".none.how")}
    built |= {f"change.{cause}" for cause in get_args(Cause)}

    assert asked <= set(SAID)
    assert set(SAID) - quoted - built == set()
    assert len(SAID) == sum(map(len, BOOKS))


@pytest.mark.parametrize(
    ("chance", "said"),
    [
        (0.0, "<\u00a00.1%"), (0.0009, "<\u00a00.1%"), (0.004, "0.4%"), (0.01, "1%"),
        (0.314, "31%"), (0.99, "99%"), (0.994, "99.4%"), (0.9995, ">\u00a099.9%"),
        (1.0, ">\u00a099.9%"), (float("nan"), NOTHING),
    ],
)  # fmt: skip
def test_chance_is_never_rounded_to_certainty(chance: float, said: str) -> None:
    """A chance is said in percent, and an open lead is neither won nor lost."""
    assert EN.chance(chance) == said


def test_rates_may_be_none_or_all() -> None:
    """A counted share, other than a chance, may be exactly none or all."""
    assert [EN.rate(rate) for rate in (0.0, 1.0, None)] == ["0%", "100%", NOTHING]


def test_russian_numbers() -> None:
    """Russian has a decimal comma, a space between thousands and before percent."""
    said = [
        RU.chance(0.004), RU.count(1_234_567), RU.decimal(-1234.5, 1),
        RU.money(-1_250_050, "RUB"), RU.points(0.123), RU.points(-0.0012),
    ]  # fmt: skip

    assert [text.replace("\u00a0", "_") for text in said] == [
        "0,4_%", "1_234_567", "−1_234,5", "−12_500,50_₽", "+12 п. п.", "−0,1 п. п.",
    ]  # fmt: skip


def test_negative_nought_has_no_sign() -> None:
    """What rounds to nought is not called negative."""
    assert EN.decimal(-0.001, 2) == "0.00"


def test_moments_are_in_the_company_zone() -> None:
    """A moment is told by the company's clock, which may be another day."""
    moment = datetime(2026, 12, 31, 22, 5, tzinfo=UTC)

    assert EN.moment(moment).replace("\u00a0", " ") == "31 Dec 2026, 22:05"
    assert RU.moment(moment).replace("\u00a0", " ") == "1 января 2027, 01:05"


def test_undated_is_not_1970() -> None:
    """A lead without a clock has no moment, rather than one in 1970."""
    assert (EN.day(UNDATED), EN.moment(UNDATED)) == (NOTHING, NOTHING)


@pytest.mark.parametrize(
    ("wanted", "language"),
    [("en", "en"), ("ru", "ru"), (None, "ru"), ("", "ru"), ("<script>", "ru")],
)
def test_language_is_the_company_s_unless_asked(
    wanted: str | None, language: str
) -> None:
    """A language we do not speak is as if none were asked for."""
    assert language_of(wanted, Company(language="ru")) == language


@pytest.mark.parametrize(
    ("conversion", "goal"),
    [
        (Conversion(), "paying within 30 days"),
        (Conversion(kind="stage", stage="won {x}"),
         "reaching the stage “won {x}” within 30 days"),
        (Conversion(kind="outcome"), "conversion"),
    ],
)  # fmt: skip
def test_goal_follows_the_conversion(conversion: Conversion, goal: str) -> None:
    """The chance is said to be of what the company counts as success."""
    assert EN.goal(conversion, 30) == goal


def test_every_tier_has_a_name() -> None:
    """Each tier has a name in both languages."""
    assert set(TIERS) == set(Tier)
    assert len(TIERS) == 4
