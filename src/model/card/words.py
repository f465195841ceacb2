"""The prose of the model card in both languages, and numbers as each writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import partial
from typing import Final

from leads.lead import EPOCH
from leads.outside import way_outside
from model.features.catalog import Words
from model.features.phrases import DATE_MONTHS, LANGUAGES, MONTHS, counted
from model.proof.record import Bin, SliceProof

SPACE: Final = "\N{NO-BREAK SPACE}"
MINUS: Final = "\N{MINUS SIGN}"
NOTHING: Final = Words("—", "—")
YES: Final = Words("yes", "да")
NO: Final = Words("no", "нет")

METRICS: Final[Mapping[str, Words]] = {
    "auc": Words(
        "ROC AUC: orders a pair rightly", "ROC AUC: верно упорядочивает пару"
    ),
    "pr_auc": Words(
        "PR AUC: precision over recall", "PR AUC: точность по полноте"
    ),
    "brier": Words(
        "Brier: squared error, less is better", "Brier: квадрат ошибки, меньше — лучше"
    ),
    "logloss": Words(
        "Log loss: surprise, less is better", "Log loss: удивление, меньше — лучше"
    ),
    "ece15": Words(
        "ECE: said against happened, less is better",
        "ECE: разрыв сказанного и сбывшегося, меньше — лучше",
    ),
    "calibration_slope": Words(
        "Calibration slope: 1 is right", "Наклон калибровки: верно 1"
    ),
    "calibration_intercept": Words(
        "Calibration intercept: 0 is right", "Сдвиг калибровки: верно 0"
    ),
    "lift10": Words(
        "Lift of the best tenth", "Подъём лучшей десятой"
    ),
}  # fmt: skip

TITLES: Final[Mapping[str, Words]] = {
    "purpose": Words("What it is for", "Для чего она"),
    "misuse": Words("What it is not for", "Для чего она не годится"),
    "data": Words("What it learned from", "На чём училась"),
    "metrics": Words("How good it is", "Насколько она хороша"),
    "calibration": Words("Said against happened", "Сказано и сбылось"),
    "slices": Words("Does it hold everywhere?", "Верна ли она везде"),
    "leaks": Words("Leaks of the outcome", "Утечки исхода"),
    "aside": Words("What it does not look at", "На что она не смотрит"),
    "ladder": Words("Which learners it consists of", "Из каких моделей сложена"),
    "ablation": Words("What each kind of data is worth", "Чего стоят виды данных"),
    "limits": Words("Limits", "Ограничения"),
    "again": Words("How to make it again", "Как воспроизвести"),
}

PURPOSE: Final = (
    Words(
        "To order the open leads of this company and to say of each the chance of"
        " conversion within {days}, so that people decide whom to call first.",
        "Упорядочить открытые лиды этой компании и назвать вероятность конверсии"
        " каждого за {days}, чтобы люди решили, кому звонить первым.",
    ),
)
SNAPSHOTS: Final = Words(
    "A snapshot is what was known of a lead at one moment; a lead has several.",
    "Снимок — то, что было известно о лиде в один момент; у лида их несколько.",
)
MISUSE: Final = (
    Words(
        "Not for decisions about a person that the law or their livelihood depends on:"
        " credit, prices for one person, refusal of service, employment.",
        "Не для решений о человеке, от которых зависят его права или заработок: кредит,"
        " личная цена, отказ в обслуживании, наём.",
    ),
    Words(
        "Not for pay or blame of managers: leads are not dealt out at random, and small"
        " numbers say nothing.",
        "Не для премий и взысканий менеджерам: лиды раздают не наугад, а малые числа ни"
        " о чём не говорят.",
    ),
    Words(
        "Not as a cause: a reason says what such leads did, not what a call would"
        " change.",
        "Не как причина: довод говорит, как вели себя такие лиды, а не что изменит"
        " звонок.",
    ),
    Words(
        "Not for another company, another horizon, or sources that are not below.",
        "Не для другой компании, другого срока или источников, которых нет ниже.",
    ),
)
LIMITS: Final = (
    Words(
        "It knows the past up to {until}; when buyers, prices or the funnel change, it"
        " is wrong until it is trained anew. Back-test it every month.",
        "Она знает прошлое по {until}; если изменятся покупатели, цены или воронка, она"
        " будет ошибаться до нового обучения. Проверяйте её задним числом ежемесячно.",
    ),
    Words(
        "A card field whose changes are not recorded stands in the past as it stands"
        " today; the leak gate watches such fields but cannot prove them honest.",
        "Поле карточки без истории правок стоит в прошлом таким, каково оно сегодня;"
        " проверка на утечки следит за такими полями, но доказать их честность не"
        " может.",
    ),
    Words(
        "Figures are of leads that came later than those it learned from, with 95%"
        " intervals by lead; they are not a promise for next year.",
        "Цифры посчитаны по лидам новее тех, на которых она училась, с 95-процентными"
        " интервалами по лидам; на будущий год это не обещание.",
    ),
)
UNDATED: Final = Words("an unknown day", "неизвестный день")
THIN: Final = Words(
    "Thin slices, fewer than {fewest} leads each: {names}.",
    "Тонкие срезы, меньше {fewest} лидов в каждом: {names}.",
)
LEAKS_NONE: Final = Words("Nothing was found.", "Ничего не найдено.")
LEAKS_UNSEEN: Final = Words(
    "Nothing was looked for: there were too few data.",
    "Не проверялось: мало данных.",
)
KEPT: Final = Words("kept on trust", "оставлено под поручительство")
SET_ASIDE: Final = Words("set aside", "исключено")
EXCLUDED: Final = Words("Excluded by the settings", "Исключено настройками")
SUSPECTED: Final = Words("Set aside as suspected leaks", "Исключено как утечки")
NOTES: Final = Words("Not turned into features", "Не стало признаками")
UNPROVED: Final = Words("Not measured of this model.", "Для этой модели не измерено.")
ABLATION_HOW: Final = Words(
    "How much the log-loss of the newest training leads grows when a small forest is"
    " grown anew without a group. One that others can stand in for is worth little.",
    "Насколько растёт log-loss на новейших учебных лидах, если вырастить небольшой лес"
    " заново без группы. Группа, которую заменяют другие, стоит мало.",
)
SLICES_HOW: Final = Words(
    "A slice whose said chance lies outside the range of what happened is marked. Of"
    " twenty slices one lies outside by luck.",
    "Отмечены срезы, где сказанное вне диапазона сбывшегося. Из двадцати срезов один"
    " окажется вне его случайно.",
)
RIVAL_HOW: Final = Words(
    "A scorecard of {traits} traits, learned from the same leads, has a log loss of"
    " {points} on the same test leads, the model {model}: a difference of {gain}"
    " ({low} to {high}).",
    "У карты баллов, выученной на тех же лидах (признаков: {traits}), log loss на тех"
    " же проверочных лидах — {points}, у модели — {model}: разница {gain} (от {low} до"
    " {high}).",
)
RIVAL: Final[Mapping[str, Words]] = {
    "won": Words(
        "The model is better beyond luck.", "Модель лучше, и это не случайность."
    ),
    "even": Words(
        "The model is not clearly better: points would do as well.",
        "Модель не лучше с уверенностью: баллов хватило бы.",
    ),
    "lost": Words(
        "The model is worse than the points beyond luck: as a newcomer it would not be"
        " promoted.",
        "Модель хуже баллов, и это не случайность: новую такую к работе не допустят.",
    ),
}
"""How the model stands to the scorecard (``model.points.record``)."""

AGAIN: Final = Words(
    "Check out the commit, install requirements.lock, ingest the same data (the digest"
    " must agree) and run train: the bundle digest is the same with one thread or two.",
    "Возьмите этот коммит, поставьте requirements.lock, загрузите те же данные"
    " (отпечаток должен совпасть) и запустите train: отпечаток модели тот же с одним"
    " потоком и с двумя.",
)
DIRTY: Final = Words(
    "Trained from code that was changed after its commit: it cannot be made again.",
    "Обучена на коде, изменённом после коммита: воспроизвести её нельзя.",
)

COLUMNS: Final[Mapping[str, Words]] = {
    "measure": Words("Measure", "Мера"),
    "value": Words("Value", "Значение"),
    "range": Words("95% range", "95-процентный диапазон"),
    "base": Words("Without model", "Без модели"),
    "group": Words("Group", "Группа"),
    "features": Words("Features", "Признаков"),
    "worth": Words("Worth in log-loss", "Цена в log-loss"),
    "slice": Words("Slice", "Срез"),
    "said": Words("Said", "Сказано"),
    "happened": Words("Happened", "Сбылось"),
    "leads": Words("Leads", "Лидов"),
    "cases": Words("Cases", "Случаев"),
    "gain": Words("Gain in log-loss", "Выигрыш в log-loss"),
    "field": Words("Field", "Поле"),
    "done": Words("What was done", "Что сделано"),
    "why": Words("Why", "Почему"),
    "learner": Words("Learner", "Модель"),
    "weight": Words("Weight", "Вес"),
    "logloss": Words("Log-loss out of fold", "Log-loss вне обучения"),
    "outside": Words("Outside", "Вне диапазона"),
}

FACTS: Final[Mapping[str, Words]] = {
    "horizon": Words("Horizon, days", "Срок, дней"),
    "cut_off": Words("Data up to", "Данные по"),
    "learned_until": Words("Learned from outcomes up to", "Учла исходы по"),
    "train": Words("Learned from, leads", "Училась на лидах"),
    "train_rows": Words("snapshots of them", "снимков у них"),
    "train_conversions": Words("converted of these", "из них успешных"),
    "test": Words("Proved on, leads", "Проверена на лидах"),
    "test_rows": Words("snapshots of them", "снимков у них"),
    "test_conversions": Words("converted of these", "из них успешных"),
    "base_rate": Words(
        "Part of the snapshots learned from that converted",
        "Доля успешных снимков в обучении",
    ),
    "features": Words("Features", "Признаков"),
    "sources": Words("Sources", "Источники"),
    "bundle": Words("Bundle", "Отпечаток модели"),
    "data_digest": Words("Data", "Отпечаток данных"),
    "catalog_digest": Words("Features' catalog", "Отпечаток признаков"),
    "commit": Words("Commit", "Коммит"),
    "dirty": Words("Changes after it", "Изменения после него"),
    "seed": Words("Seed", "Зерно"),
}

GROUPS: Final[Mapping[str, Words]] = {
    "events": Words("Events", "События"),
    "payments": Words("Payments", "Платежи"),
    "stages": Words("Stages", "Стадии"),
    "card": Words("Card fields", "Поля карточки"),
    "contact": Words("Quality of contacts", "Качество контактов"),
    "origin": Words("Source and pipeline", "Источник и воронка"),
    "time": Words("Age and calendar", "Возраст и календарь"),
    "other": Words("Other", "Прочее"),
}
"""The groups of ``model.proof.ablation``."""

KINDS: Final[Mapping[str, Words]] = {
    "source": Words("Source", "Источник"),
    "pipeline": Words("Pipeline", "Воронка"),
    "month": Words("Month", "Месяц"),
    "owner": Words("Manager", "Менеджер"),
}

LEARNERS: Final[Mapping[str, Words]] = {
    "base rate": Words("base rate", "обычная вероятность"),
    "linear": Words("logistic regression", "логистическая регрессия"),
    "restrained": Words("restrained trees", "сдержанные деревья"),
    "free": Words("free trees", "свободные деревья"),
}


LEFT_OUT: Final = (
    ("has no two levels of enough leads", "нет двух значений, у которых хватает лидов"),
    ("is the same at every training moment", "одинаково во все моменты обучения"),
    ("is the same as", "то же, что и"),
    ("is never filled at a training moment", "не заполнено ни в один момент обучения"),
    ("differs for every lead: an id", "у каждого лида своё: это номер"),
)
"""What the notes of a catalog say of a feature, in both languages."""


def noted(notes: Iterable[str]) -> Words:
    """Say the notes of a catalog.

    Examples
    --------
    >>> noted(["'card.a' is the same as 'card.b'"]).ru
    "'card.a': то же, что и 'card.b'"
    """
    english = "; ".join(notes)
    russian = english
    for said, told in LEFT_OUT:
        russian = russian.replace(f" {said}", f": {told}")
    return Words(english, russian) if english else NOTHING


def filled(words: Words, **values: object) -> Words:
    """Fill the gaps of a text; ``Words`` are taken in the text's language.

    Examples
    --------
    >>> filled(Words("up to {until}", "по {until}"), until=Words("May", "май"))
    Words(en='up to May', ru='по май')
    """

    def of(language: str) -> dict[str, object]:
        return {
            name: value[language] if isinstance(value, Words) else value
            for name, value in values.items()
        }

    return Words(words.en.format(**of("en")), words.ru.format(**of("ru")))


def same(text: object) -> Words:
    """Say a name alike in both languages."""
    return Words(str(text), str(text))


def number(value: float | None, digits: int = 0) -> Words:
    """Write a number as each language does.

    Examples
    --------
    >>> number(1234.5, 1).en, number(1234.5, 1).ru.replace(SPACE, " ")
    ('1,234.5', '1 234,5')
    """
    if value is None:
        return NOTHING
    text = f"{value:,.{digits}f}".replace("-", MINUS)
    return Words(text, text.replace(",", SPACE).replace(".", ","))


def signed(value: float, digits: int) -> Words:
    """Write a difference with its sign.

    Examples
    --------
    >>> signed(-0.0042, 4).ru
    '\N{MINUS SIGN}0,0042'
    """
    sign = "+" if value > 0 else ""
    written = number(value, digits)
    return Words(f"{sign}{written.en}", f"{sign}{written.ru}")


def share(value: float | None, digits: int = 1) -> Words:
    """Write a part of one in per cent."""
    if value is None:
        return NOTHING
    written = number(100 * value, digits)
    return Words(f"{written.en}%", f"{written.ru}{SPACE}%")


def span(low: Words, high: Words) -> Words:
    """Write a range."""
    if NOTHING in (low, high):
        return NOTHING
    return Words(f"{low.en} – {high.en}", f"{low.ru} – {high.ru}")


def held(proof: Bin | SliceProof) -> tuple[Words, Words, Words]:
    """Write what was said, what happened and its range, so that outside is seen."""
    ways = [partial(share, digits=digits) for digits in (1, 2, 3)]
    write = way_outside(proof.said, proof.low, proof.high, ways)
    shown = span(write(proof.low), write(proof.high))
    return write(proof.said), write(proof.happened), shown


def day(moment: int | None) -> Words:
    """Write the day of a moment, in UTC."""
    if moment is None:
        return UNDATED
    found = EPOCH + timedelta(microseconds=moment)
    return Words(*(
        SPACE.join((str(found.day), DATE_MONTHS[at][found.month - 1], str(found.year)))
        for at in LANGUAGES
    ))  # fmt: skip


def month(name: str) -> Words:
    """Write a month given as year and number.

    Examples
    --------
    >>> month("2026-03")
    Words(en='March 2026', ru='март 2026')
    """
    year, number = name.split("-")
    place = int(number) - 1
    return Words(f"{MONTHS['en'][place]} {year}", f"{MONTHS['ru'][place]} {year}")


def days(count: int) -> Words:
    """Write a number of days.

    Examples
    --------
    >>> days(30), days(1)
    (Words(en='30 days', ru='30 дней'), Words(en='1 day', ru='1 день'))
    """
    return Words(*(counted("day", count, language) for language in LANGUAGES))
