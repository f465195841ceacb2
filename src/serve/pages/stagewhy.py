"""Why the three numbers of a stage differ, in one sentence per step between them.

From the percentage by hand to what came of it in the end lies hope; from there to what
comes within the horizon lies the term, which a percentage does not know; from there to
the model's number lies who stands in the stage now. The three differences add up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from serve.pages.wording import Wording

HARDLY: Final = 0.5
"""Points of per cent below which two numbers are called the same."""


def explain(rung: Mapping[str, Any], w: Wording, horizon_days: int) -> str:
    """Explain one stage of the ladder (``model.distance.ladder.Rung`` as facts)."""
    return " ".join(_steps(rung, w, horizon_days))


def _steps(rung: Mapping[str, Any], w: Wording, horizon_days: int) -> Iterator[str]:
    ever, soon, model = rung["finally_"], rung["soon"], rung["model"]
    if rung["off"] is None or ever is None:
        yield w.say("distance.few")
    else:
        verdict = "agrees" if abs(rung["off"]) < HARDLY else rung["verdict"]
        yield w.say(
            f"distance.{verdict}", off=_points(rung["off"], w),
            ever=w.rate(ever["share"]),
        )  # fmt: skip
        if soon is not None:
            yield from _term(
                100 * (ever["share"] - soon["share"]), soon, w, horizon_days
            )
    if model is not None and soon is not None and rung["now"] != "unknown":
        off = 100 * (model - soon["share"])
        yield w.say(
            f"distance.now.{rung['now']}", off=_points(off, w), model=w.rate(model),
            days=w.days(rung["waiting_days"] or 0.0),
        )  # fmt: skip


def _term(
    off: float, soon: Mapping[str, Any], w: Wording, horizon_days: int
) -> Iterator[str]:
    if off >= HARDLY:
        span = w.many("days", horizon_days)
        rate = w.rate(soon["share"])
        yield w.say("distance.term", soon=rate, days=span, off=_points(off, w))


def _points(off: float, w: Wording) -> str:
    return w.decimal(abs(off), 0 if abs(off) >= 1 else 1)
