"""Conditions, deadlines and branches in words, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from leads.tables import FieldType
from playbook.condition import All, AnyOf, Ask, Condition, Not
from playbook.facts import PLAIN, VALUES, Asked, Fact, fact_named
from playbook.hours import Hours, Within
from playbook.plan import OWNER, TASKS, Branch, Plan, Playbook, Task
from playbook.points import Group, Item
from playbook.text import AND, OR, Language, Text, listed, many, number, percent, said
from playbook.world import World

DAYS: Final[Text] = {"en": "day|days", "ru": "день|дня|дней"}
DAYS_OF: Final[Text] = {"en": "day|days", "ru": "дня|дней|дней"}
HOURS: Final[Text] = {"en": "hour|hours", "ru": "час|часа|часов"}
WORK_DAYS: Final[Text] = {
    "en": "business day|business days",
    "ru": "рабочего дня|рабочих дней|рабочих дней",
}
WORK_HOURS: Final[Text] = {
    "en": "business hour|business hours",
    "ru": "рабочего часа|рабочих часов|рабочих часов",
}
WEEKDAYS: Final[Mapping[str, Text]] = {
    "mon": {"en": "Mon", "ru": "пн"},
    "tue": {"en": "Tue", "ru": "вт"},
    "wed": {"en": "Wed", "ru": "ср"},
    "thu": {"en": "Thu", "ru": "чт"},
    "fri": {"en": "Fri", "ru": "пт"},
    "sat": {"en": "Sat", "ru": "сб"},
    "sun": {"en": "Sun", "ru": "вс"},
}
NUMBERS: Final[Mapping[str, Text]] = {
    "is": {"en": "{what}: {n}", "ru": "{what}: {n}"},
    "at_least": {"en": "{what}: {n} or more", "ru": "{what}: не меньше {n}"},
    "at_most": {"en": "{what}: {n} or less", "ru": "{what}: не больше {n}"},
    "more_than": {"en": "{what}: more than {n}", "ru": "{what}: больше {n}"},
    "less_than": {"en": "{what}: less than {n}", "ru": "{what}: меньше {n}"},
}
SAID: Final[Mapping[str, Text]] = {
    "one": {"en": "{what}: {names}", "ru": "{what}: {names}"},
    "none": {"en": "{what}: not {names}", "ru": "{what}: кроме {names}"},
    "known": {"en": "{what}: known", "ru": "{what}: известно"},
    "unknown": {"en": "{what}: not known", "ru": "{what}: неизвестно"},
    "within": {"en": "{what} in {period}", "ru": "{what} за {period}"},
    "each": {"en": "{what}: each", "ru": "{what}: за каждое"},
    "halving": {
        "en": "{what}: each, half as much every {period}",
        "ru": "{what}: за каждое; вдвое меньше через каждые {period}",
    },
    "not": {"en": "not ({inner})", "ru": "не ({inner})"},
    "else": {"en": "All others", "ru": "Все остальные"},
    "yes": {"en": "yes", "ru": "да"},
    "no": {"en": "no", "ru": "нет"},
    "soon": {"en": "within {n}", "ru": "в течение {n}"},
    "today": {"en": "by the close of the day", "ru": "до конца рабочего дня"},
    "next": {
        "en": "by the close of the next business day",
        "ru": "до конца следующего рабочего дня",
    },
    "owner": {"en": "the lead's manager", "ru": "менеджер лида"},
    "hours": {
        "en": "{days} from {opens} to {closes}",
        "ru": "{days} с {opens} до {closes}",
    },
    "holidays": {
        "en": ", but for the holidays of {whose}",
        "ru": ", кроме праздников ({whose})",
    },
    "times": {"en": "{n} × the usual", "ru": "{n} × обычного"},
}


@dataclass(frozen=True)
class Telling:
    """Says a playbook in one language, by the company's own names of things."""

    playbook: Playbook
    language: Language
    words: Mapping[str, Text] = field(default_factory=dict)
    fields: Mapping[str, FieldType] = field(default_factory=dict)

    @classmethod
    def of(cls, playbook: Playbook, world: World, language: Language) -> Telling:
        """Make one for a company."""
        return cls(playbook, language, world.words, world.fields or {})

    def say(self, text: Text | None) -> str:
        """Say a text of the file."""
        return "" if text is None else said(text, self.language)

    def branch(self, branch: Branch) -> str:
        """Say what a branch asks: its title, or else its condition."""
        if branch.title is not None:
            return said(branch.title, self.language)
        if branch.when is None:
            return self._fixed("else")
        return _begun(self.condition(branch.when))

    def condition(self, condition: Condition) -> str:
        """Say a condition.

        Examples
        --------
        >>> from playbook.facts import Asked
        >>> telling = Telling(Playbook({}, (), {}), "en")
        >>> telling.condition(Ask(Asked("quiet"), "at_least", 3.0))
        'no activity for: 3 days or more'
        """
        match condition:
            case Ask():
                return self._test(condition)
            case Not(part):
                return self._fixed("not", inner=self.condition(part))
            case All(parts):
                return self._joined(parts, AND[self.language])
            case AnyOf(parts):
                return self._joined(parts, OR[self.language])

    def group(self, group: Group) -> str:
        """Name a group of points: its title, else what the company calls the field."""
        plain: Text = {self.language: group.name}
        return self.say(group.title or self.words.get(group.name, plain))

    def counted(self, item: Item) -> str:
        """Say what gave a lead points: without how much each one counts."""
        if item.title is not None:
            return said(item.title, self.language)
        if item.event is None:
            assert item.when is not None, "an item asks something or counts events"
            return _begun(self.condition(item.when))
        fact = fact_named(f"events.{item.event}", fields={}, words=self.words)
        assert fact is not None, "every kind of event is a fact"
        return self._what(fact, Asked(fact.name, item.within))

    def item(self, item: Item) -> str:
        """Say what is worth points: its title, or what it asks or counts."""
        what = self.counted(item)
        if item.title is not None or item.event is None:
            return what
        if item.half_life is None:
            return self._fixed("each", what=what)
        period = self._period(item.half_life)
        return self._fixed("halving", what=what, period=period)

    def task(self, task: Task) -> str:
        """Say a task: what, by whom, how soon."""
        whom = task.whom if task.whom != OWNER else self._fixed("owner")
        return (
            f"{said(TASKS[task.type], self.language)}, {whom}, {self.soon(task.within)}"
        )

    def hours(self, hours: Hours) -> str:
        """Say when the company works.

        Examples
        --------
        >>> Telling(Playbook({}, (), {}), "en").hours(Hours(country="RU"))
        'Mon, Tue, Wed, Thu, Fri from 09:00 to 18:00, but for the holidays of RU'
        """
        days = ", ".join(said(WEEKDAYS[day], self.language) for day in hours.days)
        clock = {"opens": f"{hours.opens:%H:%M}", "closes": f"{hours.closes:%H:%M}"}
        told = self._fixed("hours", days=days, **clock)
        if hours.country is None:
            return told
        whose = " ".join(filter(None, (hours.country, hours.region)))
        return told + self._fixed("holidays", whose=whose)

    def aims(self, plan: Plan) -> str:
        """Name what a plan is to change."""
        words = {**self.words, "stage": PLAIN["stage"].words}
        names = [
            said(words.get(name, {self.language: name}), self.language)
            for name in plan.aims
        ]
        return ", ".join(names)

    def soon(self, within: Within) -> str:
        """Say how soon."""
        if within.unit == "hours":
            return self._fixed("soon", n=many(within.count, WORK_HOURS, self.language))
        if within.count < 2:
            return self._fixed(("today", "next")[within.count])
        return self._fixed("soon", n=many(within.count, WORK_DAYS, self.language))

    def _joined(self, parts: tuple[Condition, ...], joint: str) -> str:
        """Join conditions; one joined otherwise goes into brackets."""
        said_parts: list[str] = []
        before: Condition | None = None
        for part in parts:
            words = self.condition(part)
            if isinstance(part, (All, AnyOf)) and len(part.parts) > 1 < len(parts):
                words = f"({words})"
            if _goes_on(before, part) and joint == AND[self.language]:
                said_parts[-1] += f", {words.partition(': ')[2]}"
            else:
                said_parts.append(words)
            before = part
        return joint.join(said_parts) if joint != AND[self.language] else "; ".join(
            said_parts
        )  # fmt: skip

    def _test(self, test: Ask) -> str:
        fact = fact_named(test.asked.fact, fields=self.fields, words=self.words)
        assert fact is not None, f"{test.asked.fact} was read before"
        what = self._what(fact, test.asked)
        if test.op == "known":
            return self._fixed("known" if test.value else "unknown", what=what)
        if isinstance(test.value, bool):
            return f"{what}: {self._fixed('yes' if test.value else 'no')}"
        if isinstance(test.value, frozenset):
            names = sorted(self._name(fact, name) for name in test.value)
            key = "one" if test.op in {"is", "has"} else "none"
            joint = OR if key == "one" else AND
            return self._fixed(
                key, what=what, names=listed(names, joint[self.language])
            )
        return NUMBERS[test.op][self.language].format(
            what=what, n=self._number(fact, test.value, exact=test.op == "is")
        )

    def _what(self, fact: Fact, asked: Asked) -> str:
        what = said(fact.words, self.language)
        if asked.within is None:
            return what
        return self._fixed("within", what=what, period=self._period(asked.within))

    def _period(self, seconds: int) -> str:
        is_days = seconds % 86_400 == 0
        count = seconds // (86_400 if is_days else 3_600)
        return many(count, DAYS if is_days else HOURS, self.language)

    def _name(self, fact: Fact, name: str) -> str:
        if fact.name == "usage":
            found = [state.words for state in self.playbook.usage if state.name == name]
            return said(found[0], self.language) if found else name
        if fact.type == "set":
            return said(self.words.get(name, {"en": name}), self.language)
        if fact.values:
            return said(VALUES.get(name, {"en": name}), self.language)
        return name

    def _number(self, fact: Fact, value: float, *, exact: bool) -> str:
        if fact.unit == "share":
            return percent(value, self.language)
        if fact.unit == "days" and value == int(value):
            return many(int(value), DAYS if exact else DAYS_OF, self.language)
        written = number(value, self.language)
        if fact.unit == "times":
            return self._fixed("times", n=written)
        return written

    def _fixed(self, key: str, **values: str) -> str:
        return SAID[key][self.language].format(**values)


def _goes_on(before: Condition | None, part: Condition) -> bool:
    """Whether two tests bound one number, so that its name is said once."""
    return (
        isinstance(before, Ask)
        and isinstance(part, Ask)
        and before.asked == part.asked
        and before.op in NUMBERS
        and part.op in NUMBERS
    )


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]
