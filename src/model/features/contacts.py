"""Telling phone numbers and mail addresses by their content.

Which card fields hold contacts is found out once, thoroughly, when the catalog is
discovered; whether a lead has a usable one is a cheap look ever after.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import phonenumbers
from email_validator import EmailNotValidError, validate_email

ENOUGH: Final = 0.8
"""The part of the values that must read as contacts."""

SHORTEST_PHONE, LONGEST_PHONE = 10, 15
"""Digits of a number with its area code; E.164 ends at 15."""

ContactType = Literal["phone", "mail"]


def contact_type(values: Sequence[str], *, region: str | None) -> ContactType | None:
    """Say whether values of a card field are phone numbers, mail addresses or neither.

    Parameters
    ----------
    values
        Some filled values; a few hundred tell enough.
    region
        Where numbers without a country code are from, such as "RU".

    Examples
    --------
    >>> contact_type(["+7 912 345-67-89", "8 (495) 123-45-67"], region="RU")
    'phone'
    >>> contact_type(["20000", "35000"], region="RU")
    """
    if not values:
        return None
    enough = ENOUGH * len(values)
    if sum(map(_is_mail, values)) >= enough:
        return "mail"
    if sum(_is_phone(value, region) for value in values) >= enough:
        return "phone"
    return None


def has_phone(value: str | None) -> bool:
    """Say whether a value has as many digits as a phone number that can be called.

    Examples
    --------
    >>> has_phone("+7 912 345-67-89"), has_phone("will tell later"), has_phone(None)
    (True, False, False)
    """
    if value is None:
        return False
    digits = sum(sign.isdecimal() for sign in value)
    return SHORTEST_PHONE <= digits <= LONGEST_PHONE


def _is_mail(value: str) -> bool:
    if "@" not in value:
        return False
    try:
        # What is written is judged, not whether it can be delivered today; addresses
        # of documentation and of tests are addresses too.
        validate_email(value.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return False
    return True


def _is_phone(value: str, region: str | None) -> bool:
    if not has_phone(value) or any(sign.isalpha() for sign in value):
        return False
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_possible_number(number)
