"""Names of fields in the two dialects: classic ``UF_CRM_X``, universal ``ufCrmX``."""

from __future__ import annotations

PREFIX = "UF_CRM_"


def camel(name: str) -> str:
    """Bring an upper-case name into the universal form.

    Examples
    --------
    >>> camel("UF_CRM_1720019876534"), camel("UF_CRM_3_DIGIT"), camel("UF_CRM_TIER")
    ('ufCrm_1720019876534', 'ufCrm3Digit', 'ufCrmTier')
    """
    first, *others = name.lower().split("_")
    words = [word.capitalize() for word in others]
    if others and others[-1].isdigit():
        words[-1] = f"_{words[-1]}"
    return first + "".join(words)


def universal_of_custom(name: str, *, original: bool) -> str:
    """Name a custom field as a universal call asked for it."""
    return name if original else camel(name)
