"""Forms of the pages as browsers without JavaScript send them, read strictly."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from serve.problems import Refusal

MOST_BYTES: Final = 16_384
MOST_FIELDS: Final = 20
REMEDY: Final = "Open the page again and send its form."


def read_form(body: bytes) -> dict[str, str]:
    """Read ``application/x-www-form-urlencoded``; a name that comes twice is refused.

    Raises
    ------
    Refusal
        It is too long, no text in UTF-8, or not such a form.

    Examples
    --------
    >>> read_form(b"tier=hot&by=u+7%21")
    {'tier': 'hot', 'by': 'u 7!'}
    """
    if len(body) > MOST_BYTES:
        raise Refusal(413, "The form is too long.", remedy=REMEDY)
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body),
            errors="strict", max_num_fields=MOST_FIELDS,
        )  # fmt: skip
    except ValueError as error:  # no ASCII, no UTF-8, no form, too many fields
        raise Refusal(400, "The form cannot be read.", remedy=REMEDY) from error
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Refusal(400, "The form names a field twice.", remedy=REMEDY)
    return found
