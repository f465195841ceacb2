"""The port: what every door to a company's leads must do."""

from __future__ import annotations

from typing import Protocol

from leads.tables import Tables


class Source(Protocol):
    """A place where a company keeps its leads."""

    def read(self) -> Tables:
        """Take in everything, in canonical form.

        Raises
        ------
        BadInput
            With every fault of the data at once.
        """
        ...
