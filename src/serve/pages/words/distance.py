"""What the pages say of the distance to the deal and of the worth of an order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from model.features.catalog import Words

DISTANCE: Final[Mapping[str, Words]] = {
    "distance.title": Words("Distance to the deal", "Расстояние до сделки"),
    "distance.made": Words(
        "Made of the data of {when}; funnel forecast makes it anew.",
        "По данным на {when}; заново это делает funnel forecast.",
    ),
    "distance.table": Words("Pipeline {name}: by hand, by count, by the model",
                            "Воронка «{name}»: вручную, по счёту, по модели"),
    "distance.how": Words(
        "By hand: the percentage people gave the stage. Paid in the end: what came of"
        " leads that entered it and whose fate is settled. The model speaks of the"
        " leads that stand there now and of the next {days} only, so it is lower.",
        "Вручную: процент, который стадии дали люди. Заплатили в итоге: что стало с"
        " вошедшими лидами, чья судьба решена. Модель говорит о тех, кто стоит там"
        " сейчас, и только о ближайшем сроке ({days}), поэтому её число меньше.",
    ),
    "distance.col.stage": Words("Stage", "Стадия"),
    "distance.col.here": Words("Open", "Открыто"),
    "distance.col.hand": Words("By hand", "Вручную"),
    "distance.col.ever": Words("Paid in the end", "Заплатили в итоге"),
    "distance.col.soon": Words("Paid in {days}", "Заплатили за {days}"),
    "distance.col.model": Words("Model, now", "Модель, сейчас"),
    "distance.col.why": Words("What this means", "Что это значит"),
    "distance.proposed": Words("proposed by place", "предложено по месту"),
    "distance.few": Words(
        "Too few leads have a settled fate to judge the percentage.",
        "Решённых судеб слишком мало, чтобы судить о проценте.",
    ),
    "distance.agrees": Words(
        "In the end {ever} paid, about as the percentage says.",
        "В итоге заплатили {ever}, примерно как обещает процент.",
    ),
    "distance.too high": Words(
        "In the end {ever} paid: {off} points of the percentage are hope.",
        "В итоге заплатили {ever}: {off} п.\u00a0п. процента — надежда.",
    ),
    "distance.too low": Words(
        "In the end {ever} paid: the percentage is {off} points too low.",
        "В итоге заплатили {ever}: процент занижен на {off} п.\u00a0п.",
    ),
    "distance.term": Words(
        "In the first {days} {soon} did; the other {off} points come later.",
        "За первые {days} — {soon}; ещё {off} п.\u00a0п. придут позже.",
    ),
    "distance.now.weaker": Words(
        "Those here now have waited {days}, and the quick ones have gone on: the model"
        " gives them {model}, {off} points less.",
        "Стоящие здесь сейчас ждут уже {days}, а быстрые ушли дальше: модель даёт им"
        " {model}, на {off} п.\u00a0п. меньше.",
    ),
    "distance.now.stronger": Words(
        "Those here now are likelier to pay than who usually comes: the model gives"
        " them {model}, {off} points more.",
        "Стоящие здесь сейчас заплатят вероятнее обычных: модель даёт им {model}, на"
        " {off} п.\u00a0п. больше.",
    ),
    "distance.now.alike": Words(
        "The model gives those here now {model}, about as usual.",
        "Модель даёт стоящим здесь сейчас {model}, примерно как обычно.",
    ),
    "ahead.title": Words(
        "What open leads will bring within {days}",
        "Что принесут открытые лиды за {days}",
    ),
    "ahead.how": Words(
        "Only leads that are open now; new ones come on top. Nine in ten of such"
        " intervals should hold what happens.",
        "Только уже открытые лиды; новые придут сверх того. Девять из десяти таких"
        " интервалов должны накрыть то, что случится.",
    ),
    "ahead.col.month": Words("Month", "Месяц"),
    "ahead.col.pipeline": Words("Pipeline", "Воронка"),
    "ahead.col.leads": Words("Open", "Открыто"),
    "ahead.col.deals": Words("Deals", "Сделки"),
    "ahead.col.money": Words("Money", "Деньги"),
    "ahead.all": Words("All", "Все"),
    "ahead.whole": Words("Whole horizon", "Весь срок"),
    "ahead.between": Words("{low} to {high}", "от {low} до {high}"),
    "held.title": Words(
        "Would such forecasts have been right?", "Были бы такие прогнозы верны?"
    ),
    "held.how": Words(
        "Made at the first moment of each past month of what was known then. Off is"
        " the mean error as a part of what was sold; leaning above nought promised too"
        " much; held is how many of the 90 % intervals held what happened. A percentage"
        " of a stage knows no term, yet is used as if it did: most of its error.",
        "Сделаны в первый миг каждого прошлого месяца по тому, что было известно."
        " Ошибка — средняя, в долях проданного; перекос выше нуля — обещано лишнее;"
        " накрыто — доля интервалов 90 %, в которые попало случившееся. Процент стадии"
        " не знает срока, а считают по нему так, будто знает: отсюда его ошибка.",
    ),
    "held.none": Words("No past month could be looked at.",
                       "Ни один прошлый месяц проверить нельзя."),
    "held.col.way": Words("Forecast by", "Прогноз"),
    "held.col.off_deals": Words("Deals off", "Ошибка, сделки"),
    "held.col.lean_deals": Words("Leaning", "Перекос"),
    "held.col.cover_deals": Words("Held", "Накрыто"),
    "held.col.off_money": Words("Money off", "Ошибка, деньги"),
    "held.col.lean_money": Words("Leaning, money", "Перекос, деньги"),
    "held.col.cover_money": Words("Held, money", "Накрыто, деньги"),
    "held.model": Words("The model", "Модель"),
    "held.hand": Words("Percentage of the stage", "Процент стадии"),
    "held.count": Words("Counted share of the stage", "Посчитанная доля стадии"),
    "checked.title": Words("The four questions of the 50 % group",
                           "Четыре вопроса группы 50 %"),
    "checked.how": Words(
        "Open leads that answer yes, of all. Person, plan and budget are card fields"
        " named in [criteria]; timing is the deal's age against the average cycle.",
        "Открытые лиды с ответом «да», из всех. Человек, план и бюджет — поля карточки"
        " из [criteria]; время — возраст сделки против среднего цикла.",
    ),
    "checked.right_person": Words("Right person", "Тот человек"),
    "checked.right_plan": Words("Right plan", "Тот план"),
    "checked.right_budget": Words("Right budget", "Тот бюджет"),
    "checked.right_timing": Words("Right timing", "То время"),
    "checked.unknown": Words("not asked", "не спрошено"),
    "benefit.title": Words("What the order of calls is worth",
                           "Чего стоит порядок звонков"),
    "benefit.lead": Words(
        "{calls} a week",
        "{calls} в неделю",
    ),
    "benefit.there": Words(
        "{weeks} of the past, {leads} open then; {there} paid within the horizon."
        " Money is in {currency}.",
        "В прошлом {weeks}; тогда открыто было {leads}, в срок заплатили {there}."
        " Деньги — {currency}.",
    ),
    "benefit.how": Words(
        "Caught: called, and paid within the horizon of the call; nobody is called"
        " twice. The past cannot tell who would have paid without a call; only leads"
        " called at random can.",
        "Поймано: позвонили, и в срок после звонка заплатил; дважды никому не звонят."
        " Кто заплатил бы и без звонка, прошлое не скажет: это скажут только звонки"
        " наугад.",
    ),
    "benefit.col.order": Words("Order of calls", "Порядок звонков"),
    "benefit.col.deals": Words("Deals caught", "Поймано сделок"),
    "benefit.col.more_deals.plan": Words(
        "Playbook more by, 95%", "Регламент больше на, 95 %"
    ),
    "benefit.col.more_deals.ours": Words("Ours more by, 95%", "Наш больше на, 95 %"),
    "benefit.col.money": Words("Money caught, thousand", "Поймано денег, тыс."),
    "benefit.col.more_money.plan": Words(
        "Playbook more by, thousand, 95%", "Регламент больше на, тыс., 95 %"
    ),
    "benefit.col.more_money.ours": Words(
        "Ours more by, thousand, 95%", "Наш больше на, тыс., 95 %"
    ),
    "benefit.goals": Words(
        "For the most deals: {deals}. For the most money: {money}.",
        "Больше всего сделок: {deals}. Больше всего денег: {money}.",
    ),
    "benefit.choose": Words(
        "The list of leads is sorted by chance; [tiers] by = \"money\" sorts it and"
        " cuts tiers by expected money instead. The playbook's order: leaves that ask"
        " for a call before others, as they stand in the file, the likeliest of each"
        " first; the playbook is today's, so whoever wrote it may remember the past.",
        "Список лидов упорядочен по вероятности; [tiers] by = \"money\" упорядочит его"
        " и разделит группы по ожидаемым деньгам. Порядок регламента: сначала листья,"
        " где нужен звонок, как они стоят в файле, в каждом — вероятнейшие; регламент"
        " сегодняшний, и его автор мог помнить прошлое.",
    ),
    "heldout.title": Words(
        "Did the calls themselves help?", "Помогли ли сами звонки?"
    ),
    "heldout.how": Words(
        "Of low tiers a part is drawn by a salted digest of the lead's id and called;"
        " the others are not. Both arms are alike but for the call. A lead counts in"
        " the arm that it was first drawn into, called in the end or not.",
        "Из холодных лидов часть отбирает жребий (хеш номера лида с солью), и им"
        " звонят; остальным нет. Группы отличаются только звонком. Лид считается в"
        " той группе, куда попал сначала, позвонили ему в итоге или нет.",
    ),
    "heldout.none": Words(
        "Nobody was drawn yet; playbook route draws.",
        "Жребия ещё не было; его бросает playbook route.",
    ),
    "heldout.few": Words(
        "Called: {called}, not called: {held}, outcome still open: {waiting}. Too few"
        " to tell.",
        "Звонили: {called}, не звонили: {held}, исход ещё не известен: {waiting}."
        " Слишком мало для вывода.",
    ),
    "heldout.found": Words(
        "Called: {called_deals} of {called} paid; not called: {held_deals} of {held}."
        " The difference is {off} points, 95% interval {low} to {high}.",
        "Звонили: заплатили {called_deals} из {called}; не звонили: {held_deals} из"
        " {held}. Разница {off} п. п., интервал 95 %: от {low} до {high}.",
    ),
    "benefit.ours": Words("Tiers, then chance (ours)", "Группы и вероятность (наш)"),
    "benefit.plan": Words("The playbook", "Регламент"),
    "benefit.points": Words("Points", "Баллы"),
    "benefit.money": Words("Chance times amount", "Вероятность на сумму"),
    "benefit.arrival": Words("Who came first", "Кто раньше пришёл"),
    "benefit.newest": Words("Who came last", "Кто пришёл последним"),
    "benefit.stage": Words("Percentage of the stage", "Процент стадии"),
}  # fmt: skip
