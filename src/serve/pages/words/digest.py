"""What the digest, its e-mail and the mark on the day's list say, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from model.features.catalog import Words

DIGEST: Final[Mapping[str, Words]] = {
    "nav.digest": Words("Digest", "Сводка"),
    "digest.title": Words("The morning of {day}", "Утро {day}"),
    "digest.subject": Words(
        "{company}: whom to call on {day}", "{company}: кому звонить {day}"
    ),
    "digest.known": Words("By the data of {when}.", "По данным на {when}."),
    "digest.open": Words(
        "Open: {open}, of these hot: {hot}.", "Открыто: {open}, из них горячих: {hot}."
    ),
    # whom to call
    "digest.calls": Words("Whom to call today", "Кому звонить сегодня"),
    "digest.calls.room": Words(
        "The day has room for {room}: hot leads first, then the best warm ones.",
        "На день хватает сил на {room}: сначала горячие, затем лучшие тёплые.",
    ),
    "digest.calls.no_room": Words(
        "All hot leads: how many a day has room for is not set ([daily] calls).",
        "Все горячие лиды: сколько звонков помещается в день, не задано"
        " ([daily] calls).",
    ),
    "digest.calls.called": Words(
        "Hot ones that were called this week already stand below the other hot ones:"
        " {n}.",
        "Горячие, которым на этой неделе уже звонили, стоят ниже остальных горячих:"
        " {n}.",
    ),
    "row.called.call": Words(
        "called {when}, so lower in its tier", "звонили {when}, поэтому ниже в группе"
    ),
    "row.called.no_answer": Words(
        "called {when}, no answer, so lower in its tier",
        "звонили {when}, без ответа, поэтому ниже в группе",
    ),
    "row.called.task": Words(
        "task done {when}, so lower in its tier",
        "задача выполнена {when}, поэтому ниже в группе",
    ),
    "digest.calls.left": Words(
        "{n} hot ones more than the day has room for; they keep their tier and wait.",
        "Ещё горячих, на которые дня не хватит: {n}; их группа не меняется, они ждут.",
    ),
    "digest.calls.more": Words(
        "Shown are the first {shown} of {total}; the rest are on the list.",
        "Показаны первые {shown} из {total}; остальные — в списке.",
    ),
    "digest.calls.none": Words(
        "Nobody is hot today, and nobody warm.", "Сегодня нет ни горячих, ни тёплых."
    ),
    "digest.step": Words("Next step", "Следующий шаг"),
    "digest.due": Words("by {when}", "до {when}"),
    "digest.due.late": Words("overdue: was due {when}", "просрочен: срок был {when}"),
    "digest.today": Words("Call today", "Звонить сегодня"),
    # what moved
    "digest.moved": Words("What moved since yesterday", "Что изменилось со вчера"),
    "digest.moved.since": Words("Since {when}.", "С {when}."),
    "digest.moved.sum": Words(
        "Up a tier: {warmer}. Down a tier: {colder}. New: {fresh}.",
        "Поднялись в группе: {warmer}. Опустились: {colder}. Новых: {fresh}.",
    ),
    "digest.moved.tiers": Words("Changed tier:", "Сменили группу:"),
    "digest.moved.none": Words(
        "Nobody changed tier, and no chance moved by two points or more.",
        "Никто не сменил группу, и ни одна вероятность не сдвинулась на два пункта и"
        " больше.",
    ),
    "digest.first": Words(
        "There is no yesterday yet: this is the first morning’s run. From tomorrow on"
        " you will see here what moved and how the calls went.",
        "Вчерашнего дня ещё нет: это первый утренний запуск. С завтрашнего дня здесь"
        " будет видно, что изменилось и чем кончились звонки.",
    ),
    "digest.why.unknown": Words("why is not known", "причина не известна"),
    # what was missed
    "digest.missed": Words("What the team missed", "Что команда упустила"),
    "digest.missed.sum": Words(
        "Hot and overdue: {overdue}. Hot or warm and touched by nobody: {untouched};"
        " cold ones besides: {cold}.",
        "Горячих с просрочкой: {overdue}. Горячих и тёплых, к которым никто не"
        " прикоснулся: {untouched}; холодных сверх того: {cold}.",
    ),
    "digest.missed.none": Words(
        "Nothing: no hot lead is overdue, none that is hot or warm was left alone.",
        "Ничего: горячих с просрочкой нет, горячие и тёплые без внимания не остались.",
    ),
    "digest.missed.blind": Words(
        "The data do not tell what people did; a move to another stage counts as work.",
        "В данных нет действий сотрудников; работой считается смена стадии.",
    ),
    "digest.missed.unknown": Words(
        "Not known: the data hold no stages.", "Не известно: в данных нет стадий."
    ),
    "digest.overdue": Words(
        "in “{stage}” for {days}, longer than nine in ten",
        "в стадии «{stage}» {days} — дольше, чем девять из десяти",
    ),
    "digest.untouched": Words(
        "nobody did anything for {days}", "никто ничего не делал {days}"
    ),
    # yesterday
    "digest.yesterday": Words(
        "How yesterday’s calls went", "Чем кончились вчерашние звонки"
    ),
    "digest.yesterday.sum": Words(
        "Hot on the morning of {day}: {hot}. Converted since: {converted}.",
        "Горячих утром {day}: {hot}. С тех пор успешных: {converted}.",
    ),
    "digest.yesterday.touched": Words(
        "Worked on since: {touched} of {hot}.",
        "В работе с тех пор: {touched} из {hot}.",
    ),
    "digest.yesterday.promised": Words(
        "Over the whole horizon of {days} they promise {promised}, so a day shows"
        " little.",
        "За весь горизонт ({days}) они обещают {promised}, так что один день говорит"
        " мало.",
    ),
    "digest.yesterday.others": Words(
        "Converted without having been hot: {n}.", "Успешных не из горячих: {n}."
    ),
    # plans
    "digest.plans": Words("Plans of the playbook", "Планы регламента"),
    "digest.plans.of": Words("Open leads by plan.", "Открытые лиды по планам."),
    "digest.none": Words("No digest yet", "Сводки пока нет"),
    "digest.none.how": Words(
        "Run score or daily with this configuration, then come back.",
        "Запустите score или daily с этой конфигурацией и вернитесь сюда.",
    ),
    "digest.more": Words("and {n} more", "и ещё {n}"),
    "digest.foot": Words(
        "A chance is a forecast, not a verdict. Sent once a morning by Leadcast.",
        "Вероятность — прогноз, а не приговор. Отправлено Leadcast раз за утро.",
    ),
    # the banner of the day's list
    "late.banner": Words(
        "This morning’s run is not done: the list is of {day}.",
        "Утренний запуск не выполнен: список за {day}.",
    ),
    "late.banner.new": Words(
        "This morning’s run is not done, though the predictions are new.",
        "Утренний запуск не завершён, хотя прогнозы свежие.",
    ),
    "late.banner.none": Words(
        "This morning’s run is not done.", "Утренний запуск не выполнен."
    ),
    "late.why": Words("It last failed: {why}", "Последний сбой: {why}"),
}
