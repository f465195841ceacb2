"""What most pages say: tiers, goals, counted nouns, metrics, and the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from leads.decision import Tier
from model.features.catalog import Words

TIERS: Final[Mapping[Tier, Words]] = {
    Tier.HOT: Words("Hot", "Горячий"),
    Tier.WARM: Words("Warm", "Тёплый"),
    Tier.COLD: Words("Cold", "Холодный"),
    Tier.NO_DATA: Words("Not enough data", "Мало данных"),
}

GOALS: Final[Mapping[str, Words]] = {
    "payment": Words(
        "paying within {days}", "оплаты за {days}"
    ),
    "stage": Words(
        "reaching the stage “{stage}” within {days}",
        "перехода в стадию «{stage}» за {days}",
    ),
    "outcome": Words("conversion", "конверсии"),
}  # fmt: skip
"""What the chance is a chance of, after "chance of" and «вероятность»."""

COUNTED: Final[Mapping[str, Words]] = {
    "days": Words("{n} day|{n} days", "{n} день|{n} дня|{n} дней"),
    "calls": Words("{n} call|{n} calls", "{n} звонок|{n} звонка|{n} звонков"),
    "weeks": Words("{n} week|{n} weeks", "{n} неделя|{n} недели|{n} недель"),
    "leads": Words("{n} lead|{n} leads", "{n} лид|{n} лида|{n} лидов"),
    "snapshots": Words(
        "{n} past case|{n} past cases",
        "{n} прошлый случай|{n} прошлых случая|{n} прошлых случаев",
    ),
    "other_fields": Words(
        "{n} other field|{n} other fields",
        "ещё {n} поле|ещё {n} поля|ещё {n} полей",
    ),
    "rows": Words(
        "{n} row more, earlier|{n} rows more, earlier",
        "ещё {n} запись раньше|ещё {n} записи раньше|ещё {n} записей раньше",
    ),
}

TEXTS: Final[Mapping[str, Words]] = {
    "col.action": Words("What to do", "Что сделать"),
    # the frame of every page
    "skip": Words("Skip to the content", "К содержанию"),
    "nav": Words("Pages", "Страницы"),
    "nav.leads": Words("Today", "Сегодня"),
    "nav.model": Words("Can it be trusted?", "Можно ли верить"),
    "nav.language": Words("Русский", "English"),
    "foot": Words(
        "A chance is a forecast, not a verdict. Times are in the zone {zone}.",
        "Вероятность — прогноз, а не приговор. Время — в часовом поясе {zone}.",
    ),
    "foot.written": Words("Written {when}.", "Составлено {when}."),
    # the list
    "list.title": Words("Whom to call first", "Кому звонить первым"),
    "list.lead": Words(
        "Open leads by tier, and in each by their chance of {goal}; whoever was called"
        " this week already stands below the others of the tier.",
        "Открытые лиды по группам, в каждой — по вероятности {goal}; кому на этой"
        " неделе уже звонили, стоит ниже остальных в своей группе.",
    ),
    "list.tiers": Words("Tiers", "Группы"),
    "list.all": Words("All", "Все"),
    "list.search": Words("Find a lead by its number", "Найти лид по номеру"),
    "list.find": Words("Find", "Найти"),
    "list.clear": Words("Show all", "Показать все"),
    "list.shown": Words(
        "Shown: {first}–{last} of {total}", "Показаны {first}–{last} из {total}"
    ),
    "list.limited": Words(
        "This file shows the {shown} most promising of {total}.",
        "В этом файле — {shown} самых перспективных из {total}.",
    ),
    "list.empty": Words("No lead here.", "Здесь нет лидов."),
    "list.empty.how": Words(
        "Nothing has been predicted yet: run score, then come back.",
        "Прогнозов ещё нет: запустите score и вернитесь сюда.",
    ),
    "list.empty.search": Words(
        "Check the number, or show all leads.", "Проверьте номер или покажите все лиды."
    ),
    "list.table": Words(
        "Leads in the order of calling", "Лиды в том порядке, в каком звонить"
    ),
    "col.lead": Words("Lead", "Лид"),
    "col.tier": Words("Tier", "Группа"),
    "col.chance": Words("Chance", "Вероятность"),
    "col.reason": Words("Main reason for", "Главный довод за"),
    "col.when": Words("Predicted", "Прогноз от"),
    "row.closed": Words("closed since", "уже закрыт"),
    "reason.none": Words("Nothing speaks for it yet", "Пока ничего не говорит за"),
    "pages": Words("Further pages", "Другие страницы списка"),
    "pages.previous": Words("Previous", "Назад"),
    "pages.next": Words("Next", "Дальше"),
    "pages.at": Words("Page {page} of {pages}", "Страница {page} из {pages}"),
    # one lead
    "lead.title": Words("Lead {lead}", "Лид {lead}"),
    "lead.back": Words("All leads", "Все лиды"),
    "lead.chance": Words("chance of {goal}", "вероятность {goal}"),
    "lead.times": Words(
        "{times} times the usual chance of {base}",
        "В {times} раза выше обычной вероятности {base}",
    ),
    "lead.fraction": Words(
        "Below the usual chance of {base}", "Ниже обычной вероятности {base}"
    ),
    "lead.usual": Words(
        "About the usual chance of {base}", "Около обычной вероятности {base}"
    ),
    "lead.interval": Words(
        "With 90% certainty between {low} and {high}",
        "С уверенностью 90 % — от {low} до {high}",
    ),
    "lead.by": Words("Within {days}", "За {days}"),
    "lead.days": Words("If it converts, after about", "Если сконвертируется, то через"),
    "lead.money": Words("Expected money", "Ожидаемые деньги"),
    "lead.source": Words("Source", "Источник"),
    "lead.pipeline": Words("Pipeline", "Воронка"),
    "lead.stage": Words("Stage", "Стадия"),
    "lead.created": Words("Created", "Создан"),
    "lead.as_of": Words("Known up to", "По данным на"),
    "lead.model": Words("Model", "Модель"),
    "lead.why": Words("Why", "Почему"),
    "lead.for": Words("Speaks for", "За"),
    "lead.against": Words("Speaks against", "Против"),
    "lead.no_model": Words(
        "There is not enough data for a model yet, so this is the usual rate. How much"
        " is missing stands on the page of proof.",
        "Данных для модели пока мало, поэтому показана обычная доля. Сколько их не"
        " хватает, написано на странице «Можно ли верить».",
    ),
    "lead.no_reasons": Words(
        "No reasons were asked for with this prediction.",
        "Для этого прогноза причины не запрашивались.",
    ),
    "lead.path": Words("How the chance comes about", "Как складывается вероятность"),
    "lead.path.how": Words(
        "Read from top to bottom. Every lead starts from the same point, the middle of"
        " the model's scale; each fact moves the chance to the right (for) or to the"
        " left (against).",
        "Читайте сверху вниз. Все лиды начинают с одной точки — середины шкалы модели;"
        " каждый факт сдвигает вероятность вправо (за) или влево (против).",
    ),
    "path.title": Words(
        "From {start}, where every lead starts, to {end}",
        "От {start}, с чего начинают все лиды, до {end}",
    ),
    "path.start": Words("Every lead starts here", "Начало, общее для всех"),
    "path.end": Words("This lead", "Этот лид"),
    "path.others": Words("Everything else together", "Всё остальное вместе"),
    "path.table": Words("The same as a table", "То же таблицей"),
    "path.fact": Words("Fact", "Факт"),
    "path.moves": Words("Moves the chance", "Сдвигает вероятность"),
    "path.to": Words("to", "до"),
    "path.share": Words("Weight (log-odds)", "Вес (лог-шансы)"),
    "points": Words("{n} pts", "{n} п. п."),
    "lead.story": Words("What happened", "Что происходило"),
    "story.title": Words(
        "Events from {first} to {last}", "События с {first} по {last}"
    ),
    "story.none": Words(
        "Nothing is recorded of this lead but its card.",
        "О лиде известна только его карточка.",
    ),
    "story.unknown": Words(
        "This lead is not among the ingested ones: it was predicted from what was sent"
        " with the request.",
        "Этого лида нет среди загруженных: прогноз сделан по данным из запроса.",
    ),
    "story.more": Words("{n} more", "Ещё {n}"),
    "story.created": Words("Created", "Создан"),
    "story.event": Words("Event", "Событие"),
    "story.stage": Words("Stage", "Стадия"),
    "story.payment": Words("Payment", "Оплата"),
    "story.refund": Words("Refund", "Возврат"),
    "story.field": Words("Card", "Карточка"),
    "story.predicted": Words("Predicted", "Прогноз"),
    "story.emptied": Words("{field} emptied", "{field}: очищено"),
    "lead.earlier": Words("Earlier predictions", "Прежние прогнозы"),
    "lead.earlier.none": Words(
        "This is the first prediction of this lead.", "Это первый прогноз по лиду."
    ),
    "col.made": Words("Made", "Сделан"),
    "col.model": Words("Model", "Модель"),
    "col.channel": Words("Asked by", "Кто спросил"),
    "bar.title": Words("Chance {chance}", "Вероятность {chance}"),
    # the proof
    "model.title": Words("Can it be trusted?", "Можно ли верить прогнозам?"),
    "model.lead": Words(
        "Checked on {leads} that the model had never seen. It forecasts the chance of"
        " {goal}.",
        "Проверено на том, чего модель не видела: {leads}. Она прогнозирует"
        " вероятность {goal}.",
    ),
    "model.none": Words(
        "No proof is kept beside this model.", "Рядом с моделью нет её проверки."
    ),
    "model.none.how": Words(
        "Train and promote one, and the proof will appear here.",
        "Обучите и включите модель, и проверка появится здесь.",
    ),
    "model.version": Words("Model", "Модель"),
    "model.promoted": Words("In use since", "Работает с"),
    "model.unproved": Words(
        "Nothing was proved: no model calls leads hot, warm or cold. Where they are,"
        " it is by the playbook's points.",
        "Ничего не доказано: модель не делит лиды на горячие, тёплые и холодные. Если"
        " они поделены, то по баллам регламента.",
    ),
    "model.base": Words("Usual chance", "Обычная вероятность"),
    "model.digest": Words("Fingerprint", "Отпечаток"),
    "model.tiers": Words("Said against happened", "Сказано и сбылось"),
    "model.tiers.how": Words(
        "Of the leads called hot, how many really did it? The range says how sure we"
        " are of what happened.",
        "Сколько из названных горячими правда дошли до цели? Диапазон показывает,"
        " насколько точно известно сбывшееся.",
    ),
    "col.leads": Words("Cases", "Случаев"),
    "col.said": Words("Said", "Сказано"),
    "col.happened": Words("Happened", "Сбылось"),
    "col.range": Words("Range", "Диапазон"),
    "col.verdict": Words("Verdict", "Вывод"),
    "verdict.agrees": Words("came true", "сбылось"),
    "verdict.high": Words("said too much", "завышено"),
    "verdict.low": Words("said too little", "занижено"),
    "verdict.unsure": Words("too few to tell", "мало случаев"),
    "model.capacity": Words(
        "If the team called more, or fewer", "Если звонить больше или меньше"
    ),
    "model.capacity.how": Words(
        "Leads called when they first get hot, on cases the model had never seen. More"
        " calls reach more of those who succeed, and each call succeeds less often.",
        "Звонки лидам, когда они впервые становятся горячими, на случаях, которых"
        " модель не видела. Больше звонков — больше найденных успехов, но каждый"
        " звонок удачен реже.",
    ),
    "col.per_week": Words("Hot a week", "Горячих в неделю"),
    "col.border": Words("Hot above", "Горячий — выше"),
    "col.caught": Words("Of all successes", "Из всех успехов"),
    "capacity.present": Words("now", "сейчас"),
    "capacity.floored": Words(
        "only {reached}: nobody else beats the least chance to be hot",
        "только {reached}: остальные ниже порога горячих",
    ),
    "model.reliability": Words(
        "When it says 30%, is it 30%?", "Если сказано 30 %, это 30 %?"
    ),
    "model.reliability.how": Words(
        "Each dot is a group of cases with a like chance. On the diagonal the forecast"
        " came true exactly; the bars are 95% ranges.",
        "Каждая точка — группа случаев с близкой вероятностью. На диагонали прогноз"
        " сбылся точно; отрезки — 95-процентные диапазоны.",
    ),
    "reliability.title": Words(
        "Said against happened: {agree} of {bins} groups came true within their range",
        "Сказано и сбылось: {agree} из {bins} групп в пределах диапазона",
    ),
    "axis.said": Words("said", "сказано"),
    "axis.happened": Words("happened", "сбылось"),
    "model.gain": Words("What calling in this order gains", "Что даёт такой порядок"),
    "model.gain.how": Words(
        "Call the best {part} first, and you reach {found} of all who succeed: {lift}"
        " times as many as by chance.",
        "Обзвонив лучшие {part}, вы застанете {found} всех успешных: в {lift} раза"
        " больше, чем наугад.",
    ),
    "gain.title": Words(
        "Share of successes found against share of leads called; the straight line is"
        " calling at random",
        "Доля найденных успехов против доли обзвона; прямая линия — звонки наугад",
    ),
    "axis.called": Words("leads called, best first", "обзвонено, лучшие сначала"),
    "axis.found": Words("successes found", "найдено успехов"),
    "col.called": Words("Called", "Обзвонено"),
    "col.found": Words("Found", "Найдено"),
    "col.lift": Words("Against random", "Против случая"),
    "model.histogram": Words("How bold it is", "Насколько модель решительна"),
    "model.histogram.how": Words(
        "How many cases got which chance.",
        "Сколько случаев получили какую вероятность.",
    ),
    "histogram.title": Words(
        "Number of cases by chance", "Число случаев по вероятности"
    ),
    "model.metrics": Words("Figures for the analyst", "Цифры для аналитика"),
    "model.metrics.how": Words(
        "With 95% ranges, beside what one gets by always saying the usual chance.",
        "С 95-процентными диапазонами, рядом с прогнозом «всегда обычная вероятность».",
    ),
    "col.metric": Words("Measure", "Мера"),
    "col.value": Words("Value", "Значение"),
    "col.base": Words("Without model", "Без модели"),
    "model.data": Words("What it learned from", "На чём училась"),
    "data.span": Words("Leads from", "Лиды с"),
    "data.until": Words("Data up to", "Данные по"),
    "data.leads": Words("Leads", "Лидов"),
    "data.conversions": Words("Successful so far", "Уже успешных"),
    "data.fast": Words("Half succeed within", "Половина успехов за"),
    "data.slow": Words("Nine tenths within", "Девять десятых за"),
    "data.censored": Words("Too young to tell", "Ещё рано судить"),
    "data.groups": Words("By pipeline and source", "По воронкам и источникам"),
    "rows.events": Words("Events", "Событий"),
    "rows.stages": Words("Stage changes", "Смен стадии"),
    "rows.payments": Words("Payments", "Платежей"),
    "rows.field_changes": Words("Card changes", "Правок карточки"),
    "col.pipeline": Words("Pipeline", "Воронка"),
    "col.source": Words("Source", "Источник"),
    "col.rate": Words("Success rate", "Доля успеха"),
    "model.leaks": Words(
        "What was checked for leaks", "Что проверено на утечки исхода"
    ),
    "model.leaks.how": Words(
        "Fields that are filled at or after the outcome make a forecast look better"
        " than it is. What is suspected was not learned from, unless somebody vouched"
        " for it.",
        "Поля, которые заполняют при исходе или после него, приукрашивают прогноз. На"
        " подозрительных модель не училась, если за них никто не поручился.",
    ),
    "leaks.none": Words("Nothing was found.", "Ничего не найдено."),
    "leaks.probes": Words("Looked for", "Что искали"),
    "leaks.trusted": Words("Vouched for in the settings", "В настройках поручились за"),
    "leaks.kept": Words("kept on trust", "оставлено под поручительство"),
    "leaks.set_aside": Words("set aside", "исключено"),
    "col.field": Words("Field", "Поле"),
    "col.done": Words("What was done", "Что сделано"),
    "col.why": Words("Why", "Почему"),
    # refusals
    "missing.title": Words("No such lead", "Нет такого лида"),
    "missing.how": Words(
        "There is no prediction for it. Look for its number in the list.",
        "Для него нет прогноза. Поищите номер в списке.",
    ),
    "nowhere.title": Words("There is no such page", "Такой страницы нет"),
    "nowhere.how": Words(
        "Perhaps the address was cut. All pages are named above.",
        "Возможно, адрес обрезан. Все страницы названы наверху.",
    ),
    "away.title": Words("This cannot be shown just now", "Сейчас это не показать"),
    "away.how": Words(
        "Something the page needs does not answer. Try again in a minute; if that does"
        " not help, tell those who run the service.",
        "То, что нужно странице, не отвечает. Попробуйте через минуту; если не поможет,"
        " скажите тем, кто ведёт службу.",
    ),
    "failed.title": Words("The page failed", "Страница не получилась"),
    "failed.how": Words(
        "Nothing was changed. Tell those who run the service when it happened.",
        "Ничего не изменилось. Скажите тем, кто ведёт службу, когда это случилось.",
    ),
    "refused.title": Words("This was not understood", "Запрос не понят"),
    "refused.how": Words(
        "Go back and try again; what you sent does not fit this page.",
        "Вернитесь и попробуйте снова: отправленное не подходит этой странице.",
    ),
}
