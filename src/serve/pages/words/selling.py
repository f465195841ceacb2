"""What the pages of the sales lead say: whom to call today, one lead, the funnel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from model.features.catalog import Words

SELLING: Final[Mapping[str, Words]] = {
    "nav.funnel": Words("Funnel", "Воронка"),
    # today
    "filter.all": Words("all", "все"),
    "filter.owner": Words("Manager", "Менеджер"),
    "filter.pipeline": Words("Pipeline", "Воронка"),
    "filter.source": Words("Source", "Источник"),
    "filter.closed": Words("closed ones, too", "и закрытые"),
    "filter.form": Words("Choose leads", "Выбор лидов"),
    "filter.more": Words("Filters", "Фильтры"),
    "list.export": Words("This list as a file:", "Этот список файлом:"),
    "list.export_cut": Words("The first {n} as a file:", "Первые {n} файлом:"),
    "list.by_money": Words(
        "Open leads by tier, and in each by the money to be expected: the chance of"
        " {goal} times the amount. Tiers are made the same way. Whoever was called this"
        " week already stands below the others of the tier.",
        "Открытые лиды по группам, в каждой — по ожидаемым деньгам: вероятность {goal},"
        " умноженная на сумму. Группы делятся так же. Кому на этой неделе уже звонили,"
        " стоит ниже остальных в своей группе.",
    ),
    "col.owner": Words("Manager", "Менеджер"),
    "col.stage": Words("Stage", "Стадия"),
    "col.active": Words("Last activity", "Последняя активность"),
    "col.money": Words("Expected money", "Ожидаемые деньги"),
    "col.telling": Words("What speaks for it", "Что говорит за"),
    "col.currency": Words("Currency", "Валюта"),
    "col.low": Words("At least", "Не меньше"),
    "col.high": Words("At most", "Не больше"),
    "col.moved": Words("Moved by", "Сдвиг"),
    "col.moved_since": Words("Since", "С момента"),
    "col.where": Words("Where it stands", "Где сейчас"),
    "row.range": Words("{low} to {high}", "от {low} до {high}"),
    "row.since": Words("since {day}", "с {day}"),
    "row.quiet": Words("quiet for longer than usual", "тихо дольше обычного"),
    "row.nobody": Words("no manager", "без менеджера"),
    "row.still": Words("unchanged", "без изменений"),
    "row.action": Words("Try", "Стоит попробовать"),
    "col.override": Words("Tier set by a person", "Группа, заданная человеком"),
    "col.override_by": Words("Set by", "Кто задал"),
    "col.override_until": Words("Set until", "Задана до"),
    # one lead
    "lead.owner": Words("Manager", "Менеджер"),
    "lead.active": Words("Last activity", "Последняя активность"),
    "lead.when": Words("When it may happen", "Когда это может случиться"),
    "curve.title": Words(
        "Chance to have converted: {points}", "Вероятность конверсии: {points}"
    ),
    "curve.point": Words("{chance} within {days}", "{chance} за {days}"),
    "lifeline.chance": Words("Chance", "Вероятность"),
    "lifeline.title": Words(
        "Events from {first} to {last}; the chance went from {start} to {end}",
        "События с {first} по {last}; вероятность изменилась с {start} до {end}",
    ),
    # the funnel
    "funnel.title": Words("Where leads stand", "Где стоят лиды"),
    "funnel.lead": Words(
        "How many open leads stand in each stage, whether they stand there for longer"
        " than usual, and what comes of those who get that far.",
        "Сколько открытых лидов в каждой стадии, не задержались ли они и что выходит"
        " из тех, кто до неё дошёл.",
    ),
    "funnel.none": Words("No stages are known", "Стадии неизвестны"),
    "funnel.none.how": Words(
        "Ingest the stage changes of the leads, then come back.",
        "Загрузите смены стадий лидов и вернитесь сюда.",
    ),
    "funnel.as_of": Words("As known on {when}.", "По данным на {when}."),
    "funnel.unstaged": Words(
        "Open leads that were never in a stage: {n}.",
        "Открытых лидов, не бывших ни в одной стадии: {n}.",
    ),
    "funnel.pipeline": Words("Pipeline {name}", "Воронка «{name}»"),
    "funnel.whole": Words("All leads", "Все лиды"),
    "funnel.slowest": Words(
        "Longest behind: {stage}. Standing there for longer than nine in ten did"
        " before: {slow} of {here}.",
        "Больше всего задержек: {stage}. Стоят там дольше, чем девять из десяти"
        " раньше: {slow} из {here}.",
    ),
    "funnel.smooth": Words(
        "Nobody stands anywhere for longer than is usual.",
        "Никто нигде не стоит дольше обычного.",
    ),
    "funnel.how": Words(
        "The bar is how many leads ever reached the stage, the number beside it how"
        " many open ones stand there now. A stay is usual in the middle of all that"
        " have ended, and long beyond nine in ten.",
        "Полоса — сколько лидов когда-либо дошло до стадии, число рядом — сколько"
        " открытых стоит там сейчас. Обычное время — середина завершённых, долгое —"
        " дольше девяти из десяти.",
    ),
    "funnel.chart": Words(
        "Leads that reached each stage of the pipeline {name}",
        "Лиды, дошедшие до каждой стадии воронки «{name}»",
    ),
    "funnel.here": Words("{n} open here", "здесь открытых: {n}"),
    "col.here": Words("Open here", "Открытых здесь"),
    "col.slow": Words("Too long", "Слишком долго"),
    "col.waiting": Words("Here for, median", "Уже стоят, медиана"),
    "col.usual": Words("Usual stay", "Обычно"),
    "col.long": Words("Long stay", "Долго — от"),
    "col.soon": Words("Convert within {days}", "Конверсия за {days}"),
    "col.finally": Words("Convert in the end", "Конверсия в итоге"),
    "funnel.rates": Words(
        "A share with its 95% range, and of how many it is counted. Within {days} of"
        " entering the stage, like the chance of a lead; in the end, of those who"
        " converted or were lost.",
        "Доля с 95-процентным диапазоном и числом лидов. За {days} после входа в"
        " стадию — как вероятность лида; в итоге — среди успешных и потерянных.",
    ),
    "funnel.of": Words("of {n}", "из {n}"),
    "state.won": Words("won", "успех"),
    "state.lost": Words("lost", "потеря"),
    # the verdict on the pages of proof
    "latest.agrees": Words(
        "{month}: of the leads called hot {said} were said to convert, and {happened}"
        " did (of {n}). It came true.",
        "{month}: горячим обещали {said}, сбылось {happened} (из {n}). Прогноз сбылся.",
    ),
    "latest.high": Words(
        "{month}: of the leads called hot {said} were said to convert, but only"
        " {happened} did (of {n}). That was too much.",
        "{month}: горячим обещали {said}, а сбылось лишь {happened} (из {n}). Прогноз"
        " был завышен.",
    ),
    "latest.low": Words(
        "{month}: of the leads called hot {said} were said to convert, and even"
        " {happened} did (of {n}). That was too little.",
        "{month}: горячим обещали {said}, а сбылось даже {happened} (из {n}). Прогноз"
        " был занижен.",
    ),
    "latest.unsure": Words(
        "{month}: of the leads called hot {said} were said to convert, and {happened}"
        " did (of {n}): too few to tell.",
        "{month}: горячим обещали {said}, сбылось {happened} (из {n}): слишком мало"
        " для вывода.",
    ),
    # managers
    "team.waiting": Words(
        "Today: load, and hot leads that wait",
        "Сегодня: нагрузка и горячие лиды, которые ждут",
    ),
    "team.waiting.how": Words(
        "Open leads of today, how many of them the model calls hot, and how many of"
        " these were left alone for longer than nine in ten pauses last.",
        "Сегодняшние открытые лиды, сколько из них модель считает горячими и сколько из"
        " этих горячих не трогали дольше, чем длятся девять пауз из десяти.",
    ),
    "team.waiting.sum": Words(
        "Hot leads left alone too long: {n} of {hot}.",
        "Горячих, которые ждут слишком долго: {n} из {hot}.",
    ),
    "team.today": Words("Managers today", "Менеджеры сегодня"),
    "team.uncompared": Words(
        "What came of their leads is not compared yet: that takes a back-test. Run"
        " backtest, then come back.",
        "Что вышло из их лидов, ещё не сравнивали: для этого нужна проверка задним"
        " числом. Запустите backtest и вернитесь сюда.",
    ),
    "col.open": Words("Open leads", "Открытых лидов"),
    "col.hot": Words("Hot leads", "Горячих"),
    "col.quiet": Words("Left alone too long", "Ждут слишком долго"),
}
