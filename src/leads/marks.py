"""Marks that tell who somebody is: phones, mails, tax numbers, names, in one form each.

What cannot be anybody's (a phone of one repeated digit, a tax number whose check digits
are wrong) is no mark at all: a false mark would join strangers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import phonenumbers
from stdnum.ru import inn as tax_number

TAIL: Final = 7
"""Last digits of a phone that must not all be alike."""

COUNTED: Final = ("1234567890", "0123456789", "9876543210")
"""Numbers that a form is filled with."""

SAME_DOMAIN: Final[Mapping[str, str]] = {
    "ya.ru": "yandex.ru", "yandex.com": "yandex.ru", "yandex.by": "yandex.ru",
    "yandex.kz": "yandex.ru", "googlemail.com": "gmail.com",
}  # fmt: skip
FREE_MAIL: Final = frozenset(
    {
        "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com",
        "msn.com", "yahoo.com", "ymail.com", "icloud.com", "me.com", "aol.com",
        "proton.me", "protonmail.com", "gmx.com", "gmx.de", "web.de", "zoho.com",
        "mail.com", "mail.ru", "bk.ru", "inbox.ru", "list.ru", "internet.ru",
        "yandex.ru", "yandex.com", "ya.ru", "yandex.by", "yandex.kz", "rambler.ru",
        "lenta.ru", "autorambler.ru", "ro.ru", "vk.com", "ukr.net", "i.ua", "tut.by",
        "qq.com", "163.com", "126.com",
    }
)  # fmt: skip
"""Where anybody gets an address for nothing."""
OFFICE: Final = frozenset(
    {
        "info", "office", "sales", "mail", "admin", "contact", "contacts", "hello",
        "zakaz", "order", "orders", "support", "help", "hr", "buh", "manager", "shop",
        "reception", "sekretar", "zakupki", "tender", "post", "director",
    }
)  # fmt: skip
"""Boxes that many people of a company read."""

MACHINES: Final = re.compile(
    r"^(no-?reply|do-?not-?reply|mailer-daemon|postmaster|bounces?|notifications?|"
    r"robot|daemon|newsletter|news|promo|unsubscribe)([+._-].*)?$"
)
FORMS: Final = frozenset(
    {
        "ооо", "оао", "зао", "пао", "ао", "ип", "нко", "ано", "гк", "тд", "тоо", "чп",
        "компания", "фирма", "группа", "llc", "ltd", "inc", "gmbh", "co", "corp",
        "company", "group", "ooo", "oao", "zao", "pao", "ip",
    }
)  # fmt: skip
"""What says how a company is set up, not which it is."""

LATIN: Final[Mapping[str, str]] = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "e", "ж": "zh",
    "з": "z", "и": "i", "й": "i", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o",
    "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f", "х": "h", "ц": "c",
    "ч": "ch", "ш": "sh", "щ": "sh", "ъ": "", "ы": "i", "ь": "", "э": "e", "ю": "iu",
    "я": "ia", "і": "i", "ї": "i", "є": "e", "ґ": "g",
}  # fmt: skip
TABLE: Final = str.maketrans(dict(LATIN))
FOLDS: Final = (
    ("shch", "sh"), ("sch", "sh"), ("kh", "h"), ("ts", "c"), ("tz", "c"), ("ck", "k"),
    ("ya", "ia"), ("yu", "iu"), ("yo", "e"), ("ye", "e"), ("jo", "e"), ("x", "ks"),
    ("y", "i"), ("j", "i"), ("w", "v"), ("ph", "f"),
)  # fmt: skip
"""Spellings of one Russian sound in Latin letters, in the order they are folded."""

WORD: Final = re.compile(r"[^\W_]+")
REPEATED: Final = re.compile(r"(.)\1+")


def phones_of(text: str | None, region: str) -> tuple[str, ...]:
    """Read the phone numbers of a field as E.164.

    Examples
    --------
    >>> phones_of("8 (912) 345-67-89; +7 495 765 43 21", "RU")
    ('+79123456789', '+74957654321')
    >>> phones_of("0000000000", "RU"), phones_of("later", "RU")
    ((), ())
    """
    found = []
    for part in re.split(r"[,;/\n]", text or ""):
        try:
            number = phonenumbers.parse(part, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_possible_number(number):
            form = phonenumbers.PhoneNumberFormat.E164
            told = phonenumbers.format_number(number, form)
            if len(set(told[-TAIL:])) > 1 and told[-10:] not in COUNTED:
                found.append(told)
    return tuple(dict.fromkeys(found))


def mails_of(text: str | None) -> tuple[str, ...]:
    """Read the mail addresses of a field, without case, tags and second domains.

    Examples
    --------
    >>> mails_of("Ivan.Petrov+crm@YA.RU")
    ('ivan.petrov@yandex.ru',)
    """
    found = []
    for part in re.split(r"[,;\s<>]+", (text or "").casefold()):
        box, _, domain = part.strip(".").rpartition("@")
        box = box.partition("+")[0]
        if box and "@" not in box and "." in domain:
            found.append(f"{box}@{SAME_DOMAIN.get(domain, domain)}")
    return tuple(dict.fromkeys(found))


def inns_of(text: str | None) -> tuple[str, ...]:
    """Read Russian tax numbers whose check digits are right.

    Examples
    --------
    >>> inns_of("ИНН 7707083893"), inns_of("7707083894")
    (('7707083893',), ())
    >>> inns_of("100000011"), inns_of("7707083893/773601001")
    (('0100000011',), ('7707083893',))
    """
    said = (text or "").strip()
    if re.fullmatch(r"\d{9}|\d{11}", said):  # kept as a number, it lost its zero
        said = f"0{said}"
    found = re.findall(r"(?<!\d)(\d{12}|\d{10})(?!\d)", said)
    zeros = {"0" * 10, "0" * 12}
    return tuple(
        dict.fromkeys(n for n in found if n not in zeros and tax_number.is_valid(n))
    )


def mail_kind(value: str | None) -> str:
    """Say whether a mail address is "free", "corporate", or not there: "none".

    Examples
    --------
    >>> mail_kind("a@Mail.ru "), mail_kind("a@acme.example"), mail_kind("later")
    ('free', 'corporate', 'none')
    """
    name, at, domain = (value or "").strip().lower().rpartition("@")
    if not name or not at or "." not in domain:
        return "none"
    return "free" if domain in FREE_MAIL else "corporate"


def is_office(mail: str) -> bool:
    """Whether many people of a company read a box."""
    return mail.partition("@")[0] in OFFICE


def is_machine(mail: str) -> bool:
    """Whether no person writes from an address.

    Examples
    --------
    >>> is_machine("noreply@bank.example"), is_machine("nora@bank.example")
    (True, False)
    """
    return MACHINES.match(mail.partition("@")[0]) is not None


def folded(text: str | None) -> str:
    """Write words in one Latin spelling, without case, doubled letters and signs.

    Examples
    --------
    >>> folded("Щербаков Юрий"), folded("Shcherbakov YURIY")
    ('sherbakov iuri', 'sherbakov iuri')
    """
    lowered = (text or "").casefold().translate(TABLE)
    for old, new in FOLDS:
        lowered = lowered.replace(old, new)
    return " ".join(REPEATED.sub(r"\1", word) for word in WORD.findall(lowered))


def company_of(text: str | None) -> str:
    """Write a company's name without its legal form.

    Examples
    --------
    >>> company_of('ООО «Ромашка-Трейд»'), company_of("romashka trade, LLC")
    ('romashka treid', 'romashka trade')
    """
    words = WORD.findall((text or "").casefold())
    return folded(" ".join(word for word in words if word not in FORMS))
