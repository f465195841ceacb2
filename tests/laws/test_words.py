"""What readers of a CRM name by themselves has words of ours in both languages."""

from __future__ import annotations

import re

import pytest

from crm.amocrm.naming import REACH
from crm.amocrm.tables import KINDS
from crm.bitrix24.cardtext import RELATED, STANDARD
from crm.bitrix24.tables import ACTIVITIES, DIRECTIONS
from model.features.catalog import Words
from model.features.wording import noun_of, title_of
from playbook.plan import Playbook
from playbook.points import Group
from playbook.telling import Telling

COLUMNS = {
    *STANDARD.values(),
    *REACH,
    *(one for of in RELATED.values() for one in of.values()),
}
EVENTS = {
    *KINDS.values(), *ACTIVITIES.values(),
    *(f"{kind}_{way}" for kind in ACTIVITIES.values() for way in DIRECTIONS.values()),
}  # fmt: skip


def is_told(words: Words) -> bool:
    """Say whether both languages have words, and neither a name of a database."""
    russian = words.ru.replace("UTM", "")
    return not re.search("[A-Za-z_«]", russian) and not re.search("[А-я_“]", words.en)


@pytest.mark.parametrize("name", sorted(COLUMNS))
def test_a_column_that_a_reader_makes_has_words(name: str) -> None:
    """No page says "Utm campaign" to a Russian."""
    assert is_told(title_of(name))


@pytest.mark.parametrize("kind", sorted(EVENTS))
def test_a_kind_of_event_that_a_reader_makes_has_words(kind: str) -> None:
    """Mails that came in are not called «in»."""
    assert is_told(noun_of(kind).words)


def test_a_group_of_learned_points_goes_by_what_the_company_calls_its_field() -> None:
    """Its title counts most; a group that is no field keeps its own name."""
    words = {"UF_CRM_CITY": {"en": "City", "ru": "Город"}}
    telling = Telling(Playbook({}, (), {}), "ru", words)
    titled = Group("UF_CRM_CITY", (), title={"ru": "Где", "en": "Where"})

    said = [telling.group(one) for one in (titled, Group("UF_CRM_CITY", ()))]

    assert [*said, telling.group(Group("who", ()))] == ["Где", "Город", "who"]
