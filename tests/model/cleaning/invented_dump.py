"""A dump of leads made from mails and forms, with the truth of who is whom.

People write several times, by form, mail or telephone, spell themselves in Russian or
Latin letters, mistype, give the office's phone or a spouse's, and have namesakes. All
are invented: letters of an alphabet of syllables, area code 000, reserved domains.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from leads.history import History
from leads.settings import FilesSource, Settings
from leads.tables import FieldType, Tables, empty

START = datetime(2026, 1, 1, tzinfo=UTC)
CUT_OFF = START + timedelta(days=200)
FIRST = (
    "Иван", "Анна", "Алла", "Юрий", "Яна", "Мария", "Марина", "Олег", "Ольга",
    "Дмитрий", "Денис", "Алексей", "Александр", "Жанна", "Щорс", "Эмма", "Пётр",
    "Павел", "Ксения", "Татьяна", "Лев", "Глеб", "Хасан", "Цветана",
)  # fmt: skip
ROOTS = (
    "Зар", "Мокр", "Лим", "Тук", "Гор", "Белк", "Жур", "Щег", "Хол", "Ряб", "Кот",
    "Вол", "Сым", "Чер", "Юрк", "Фол", "Эрд", "Цап", "Шур", "Дуб", "Пес", "Нок",
)  # fmt: skip
MIDDLES = ("", "ан", "ен", "ул", "ош", "ям", "ик", "ет", "об", "ыр", "аш", "ек")
ENDS = ("ов", "ин", "енко", "ский", "ук", "ев", "ян", "ых")
FIRMS = ("Север", "Луч", "Вектор", "Гранит", "Кедр", "Маяк", "Орбита", "Парус", "Сфера")
TRADES = ("строй", "торг", "логистик", "мебель", "сервис", "агро", "пласт", "тех")
FORMS = ('ООО "{}"', "{} ООО", "«{}»", "АО {}", "{}", "{} LLC")
PASSPORT = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "e", "ж": "zh",
    "з": "z", "и": "i", "й": "y", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o",
    "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f", "х": "kh", "ц": "ts",
    "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ы": "y", "ь": "", "э": "e",
    "ю": "yu", "я": "ya",
}  # fmt: skip
SETTINGS = Settings(source=FilesSource(kind="files", folder=Path("data")))


@dataclass(frozen=True)
class Dump:
    """Leads as a history, and the true ``person`` and ``company`` of each lead."""

    history: History
    person: dict[str, int]
    company: dict[str, int]


@dataclass(frozen=True)
class _Person:
    first: str
    last: str
    phone: str
    mail: str
    firm: int
    """-1: none."""


def invented_dump(leads: int, *, seed: int = 7) -> Dump:
    """Make so many leads of about two thirds as many people."""
    rng = np.random.default_rng(seed)
    firms = [_firm(i, rng) for i in range(max(leads // 12, 3))]
    people: list[_Person] = []
    rows: list[dict[str, str | None]] = []
    person: dict[str, int] = {}
    company: dict[str, int] = {}
    while len(rows) < leads:
        one = _met(people, len(firms), rng)
        people.append(one)
        times = 1 + min(int(rng.geometric(0.65)) - 1, 5)
        for _ in range(times):
            lead_id = f"L{len(rows):06}"
            person[lead_id], company[lead_id] = len(people) - 1, one.firm
            rows.append(_row(lead_id, one, firms, rng))
    rng.shuffle(days := np.arange(len(rows)))
    frame = pl.DataFrame(rows[:leads], infer_schema_length=None).with_columns(
        created_at=pl.Series(
            [START + timedelta(days=180 * int(d) / leads) for d in days[:leads]]
        )
    )
    return Dump(
        history_of(frame, paid=frame["lead_id"].to_list()[::25]), person, company
    )


def history_of(frame: pl.DataFrame, *, paid: list[str]) -> History:
    """Make a history of cards (``lead_id``, ``created_at`` and texts)."""
    leads = frame.with_columns(
        pl.col("created_at").cast(pl.Datetime("us", "UTC")),
        recorded_at=pl.col("created_at").cast(pl.Datetime("us", "UTC")),
        source=pl.lit("mail"), pipeline=pl.lit("sales"),
        owner=pl.lit(None, pl.String),
    )  # fmt: skip
    fields = [c for c in frame.columns if c not in {"lead_id", "created_at"}]
    ordered = leads.select(
        "lead_id", "created_at", "recorded_at", "source", "pipeline", "owner", *fields
    ).sort("lead_id")
    money = ordered.filter(pl.col("lead_id").is_in(paid)).select(
        "lead_id", at=pl.col("created_at") + timedelta(hours=2),
        recorded_at=pl.col("created_at") + timedelta(hours=2),
        amount_minor=pl.lit(100_00, pl.Int64), currency=pl.lit("RUB"),
    )  # fmt: skip
    return History(
        Tables(
            leads=ordered, events=empty("events"), stages=empty("stages"),
            payments=money, field_changes=empty("field_changes"),
            outcomes=empty("outcomes"), cut_off=CUT_OFF,
            fields=dict.fromkeys(fields, FieldType.TEXT),
        )
    )  # fmt: skip


def _met(people: list[_Person], firms: int, rng: np.random.Generator) -> _Person:
    """Invent somebody: a stranger, a namesake, a spouse, a colleague on one phone."""
    kind, number = rng.random(), len(people)
    firm = int(rng.integers(0, firms)) if rng.random() < 0.5 else -1
    made = _Person(
        first=str(rng.choice(FIRST)),
        last=f"{rng.choice(ROOTS)}{rng.choice(MIDDLES)}{rng.choice(ENDS)}",
        phone=f"000{rng.integers(0, 10_000_000):07}",
        mail="", firm=firm,
    )  # fmt: skip
    if people and kind < 0.10:
        other = people[int(rng.integers(0, number))]
        if kind < 0.04:  # a namesake
            made = _Person(other.first, other.last, made.phone, "", firm)
        elif kind < 0.07:  # family on one phone
            made = _Person(made.first, other.last, other.phone, "", firm)
        else:  # a colleague who gives the office's phone
            made = _Person(made.first, made.last, other.phone, "", other.firm)
    box = f"{_latin(made.last).casefold()}{number if rng.random() < 0.7 else ''}"
    domain = (
        f"firm{made.firm}.example.com"
        if made.firm >= 0 and rng.random() < 0.5
        else str(rng.choice(("gmail.com", "mail.ru", "yandex.ru", "example.org")))
    )
    if domain in {"gmail.com", "mail.ru", "yandex.ru", "example.org"}:
        box = f"{box}.{number}"  # a free box is taken once
    else:
        box = f"{_latin(made.first)[0].casefold()}.{box}"
    return _Person(made.first, made.last, made.phone, f"{box}@{domain}", made.firm)


def _row(
    lead_id: str, one: _Person, firms: list[tuple[str, str]], rng: np.random.Generator
) -> dict[str, str | None]:
    """Write one lead: by form, by mail (no phone, seldom a name) or by telephone."""
    way = rng.choice(("form", "mail", "call"), p=(0.45, 0.4, 0.15))
    has_name = rng.random() < {"form": 0.95, "mail": 0.5, "call": 0.4}[str(way)]
    name, inn = firms[one.firm] if one.firm >= 0 else ("", "")
    mail = one.mail
    if one.firm >= 0 and way == "mail" and rng.random() < 0.1:
        mail = f"info@firm{one.firm}.example.com"
    elif rng.random() < 0.03:
        mail = _mistyped(mail, rng)
    phone = one.phone if rng.random() > 0.02 else _misdialled(one.phone, rng)
    said = str(rng.choice(FORMS)).format(name)
    return {
        "lead_id": lead_id,
        "name": _spelled(one, rng) if has_name else None,
        "phone": _dialled(phone, rng) if way != "mail" else None,
        "email": mail if way != "call" and (way == "mail" or rng.random() < 0.8)
        else None,
        "company": said if name and rng.random() < 0.5 else None,
        "inn": inn if inn and rng.random() < 0.15 else None,
    }  # fmt: skip


def _firm(number: int, rng: np.random.Generator) -> tuple[str, str]:
    name = f"{rng.choice(FIRMS)}{rng.choice(TRADES)} {number}"
    digits = [int(d) for d in f"00{number:07}"]
    weights = (2, 4, 10, 3, 5, 9, 4, 6, 8)
    check = sum(w * d for w, d in zip(weights, digits, strict=True)) % 11 % 10
    return name, "".join(map(str, digits)) + str(check)


def _spelled(one: _Person, rng: np.random.Generator) -> str:
    first, last = one.first, one.last
    if rng.random() < 0.05:
        last = _mistyped(last, rng)
    told = (f"{first} {last}", f"{last} {first}", first, f"{last} {first[0]}.")
    name = str(rng.choice(told, p=(0.45, 0.3, 0.15, 0.1)))
    return _latin(name) if rng.random() < 0.2 else name


def _latin(text: str) -> str:
    return "".join(
        PASSPORT[sign.casefold()].capitalize()
        if sign.isupper()
        else PASSPORT[sign]
        if sign.casefold() in PASSPORT
        else sign
        for sign in text
    )


def _dialled(phone: str, rng: np.random.Generator) -> str:
    a, b, c, d = phone[:3], phone[3:6], phone[6:8], phone[8:]
    forms = (
        f"+7{phone}", f"8{phone}", f"8 ({a}) {b}-{c}-{d}", f"+7 {a} {b} {c} {d}",
        f"7{phone}", f"+7-{a}-{b}-{c}{d}",
    )  # fmt: skip
    return str(rng.choice(forms))


def _mistyped(text: str, rng: np.random.Generator) -> str:
    """Drop a letter, or swap it with the next one."""
    place = int(rng.integers(1, min(len(text), 8) - 1))
    if rng.random() < 0.5:
        return text[:place] + text[place + 1 :]
    return text[:place] + text[place + 1] + text[place] + text[place + 2 :]


def _misdialled(phone: str, rng: np.random.Generator) -> str:
    place = int(rng.integers(3, 10))
    return phone[:place] + str(rng.integers(0, 10)) + phone[place + 1 :]
