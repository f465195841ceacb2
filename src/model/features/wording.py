"""The words for features that a salesperson understands, in both languages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from model.features.catalog import OTHER_KINDS, Feature, Kind, Words
from model.features.phrases import plural

HUMP: Final = re.compile(r"([a-zа-яё])([A-ZА-ЯЁ](?![A-ZА-ЯЁ]))")
GLUE: Final = re.compile(r"[_.\-]+")

ChangedBy = Literal["seller", "buyer", "fixed"]


@dataclass(frozen=True, slots=True)
class Noun:
    """What a kind of event is called, and who makes it happen."""

    words: Words
    changed_by: ChangedBy


NOUNS: Final[Mapping[str, Noun]] = {
    "call": Noun(Words("Calls", "Звонки"), "seller"),
    "meeting": Noun(Words("Meetings", "Встречи"), "seller"),
    "demo": Noun(Words("Demos", "Демонстрации"), "seller"),
    "task": Noun(Words("Tasks", "Задачи"), "seller"),
    "offer": Noun(Words("Offers", "Предложения"), "seller"),
    "invoice": Noun(Words("Invoices", "Счета"), "seller"),
    "note": Noun(Words("Notes", "Заметки"), "seller"),
    "mail": Noun(Words("Mails", "Письма"), "seller"),
    "email": Noun(Words("Mails", "Письма"), "seller"),
    "message": Noun(Words("Messages", "Сообщения"), "seller"),
    "chat": Noun(Words("Chat messages", "Сообщения в чате"), "seller"),
    "sms": Noun(Words("Text messages", "СМС"), "seller"),
    "visit": Noun(Words("Visits", "Визиты"), "buyer"),
    "view": Noun(Words("Views", "Просмотры"), "buyer"),
    "page": Noun(Words("Pages", "Страницы"), "buyer"),
    "click": Noun(Words("Clicks", "Клики"), "buyer"),
    "login": Noun(Words("Logins", "Входы"), "buyer"),
    "session": Noun(Words("Sessions", "Сеансы"), "buyer"),
    "usage": Noun(Words("Usage", "Использование"), "buyer"),
    "setup": Noun(Words("Set-up steps", "Шаги настройки"), "buyer"),
    "setting": Noun(Words("Settings changed", "Изменения настроек"), "buyer"),
    "form": Noun(Words("Forms sent", "Отправки форм"), "buyer"),
    "download": Noun(Words("Downloads", "Скачивания"), "buyer"),
    "deleted": Noun(Words("Deletions", "Удаления"), "seller"),
    "restored": Noun(Words("Restorations", "Восстановления"), "seller"),
    "registration": Noun(Words("Registrations", "Регистрации"), "buyer"),
}
"""Event kinds often begin with one of these; any other is called by its own name."""

DIRECTIONS: Final[Mapping[str, Words]] = {
    "in": Words("incoming", "входящие"),
    "out": Words("outgoing", "исходящие"),
    "incoming": Words("incoming", "входящие"),
    "outgoing": Words("outgoing", "исходящие"),
    "added": Words("set", "поставленные"),
    "completed": Words("done", "выполненные"),
}
"""What a CRM's kinds of events say besides the noun."""

FIELDS: Final[Mapping[str, Words]] = {
    "opportunity": Words("Amount", "Сумма"),
    "currency": Words("Currency", "Валюта"),
    "comments": Words("Comment", "Комментарий"),
    "utm_source": Words("Source (UTM)", "Источник (UTM)"),
    "utm_medium": Words("Medium (UTM)", "Канал (UTM)"),
    "utm_campaign": Words("Campaign (UTM)", "Кампания (UTM)"),
    "utm_content": Words("Advertisement (UTM)", "Объявление (UTM)"),
    "utm_term": Words("Search words (UTM)", "Ключевые слова (UTM)"),
    "post": Words("Position", "Должность"),
    "type": Words("Type", "Тип"),
    "is_return_customer": Words("Returning customer", "Повторный клиент"),
    "has_phone": Words("Has a phone", "Есть телефон"),
    "has_email": Words("Has an e-mail", "Есть почта"),
    "email_kind": Words("Kind of mail address", "Вид почты"),
    "contact_post": Words("Contact's position", "Должность контакта"),
    "contact_source": Words("Contact's source", "Источник контакта"),
    "company_industry": Words("Company's industry", "Отрасль компании"),
    "company_employees": Words("People in the company", "Сотрудников в компании"),
}
"""Card fields that readers of a CRM give these names; others are the company's own."""

ALL_EVENTS: Final = Noun(Words("All activity", "Вся активность"), "buyer")
OTHER_EVENTS: Final = Noun(Words("Other events", "Прочие события"), "buyer")

