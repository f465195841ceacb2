from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serve.jsontext import MOST_DEPTH, read_json
from serve.problems import Refusal

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
NUMBERS = st.integers(-(10**18), 10**18) | st.floats(
    allow_nan=False, allow_infinity=False
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4)
    ),
    max_leaves=12,
)


@given(value=VALUES, escaped=st.booleans())
@settings(deadline=None)
def test_plain_json_is_read_as_it_is(*, value: object, escaped: bool) -> None:
    """What any strict parser reads one way, this one reads that way too."""
    body = json.dumps(value, ensure_ascii=escaped).encode()

    assert read_json(body) == value


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": NaN}', b'{"a": Infinity}', b'{"a": -Infinity}', b'{"a": 1e400}',
        b'{"a": 1, "a": 1}', b'{"a": {"b": 1, "b": 2}}', b'[{"a": 1, "\\u0061": 2}]',
        b'{"a": 12345678901234567890}', b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": "\\ud800"}', b'{"\\udfff": 1}', b'{"a": "\\ud800\\ud800"}',
        b'{"a": "\\u0000"}', b'{"a": "\\\\\\u0000"}', b'{"a": "\x00"}',
        b'{"a": "\xff"}', b'{"a": "\xed\xa0\x80"}', b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"), '{"a": 1}'.encode("utf-32"),
        b"", b"{", b"{'a': 1}", b'{"a": 1,}', b'{"a": 1} {}', b"[1, 2",
        b"[" * 100_000, b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b'"}"' + b"[" * 30 + b"]" * 30,
    ],
)  # fmt: skip
def test_what_has_two_meanings_or_none_is_refused(body: bytes) -> None:
    """A body that two parsers could read differently is refused with 400."""
    with pytest.raises(Refusal) as refused:
        read_json(body)

    assert refused.value.status == 400


@pytest.mark.parametrize("text", ["", "}{", '\\"[[[', "[" * 40])
@pytest.mark.parametrize(
    ("depth", "fine"), [(MOST_DEPTH, True), (MOST_DEPTH + 1, False)]
)
def test_depth_counts_brackets_outside_texts(
    *, text: str, depth: int, fine: bool
) -> None:
    """Nesting is allowed to the limit and no further, whatever texts hold."""
    body = b"[" * depth + orjson.dumps(text) + b"]" * depth

    if fine:
        assert read_json(body) == orjson.loads(body)
    else:
        with pytest.raises(Refusal, match="deeper"):
            read_json(body)


def test_an_escaped_backslash_before_u0000_is_plain_text() -> None:
    """Six characters that only look like an escaped NUL are let through."""
    assert read_json(b'{"a": "\\\\u0000"}') == {"a": "\\u0000"}
