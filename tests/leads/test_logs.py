"""Logs blank out what they may not tell, and a long line costs by its length."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leads.logs import mask

PLAIN_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
PLAIN_SECRET = re.compile(r"(?<=://)[^:/@\s]+:(?!<secret>)[^@\s]+(?=@)")
LONG = 60_000
CPU_SECONDS = 5.0
"""Whatever looks twice at what it has seen takes half a minute, else milliseconds."""


@example("x@y.z+w@q.r")
@example("a@b.c..d@e.f")
@example("a@b.c@d@e.f")
@given(st.text("ab1.@:+-/ ", max_size=40) | st.text("a.@+", max_size=12))
def test_nothing_that_looks_like_a_mail_or_a_password_is_left(text: str) -> None:
    """The quick patterns blank out whatever the plain rules would find."""
    masked = mask(text)

    assert not PLAIN_MAIL.search(masked)
    assert not PLAIN_SECRET.search(masked)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("to a.b+c@example.org.", "to <mail>."),
        ("a@b.org,c@d.org", "<mail>,<mail>"),
        ("no@mail, a.b", "no@mail, a.b"),
        ("x://u:p:w/d@h/ y://v@h", "x://u:<secret>@h/ y://v@h"),
        ("https://example.org:8080/a?b=1", "https://example.org:8080/a?b=1"),
    ],
)
def test_only_what_names_or_opens_is_blanked_out(text: str, masked: str) -> None:
    """What stands around an address or a password is still told."""
    assert mask(text) == masked


@pytest.mark.parametrize(
    "piece", ["a", "-", "a@", "a.", "a@a.", "://a:", "://a:b", "1 ", "1(", "+", "@a"]
)
def test_a_long_line_is_looked_at_once(piece: str) -> None:
    """Masking a line takes time by its length, not by its length squared."""
    line = piece * (LONG // len(piece))

    begun = time.process_time()
    mask(line)
    mask(f"://a:{line}")
    assert time.process_time() - begun < CPU_SECONDS
