"""One row through LightGBM's own fast lane, without the wrapper that serves tables.

``Booster.predict`` looks at what kind of table it got and sets a predictor up, every
time; for one row that takes longer than three hundred trees do. LightGBM has a lane in
its C interface where the setting up is done once, and gives the same bits.
"""

from __future__ import annotations

import ctypes
import threading
import weakref
from collections.abc import Mapping
from typing import Final, Literal

import lightgbm
import numpy as np
from lightgbm.basic import (  # type: ignore[attr-defined]  # no public name for it
    _LIB,
    _safe_call,
)

from model.features.catalog import Numbers

What = Literal["raw_score", "pred_contrib"]
KINDS: Final[Mapping[What, int]] = {"raw_score": 1, "pred_contrib": 3}
"""LightGBM's own numbers for what may be predicted."""

FLOAT64: Final = 1  # C_API_DTYPE_FLOAT64


class SingleRow:
    """Predicts single rows of one booster; safe to share between threads.

    A lane holds buffers of its own, and two threads in one would wait for each other,
    so every thread opens its own.

    Parameters
    ----------
    booster
        The trees.
    what
        Raw log-odds, or contributions with the base last.
    """

    def __init__(self, booster: lightgbm.Booster, what: What) -> None:
        self._booster = booster
        self._what = what
        self._columns = booster.num_feature()
        self._answers = self._columns + 1 if what == "pred_contrib" else 1
        self._local = threading.local()

    def predict(self, matrix: Numbers) -> Numbers:
        """Predict a (1, p) matrix: (1,) log-odds, or (1, p + 1) contributions."""
        row = np.ascontiguousarray(matrix, dtype=np.float64)
        assert row.shape == (1, self._columns)
        answer = np.empty(self._answers)
        written = ctypes.c_int64()
        _safe_call(
            _LIB.LGBM_BoosterPredictForMatSingleRowFast(
                self._lane(),
                ctypes.c_void_p(row.ctypes.data),
                ctypes.byref(written),
                ctypes.c_void_p(answer.ctypes.data),
            )
        )
        assert written.value == self._answers
        return answer[None, :] if self._what == "pred_contrib" else answer

    def _lane(self) -> ctypes.c_void_p:
        lane: _Lane | None = getattr(self._local, "lane", None)
        if lane is None:
            lane = self._local.lane = _Lane(self._booster, KINDS[self._what])
        return lane.handle


class _Lane:
    """One thread's lane, open as long as this object lives."""

    def __init__(self, booster: lightgbm.Booster, kind: int) -> None:
        self.handle = ctypes.c_void_p()
        _safe_call(
            _LIB.LGBM_BoosterPredictForMatSingleRowFastInit(
                booster._handle,
                ctypes.c_int(kind),
                ctypes.c_int(0),
                ctypes.c_int(-1),
                ctypes.c_int(FLOAT64),
                ctypes.c_int32(booster.num_feature()),
                ctypes.c_char_p(b"num_threads=1"),
                ctypes.byref(self.handle),
            )
        )
        # The booster goes along so that it is not freed before its lanes are.
        weakref.finalize(self, _close, self.handle, booster)


def _close(handle: ctypes.c_void_p, _booster: lightgbm.Booster) -> None:
    _LIB.LGBM_FastConfigFree(handle)
