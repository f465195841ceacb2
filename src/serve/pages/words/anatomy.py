"""What the page of the model says of its inside, and of two versions side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from model.features.catalog import Words

ANATOMY: Final[Mapping[str, Words]] = {
    # what moves predictions
    "inside.weights": Words("What moves predictions", "Что двигает прогноз"),
    "inside.weights.how": Words(
        "How far each field moves a prediction on average, for or against, in log-odds,"
        " counted on {rows} that the model had not seen. Being moved by a field is not"
        " proof that changing it would help.",
        "Насколько каждое поле в среднем сдвигает прогноз, за или против, в лог-шансах;"
        " посчитано на {rows}, которых модель не видела. То, что поле двигает прогноз,"
        " не доказывает, что его изменение поможет.",
    ),
    "inside.rest": Words("All {n} fields", "Все поля: {n}"),
    "inside.weight": Words("Mean move", "Средний сдвиг"),
    "inside.part": Words("Part of all", "Доля от всех"),
    # dependence
    "inside.depend": Words(
        "How a value moves the prediction", "Как значение двигает прогноз"
    ),
    "inside.depend.how": Words(
        "For the heaviest fields: what the most telling figure of the field adds to the"
        " log-odds, by its value. The line through a dot holds eight of ten cases with"
        " that value: where it is long, the same value counts differently beside other"
        " facts. Bars below say how many cases there are; what is not known stands"
        " apart.",
        "Для самых весомых полей: сколько главный показатель поля прибавляет к"
        " лог-шансам при разных значениях. Черта через точку охватывает восемь случаев"
        " из десяти с таким значением: где она длинна, одно и то же значение рядом с"
        " другими фактами весит по-разному. Столбики внизу — число случаев; неизвестное"
        " стоит отдельно.",
    ),
    "inside.depend.title": Words(
        "{words}: from {low} at “{first}” to {high} at “{last}”",
        "{words}: от {low} при «{first}» до {high} при «{last}»",
    ),
    "inside.log_odds": Words("log-odds", "лог-шансы"),
    "inside.absent": Words("not known", "не известно"),
    "inside.value": Words("Value", "Значение"),
    "inside.given": Words("Adds", "Прибавляет"),
    "inside.band": Words("Eight of ten", "Восемь из десяти"),
    "inside.cases": Words("Cases", "Случаи"),
    # pairs
    "inside.pairs": Words(
        "Fields that work together", "Поля, которые действуют вместе"
    ),
    "inside.pairs.how": Words(
        "Pairs that say something together that neither says by itself. Each was taken"
        " out of the predictions of cases the model had not seen; only pairs whose"
        " absence costs more than noise are shown. Tried: {tried}.",
        "Пары, которые вместе говорят то, чего поодиночке не говорит ни одно поле."
        " Каждую убирали из прогнозов по случаям, которых модель не видела; показаны"
        " только те, без которых потеря больше шума. Проверено пар: {tried}.",
    ),
    "inside.pairs.none": Words(
        "None of the pairs tried is told from noise: as far as these data can say,"
        " fields simply add up.",
        "Ни одну из проверенных пар не отличить от шума: насколько видно по данным,"
        " поля просто складываются.",
    ),
    "inside.pairs.untried": Words(
        "No pair of the heaviest fields has an effect worth trying: fields simply add"
        " up.",
        "Ни у одной пары самых весомых полей нет заметного действия: поля просто"
        " складываются.",
    ),
    "inside.pair": Words("{one} with {other}", "{one} и {other}"),
    "inside.pair.more": Words(
        "{one}: {first}, and {other}: {second} — together {by} in log-odds more than"
        " each by itself ({cases}).",
        "{one}: {first}, и {other}: {second} — вместе на {by} в лог-шансах больше, чем"
        " поодиночке ({cases}).",
    ),
    "inside.pair.less": Words(
        "{one}: {first}, and {other}: {second} — together {by} in log-odds less than"
        " each by itself ({cases}).",
        "{one}: {first}, и {other}: {second} — вместе на {by} в лог-шансах меньше, чем"
        " поодиночке ({cases}).",
    ),
    "inside.pair.cost": Words(
        "Loss without it: {gain} ({low} – {high}).",
        "Потеря без неё: {gain} ({low} – {high}).",
    ),
    "inside.together": Words("Together beyond apart", "Вместе сверх отдельного"),
    # slices
    "inside.slices": Words(
        "Said and happened, part by part", "Сказано и сбылось по частям"
    ),
    "inside.slices.how": Words(
        "A good figure over all leads can hide a source for which it is wrong. The"
        " range is of what happened, with every lead counted once; at 95%, one part in"
        " twenty lies outside by luck alone.",
        "Хорошая цифра по всем лидам может скрывать источник, для которого она неверна."
        " Диапазон — для сбывшегося, каждый лид считается один раз; при 95 % одна часть"
        " из двадцати окажется вне его случайно.",
    ),
    "slice.source": Words("By source", "По источникам"),
    "slice.pipeline": Words("By pipeline", "По воронкам"),
    "slice.month": Words("By month", "По месяцам"),
    "slice.owner": Words("By manager", "По менеджерам"),
    # the learning curve
    "inside.growth": Words("Would more data help?", "Помогут ли ещё данные?"),
    "growing.helps": Words(
        "Yes: with twice the leads the loss fell by {gain} ({low} – {high}), which is"
        " beyond noise.",
        "Да: с удвоением числа лидов потеря снизилась на {gain} ({low} – {high}), это"
        " больше шума.",
    ),
    "growing.level": Words(
        "Hardly: the last doubling of leads lowered the loss by {gain} ({low} –"
        " {high}). New fields or events would do more than further leads of the same"
        " kind.",
        "Вряд ли: последнее удвоение числа лидов снизило потерю на {gain} ({low} –"
        " {high}). Новые поля и события дадут больше, чем ещё столько же таких лидов.",
    ),
    "growing.unclear": Words(
        "It cannot be told: the last doubling of leads lowered the loss by {gain}"
        " ({low} – {high}), which may be noise.",
        "Сказать нельзя: последнее удвоение числа лидов снизило потерю на {gain}"
        " ({low} – {high}), это может быть и шум.",
    ),
    "inside.growth.how": Words(
        "A small forest was trained on ever more leads drawn by lot, and judged on the"
        " newest part of the training. It is cruder than the model itself: look at the"
        " bend of the curve, not at its height.",
        "Небольшой лес обучали на всё большем числе лидов, взятых по жребию, и"
        " проверяли на самой новой части обучения. Он грубее самой модели: важен изгиб"
        " кривой, а не её высота.",
    ),
    "inside.growth.title": Words(
        "Loss by number of training leads: from {first} with {few} to {last} with"
        " {many}",
        "Потеря по числу лидов для обучения: от {first} при {few} до {last} при {many}",
    ),
    "inside.loss": Words("log-loss", "логарифмическая потеря"),
    "inside.leads": Words("training leads", "лиды для обучения"),
    # the record
    "model.record": Words("On record in MLflow", "Запись в MLflow"),
    # two versions
    "compare.title": Words("Two versions side by side", "Две версии рядом"),
    "compare.tab": Words("Compare versions", "Сравнить версии"),
    "compare.lead": Words(
        "From version {old} to version {new}: who is better on the same rows, which"
        " open leads move, and why.",
        "От версии {old} к версии {new}: какая лучше на одних и тех же строках, какие"
        " открытые лиды меняются и почему.",
    ),
    "compare.single": Words(
        "There is only one version so far", "Пока есть только одна версия"
    ),
    "compare.single.how": Words(
        "Train and promote another one, then come back: promoting compares the two.",
        "Обучите и введите в работу ещё одну и вернитесь: при вводе версии"
        " сравниваются.",
    ),
    "compare.none": Words(
        "These two were not compared yet", "Эти две ещё не сравнивались"
    ),
    "compare.none.how": Words(
        "Run compare --from {old} --to {new} with this configuration, then come back.",
        "Запустите compare --from {old} --to {new} с этой конфигурацией и вернитесь.",
    ),
    "compare.unknown": Words("There is no such version", "Такой версии нет"),
    "compare.unknown.how": Words(
        "Known versions: {known}.", "Известные версии: {known}."
    ),
    "compare.choose": Words("Other versions", "Другие версии"),
    "compare.from": Words("From", "От"),
    "compare.to": Words("To", "К"),
    "compare.show": Words("Compare", "Сравнить"),
    "compare.metrics": Words("On the same rows", "На одних и тех же строках"),
    "compare.metrics.how": Words(
        "{rows} with known outcomes, {converted} of which converted. The difference is"
        " paired: both versions meet the same leads.",
        "{rows} с известным исходом, из них успешных: {converted}. Разница парная: обе"
        " версии видят одни и те же лиды.",
    ),
    "compare.note": Words(
        "One of the versions may have learned from some of these rows, which favours"
        " it.",
        "Одна из версий могла учиться на части этих строк, что даёт ей преимущество.",
    ),
    "compare.no_rows": Words(
        "There are no rows with known outcomes that both could be judged on.",
        "Нет строк с известным исходом, на которых можно сравнить обе.",
    ),
    "compare.other_aim": Words(
        "The two versions predict different outcomes, so neither figures nor tiers can"
        " be compared.",
        "Версии предсказывают разное, поэтому ни показатели, ни группы сравнить"
        " нельзя.",
    ),
    "compare.old": Words("Version {v}", "Версия {v}"),
    "compare.difference": Words("Difference", "Разница"),
    "compare.better": Words("better", "лучше"),
    "compare.worse": Words("worse", "хуже"),
    "compare.same": Words("not told apart", "не отличить"),
    "compare.tiers": Words("Who changes tier", "Кто меняет группу"),
    "compare.tiers.how": Words(
        "Open leads, as both versions see them today: {changed} of {total} change"
        " tier.",
        "Открытые лиды, какими обе версии видят их сегодня: меняют группу {changed} из"
        " {total}.",
    ),
    "compare.was": Words("was", "было"),
    "compare.becomes": Words("becomes", "станет"),
    "compare.moves": Words(
        "Which leads move most, and why", "Кто сдвинулся сильнее и почему"
    ),
    "compare.moves.how": Words(
        "The same data seen by both versions; the difference is split by field and adds"
        " up, with the change of the common start.",
        "Одни и те же данные глазами обеих версий; разница разложена по полям и"
        " складывается вместе со сдвигом общего начала.",
    ),
    "compare.further": Words("Further leads: {n}", "Ещё лиды: {n}"),
    "compare.start": Words("common start", "общее начало"),
    "compare.others": Words("all other fields", "остальные поля"),
    "compare.why": Words("Why", "Почему"),
    "compare.lead_id": Words("Lead", "Лид"),
    "compare.weights": Words(
        "Which fields gained or lost", "Какие поля прибавили или потеряли"
    ),
    "compare.weights.how": Words(
        "Part of all moves that each field makes, on the same leads.",
        "Доля всех сдвигов, которую даёт поле, на одних и тех же лидах.",
    ),
    "compare.fresh": Words("new", "новое"),
    "compare.gone": Words("gone", "убрано"),
}
