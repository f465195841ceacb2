"""Who registers: creation moments, card fields, and what each field truly says.

Every card field adds a known amount of log-odds to the lead being a buyer; the amounts
below are the whole truth about the fields. Contacts are invented: mail under reserved
domains, phone numbers of an area code that does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from leads.synthetic.clock import (
    DAY,
    SECOND,
    local_day,
    midnight,
    month_of,
    seconds_of_day,
    weekend,
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PIPELINES: Final = ("self-service", "sales-assisted", "partner")
MANAGERS: Final = 12
REPEATED_PEOPLE: Final = 0.02  # of leads are a person who had registered before
INTERCEPT: Final = -2.2
SLOWDOWN: Final = -0.6  # log-odds lost between the first day and the last
BIG_COMPANY: Final = 200

SOURCES: Final = (
    # name, share at the start, share at the end, log-odds, share of each pipeline
    ("organic", 0.30, 0.22, 0.25, (0.80, 0.18, 0.02)),
    ("paid_search", 0.28, 0.24, 0.00, (0.75, 0.23, 0.02)),
    ("social", 0.16, 0.22, -0.90, (0.92, 0.07, 0.01)),
    ("webinar", 0.10, 0.08, 0.45, (0.35, 0.63, 0.02)),
    ("referral", 0.08, 0.06, 0.95, (0.45, 0.53, 0.02)),
    ("partner_site", 0.05, 0.06, 0.50, (0.05, 0.15, 0.80)),
    ("cold_base", 0.03, 0.12, -1.20, (0.10, 0.88, 0.02)),
)
ROLES: Final = {
    "owner": (0.18, 0.60), "director": (0.14, 0.45), "head of sales": (0.16, 0.70),
    "marketer": (0.18, 0.00), "manager": (0.20, -0.20), "accountant": (0.06, -0.40),
    "student": (0.08, -2.00),
}  # fmt: skip
CRMS: Final = {
    "none": (0.35, 0.30), "spreadsheet": (0.30, 0.45), "bitrix24": (0.15, -0.15),
    "amocrm": (0.12, -0.15), "other": (0.08, -0.45),
}  # fmt: skip
COUNTRIES: Final = {
    "RU": (0.78, 0.10), "KZ": (0.10, 0.00), "BY": (0.07, -0.10), "UZ": (0.05, -0.45),
}  # fmt: skip
CITIES: Final = {
    "RU": ("Москва", "Санкт-Петербург", "Екатеринбург", "Казань", "Новосибирск",
           "Самара", "Пермь", "Уфа", "Омск", "Томск", "Тула", "Тверь"),
    "KZ": ("Алматы", "Астана", "Шымкент"),
    "BY": ("Минск", "Гомель", "Брест"),
    "UZ": ("Ташкент", "Самарканд", "Бухара"),
}  # fmt: skip
BRANCHES: Final = (
    "торговля", "строительство", "логистика", "образование", "медицина", "туризм",
    "мебель", "реклама", "юристы", "недвижимость", "производство", "общепит",
    "автосервис", "красота", "спорт", "ИТ",
)  # fmt: skip
SPECIALITIES: Final = ("опт", "розница", "услуги", "онлайн", "сети")
SENTENCES: Final = (
    "Хотим вести клиентов в одном месте.", "Сколько стоит на пятерых?",
    "Нужна связь с телефонией.", "Переезжаем из таблиц.", "Просто посмотреть.",
    "Позвоните после обеда.", "Нужен договор и счёт.", "Есть ли пробный период?",
)  # fmt: skip
BROWSERS: Final = ("Chrome", "Safari", "Firefox", "Edge", "Yandex")


@dataclass(frozen=True)
class People:
    """Leads at the moment of their creation, in order of time.

    ``evidence`` holds, by card field, the log-odds it adds to being a buyer.
    """

    lead_id: pl.Series
    created: Ints  # microseconds since the epoch
    pipeline: Ints  # place in PIPELINES
    card: pl.DataFrame
    evidence: Mapping[str, Floats]

    def __len__(self) -> int:
        return len(self.created)

    @property
    def log_odds(self) -> Floats:
        """Log-odds of being a buyer, all that is known at creation."""
        total = np.full(len(self), INTERCEPT)
        for amount in self.evidence.values():
            total += amount
        return total


def arrivals(count: int, rng: np.random.Generator, *, start: date, end: date) -> Ints:
    """Draw when people register: on working days and in office hours above all."""
    days = np.arange(midnight(start), midnight(end), DAY)
    calendar = local_day(days)
    month = month_of(calendar)
    summer = (month >= 6) & (month <= 8)
    weight = np.where(weekend(calendar), 0.4, 1.0) * np.where(summer, 0.75, 1.0)
    day = rng.choice(days, size=count, p=weight / weight.sum())
    return np.sort(day + (seconds_of_day(count, rng) * SECOND))


def register(
    created: Ints, rng: np.random.Generator, *, first: int, span: tuple[date, date]
) -> People:
    """Fill in the cards of people who register at these moments.

    Parameters
    ----------
    created
        Ascending microseconds.
    first
        Number of the first lead, for its id.
    span
        First and last day of the company's history, for its drift.
    """
    began, ended = (midnight(day) for day in span)
    drawing = _Drawing(rng, (created - began) / (ended - began))
    drawing.fill()
    shift = SLOWDOWN * (drawing.progress - 0.5)
    second = (created - midnight(date(1970, 1, 1))) % DAY // SECOND
    office = (second >= 9 * 3600) & (second < 18 * 3600)
    clock = 0.2 * office - 0.3 * weekend(local_day(created))
    numbers = np.arange(first, first + len(created))
    drawing.contact(numbers)
    return People(
        lead_id=pl.Series("deal_id", [f"D{number:07d}" for number in numbers]),
        created=created,
        pipeline=drawing.pipeline,
        card=_with_repeats(pl.DataFrame(drawing.columns), rng),
        evidence={**drawing.evidence, "created_at": clock + shift},
    )


class _Drawing:
    """Cards in the making, field by field."""

    def __init__(self, rng: np.random.Generator, progress: Floats) -> None:
        self.rng = rng
        self.progress = progress  # 0 on the first day, 1 on the last
        self.count = len(progress)
        self.columns: dict[str, pl.Series] = {}
        self.evidence: dict[str, Floats] = {}
        self.pipeline: Ints = np.zeros(self.count, dtype=np.int64)

    def fill(self) -> None:
        """Draw every field but the contacts."""
        self._source()
        self.table("position", ROLES)
        self.table("current_crm", CRMS)
        country = self.table("country", COUNTRIES)
        self._city(country)
        self._industry()
        self._headcount()
        self._comment()
        self._idle()

    def table(self, name: str, values: Mapping[str, tuple[float, float]]) -> Ints:
        """Draw a field from a table of shares and log-odds."""
        shares, amounts = np.array(list(values.values())).T
        drawn = self.rng.choice(len(values), size=self.count, p=shares)
        self.put(name, list(values), drawn)
        self.evidence[name] = amounts.astype(np.float64)[drawn]
        return drawn

    def put(self, name: str, values: Sequence[str], place: Ints) -> None:
        """Add a text column; a negative place is an empty field."""
        text = pl.Series(name, values, dtype=pl.String).gather(np.maximum(place, 0))
        self.columns[name] = text.set(pl.Series(place < 0), None)

    def missing(self, share: float) -> npt.NDArray[np.bool_]:
        """Draw who leaves a field empty."""
        return self.rng.random(self.count) < share

    def _source(self) -> None:
        at_start = np.array([row[1] for row in SOURCES])
        at_end = np.array([row[2] for row in SOURCES])
        amounts = np.array([row[3] for row in SOURCES])
        share = at_start + np.outer(self.progress, at_end - at_start)
        source = _pick(share, self.rng)
        self.put("utm_source", [row[0] for row in SOURCES], source)
        self.evidence["source"] = amounts[source]
        road = np.array([row[4] for row in SOURCES])[source]
        self.pipeline = _pick(road, self.rng)
        self.put("funnel", PIPELINES, self.pipeline)
        self._campaign(source)
        self.put("manager", [f"M{number:02d}" for number in range(MANAGERS)],
                 self.rng.integers(0, MANAGERS, self.count))  # fmt: skip

    def _campaign(self, source: Ints) -> None:
        number = np.minimum(self.rng.geometric(0.15, self.count), 20) - 1
        names = [
            f"{row[0]}-{campaign:02d}" for row in SOURCES for campaign in range(20)
        ]
        self.put("utm_campaign", names, source * 20 + number)
        self.evidence["utm_campaign"] = _spread(len(names), 0.15)[source * 20 + number]

    def _city(self, country: Ints) -> None:
        towns = [town for names in CITIES.values() for town in names]
        sizes = np.array([len(names) for names in CITIES.values()])
        place = (self.rng.random(self.count) ** 2 * sizes[country]).astype(np.int64)
        town = (np.cumsum(sizes) - sizes)[country] + place
        empty = self.missing(0.2)
        self.put("city", towns, np.where(empty, -1, town))
        self.evidence["city"] = np.where(empty, 0.0, _spread(len(towns), 0.1)[town])

    def _industry(self) -> None:
        names = [f"{branch}: {kind}" for branch in BRANCHES for kind in SPECIALITIES]
        rank = np.arange(1, len(names) + 1)
        industry = self.rng.choice(
            len(names), size=self.count, p=rank**-0.8 / (rank**-0.8).sum()
        )
        empty = self.missing(0.1)
        self.put("industry", names, np.where(empty, -1, industry))
        amounts = _spread(len(names), 0.6)[industry]
        self.evidence["industry"] = np.where(empty, 0.0, amounts)

    def _headcount(self) -> None:
        people = np.ceil(np.exp(self.rng.normal(2.7, 1.3, self.count)))
        empty = self.missing(0.15)
        grown = 0.4 * (np.log(np.minimum(people, BIG_COMPANY)) - 2.7)
        giant = 0.6 * np.log(np.maximum(people, BIG_COMPANY) / BIG_COMPANY)
        self.columns["headcount"] = pl.Series(people.astype(np.int64)).set(
            pl.Series(empty), None
        )
        self.evidence["headcount"] = np.where(empty, 0.0, grown - giant)

    def _comment(self) -> None:
        said = np.where(self.missing(0.6), 0, self.rng.integers(1, 4, self.count))
        words = [""]
        for _ in range(3):
            words += [
                f"{so_far} {one}".strip() for so_far in words for one in SENTENCES
            ]
        known: dict[int, list[int]] = {0: [-1], 1: [], 2: [], 3: []}
        texts = sorted(set(words) - {""})
        for number, text in enumerate(texts):
            known[sum(map(text.count, ".?"))].append(number)
        place = np.zeros(self.count, dtype=np.int64)
        for length, choices in known.items():
            mine = said == length
            place[mine] = self.rng.choice(choices, size=int(mine.sum()))
        self.put("comment", texts, place)
        self.evidence["comment"] = 0.2 * said - 0.1

    def _idle(self) -> None:
        """Add fields that say nothing."""
        self.put("browser", BROWSERS, self.rng.integers(0, 5, self.count))
        widths = np.array([1280, 1366, 1440, 1536, 1920, 2560])
        self.columns["screen_width"] = pl.Series(
            widths[self.rng.integers(0, 6, self.count)]
        )
        self.columns["newsletter"] = pl.Series(self.rng.random(self.count) < 0.4)

    def contact(self, numbers: Ints) -> None:
        """Invent mail and phone; a corporate mail and a phone speak for a buyer."""
        corporate, no_mail = self.missing(0.45), self.missing(0.05)
        has_phone = ~self.missing(0.4)
        self.columns["email"] = pl.Series(
            [
                None if absent else f"info@firm{n}.example.com" if own
                else f"user{n}@example.org"
                for n, own, absent in zip(
                    numbers.tolist(), corporate.tolist(), no_mail.tolist(), strict=True
                )
            ],
            dtype=pl.String,
        )  # fmt: skip
        self.put("email_kind", ["free", "corporate"],
                 np.where(no_mail, -1, corporate.astype(np.int64)))  # fmt: skip
        self.columns["phone"] = pl.Series(
            [
                f"+7 000 {n // 10_000 % 1000:03d}-{n // 100 % 100:02d}-{n % 100:02d}"
                if known else None
                for n, known in zip(numbers.tolist(), has_phone.tolist(), strict=True)
            ],
            dtype=pl.String,
        )  # fmt: skip
        self.evidence["email_kind"] = np.select([no_mail, corporate], [-0.5, 0.4], -0.4)
        self.evidence["phone"] = np.where(has_phone, 0.24, -0.36)


def _with_repeats(card: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Let some people register a second time: their contacts stand on two cards.

    Only the contact texts are repeated, not the fields that say something, so what is
    true of a lead still follows from its own card.
    """
    again = np.flatnonzero(rng.random(card.height) < REPEATED_PEOPLE)
    before = np.maximum(again - rng.integers(1, 200, len(again)), 0)
    source = np.arange(card.height)
    source[again] = before
    shown: list[Any] = []
    for name in ("email", "phone"):
        earlier = card[name].gather(source)
        same = card["email_kind"].eq_missing(card["email_kind"].gather(source))
        keep = same if name == "email" else card[name].is_not_null()
        usable = keep & (earlier.is_not_null() | card[name].is_null())
        shown.append(earlier.zip_with(usable, card[name]))
    return card.with_columns(shown)


def _pick(shares: Floats, rng: np.random.Generator) -> Ints:
    """Draw one place of each row of shares."""
    edges = np.cumsum(shares, axis=1)
    drawn = rng.random(len(shares)) * edges[:, -1]
    return np.asarray((drawn[:, None] >= edges).sum(axis=1))


def _spread(count: int, deviation: float) -> Floats:
    """Log-odds of many values, the same in every invented company of this kind."""
    return np.random.default_rng(count).normal(0.0, deviation, count)