SUBJECTS: Final[Mapping[str, Words]] = {
    "payment": Words("Payments", "Оплаты"),
    "refund": Words("Payments", "Оплаты"),
    "stage": Words("Stage", "Стадия"),
    "lead": Words("Age of the lead", "Возраст лида"),
    **dict.fromkeys(("hour", "weekday", "month"), Words("Creation", "Создание")),
}
"""What a family of features is about, where that is no kind of event or card field."""

TEMPLATES: Final[Mapping[Kind, Words]] = {
    "event_count": Words("{what}{in_window}", "{what}{in_window}"),
    "event_days": Words(
        "{what}{in_window}, on how many days", "{what}{in_window}, в скольких днях"
    ),
    "event_sum": Words("{what}{in_window}, in all", "{what}{in_window}, суммарно"),
    "event_recency": Words(
        "{what}, time since the last", "{what}, с последнего прошло"
    ),
    "event_gap": Words("{what}, average pause", "{what}, пауза в среднем"),
    "event_gap_relative": Words(
        "{what}, the pause now compared with the lead's usual one",
        "{what}, нынешняя пауза в сравнении с обычной",
    ),
    "event_trend": Words(
        "{what}{in_window}, compared with as long before",
        "{what}{in_window}, в сравнении с таким же сроком до того",
    ),
    "kinds_distinct": Words(
        "Kinds of activity{in_window}", "Видов активности{in_window}"
    ),
    "payment_count": Words("Payments{in_window}", "Оплат{in_window}"),
    "payment_days": Words("Days with payments{in_window}", "Дней с оплатой{in_window}"),
    "payment_sum": Words(
        "Paid{in_window}, less refunds", "Оплачено{in_window} за вычетом возвратов"
    ),
    "payment_recency": Words(
        "Time since the last payment", "С последней оплаты прошло"
    ),
    "payment_gap": Words("Payments, average pause", "Оплаты, пауза в среднем"),
    "payment_gap_relative": Words(
        "Payments, the pause now compared with the lead's usual one",
        "Оплаты, нынешняя пауза в сравнении с обычной",
    ),
    "refund_count": Words("Refunds{in_window}", "Возвратов{in_window}"),
    "stage": Words("Stage", "Стадия"),
    "stage_age": Words("Time in this stage", "Время на этой стадии"),
    "stage_age_relative": Words(
        "Time in this stage compared with usual",
        "Время на этой стадии в сравнении с обычным",
    ),
    "stage_position": Words("Stages passed", "Пройдено стадий"),
    "stage_moves": Words("Moves between stages", "Переходов между стадиями"),
    "stage_moves_back": Words(
        "Moves back to an earlier stage", "Возвратов на прежнюю стадию"
    ),
    "card_number": Words("{what}", "{what}"),
    "card_text": Words("{what}", "{what}"),
    "card_flag": Words("{what}", "{what}"),
    "card_time_age": Words("{what}, time since", "{what}, с тех пор прошло"),
    "card_text_length": Words("{what}, length of the text", "{what}, длина текста"),
    "card_filled": Words("{what}, filled in", "{what}, заполнено"),
    "card_answer": Words("{what}, answered", "{what}, есть ответ"),
    "contact_phone": Words("{what}, can be called", "{what}, можно позвонить"),
    "contact_mail": Words("{what}, kind of address", "{what}, вид адреса"),
    "source": Words("Source", "Источник"),
    "pipeline": Words("Pipeline", "Воронка"),
    "lead_age": Words("Age of the lead", "Возраст лида"),
    "lead_age_relative": Words(
        "Age of the lead compared with the average time to a deal",
        "Возраст лида в сравнении со средним сроком сделки",
    ),
    "hour": Words("Hour of creation", "Час создания"),
    "weekday": Words("Weekday of creation", "День недели создания"),
    "month": Words("Month of creation", "Месяц создания"),
}

UNITS: Final[Mapping[Kind, str]] = {
    **dict.fromkeys(
        (
            "event_count", "event_trend", "payment_count", "refund_count",
            "stage_moves", "stage_moves_back",
        ),
        "times",
    ),
    **dict.fromkeys(("event_days", "payment_days", "card_time_age"), "days"),
    **dict.fromkeys(
        (
            "event_recency", "event_gap", "payment_recency", "payment_gap", "stage_age",
            "lead_age",
        ),
        "hours",
    ),
    **dict.fromkeys(
        ("event_gap_relative", "payment_gap_relative", "stage_age_relative",
         "lead_age_relative"),
        "ratio",
    ),
    **dict.fromkeys(
        ("card_flag", "card_filled", "card_answer", "contact_phone"), "yes or no"
    ),
    "kinds_distinct": "kinds",
    "stage_position": "steps",
    "card_text_length": "characters",
    "hour": "hour",
    "weekday": "weekday",
    "month": "month",
}  # fmt: skip
"""Units by kind; payments come in a currency, a company's own measures in none."""

