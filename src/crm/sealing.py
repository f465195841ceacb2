"""Keeps secrets unreadable where they are stored, if a key is given.

With a key in the environment what is stored is encrypted and authenticated (Fernet:
AES-128 in CBC mode with HMAC-SHA256). Without one it lies in the database as it is, and
whoever may read the database may use it; a SQLite file is then closed to other users of
the machine, which is all that can be done for it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from leads.errors import BadConfig

KEY_ENV: Final = "LEADCAST_TOKEN_KEY"
PLAIN: Final = "plain:"
LOCKED: Final = "fernet:"
MAKE_ONE: Final = (
    "python -c 'from cryptography.fernet import Fernet;"
    " print(Fernet.generate_key().decode())'"
)


@dataclass(frozen=True, slots=True)
class Seal:
    """Locks and opens texts; without a key it only marks them as open.

    Examples
    --------
    >>> Seal().locked("secret")
    'plain:secret'
    >>> seal = Seal(MultiFernet([Fernet(Fernet.generate_key())]))
    >>> "secret" in seal.locked("secret"), seal.opened(seal.locked("secret"))
    (False, 'secret')
    """

    keys: MultiFernet | None = field(default=None, repr=False)

    @property
    def locks(self) -> bool:
        """Whether there is a key."""
        return self.keys is not None

    def locked(self, text: str) -> str:
        """Make a text fit to be stored."""
        if self.keys is None:
            return PLAIN + text
        return LOCKED + self.keys.encrypt(text.encode()).decode()

    def opened(self, stored: str) -> str:
        """Read what was stored; also what was stored before there was a key.

        Raises
        ------
        BadConfig
            There is no key, or another one than it was locked with.
        """
        if stored.startswith(PLAIN):
            return stored.removeprefix(PLAIN)
        if self.keys is None:
            raise BadConfig(
                "The kept tokens are encrypted, and there is no key to open them.",
                remedy=f"Set {KEY_ENV} to the key that `connect` ran with.",
            )
        try:
            return self.keys.decrypt(stored.removeprefix(LOCKED)).decode()
        except InvalidToken:
            raise BadConfig(
                f"The kept tokens do not open with the key in {KEY_ENV}.",
                remedy="Set the key that `connect` ran with, or connect again.",
            ) from None


def seal_in(environment: Mapping[str, str] | None = None) -> Seal:
    """Read the key from the environment; several, split by commas, to change it.

    The first key locks, all of them open.

    Raises
    ------
    BadConfig
        A value that is no key; it is never told.
    """
    known = os.environ if environment is None else environment
    given = [part.strip() for part in known.get(KEY_ENV, "").split(",") if part.strip()]
    if not given:
        return Seal()
    try:
        return Seal(MultiFernet([Fernet(key) for key in given]))
    except ValueError:
        raise BadConfig(
            f"The environment variable {KEY_ENV} holds no key.",
            remedy=f"Make one: {MAKE_ONE}",
        ) from None
