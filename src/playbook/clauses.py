"""Conditions as they are written in the file.

::

    when:
      tier: [hot, warm]                        # one of
      probability: {at_least: 30%}
      events.setup_attempt: {at_least: 1, within: 14d}
      any:                                     # also: all, not
        - usage: did_not_try
        - quiet: {more_than: 5}
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Any, Final

from leads.settings.distance import OF_CARD
from playbook.condition import All, AnyOf, Ask, Condition, Not
from playbook.facts import (
    FAMILIES,
    LEVEL_OPS,
    NUMBER_OPS,
    OF_MODEL,
    OF_POINTS,
    PLAIN,
    Asked,
    Fact,
    Type,
    fact_named,
    family_of,
)
from playbook.marked import Faults, Marked, entries
from playbook.world import World, likely

WINDOW: Final = re.compile(r"(\d{1,4})\s*([hd])")
SECONDS: Final = {"h": 3600, "d": 86_400}
PERCENT: Final = re.compile(r"(\d+(?:[.,]\d+)?)\s*%")
FLAG_WORDS: Final = {"yes": True, "true": True, "no": False, "false": False}
ONLY_NUMBERS: Final = frozenset(NUMBER_OPS) - frozenset(LEVEL_OPS)
JOINTS: Final = ("any", "all", "not")


@dataclass
class Clauses:
    """Reads conditions; what is wrong with them goes into ``faults``.

    ``states`` are the names of the file's own states of usage, ``has_trial`` says
    whether it has a trial period, ``has_points`` whether it has a scorecard, and
    ``in_points`` whether the conditions are those of the scorecard itself.
    """

    world: World
    faults: Faults
    states: tuple[str, ...] = ()
    has_trial: bool = False
    has_points: bool = False
    in_points: bool = False

    def read(self, node: Marked) -> Condition:
        """Read a mapping of facts and joints; all of it must hold."""
        if not isinstance(node.value, dict) or not node.value:
            what = "a condition lists facts, such as tier: hot"
            self.faults.add(node, what, "Write one fact per line, further indented.")
            return All()
        parts = [self._part(name, key, value) for name, key, value in entries(node)]
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _part(self, name: str, key: Marked, value: Marked) -> Condition:
        if name == "not":
            return Not(self.read(value))
        if name in JOINTS:
            if not isinstance(value.value, list) or not value.value:
                what = f"{name} takes a list of conditions"
                self.faults.add(value, what, "Begin each with a dash.")
                return All()
            parts = tuple(self.read(item) for item in value.value)
            return AnyOf(parts) if name == "any" else All(parts)
        fact = self._fact(name, key)
        return All() if fact is None else self._tests(fact, value)

    def _fact(self, name: str, key: Marked) -> Fact | None:
        family, rest = family_of(name)
        known: frozenset[str] | None = None
        if family == "card" and self.world.fields is not None:
            known = frozenset(self.world.fields)
        elif family in {"events", "days_since"}:
            known = self.world.kinds
        if family and known is not None and self.world.lacks(rest, known):
            what = "card field" if family == "card" else "kind of event"
            self.faults.add(key, f"there is no {what} {rest!r}", likely(rest, known))
            return None
        found = fact_named(name, fields=self.world.fields or {}, words=self.world.words)
        self._check_points(name, key)
        if found is None:
            every = [*PLAIN, *(f"{one}.…" for one in FAMILIES), *JOINTS]
            self.faults.add(key, f"there is no fact {name!r}", likely(name, every))
        elif name == "usage" and not self.states:
            what, remedy = "usage is asked but not defined", "Add a section usage."
            self.faults.add(key, what, remedy)
        elif name == "trial_ends_in" and not self.has_trial:
            what, remedy = "no trial period is defined", "Add trial: {days: 14}."
            self.faults.add(key, what, remedy)
        self._check_criteria(name, key)
        return found

    def _check_criteria(self, name: str, key: Marked) -> None:
        named = self.world.criteria
        if name in OF_CARD and named is not None and name not in named:
            what = f"{name} is asked, but no card field answers it"
            self.faults.add(key, what, f'Name one: [criteria] {name} = "…".')

    def _check_points(self, name: str, key: Marked) -> None:
        if self.in_points and name in OF_MODEL | OF_POINTS:
            what = f"points cannot ask about {name}"
            self.faults.add(key, what, "Ask what the lead is or does.")
        elif name in OF_POINTS and not self.has_points:
            what = f"{name} is asked before any points are defined"
            self.faults.add(key, what, "Add a section points; usage cannot ask it.")

    def _tests(self, fact: Fact, node: Marked) -> Condition:
        if fact.name.startswith("card.") and self.world.fields is None:
            fact = replace(fact, type=_type_asked(node))
        if not isinstance(node.value, dict):
            op = "has" if fact.type == "set" else "is"
            plain = self._value(fact, op, node)
            return All() if plain is None else Ask(Asked(fact.name), op, plain)
        window = self._window(fact, node)
        tests = []
        for op, key, value in entries(node):
            if op == "within":
                continue
            if op not in fact.ops:
                allowed = [*fact.ops, *(["within"] * fact.name.startswith("events."))]
                what = f"{op!r} cannot be asked of {fact.name}"
                self.faults.add(key, what, likely(op, allowed))
                continue
            read = self._value(fact, op, value)
            if read is not None:
                tests.append(Ask(Asked(fact.name, window), op, read))
        if not tests and set(node.value) <= {"within"}:
            what = f"nothing is asked of {fact.name}"
            self.faults.add(node, what, "Add one, such as at_least: 1.")
        return tests[0] if len(tests) == 1 else All(tuple(tests))

    def _window(self, fact: Fact, node: Marked) -> int | None:
        place = node.at("within")
        if place is None:
            return None
        if not fact.name.startswith("events."):
            what = f"within goes with events.… only, not with {fact.name}"
            self.faults.add(node.keys["within"], what, "Leave it out.")
            return None
        found = WINDOW.fullmatch(str(place.value))
        if not found or not int(found[1]):
            what = f"{place.value!r} is no period"
            self.faults.add(place, what, "Write hours or days, such as 24h or 14d.")
            return None
        return int(found[1]) * SECONDS[found[2]]

    def _value(
        self, fact: Fact, op: str, node: Marked
    ) -> float | bool | frozenset[str] | None:
        if op == "known" or fact.type == "flag":
            return self._flag(fact, node)
        if fact.type == "number":
            return self._number(fact, node)
        return self._names(fact, node)

    def _flag(self, fact: Fact, node: Marked) -> bool | None:
        if isinstance(node.value, bool):
            return node.value
        read = FLAG_WORDS.get(str(node.value).lower())
        if read is None:
            what = f"{fact.name} is asked {_shown(node)}, not yes or no"
            self.faults.add(node, what, "Write true or false.")
        return read

    def _number(self, fact: Fact, node: Marked) -> float | None:
        value = node.value
        if fact.unit == "share" and isinstance(value, str):
            found = PERCENT.fullmatch(value.strip())
            value = float(found[1].replace(",", ".")) / 100 if found else value
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value):
            what = f"{fact.name} is a number, got {_shown(node)}"
            percent = " or 30%" if fact.unit == "share" else ""
            self.faults.add(node, what, f"Write one, such as 0.3{percent}.")
            return None
        if fact.unit == "share" and not 0 <= value <= 1:
            what = f"a chance is between 0 and 1, got {value:g}"
            self.faults.add(node, what, f"Write {value:g}% if percent is meant.")
            return None
        return float(value)

    def _names(self, fact: Fact, node: Marked) -> frozenset[str] | None:
        items = node.value if isinstance(node.value, list) else [node]
        if not items:
            what = f"{fact.name} is one of nothing"
            self.faults.add(node, what, "Name at least one.")
        found = [self._name(fact, item) for item in items]
        names = frozenset(name for name in found if name is not None)
        return names if len(names) == len(set(found)) and names else None

    def _name(self, fact: Fact, node: Marked) -> str | None:
        value: Any = node.value
        if isinstance(value, (dict, list)) or value is None:
            what = f"{fact.name} is one or more names, got {_shown(node)}"
            self.faults.add(node, what, "Write a name, or a list of names.")
            return None
        if not isinstance(value, str):
            what = f"{fact.name} is a name, got {_shown(node)}"
            self.faults.add(node, what, f'Put it in quotes if meant: "{value}".')
            return None
        closed = self.states if fact.name == "usage" else fact.values
        known = closed or self.world.of_fact(fact.name)
        is_wrong = value not in closed if closed else self.world.lacks(value, known)
        if known is not None and is_wrong:
            label = "business field" if fact.type == "set" else fact.name
            what = f"there is no {label} {value!r}"
            self.faults.add(node, what, likely(value, known))
            return None
        return value


def _type_asked(node: Marked) -> Type:
    """Tell a card field's type by what is asked of it: without data nothing else does.

    A repository that keeps the playbook checks it where no lead is known.
    """
    asked = node.value if isinstance(node.value, dict) else {"is": node}
    if set(asked) & ONLY_NUMBERS:
        return "number"
    value = asked["is"].value if "is" in asked else None
    if isinstance(value, bool):
        return "flag"
    return "number" if isinstance(value, (int, float)) else "level"


def _shown(node: Marked) -> str:
    if isinstance(node.value, dict):
        return "a block"
    return "a list" if isinstance(node.value, list) else repr(node.value)