NO_TITLES: Final[Mapping[str, Words]] = {}


def noun_of(kind: str | None, titles: Mapping[str, Words] = NO_TITLES) -> Noun:
    """Name a kind of event (None is all together), by the company's title if any.

    Examples
    --------
    >>> noun_of("visit_pricing").words
    Words(en='Visits “pricing”', ru='Визиты «pricing»')
    >>> noun_of("visit_pricing", {"visit_pricing": Words("Prices", "Цены")}).words.ru
    'Цены'
    >>> noun_of("call").words.ru, noun_of("W_Valideren").words.ru
    ('Звонки', 'W Valideren')
    >>> noun_of("email_in").words, noun_of("outgoing_call").words.ru
    (Words(en='Incoming mails', ru='Входящие письма'), 'Исходящие звонки')
    """
    if kind is None:
        return ALL_EVENTS
    if kind == OTHER_KINDS:
        return OTHER_EVENTS
    first, _, rest = plain(kind).lower().partition(" ")
    if first in DIRECTIONS:
        first, rest = rest, first
    noun = NOUNS.get(first) or NOUNS.get(first.removesuffix("s"))
    changed_by: ChangedBy = noun.changed_by if noun else "buyer"
    if kind in titles:
        return Noun(titles[kind], changed_by)
    if noun is None:
        return Noun(title_of(kind), changed_by)
    if not rest:
        return noun
    if rest in DIRECTIONS:
        return Noun(_directed(noun.words, DIRECTIONS[rest]), changed_by)
    words = Words(f"{noun.words.en} “{rest}”", f"{noun.words.ru} «{rest}»")
    return Noun(words, changed_by)


def _directed(noun: Words, way: Words) -> Words:
    """Put a direction before a noun, as in "Incoming calls"."""
    told = (f"{way.en} {noun.en}", f"{way.ru} {noun.ru}")
    return Words(*(text.capitalize() for text in told))


def title_of(name: str, titles: Mapping[str, Words] = NO_TITLES) -> Words:
    """Name a card field: by the company's title, else by its own name made readable.

    Examples
    --------
    >>> title_of("current_crm").en, title_of("dealSize").ru
    ('Current crm', 'Deal size')
    >>> title_of("has_phone").ru, title_of("has_phone", {"has_phone": Words("A", "Б")})
    ('Есть телефон', Words(en='A', ru='Б'))
    """
    readable = plain(name)
    readable = readable[:1].upper() + readable[1:]
    own = FIELDS.get(name, Words(readable, readable))
    return titles.get(name, own)


def plain(name: str) -> str:
    """Write a name of a database as words.

    Examples
    --------
    >>> plain("UF_CRM_42"), plain("utm-source"), plain("dealSize"), plain("Город")
    ('UF CRM 42', 'utm source', 'deal size', 'Город')
    """
    parted = HUMP.sub(lambda hump: f"{hump[1]} {hump[2].lower()}", name)
    return " ".join(GLUE.sub(" ", parted).split()) or name


def subject_of(feature: Feature) -> Words:
    """Name the business field of a feature.

    Examples
    --------
    >>> visits = words_of("event_recency", noun_of("visit").words, None)
    >>> subject_of(Feature("a", "event_recency", "visit", visits, of="visit"))
    Words(en='Visits', ru='Визиты')
    """
    if feature.about is not None:
        return feature.about
    family = feature.kind.partition("_")[0]
    if family in {"event", "kinds"}:
        return noun_of(feature.of).words
    if family in {"card", "contact"} and feature.field != "owner":
        return title_of(feature.field)
    return SUBJECTS.get(family, feature.words)


def words_of(kind: Kind, what: Words, window: int | None) -> Words:
    """Say what a feature is; ``window`` is in seconds.

    Examples
    --------
    >>> words_of("event_count", noun_of("visit").words, 7 * 86_400).ru
    'Визиты за 7 дней'
    >>> words_of("event_count", noun_of("visit").words, None).en
    'Visits so far'
    """
    template = TEMPLATES[kind]
    english, russian = " so far", " за всё время"
    if window is not None:
        days = window // 86_400
        english = f" in {days} {'day' if days == 1 else 'days'}"
        russian = f" за {days} {plural(days, 'день', 'дня', 'дней')}"
    # Not str.format: a company's own name may hold braces.
    return Words(
        template.en.replace("{in_window}", english).replace("{what}", what.en),
        template.ru.replace("{in_window}", russian).replace("{what}", what.ru),
    )
