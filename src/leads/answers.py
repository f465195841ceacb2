"""What a card field says when it is read as the answer to a question: yes, no, nothing.

One definition for the checklist, the model's features and the playbook's facts.
"""

from __future__ import annotations

from collections.abc import Collection


def answer(value: float | str | None, no: Collection[str]) -> bool | None:
    """Read a value as an answer; None if nobody answered.

    Parameters
    ----------
    value
        As the card holds it.
    no
        The values that mean no, in small letters; any other value means yes.

    Examples
    --------
    >>> no = ("no", "0", "false")
    >>> [answer(value, no) for value in ("Head", " NO ", 0.0, 12.0, False, "", None)]
    [True, False, False, True, False, None, None]
    """
    if value is None or value != value:  # NaN is nothing, too
        return None
    if isinstance(value, str):
        text = value.strip().lower()
    elif isinstance(value, bool):
        text = str(value).lower()
    else:
        text = f"{value:.15g}"
    return None if not text else text not in no
