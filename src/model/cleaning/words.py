"""What the plan of a clean-up says, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from model.cleaning.advice import Advice
from model.features.catalog import Words

ACTS: Final[Mapping[str, Words]] = {
    "merge": Words("merge", "объединить"),
    "link": Words("link to contact", "привязать к контакту"),
    "close": Words("close as not a lead", "закрыть: не лид"),
    "look": Words("look at it", "посмотреть"),
    "keep": Words("keep", "оставить"),
}
WHY: Final[Mapping[str, Words]] = {
    "contact": Words("same contact in the CRM", "тот же контакт в CRM"),
    "contact_other_name": Words(
        "same contact in the CRM, other name", "тот же контакт в CRM, другое имя"
    ),
    "tied": Words(
        "a client's, and linked to the contact already",
        "от клиента, уже привязан к контакту",
    ),
    "mail_and_phone": Words("same mail and phone", "те же почта и телефон"),
    "mail_and_name": Words("same mail and name", "те же почта и имя"),
    "phone_and_name": Words("same phone and name", "те же телефон и имя"),
    "mail": Words("same mail", "та же почта"),
    "sole_trader": Words(
        "same tax number of a sole trader", "тот же ИНН предпринимателя"
    ),
    "phone_and_first_name": Words(
        "same phone and first name", "те же телефон и одно слово имени"
    ),
    "inn_and_name": Words("same tax number and name", "те же ИНН и имя"),
    "office_and_name": Words("same office mail and name", "та же общая почта и имя"),
    "phone": Words(
        "same phone, but a name is missing", "тот же телефон, но имя неизвестно"
    ),
    "phone_other_mail": Words(
        "same phone, but the mail or the tax number differs",
        "тот же телефон, но другая почта или ИНН",
    ),
    "name_in_company": Words(
        "same name in the same company", "то же имя в той же компании"
    ),
    "near_phone_and_name": Words(
        "same name, phone but for one digit", "то же имя, телефон отличается цифрой"
    ),
    "near_mail_and_name": Words(
        "same name, mail but for the domain", "то же имя, почта отличается доменом"
    ),
    "inn": Words("same tax number", "тот же ИНН"),
    "mail_other_name": Words("same mail, other name", "та же почта, другое имя"),
    "phone_other_name": Words("same phone, other name", "тот же телефон, другое имя"),
    "domain": Words("same mail domain", "тот же почтовый домен"),
    "office": Words("same office mail", "та же общая почта"),
    "company": Words("company of a like name", "похожее название компании"),
    "contradicted": Words(
        "same mark, but among its leads names or tax numbers differ",
        "общий признак, но среди этих лидов разные имена или ИНН",
    ),
    "chained": Words("through a lead between them", "через лид между ними"),
    "machine": Words("a machine wrote", "писал робот"),
    "own_domain": Words("a letter of our own", "своё письмо"),
    "unreachable": Words(
        "no phone, no mail, nothing happened", "ни телефона, ни почты, ни событий"
    ),
    "first": Words(
        "the first of a person who wrote again", "первый лид того, кто писал ещё"
    ),
    "alone": Words("nobody like it", "похожих нет"),
    "unmarked": Words(
        "nothing tells who it is: whether it is a double cannot be said",
        "неизвестно, кто это: нельзя сказать, дубль ли это",
    ),
}
AGAIN: Final = Words("wrote before: {n}", "писал раньше: {n}")
CLIENT: Final = Words("has paid", "уже платил")
NOTE: Final[Mapping[str, Words]] = {
    "merge": Words(
        "Duplicate of lead {target} ({why}). Approved by {by}.",
        "Дубль лида {target} ({why}). Утвердил: {by}.",
    ),
    "link": Words(
        "Linked to the client of lead {target} ({why}). Approved by {by}.",
        "Привязан к клиенту лида {target} ({why}). Утвердил: {by}.",
    ),
    "close": Words(
        "Closed as not a lead: {why}. Approved by {by}.",
        "Закрыт как не лид: {why}. Утвердил: {by}.",
    ),
}
UNDONE: Final = Words(
    "Taken back by {by}: the clean-up of this card was undone.",
    "Отменено ({by}): карточка возвращена после чистки.",
)


def reason(row: Advice, language: str) -> str:
    """Say why a row says what it says.

    Examples
    --------
    >>> from model.cleaning.advice import Act
    >>> reason(Advice("7", Act.LINK, "3", "mail", 0.98, again=2, client=True), "ru")
    'та же почта; писал раньше: 2; уже платил'
    """
    parts = [WHY[row.why][language]]
    if row.again:
        parts.append(AGAIN[language].format(n=row.again))
    if row.client:
        parts.append(CLIENT[language])
    return "; ".join(parts)
