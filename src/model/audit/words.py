"""What the audit of the funnel says, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from model.features.catalog import Words

AUDIT: Final[Mapping[str, Words]] = {
    "audit.title": Words("What is wrong with the funnel", "Что не так с воронкой"),
    "audit.none": Words("Nothing.", "Ничего."),
    "audit.unknown": Words(
        "What these data cannot tell", "Чего по этим данным не узнать"
    ),
    "audit.unknown.open": Words(
        "No lead is open: of every one it is known what became of it. So there is"
        " nothing to find fault with, which is no praise.",
        "Открытых лидов нет: про каждый известно, чем он кончился. Поэтому и замечаний"
        " нет, но это не похвала.",
    ),
    "audit.unknown.stages": Words(
        "Where leads stand: there is no history of stages.",
        "Где стоят лиды: истории стадий нет.",
    ),
    "audit.unknown.owners": Words(
        "Whose leads these are: none names a manager, so load and overdue leads cannot"
        " be told by manager.",
        "Чьи это лиды: менеджер не указан ни в одном, поэтому нагрузка и просрочка по"
        " менеджерам неизвестны.",
    ),
    "audit.unknown.nobody": Words(
        "Who these leads are: none carries a phone, mail address, tax number or"
        " company. Whether there are doubles among them cannot be said.",
        "Кто эти лиды: ни в одном нет ни телефона, ни почты, ни ИНН, ни компании. Есть"
        " ли среди них дубли, сказать нельзя.",
    ),
    "audit.unknown.some": Words(
        "Who some leads are: {blind} of {open} carry no phone, mail address, tax number"
        " or company. Whether they are doubles cannot be said.",
        "Кто часть лидов: в {blind} из {open} нет ни телефона, ни почты, ни ИНН, ни"
        " компании. Дубли ли это, сказать нельзя.",
    ),
    "audit.leads": Words("Lead by lead", "По каждому лиду"),
    "audit.crowds": Words(
        "Stages that hold {n} leads or more", "Стадии, где {n} лидов и больше"
    ),
    "audit.channels": Words(
        "Stages named after channels", "Стадии, названные каналами"
    ),
    "audit.channels.how": Words(
        "They say where a lead came from, not where it stands; the source says the"
        " former already.",
        "Они говорят, откуда лид, а не где он стоит; откуда он — уже сказано в"
        " источнике.",
    ),
    "audit.never": Words(
        "Leads nobody ever worked on",
        "Лиды, которых никто не трогал",
    ),
    "audit.never.how": Words(
        "Since they came no person called, wrote, met, set a task or moved them.",
        "С их прихода никто не звонил, не писал, не встречался, не ставил задач и не"
        " двигал их.",
    ),
    "audit.never.moves": Words(
        "No event here tells what people do, so only moves count.",
        "По событиям не видно, что делают люди, поэтому считаются только смены стадий.",
    ),
    "audit.no_task": Words("Leads without a next task", "Лиды без следующей задачи"),
    "audit.no_task.unknown": Words(
        "Tasks are not known: name their kinds of events in [audit] task_set.",
        "Задачи неизвестны: назовите их виды событий в [audit] task_set.",
    ),
    "audit.overdue": Words(
        "Overdue by manager and stage", "Просрочено по менеджерам и стадиям"
    ),
    "audit.overdue.how": Words(
        "They stand there for longer than nine in ten did before.",
        "Стоят дольше, чем девять из десяти раньше.",
    ),
    "audit.answers": Words("Answers that are missing", "Недостающие ответы анкеты"),
    "audit.answers.none": Words(
        "No questionnaire is set: write [[questionnaire]] into the configuration.",
        "Анкета не задана: опишите [[questionnaire]] в настройках.",
    ),
    "audit.answers.faulty": Words(
        "The questionnaire cannot be asked; mend [[questionnaire]] in the"
        " configuration:",
        "Анкету задать нельзя; исправьте [[questionnaire]] в настройках:",
    ),
    "audit.load": Words("Load of managers", "Нагрузка менеджеров"),
    "audit.clearer": Words("Clearer stages", "Более понятные стадии"),
    "audit.clearer.how": Words(
        "{moved} of {open} open leads would go elsewhere by this proposal. Nothing is"
        " moved by it.",
        "По этому предложению {moved} из {open} открытых лидов перешли бы в другую"
        " стадию. Само оно ничего не двигает.",
    ),
    "audit.flows": Words("Where open leads would go", "Куда перешли бы открытые лиды"),
    "audit.more": Words("… and {n} more", "… и ещё {n}"),
    "audit.everyone": Words("every client", "все клиенты"),
    "audit.nobody": Words("no manager", "без менеджера"),
    "audit.unstaged": Words("no stage", "без стадии"),
    "audit.when.any": Words("all", "все"),
    "audit.when.never worked": Words("never worked on", "никто не трогал"),
    "audit.when.overdue": Words("overdue", "просроченные"),
    "audit.col.pipeline": Words("Pipeline", "Воронка"),
    "audit.col.stage": Words("Stage", "Стадия"),
    "audit.col.owner": Words("Manager", "Менеджер"),
    "audit.col.waiting": Words("Here for / usual, days", "Стоят / обычно, дней"),
    "audit.col.age": Words("Oldest, days", "Старейший, дней"),
    "audit.col.count": Words("Leads", "Лидов"),
    "audit.col.oldest": Words("Oldest", "Самый старый"),
    "audit.col.open": Words("Open", "Открытых"),
    "audit.col.fresh": Words("New this week", "Новых за неделю"),
    "audit.col.touched": Words("Worked on this week", "В работе за неделю"),
    "audit.col.untouched": Words("Never worked on", "Никто не трогал"),
    "audit.col.overdue": Words("Overdue", "Просрочено"),
    "audit.col.no_task": Words("No task", "Без задачи"),
    "audit.col.first": Words("Begin there", "Начинают там"),
    "audit.col.from": Words("Mostly from", "Чаще всего из"),
    "audit.col.category": Words("Clients", "Клиенты"),
    "audit.col.before": Words("Before stage", "До стадии"),
    "audit.col.lacking": Words("Lack answers", "Не хватает ответов"),
    "audit.col.fields": Words("Of fields", "По полям"),
    "audit.col.when": Words("Which leads", "Какие лиды"),
    "audit.col.to": Words("Would go to", "Перешли бы в"),
    "audit.col.why": Words("Why", "Почему"),
    "audit.why.channel": Words(
        "named after the channel {what}", "названа каналом «{what}»"
    ),
    "audit.why.same": Words(
        "conversion and further ways are the same",
        "конверсия и дальнейший путь не отличаются",
    ),
    "audit.why.crowd": Words(
        "a crowd: {what} of the leads there", "скопление: {what} лидов стадии"
    ),
}


def reason(why: str, language: str) -> str:
    """Say why a rule was proposed; what a person wrote stays as it is.

    Examples
    --------
    >>> reason("channel: Instagram", "ru"), reason("as agreed", "ru")
    ('названа каналом «Instagram»', 'as agreed')
    """
    kind, _, what = why.partition(": ")
    words = AUDIT.get(f"audit.why.{kind}")
    return words[language].format(what=what) if words and what else why
