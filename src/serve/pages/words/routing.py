"""What the page of giving out leads says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from model.features.catalog import Words

ROUTING: Final[Mapping[str, Words]] = {
    "routing.link": Words("Who gets which lead", "Кому какой лид"),
    "routing.title": Words("Who gets which lead", "Кому какой лид"),
    "routing.lead": Words(
        "Hot leads go to leading managers, warm ones to consultants, cold ones to"
        " letters. A returning customer stays with their manager. A share of the cold"
        " ones is drawn by lot and called all the same, so that it can be told what"
        " calls are worth.",
        "Горячие лиды идут ведущим менеджерам, тёплые — консультантам, холодные — в"
        " рассылку. Вернувшийся клиент остаётся у своего менеджера. Части холодных"
        " звонят по жребию: так видно, чего стоят сами звонки.",
    ),
    "routing.none": Words("Nobody is listed to give leads to", "Раздавать лиды некому"),
    "routing.none.how": Words(
        "List people as [[routing.person]] in the configuration; card fields that are"
        " named there have to exist, and leads must have been ingested.",
        "Перечислите людей в настройках: [[routing.person]]. Названные там поля"
        " карточки должны существовать, а лиды — быть загружены.",
    ),
    "routing.applied": Words(
        "Switched on: the person is put on the card where nobody is responsible yet."
        " Whoever has a lead by a person's word keeps it.",
        "Включено: человек ставится в карточку, если ответственного ещё нет. Кому лид"
        " отдал человек, у того он и остаётся.",
    ),
    "routing.proposed": Words(
        "These are proposals: no card is changed. [routing] apply = true in the"
        " configuration switches it on.",
        "Это предложения: карточки не меняются. Включается в настройках:"
        " [routing] apply = true.",
    ),
    "routing.next": Words("The next round: {when}", "Следующая раздача: {when}"),
    "routing.next.how": Words(
        "A simulation of what is open now; nothing is kept. Who was given a lead keeps"
        " it until its tier changes.",
        "Проба на открытых сейчас лидах; ничего не записано. Отданный лид остаётся у"
        " человека, пока не сменится группа.",
    ),
    "routing.holidays": Words(
        "Public holidays until then: {names}. Leads go to whoever works on such a day;"
        " if nobody does, they wait for the next working day.",
        "Праздники до этого дня: {names}. Лиды получит тот, кто в такой день работает;"
        " если никто — они ждут следующего рабочего дня.",
    ),
    "routing.country": Words(
        "Public holidays are those of {country}.",
        "Праздники — по календарю страны {country}.",
    ),
    "routing.country.none": Words(
        "Public holidays are not known here: [company] country in the configuration"
        " says whose they are.",
        "Праздники здесь не известны: чьи они, говорит в настройках"
        " [company] country.",
    ),
    "routing.away.holiday": Words("public holiday", "праздник"),
    "routing.away.hours": Words("day off", "выходной"),
    "routing.last": Words("Given out so far", "Уже роздано"),
    "routing.last.how": Words(
        "By the last decision about each lead; a name leads to the list.",
        "По последнему решению о каждом лиде; имя ведёт к списку.",
    ),
    "routing.col.person": Words("Person", "Человек"),
    "routing.col.gets": Words("Gets", "Получит"),
    "routing.col.open": Words("Has", "Уже есть"),
    "routing.col.waits": Words("Wait for them", "Ждут его"),
    "routing.col.hours": Words("Hours", "Часы"),
    "routing.tier.hot": Words("Hot", "Горячие"),
    "routing.tier.warm": Words("Warm", "Тёплые"),
    "routing.tier.cold": Words("Cold", "Холодные"),
    "routing.of": Words("{n} of {most}", "{n} из {most}"),
    "routing.level.leading": Words("leading", "ведущий"),
    "routing.level.consultant": Words("consultant", "консультант"),
    "routing.nurture": Words(
        "To letters, not called: {n}.", "В рассылку, без звонка: {n}."
    ),
    "routing.drawn": Words(
        "Cold, but drawn to be called: {n}.", "Холодные, но жребий велел звонить: {n}."
    ),
    "routing.waiting": Words(
        "Nobody can take: {n}. Lacking most:",
        "Некому взять: {n}. Чаще всего не хватает:",
    ),
    "routing.lack.load": Words("room", "места"),
    "routing.lack.holiday": Words(
        "a working day: it is a public holiday", "рабочего дня: праздник"
    ),
    "routing.lack.hours": Words("somebody at work", "людей на работе"),
    "routing.lack.pipeline": Words("the pipeline", "воронки"),
    "routing.lack.source": Words("the source", "источника"),
    "routing.lack.skill": Words("the skill", "навыка"),
    "routing.lack.language": Words("the language", "языка"),
    "routing.lack.level": Words("the level", "уровня"),
    "routing.owned.on": Words(
        "With whom a person gave them to, and left there: {n}.",
        "Отданы человеком и остаются на месте: {n}.",
    ),
    "routing.owned.off": Words(
        "Have a person already: {n}. Switched on, they would stay with them.",
        "Уже с ответственным: {n}. После включения они останутся у него.",
    ),
    "routing.arms": Words(
        "Drawn so far: {called} to be called, {held} not.",
        "По жребию: звонить — {called}, не звонить — {held}.",
    ),
    "routing.arms.link": Words(
        "What the order of calls is worth", "Чего стоит порядок звонков"
    ),
    "filter.given": Words("Proposed person", "Кому предложен"),
    "row.given": Words("proposed: {who}", "предложен: {who}"),
}  # fmt: skip
