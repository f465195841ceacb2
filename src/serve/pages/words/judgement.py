"""What the back-test, the card and the page of managers say by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from model.features.catalog import Words

JUDGEMENT: Final[Mapping[str, Words]] = {
    "nav.team": Words("Managers", "Менеджеры"),
    "proof.more": Words("More about this model", "Ещё о модели"),
    "proof.card": Words("Model card", "Карточка модели"),
    "proof.backtest": Words("Month by month", "По месяцам"),
    # the worth of groups of features, on the page of proof
    "model.worth": Words("What each kind of data is worth", "Чего стоят виды данных"),
    "worth.kind": Words("Kind of data", "Вид данных"),
    "worth.unit": Words("Loss without it", "Потеря без него"),
    # the card
    "card.title": Words("Model card", "Карточка модели"),
    "card.lead": Words(
        "What the model is for, how good it is, and where it must not be used.",
        "Для чего модель, насколько она хороша и где её применять нельзя.",
    ),
    # the back-test
    "backtest.title": Words("Would it have been right?", "Была бы она права?"),
    "backtest.lead": Words(
        "For each month a model was trained of what was known when the month began. It"
        " said a chance for the leads of that month, and this is what became of them.",
        "Для каждого месяца модель обучили на том, что было известно к его началу. Она"
        " назвала вероятности лидов этого месяца, и вот что с ними стало.",
    ),
    "backtest.none": Words("No back-test yet", "Проверки задним числом ещё нет"),
    "backtest.none.how": Words(
        "Run backtest with this configuration, then come back.",
        "Запустите backtest с этой конфигурацией и вернитесь сюда.",
    ),
    "backtest.months": Words("Months", "Месяцы"),
    "backtest.together": Words("All months together", "Все месяцы вместе"),
    "backtest.chart": Words(
        "Said and happened by month: {agree} of {months} months came true within"
        " their range",
        "Сказано и сбылось по месяцам: {agree} из {months} месяцев в пределах"
        " диапазона",
    ),
    "backtest.how": Words(
        "The dot is what happened with its 95% range; the upright mark is what was"
        " said.",
        "Точка — сбывшееся с 95-процентным диапазоном; вертикальная черта — сказанное.",
    ),
    "backtest.whole": Words("All", "Все"),
    "backtest.gap": Words(
        "Not enough data for a model then", "Данных для модели тогда не хватало"
    ),
    "backtest.no_rows": Words(
        "No open lead to judge", "Не было открытых лидов для проверки"
    ),
    "backtest.limits": Words("What to bear in mind", "Что нужно иметь в виду"),
    "backtest.limits.how": Words(
        "Outcomes are those known today. A card field without recorded changes stands"
        " in the past as it stands today. To save time the models of then had fewer"
        " folds.",
        "Исходы — известные сегодня. Поле карточки без истории правок стоит в прошлом"
        " таким, каково оно сегодня. Ради времени у моделей было меньше блоков"
        " проверки.",
    ),
    "backtest.digest": Words("Back-test", "Проверка"),
    # managers
    "team.title": Words("Managers: luck or more?", "Менеджеры: удача или больше?"),
    "team.lead": Words(
        "Whoever is given better leads closes more of them. So each is held against"
        " what these very leads promised, not against the others’ rates.",
        "Кому дают лиды лучше, тот и закрывает больше. Поэтому каждого сравнивают с"
        " тем, что обещали именно эти лиды, а не с долями других.",
    ),
    "team.none": Words("Nothing to compare yet", "Сравнивать пока нечего"),
    "team.none.how": Words(
        "Managers are compared on the months of a back-test: ingest leads with an owner"
        " and run backtest.",
        "Менеджеров сравнивают по месяцам проверки задним числом: загрузите лиды с"
        " ответственными и запустите backtest.",
    ),
    "team.warning": Words("Before you judge anybody", "Прежде чем судить"),
    "team.warning.mix": Words(
        "Leads are not dealt out at random, and the model does not know all that tells"
        " them apart. A gap is a question to ask, not an answer.",
        "Лиды раздают не наугад, и модель знает о них не всё. Разрыв — повод спросить,"
        " а не ответ.",
    ),
    "team.warning.small": Words(
        "Small numbers say nothing. Only who lies outside what luck alone explains,"
        " with the number of managers allowed for, is marked; all others are equal as"
        " far as anybody can tell.",
        "Малые числа ни о чём не говорят. Отмечены лишь те, кто вышел за пределы удачи"
        " с поправкой на число менеджеров; остальные, насколько можно судить, равны.",
    ),
    "team.warning.order": Words(
        "The order is by number of leads. It is no ranking.",
        "Порядок — по числу лидов. Это не рейтинг.",
    ),
    "team.chart": Words(
        "Conversion of each manager’s leads against what luck makes of their promise",
        "Конверсия лидов каждого менеджера и то, что удача делает из их обещания",
    ),
    "team.chart.how": Words(
        "The bar is where luck alone puts 95 of 100 such managers, the upright mark"
        " what the leads promised, the dot what happened. The fewer leads, the wider"
        " the bar.",
        "Полоса — куда одна удача приводит 95 из 100 таких менеджеров, черта — что"
        " обещали лиды, точка — что вышло. Чем меньше лидов, тем шире полоса.",
    ),
    "team.together": Words(
        "{leads} of the last months, {converted} converted.",
        "{leads} за последние месяцы, успешных: {converted}.",
    ),
    "team.unowned": Words("Without a manager: {n}.", "Без менеджера: {n}."),
    "team.moved": Words(
        "All chances were moved together by {moved} in log-odds, to what the team"
        " reached.",
        "Все вероятности вместе сдвинуты на {moved} в лог-шансах — к тому, чего"
        " достигла команда.",
    ),
    "team.marked": Words("Outside of luck: {n}.", "За пределами удачи: {n}."),
    "col.manager": Words("Manager", "Менеджер"),
    "col.mix": Words("Mean chance", "Средняя вероятность"),
    "col.expected": Words("Promised", "Обещано"),
    "col.luck": Words("Luck alone", "Одна удача"),
    "col.actual": Words("Happened", "Сбылось"),
    "col.actual_rate": Words("Happened, share", "Сбылось, доля"),
    "col.standing": Words("Verdict", "Вывод"),
    "standing.luck": Words("within luck", "в пределах удачи"),
    "standing.more": Words("more than luck explains", "больше, чем объяснит удача"),
    "standing.fewer": Words("fewer than luck explains", "меньше, чем объяснит удача"),
    "standing.few": Words("too few leads to tell", "мало лидов для вывода"),
}
