"""What the page of the playbook says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from model.features.catalog import Words

FLOWCHART: Final[Mapping[str, Words]] = {
    "nav.playbook": Words("Playbook", "Регламент"),
    "playbook.title": Words(
        "What is done about each lead", "Что делать с каждым лидом"
    ),
    "playbook.lead": Words(
        "Read from top to bottom: the first question answered with a certain yes"
        " takes the lead to its plan; the last plan takes all others.",
        "Читается сверху вниз: первый вопрос с уверенным «да» ведёт лид к его плану;"
        " последний план — для всех остальных.",
    ),
    "playbook.mermaid": Words("The chart as Mermaid", "Схема в виде Mermaid"),
    "playbook.terms": Words("What the questions mean", "Что значат вопросы"),
    "playbook.hours": Words("Business hours", "Рабочие часы"),
    "playbook.trial": Words("Trial period", "Пробный период"),
    "playbook.usage": Words(
        "Use of the product, the first that fits",
        "Использование продукта, первое подходящее",
    ),
    "playbook.none": Words("No playbook is in use", "Регламента нет"),
    "playbook.none.how": Words(
        "Name a file as [playbook] file in the configuration, and check it with"
        " “playbook check”.",
        "Укажите файл в настройках: [playbook] file — и проверьте его командой"
        " «playbook check».",
    ),
    "playbook.version": Words("Version {version}.", "Версия {version}."),
    "playbook.earlier": Words(
        "An earlier version decided on {n}; the next run decides anew.",
        "По прежней версии решено: {n}; следующий запуск решит заново.",
    ),
    "playbook.decided": Words("Decided on: {n}.", "Решено: {n}."),
    "playbook.chart": Words("The chart", "Схема"),
    "playbook.plans": Words("The plans", "Планы"),
    "playbook.untried": Words(
        "This version was not tried on past leads yet: “playbook test” does it.",
        "Эта версия ещё не проверена на прошлых лидах: это делает «playbook test».",
    ),
    "playbook.tried": Words(
        "Tried on {when} on {n} that the model had not learned from, each counted in"
        " a plan once, as it was known then.",
        "Проверено {when}; прошлых лидов, на которых модель не училась: {n}. В каждом"
        " плане лид сосчитан один раз, таким, каким он был известен тогда.",
    ),
    "playbook.fallen": Words(
        "No question caught {n} of them.", "Ни один вопрос не подошёл: {n}."
    ),
    "playbook.dead": Words(
        "No lead can ever reach branch {numbers}: an earlier one takes all of its"
        " leads, or its questions contradict one another.",
        "До ветки {numbers} не дойдёт ни один лид: всех забирает ветка выше, или"
        " вопросы противоречат друг другу.",
    ),
    "playbook.blind": Words(
        "At branch {number} the answer was not known for {unknown} of {asked}; such"
        " leads go on to the next one.",
        "У ветки {number} ответ неизвестен в {unknown} случаях из {asked}; такие лиды"
        " идут дальше.",
    ),
    "playbook.now": Words("now: {n}", "сейчас: {n}"),
    "playbook.steps": Words("Steps", "Шаги"),
    "playbook.script": Words("What to say", "Что сказать"),
    "playbook.questions": Words("What to ask", "Что спросить"),
    "playbook.task": Words("Task", "Задача"),
    "playbook.stage.suggest": Words("Suggested stage", "Предложить стадию"),
    "playbook.stage.move": Words("Moves to the stage", "Перевести на стадию"),
    "playbook.message": Words("Message", "Сообщение"),
    "playbook.aims": Words("What it should change", "Что должно измениться"),
    "playbook.automatic": Words("by itself, nobody is needed", "само, без человека"),
    "col.plan": Words("Plan", "План"),
    "col.now": Words("Leads now", "Лидов сейчас"),
    "col.past": Words("Past leads", "Прошлых лидов"),
    "col.converted": Words("Converted", "Сконвертировалось"),
    "col.foretold": Words("Said before", "Было сказано"),
}
