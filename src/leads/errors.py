"""Every refusal of Leadcast: what was wrong, and how to get out.

::

    LeadcastError
    ├── BadInput             exit 2, HTTP 422   data or a request that breaks a rule
    │   └── BadConfig        exit 2             the configuration file
    ├── GateRefused          exit 3, HTTP 409   a gate said no: data, leak, promotion
    │   ├── CodeRefused
    │   ├── DataRefused
    │   ├── LeakRefused
    │   └── PromotionRefused
    ├── Unavailable          exit 4, HTTP 503   something needed is not there
    │   ├── Late
    │   ├── NoModel
    │   ├── Overtaken
    │   ├── Unwritable
    │   └── DamagedBundle
    │       └── OtherFormat
    ├── Unauthorized         exit 2, HTTP 401   no key, or an unknown one
    ├── UnknownLead          exit 2, HTTP 404
    ├── UnknownVersion       exit 2, HTTP 404   of the model, or not compared yet
    ├── TooLarge             exit 2, HTTP 413
    └── FalseSum             exit 4, HTTP 500   ours: reasons that do not add up

The exit code and the HTTP status live on the class, so that a command and a route
answer the same failure alike and neither needs a table of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MOST_ROWS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with the input, and what to do about it.

    Examples
    --------
    >>> print(Fault("leads.csv", "12 leads have no id", "Fill ID.", "ID", (3, 8)))
    leads.csv, column 'ID', rows 3, 8: 12 leads have no id. Fill ID.

    ``rows`` are what a person sees in the file: a CSV or XLSX file counts lines (the
    heading is line 1), a Parquet file or a database table counts rows from 1.
    """

    where: str
    what: str
    remedy: str
    column: str | None = None
    rows: Sequence[int] = ()

    def __str__(self) -> str:
        column = f", column {self.column!r}" if self.column else ""
        return f"{self.where}{column}{self._rows()}: {self.what}. {self.remedy}"

    def _rows(self) -> str:
        if not self.rows:
            return ""
        shown = ", ".join(str(row) for row in self.rows[:MOST_ROWS_SHOWN])
        more = len(self.rows) - MOST_ROWS_SHOWN
        return f", rows {shown}" + (f" and {more:,} more" if more > 0 else "")


class LeadcastError(Exception):
    """The root: a rule, what was got instead, and a way out.

    Examples
    --------
    >>> raise NoModel("No model is promoted.", remedy="Run promote.")
    Traceback (most recent call last):
    ...
    leads.errors.NoModel: No model is promoted. Run promote.
    """

    exit_code = 2
    status = 500

    def __init__(self, what: str, *, remedy: str) -> None:
        super().__init__(f"{what} {remedy}")
        self.what = what
        self.remedy = remedy


class BadInput(LeadcastError):
    """Data that break a rule; carries every fault found, not only the first."""

    exit_code = 2
    status = 422

    def __init__(self, what: str, *, remedy: str, faults: Iterable[Fault] = ()) -> None:
        super().__init__(what, remedy=remedy)
        self.faults = tuple(faults)

    def __str__(self) -> str:
        lines = [f"{self.what} {self.remedy}", *(f"  - {f}" for f in self.faults)]
        return "\n".join(lines)

    @classmethod
    def of(cls, subject: str, faults: Sequence[Fault]) -> BadInput:
        """Say how many faults there are and list each.

        Examples
        --------
        >>> print(BadInput.of("leads.csv", [Fault("leads.csv", "empty", "Add rows.")]))
        leads.csv has 1 fault; nothing was stored. Mend it and run again:
          - leads.csv: empty. Add rows.
        """
        many = len(faults) != 1
        return cls(
            f"{subject} has {len(faults)} fault{'s' * many}; nothing was stored.",
            remedy=f"Mend {'them' if many else 'it'} and run again:",
            faults=faults,
        )


class BadConfig(BadInput):
    """The configuration file is missing, unreadable, or has unknown or wrong keys."""


class GateRefused(LeadcastError):
    """A gate said no: the work is possible, the result would do harm."""

    exit_code = 3
    status = 409


class CodeRefused(GateRefused):
    """The code that would learn is not what was committed."""


class DataRefused(GateRefused):
    """The data cannot carry a model: too few conversions, one class, all censored."""


class LeakRefused(GateRefused):
    """A field tells the outcome because it is filled at or after it."""


class PromotionRefused(GateRefused):
    """The challenger did not prove better than what serves now."""


class Unavailable(LeadcastError):
    """Something needed is not there: a model, a database, the registry."""

    exit_code = 4
    status = 503


class Overtaken(Unavailable):
    """Somebody else has taken over what this process was at work on."""


class Late(Unavailable):
    """What should be done by now is not."""


class Unwritable(Unavailable):
    """A disk is full or read-only: nothing was kept."""


class NoModel(Unavailable):
    """No model has been promoted, or none was ever trained."""


class DamagedBundle(Unavailable):
    """A bundle whose files or golden rows are not what its manifest says."""


class OtherFormat(DamagedBundle):
    """A bundle that another version of Leadcast made, in a format not known here."""


class Unauthorized(LeadcastError):
    """No API key, or one that is not known."""

    status = 401


class UnknownLead(LeadcastError):
    """No lead of that id in the journal or in the ingested tables."""

    status = 404


class UnknownVersion(LeadcastError):
    """There is no such version of the model, or nothing is known of it."""

    status = 404


class TooLarge(LeadcastError):
    """A request over the size limit."""

    status = 413


class FalseSum(LeadcastError):
    """Reasons that do not add up to what is said: better no answer than a false one."""

    exit_code = 4
    status = 500
