"""What the page of points says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from model.card.words import RIVAL
from model.features.catalog import Words

POINTS: Final[Mapping[str, Words]] = {
    "points.title": Words("Points", "Баллы"),
    "points.link": Words("Points: fit and engagement", "Баллы: соответствие и интерес"),
    "points.lead": Words(
        "The letter says how well a lead fits, the digit how engaged it is: A1 is the"
        " best, D4 the last. Points stand beside the model and do not change it.",
        "Буква — насколько лид подходит, цифра — насколько он вовлечён: A1 — лучшие,"
        " D4 — последние. Баллы стоят рядом с моделью и её не меняют.",
    ),
    "leadpoints.title": Words("Points", "Баллы"),
    "leadpoints.fit": Words("Who it is", "Кто это"),
    "leadpoints.engagement": Words("What it does", "Что делает"),
    "leadpoints.none": Words("Nothing gave points.", "Баллов нет ни за что."),
    "leadpoints.by": Words("by points", "по баллам"),
    "leadpoints.beside": Words(
        "Points stand beside the model and do not change its chance.",
        "Баллы стоят рядом с моделью и не меняют её вероятность.",
    ),
    "leadpoints.answers": Words(
        "Data are too few for a model yet, so the tier comes from these points; the"
        " chance above is the usual one.",
        "Для модели данных пока мало, поэтому группа — по этим баллам; вероятность"
        " выше — обычная, одна на всех.",
    ),
    "list.by_tier": Words(
        "Data are too few for a model yet: the chance is the usual one, and tiers come"
        " from the playbook’s points, if it has any.",
        "Для модели данных пока мало: вероятность обычная, а группы — по баллам"
        " регламента, если они заданы.",
    ),
    "points.hand": Words(
        "Written by hand, in the playbook.", "Записаны вручную, в регламенте."
    ),
    "points.learned": Words(
        "Learned beside the model in use; a section “points” in the playbook would"
        " replace them.",
        "Выучены вместе с действующей моделью; раздел «points» в регламенте их"
        " заменит.",
    ),
    "points.none": Words("There are no points yet", "Баллов пока нет"),
    "points.none.how": Words(
        "Add a section “points” to the playbook, or train and promote a model.",
        "Добавьте раздел «points» в регламент или обучите и введите модель.",
    ),
    "points.grid": Words("The grid", "Сетка"),
    "points.grid.how": Words(
        "In each cell: how many leads are open now.",
        "В каждой клетке — сколько лидов открыто сейчас.",
    ),
    "points.grid.past": Words(
        "Below: what part of past leads in the cell converted, with its 95% interval.",
        "Ниже — какая часть прошлых лидов в клетке сконвертировалась, с интервалом"
        " 95 %.",
    ),
    "points.untried": Words(
        "Not tried on past leads yet: “points test” does it.",
        "На прошлых лидах ещё не проверено: это делает «points test».",
    ),
    "points.of": Words("{rate} of {n}", "{rate} из {n}"),
    "points.most": Words(
        "The {n} likeliest open leads are counted.",
        "Посчитаны самые вероятные открытые лиды: {n}.",
    ),
    "points.card": Words("What gives points", "За что даются баллы"),
    "points.what": Words("What", "За что"),
    "points.worth": Words("Points", "Баллы"),
    "points.borders": Words(
        "{names} begin at {borders} points.", "{names} начинаются с {borders} баллов."
    ),
    "points.bounds.least": Words("no less than {n}", "не меньше {n}"),
    "points.bounds.most": Words("no more than {n}", "не больше {n}"),
    "points.first": Words("Most points", "Больше всего баллов"),
    "points.first.how": Words(
        "Useful while there are too few data for a chance.",
        "Пригодится, пока для вероятности мало данных.",
    ),
    "points.cell": Words("Cell", "Клетка"),
    "points.apart": Words(
        "Where points and model disagree most", "Где баллы и модель расходятся сильнее"
    ),
    "points.apart.how": Words(
        "By place among all open leads, 100 is the best. Either the points miss"
        " something, or the data of these leads deserve a look.",
        "По месту среди всех открытых лидов, 100 — лучшее. Либо баллы чего-то не"
        " видят, либо стоит взглянуть на данные этих лидов.",
    ),
    "points.place": Words("Place by points", "Место по баллам"),
    "points.place.model": Words("Place by the model", "Место по модели"),
    "points.why": Words("Points for", "Баллы за"),
    "points.why.model": Words("The model says", "Модель говорит"),
    "points.rival": Words("The model against points", "Модель против баллов"),
    "points.rival.how": Words(
        "A scorecard of {traits} traits was learned from the same past leads; both were"
        " judged on the same test leads.",
        "По тем же прошлым лидам выучена карта баллов, признаков в ней: {traits}; обе"
        " проверены на одних и тех же лидах.",
    ),
    **{f"points.{standing}": words for standing, words in RIVAL.items()},
    "points.figure": Words("Figure", "Показатель"),
    "points.by": Words("Points", "Баллы"),
    "points.model": Words("Model", "Модель"),
    "points.gain": Words("Difference", "Разница"),
    "points.check": Words(
        "How converting and lost leads differ",
        "Чем отличаются сконвертировавшиеся и потерянные",
    ),
    "points.check.how": Words(
        "Each past lead counts once, all at one age. A number is the median (the mean"
        " where medians are the same) and how often the converting lead of a pair has"
        " more, times in days; a name is how often it occurs. Shown with 95 % intervals"
        " is what differs beyond luck after a correction for {n} traits (Holm).",
        "Каждый прошлый лид сосчитан один раз, все — в одном возрасте. Для числа даны"
        " медиана (при равных — среднее; время — в днях) и то, в какой доле пар больше"
        " у купившего, для названия — как часто встречается. Показано с интервалами"
        " 95 % то, что отличается не случайно, с поправкой на число признаков: {n}"
        " (Холм).",
    ),
    "points.check.rest": Words(
        "No different beyond luck: {n}", "Неотличимые от случайности: {n}"
    ),
    "points.trait": Words("Trait", "Признак"),
    "points.converted": Words("Converted", "Сконвертировались"),
    "points.lost": Words("Lost", "Потеряны"),
    "points.pairs": Words("more in {share} of pairs", "больше в {share} пар"),
}
