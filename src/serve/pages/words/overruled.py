"""What pages say of a tier that a person set, in English and Russian."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from model.features.catalog import Words

OVERRULED: Final[Mapping[str, Words]] = {
    "override.tab": Words("Set by a person", "Заданы человеком"),
    "override.said": Words("Set by a person", "Задано человеком"),
    "override.model": Words("The model says", "Модель считает"),
    "override.by": Words("by {by}, since {since}", "кем: {by}, с {since}"),
    "override.by_until": Words(
        "by {by}, {since} to {until}", "кем: {by}, с {since} по {until}"
    ),
    "override.reasons": Words(
        "These are reasons for what the model says ({tier}), not for the tier that a"
        " person set (by {by}).",
        "Это доводы к оценке модели ({tier}), а не к группе, которую задал человек"
        " (кем: {by}).",
    ),
    "override.reason": Words("The model:", "Модель:"),
    "override.title": Words("Your own judgement", "Ваше мнение"),
    "override.none": Words(
        "You know better? Set a tier. It stands beside the model’s value, never"
        " instead of it, and every step is kept.",
        "Знаете лучше? Задайте группу. Она встанет рядом с оценкой модели, не вместо"
        " неё, и каждый шаг сохранится.",
    ),
    "override.tier": Words("Tier", "Группа"),
    "override.who": Words("Your id in the CRM", "Ваш номер в CRM"),
    "override.days": Words("For how long", "На какой срок"),
    "override.always": Words("until withdrawn", "пока не снимут"),
    "override.set": Words("Set the tier", "Задать группу"),
    "override.withdraw": Words("Withdraw it", "Снять"),
    "override.file": Words(
        "A tier is set on the live page of the service, not in this file.",
        "Группу задают на живой странице службы, не в этом файле.",
    ),
    "override.refused": Words("Nothing was set", "Ничего не задано"),
    "override.stale": Words(
        "The form is too old or did not come from this page. Open the lead again and"
        " send it once more.",
        "Форма устарела или пришла не с этой страницы. Откройте лид снова и отправьте"
        " ещё раз.",
    ),
    "override.unfit": Words(
        "Choose a tier and say who you are, in at most {most} characters.",
        "Выберите группу и укажите, кто вы: не больше {most} знаков.",
    ),
}
"""Every text, by the key that a template asks for."""
