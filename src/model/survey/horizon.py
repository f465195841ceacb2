"""Which horizon the data themselves propose, and what it costs.

A horizon that is too short calls slow buyers lost; one that is too long leaves few
snapshots whose outcome is known. Proposed is the shortest of the usual ones by which
nine conversions out of ten have come, counted from the lead's creation, on leads that
were watched long enough for the slow ones to show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from model.features.catalog import Numbers

USUAL: Final = (7, 14, 30, 60, 90, 180)
ENOUGH: Final = 0.9
LEAST: Final = 20
"""Conversions below which the curve says nothing."""

DAY: Final = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Proposal:
    """A horizon in days, and why: ``share`` of all conversions have come by then.

    ``mature`` of ``snapshots`` would have a known label. ``configured_share`` and
    ``configured_mature`` say the same of the horizon that is configured. ``reached``
    is False if no horizon that could be watched holds enough, and the longest stands.
    """

    days: int
    share: float
    mature: int
    snapshots: int
    configured_share: float
    configured_mature: int
    reached: bool


def propose(
    delays: Numbers, moments: Numbers, *, watched: int, cut_off: int, configured: int
) -> Proposal | None:
    """Propose a horizon; None if too few conversions were watched.

    Parameters
    ----------
    delays
        (c,) days from creation to conversion of leads that were all watched for
        ``watched`` days.
    moments
        (n,) moments of all snapshots, and ``cut_off``, in microseconds.
    configured
        The horizon now, in days.

    Examples
    --------
    >>> fast = np.linspace(1.0, 20.0, 50)
    >>> moments = np.arange(10) * DAY
    >>> made = propose(fast, moments, watched=60, cut_off=33 * DAY, configured=14)
    >>> made.days, made.mature, made.configured_share
    (30, 4, 0.68)
    """
    usual = [days for days in USUAL if days <= watched]
    if len(delays) < LEAST or not usual:
        return None
    shares = {days: float(np.mean(delays <= days)) for days in usual}
    enough = [days for days in usual if shares[days] >= ENOUGH]
    days = enough[0] if enough else usual[-1]
    return Proposal(
        days=days,
        share=shares[days],
        mature=int(np.sum(moments + days * DAY <= cut_off)),
        snapshots=len(moments),
        configured_share=float(np.mean(delays <= configured)),
        configured_mature=int(np.sum(moments + configured * DAY <= cut_off)),
        reached=bool(enough),
    )
