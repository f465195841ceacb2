"""Making our fields on a portal, and mending what people did to them.

Safe to repeat: what stands is left alone. A field whose type was changed is not
deleted, as it may hold what people wrote: it loses our external id, and a new one is
made beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from crm.bitrix24.client import Client, Command
from crm.bitrix24.fields import (
    PREFIX,
    Flaw,
    State,
    flaws_in,
    look,
    require_sound,
)
from crm.layouts import TIERS, Option
from crm.port import OurField
from leads.errors import BadConfig, Fault

SORT: Final = 500
MOST_NAMES: Final = 9


def install(client: Client, *, language: str, repair: bool = False) -> list[str]:
    """Make the fields that are not there; with ``repair`` mend the others too.

    Returns
    -------
    list
        What was made or mended, by kind of card and external id.

    Raises
    ------
    BadConfig
        The portal refused some of it, or fields are spoilt and ``repair`` is not set.
    Unavailable
        The portal did not answer. Run again: nothing is made twice.
    """
    flaws = flaws_in(look(client))
    todo = [flaw for flaw in flaws if repair or flaw.state is State.ABSENT]
    aside = [flaw for flaw in todo if flaw.state in {State.OTHER_TYPE, State.MULTIPLE}]
    _run(client, {f"a{n}": _set_aside(flaw) for n, flaw in enumerate(aside)})
    options = [flaw for flaw in todo if flaw.state is State.NO_OPTION]
    _run(client, {f"o{n}": _options(f, language) for n, f in enumerate(options)})
    new = [flaw for flaw in todo if flaw.state is not State.NO_OPTION]
    _make(client, new, language)
    require_sound(look(client))
    return [f"{flaw.entity} {flaw.wanted.xml_id}" for flaw in todo]


def _make(client: Client, flaws: Sequence[Flaw], language: str) -> None:
    """Make fields, each under the first name that is free."""
    left = list(flaws)
    for number in range(1, MOST_NAMES + 1):
        if not left:
            return
        names = {f"f{n}": _add(flaw, number, language) for n, flaw in enumerate(left)}
        batch = client.batch(names)
        left = [f for n, f in enumerate(left) if f"f{n}" not in batch.results]
        # ERROR_CORE is also what a taken name comes to; any other code ends it.
        fatal = [t for t in batch.troubles.values() if t.code != "ERROR_CORE"]
        if fatal:
            break
    if left:
        codes = sorted({trouble.code for trouble in batch.troubles.values()})
        faults = [
            Fault(f"Bitrix24, {f.entity}", f"{f.wanted.xml_id} could not be made"
                  f" ({', '.join(codes)})", "Let an administrator own the webhook.")
            for f in left
        ]  # fmt: skip
        raise BadConfig.of("The portal", faults)


def _run(client: Client, commands: Mapping[str, Command]) -> None:
    if not commands:
        return
    batch = client.batch(commands)
    bad = [key for key in commands if key not in batch.results]
    if bad:
        codes = sorted({trouble.code for trouble in batch.troubles.values()})
        fault = Fault(
            "Bitrix24",
            f"{len(bad)} fields could not be mended ({', '.join(codes)})",
            "Let an administrator own the webhook.",
        )
        raise BadConfig.of("The portal", [fault])


def _add(flaw: Flaw, number: int, language: str) -> Command:
    wanted = flaw.wanted
    tail = "" if number == 1 else f"_{number}"
    labels = {"ru": wanted.title.ru, "en": wanted.title.en}
    fields: dict[str, Any] = {
        "FIELD_NAME": f"{PREFIX}{wanted.our.value.upper()}{tail}",
        "USER_TYPE_ID": wanted.type,
        "XML_ID": wanted.xml_id,
        "LABEL": labels[language],
        "MULTIPLE": "N",
        "MANDATORY": "N",
        "SHOW_FILTER": "Y",
        "EDIT_IN_LIST": "N",
        "SORT": SORT,
        "EDIT_FORM_LABEL": labels,
        "LIST_COLUMN_LABEL": labels,
        "LIST_FILTER_LABEL": labels,
        "SETTINGS": dict(wanted.settings),
    }
    if wanted.our is OurField.TIER:
        fields["LIST"] = _list(TIERS.values(), language)
    return f"crm.{flaw.entity}.userfield.add", {"fields": fields}


def _list(tiers: Iterable[Option], language: str) -> list[dict[str, Any]]:
    return [
        {"VALUE": one.title.of(language), "SORT": place * 10, "XML_ID": one.id}
        for place, one in enumerate(tiers, start=1)
    ]


def _options(flaw: Flaw, language: str) -> Command:
    assert flaw.found is not None
    lost = [TIERS[tier] for tier in TIERS if tier.value not in flaw.found.options]
    fields = {"LIST": _list(lost, language)}
    return _update(flaw, fields)


def _set_aside(flaw: Flaw) -> Command:
    return _update(flaw, {"XML_ID": f"{flaw.wanted.xml_id}_aside"})


def _update(flaw: Flaw, fields: Mapping[str, Any]) -> Command:
    assert flaw.found is not None
    method = f"crm.{flaw.entity}.userfield.update"
    return method, {"id": flaw.found.id, "fields": fields}
