"""The words of change, what-if and similar leads, in English and Russian."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from model.features.catalog import Words

ASIDE: Final[Mapping[str, Words]] = {
    # why it changed
    "change.title": Words("What changed", "Что изменилось"),
    "change.from": Words(
        "{before} → {after} since {when}", "{before} → {after} с {when}"
    ),
    "change.same": Words(
        "Nothing that counts has changed.", "Ничего важного не изменилось."
    ),
    "change.up": Words("Up", "Выше"),
    "change.down": Words("Down", "Ниже"),
    "change.parts": Words("By cause", "По причинам"),
    "change.model": Words("Another model", "Другая модель"),
    "change.rewritten": Words("Earlier data corrected", "Исправлены прежние данные"),
    "change.time": Words("Time passed", "Прошло время"),
    "change.data": Words("New data", "Новые данные"),
    "change.sum": Words("Together", "Вместе"),
    "change.missing.history": Words(
        "The lead's own history was not ingested, so time and new data cannot be told"
        " apart.",
        "История лида не загружена, поэтому время и новые данные не различить.",
    ),
    "change.missing.old_model": Words(
        "The earlier model is gone, so corrected data and the change of model cannot be"
        " told apart.",
        "Прежней модели уже нет, поэтому правку данных и смену модели не различить.",
    ),
    "change.missing.new_model": Words(
        "The present model's files are gone, so less can be told apart.",
        "Файлов нынешней модели нет, поэтому различить можно меньше.",
    ),
    "change.missing.reasons": Words(
        "One of the two was predicted without reasons, so it is told only as a whole.",
        "Одно из двух предсказаний было без причин, поэтому названо только целое.",
    ),
    "change.missing.order": Words(
        "The later prediction looks at an earlier moment, so time and data cannot be"
        " told apart.",
        "Поздний прогноз смотрит на более ранний момент: время и данные не различить.",
    ),
    # what would help
    "whatif.title": Words("What would help", "Что поможет"),
    "whatif.none": Words(
        "Nothing that you can change is backed by enough past leads.",
        "Для того, что можно изменить, не хватает прошлых примеров.",
    ),
    "whatif.more": Words("{what}: one more", "{what}: ещё один раз"),
    "whatif.to": Words("{what}: {to}", "{what}: {to}"),
    "whatif.gain": Words("{points} → {after}", "{points} → {after}"),
    "whatif.counted": Words(
        "Of {leads} like that {rate} converted; of those like now {now}.",
        "Из таких ({leads}) сконвертировались {rate}; из нынешних {now}.",
    ),
    "whatif.ask": Words("Try it out", "Попробовать"),
    "whatif.how": Words(
        "Change something and see what the model would say. Nothing is stored.",
        "Измените что-нибудь и увидите ответ модели. Ничего не сохраняется.",
    ),
    "whatif.events": Words(
        "{what}: how many more (to {high})", "{what}: сколько ещё (до {high})"
    ),
    "whatif.number": Words("{what} ({low} to {high})", "{what} (от {low} до {high})"),
    "whatif.now": Words("as now: {now}", "как сейчас: {now}"),
    "whatif.yes": Words("yes", "да"),
    "whatif.no": Words("no", "нет"),
    "whatif.show": Words("Show", "Показать"),
    "whatif.file": Words(
        "To try other values, open this lead in the service: a file cannot ask the"
        " model.",
        "Чтобы попробовать другие значения, откройте лид в службе: файл не может"
        " спросить модель.",
    ),
    "whatif.result": Words(
        "{before} → {after} ({points})", "{before} → {after} ({points})"
    ),
    "whatif.wrong": Words(
        "This cannot be asked: {what}. Stay within what past leads had.",
        "Так спросить нельзя: {what}. Оставайтесь в пределах прошлых лидов.",
    ),
    # who was alike
    "similar.title": Words("Similar leads before", "Похожие лиды в прошлом"),
    "similar.sum": Words(
        "{won} of {all} converted.", "Сконвертировались {won} из {all}."
    ),
    "similar.how": Words(
        "The model saw them alike: the same things spoke for and against. The chance is"
        " what it says of that day.",
        "Модель видит их похожими: за и против говорило то же самое. Вероятность — её"
        " оценка на тот день.",
    ),
    "similar.day": Words("Looked at", "На дату"),
    "similar.outcome": Words("Outcome", "Итог"),
    "similar.won": Words("converted", "конверсия"),
    "similar.won.in": Words("converted in {days}", "конверсия через {days}"),
    "similar.lost": Words("did not convert", "без конверсии"),
}
"""Every text, by the key that a template asks for."""
