"""The portal's own words for its ids: fields, options, stages, pipelines, people.

A word counts as it was first read: a label that a person mends later must not make
another field of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from crm.bitrix24.answers import Refused
from crm.bitrix24.client import Batch, Command
from crm.bitrix24.streams import PAGE

KINDS: Final[Mapping[str, int]] = {"lead": 1, "deal": 2}


@dataclass
class Words:
    """Words by id, each as it was first read.

    ``fields`` are the custom fields of each kind of card by name, as described by the
    portal; ``statuses`` go by (list, id).
    """

    fields: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    statuses: dict[tuple[str, str], str] = field(default_factory=dict)
    categories: dict[str, str] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)

    def learn(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take in what one read was told; earlier words stay."""
        for row in rows:
            kind, told = row["kind"], row["told"]
            if kind == "statuses":
                for one in told:
                    key = str(one["ENTITY_ID"]), str(one["STATUS_ID"])
                    self.statuses.setdefault(key, str(one["NAME"]))
            elif kind == "categories":
                for one in told:
                    self.categories.setdefault(str(one["id"]), str(one["name"]))
            elif kind == "people":
                for one in told:
                    self.people.setdefault(str(one["ID"]), _name(one))
            else:
                self._learn_fields(kind, told)

    def stage(self, kind: str, category: Any, stage: Any) -> str:
        """Give the word of a stage; its id if it has none or shares it."""
        number = str(category or 0)
        listed = "STATUS"
        if kind == "deal":
            listed = "DEAL_STAGE" if number == "0" else f"DEAL_STAGE_{number}"
        word = self.statuses.get((listed, str(stage)), str(stage))
        same = [n for (li, _), n in self.statuses.items() if (li, n) == (listed, word)]
        return word if len(same) < 2 else f"{word} ({stage})"

    def labels(self, kind: str, taken: Iterable[str]) -> dict[str, str]:
        """Name the custom fields of a kind: word by field name, none twice."""
        used = set(taken)
        named = {}
        for code, told in sorted(self.fields.get(kind, {}).items()):
            word = " ".join(str(told.get("title") or code).split())
            if word in used:
                word = f"{word} ({code})"
            used.add(word)
            named[code] = word
        return named

    def _learn_fields(self, kind: str, told: Mapping[str, Mapping[str, Any]]) -> None:
        known = self.fields.setdefault(kind, {})
        for name, one in told.items():
            if one.get("isDynamic") in (True, "Y"):
                known.setdefault(name, dict(one))
                for option in one.get("items") or []:
                    self.options.setdefault(str(option["ID"]), str(option["VALUE"]))


def read_words(
    batch: Callable[[Mapping[str, Command]], Batch],
    ask: Callable[[str, Mapping[str, Any]], Any],
) -> list[dict[str, Any]]:
    """Ask for all words; rows of ``kind`` and what was ``told``.

    People are left out where the webhook may not read them: owners are numbers then.
    """
    commands: dict[str, Command] = {
        "statuses": ("crm.status.list", {"order": {"SORT": "ASC"}}),
        "categories": ("crm.category.list", {"entityTypeId": 2}),
    }
    for kind, number in KINDS.items():
        told = {"entityTypeId": number, "useOriginalUfNames": "Y"}
        commands[kind] = ("crm.item.fields", told)
    found = batch(commands).results
    rows = [
        {"kind": "statuses", "told": found["statuses"]},
        {"kind": "categories", "told": found["categories"]["categories"]},
        *({"kind": kind, "told": found[kind]["fields"]} for kind in KINDS),
    ]
    return [*rows, {"kind": "people", "told": _people(ask)}]


def _people(ask: Callable[[str, Mapping[str, Any]], Any]) -> list[dict[str, Any]]:
    people: list[dict[str, Any]] = []
    while True:
        try:
            page = ask("user.get", {"start": len(people)})
        except Refused as refusal:
            if refusal.trouble.code == "ERROR_METHOD_NOT_FOUND":
                return []
            raise
        people += [
            {name: one.get(name) for name in ("ID", "NAME", "LAST_NAME")}
            for one in page
        ]
        if len(page) < PAGE:
            return people


def _name(person: Mapping[str, Any]) -> str:
    parts = (person.get("NAME"), person.get("LAST_NAME"))
    return " ".join(str(part) for part in parts if part) or str(person.get("ID"))
