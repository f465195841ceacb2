"""Which two leads may be one person or one company, and how sure that is.

Blocking first: only leads that share a mark, or nearly do, are ever compared (an equal
phone, mail, tax number or mail domain; a phone but for one digit; the box of a mail; a
company's first word; the beginnings of a name). Blocks too large to tell anything are
left out. Names are then compared word by word: each word of the shorter name has to be
found in the longer one, so that ``Anna Petrova`` is not ``Alla Petrova``.

A probabilistic linkage (Fellegi-Sunter with weights learned by expectation
maximisation, as splink does it) learns nothing here that could be trusted: nobody has
judged pairs, the marks are few and mostly missing, and the errors that count are the
rare false merges, which rules that can be read keep out. Weights are how sure a rule
is, set by hand; they are no measured chances of the company's own data.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import polars as pl
from rapidfuzz import fuzz

from leads.marks import FREE_MAIL, is_machine, is_office

MOST_IN_BLOCK: Final = 40
WIDE: Final = 2
"""A mark that more different names than these carry is nobody's own."""

AGREE: Final = 80.0
INITIAL: Final = 90.0
LETTER: Final = 2
"""One Russian letter takes up to two Latin ones: an initial is as long as that."""
COMPANY: Final = 92.0
SHORTEST: Final = 5
NATIONAL: Final = 10
BEGINNING: Final = 4
ENTITY_INN: Final = 10

MARK: Final = {"at": pl.UInt32(), "key": pl.String()}
PAIR: Final = ("one", "two")


def is_of_company(why: str) -> bool:
    """Whether a rule tells the same company, not the same person.

    Examples
    --------
    >>> is_of_company("inn"), is_of_company("mail"), is_of_company("")
    (True, False, False)
    """
    return why in RULES and RULES[why][1] == "company"


def candidates(dump: pl.DataFrame) -> pl.DataFrame:
    """Find pairs that share something: ``one`` < ``two`` (u32, rows) and flags.

    ``contact``, ``phone``, ``mail``, ``office``, ``inn``, ``domain``, ``near_phone``,
    ``near_mail``, ``firm``, ``named`` (Boolean) say what they share; ``wide`` that the
    phone or mail is carried under several names.
    """
    blocks = {
        "contact": _contacts(dump),
        "phone": _exploded(dump, "phones"),
        "mail": _mails(dump, office=False),
        "office": _mails(dump, office=True),
        "inn": _exploded(dump, "inns"),
        "domain": _domains(dump),
        "near_phone": _near_phones(dump),
        "near_mail": _boxes(dump),
        "firm": _firms(dump),
        "named": _named(dump),
    }
    names = dump.select(pl.int_range(pl.len(), dtype=pl.UInt32).alias("at"), "name")
    found = [
        _paired(marks, kind, names).with_columns(kind=pl.lit(kind))
        for kind, marks in blocks.items()
    ]
    together = pl.concat(found)
    flags = [(pl.col("kind") == kind).any().alias(kind) for kind in blocks]
    return together.group_by(PAIR).agg(*flags, pl.col("wide").any()).sort(PAIR)


def judged(dump: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Say of each pair its ``relation``, ``why``, and how sure it is (``weight``).

    ``relation`` is ``person``, ``company`` or ``look``; pairs of none are left out.
    ``why`` names a rule.
    """
    one = dump[pairs["one"].to_list()]
    two = dump[pairs["two"].to_list()]
    compared = pairs.with_columns(
        names=pl.Series(
            [likeness(a, b) for a, b in zip(one["name"], two["name"], strict=True)],
            dtype=pl.String(),
        ),
        same_firm=pl.Series(
            [
                _is_one_firm(a, b)
                for a, b in zip(one["company"], two["company"], strict=True)
            ],
            dtype=pl.Boolean(),
        ),
        apart=_apart(one["inns"], two["inns"]),
        differ=_apart(one["mails"], two["mails"]),
        entity=one["inns"].list.first().str.len_chars() == ENTITY_INN,
    )
    rule = pl.coalesce(
        pl.when(condition).then(pl.lit(name)) for name, (condition, *_) in RULES.items()
    )
    told = compared.with_columns(why=rule).drop_nulls("why")
    relation = {name: kind for name, (_, kind, _) in RULES.items()}
    weight = {name: sure for name, (*_, sure) in RULES.items()}
    return told.with_columns(
        relation=pl.col("why").replace_strict(relation, return_dtype=pl.String()),
        weight=pl.col("why").replace_strict(weight, return_dtype=pl.Float64()),
    ).select(*PAIR, "relation", "why", "weight")


def likeness(one: str, two: str) -> str:
    """Compare folded names: ``same``, ``first`` (of one word), ``other``, ``unknown``.

    Examples
    --------
    >>> likeness("ana petrova", "petrova ana sergeevna")
    'same'
    >>> likeness("ivan", "ivan sidorov")
    'first'
    >>> likeness("ana petrova", "ala petrova"), likeness("", "ivan")
    ('other', 'unknown')
    """
    shorter, longer = sorted((one.split(), two.split()), key=len)
    if not shorter:
        return "unknown"
    for word in shorter:
        if max(_alike(word, other) for other in longer) < AGREE:
            return "other"
    told = sum(len(word) > LETTER for word in shorter)
    return "same" if told > 1 else "first"


def _alike(word: str, other: str) -> float:
    short, long = sorted((word, other), key=len)
    if len(short) <= LETTER:
        return INITIAL if long.startswith(short) else 0.0
    return fuzz.ratio(word, other)


def _is_one_firm(one: str, two: str) -> bool:
    if min(len(one), len(two)) < SHORTEST:
        return False
    return fuzz.token_sort_ratio(one, two) >= COMPANY


def _apart(one: pl.Series, two: pl.Series) -> pl.Series:
    """Whether both are known and have nothing in common."""
    frame = pl.DataFrame({"one": one, "two": two})
    common = pl.col("one").list.set_intersection("two").list.len()
    both = (pl.col("one").list.len() > 0) & (pl.col("two").list.len() > 0)
    return frame.select(both & (common == 0)).to_series()


def _is(*names: str) -> pl.Expr:
    return pl.col("names").is_in(names)


_OWN = pl.col("mail") & ~pl.col("wide")
_CALLED = pl.col("phone") & ~pl.col("wide")
_CLEAR = ~pl.col("apart")
_TOGETHER = pl.col("same_firm") | pl.col("domain")

RULES: Final = {
    # rule: (when, what they are, how sure); the first that holds speaks
    "contact": (pl.col("contact") & ~_is("other") & _CLEAR, "person", 0.99),
    "mail_and_phone": (
        pl.col("mail") & pl.col("phone") & ~_is("other") & _CLEAR, "person", 0.995),
    "mail_and_name": (pl.col("mail") & _is("same") & _CLEAR, "person", 0.995),
    "phone_and_name": (
        pl.col("phone") & _is("same") & _CLEAR & ~pl.col("differ"), "person", 0.99),
    "mail": (_OWN & ~_is("other") & _CLEAR, "person", 0.98),
    "sole_trader": (
        pl.col("inn") & ~pl.col("entity") & ~_is("other"), "person", 0.98),
    "phone_and_first_name": (
        _CALLED & _is("first") & _CLEAR & ~pl.col("differ"), "person", 0.96),
    "inn_and_name": (pl.col("inn") & _is("same"), "person", 0.97),
    "office_and_name": (pl.col("office") & _is("same") & _CLEAR, "person", 0.96),
    "phone": (_CALLED & _is("unknown") & ~pl.col("differ"), "look", 0.85),
    "phone_other_mail": (pl.col("phone") & ~_is("other"), "look", 0.6),
    "name_in_company": (_is("same") & _TOGETHER & _CLEAR, "look", 0.85),
    "near_phone_and_name": (pl.col("near_phone") & _is("same"), "look", 0.85),
    "near_mail_and_name": (pl.col("near_mail") & _is("same"), "look", 0.85),
    "inn": (pl.col("inn"), "company", 0.98),
    "mail_other_name": (pl.col("mail"), "look", 0.5),
    "phone_other_name": (pl.col("phone"), "look", 0.4),
    "contact_other_name": (pl.col("contact"), "look", 0.5),
    "domain": (pl.col("domain"), "company", 0.9),
    "office": (pl.col("office"), "company", 0.9),
    "company": (pl.col("same_firm"), "company", 0.7),
}  # fmt: skip


def _paired(marks: pl.DataFrame, kind: str, names: pl.DataFrame) -> pl.DataFrame:
    """Pair all that share a key, in blocks that are small enough to tell something.

    Whoever shares an equal mark in a large block is paired with the first alone.
    """
    held = marks.unique().with_columns(size=pl.len().over("key"))
    held = held.filter(pl.col("size") > 1).join(names, on="at")
    known = pl.col("name").filter(pl.col("name") != "").n_unique().over("key")
    held = held.with_columns(wide=known > WIDE).sort("key", "at")
    small = held.filter(pl.col("size") <= MOST_IN_BLOCK)
    made = small.join(small.select("at", "key"), on="key", suffix="_two").filter(
        pl.col("at") < pl.col("at_two")
    )
    if kind in {"contact", "phone", "mail", "inn"}:
        large = held.filter(pl.col("size") > MOST_IN_BLOCK)
        first = large.group_by("key").agg(at=pl.col("at").min())
        rest = large.join(first, on="key", suffix="_one")
        rest = rest.filter(pl.col("at") > pl.col("at_one")).select(
            at=pl.col("at_one"), wide=pl.lit(value=True), at_two=pl.col("at")
        )
        made = pl.concat([made.select("at", "wide", "at_two"), rest])
    is_own = kind in {"phone", "mail"}
    return made.select(one="at", two="at_two", wide=pl.col("wide") & pl.lit(is_own))


def _exploded(dump: pl.DataFrame, column: str) -> pl.DataFrame:
    held = dump.select(
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("at"), key=pl.col(column)
    )
    return held.filter(pl.col("key").list.len() > 0).explode("key")


def _told(rows: list[tuple[int, str]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=MARK, orient="row").unique()


def _contacts(dump: pl.DataFrame) -> pl.DataFrame:
    """Give the contact that the CRM itself has tied each lead to."""
    held = dump.select(
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("at"), key="contact_id"
    )
    return held.filter(pl.col("key") != "")


def _mails(dump: pl.DataFrame, *, office: bool) -> pl.DataFrame:
    rows = _exploded(dump, "mails").rows()
    return _told(
        [(at, m) for at, m in rows if is_office(m) is office and not is_machine(m)]
    )


def _domains(dump: pl.DataFrame) -> pl.DataFrame:
    rows = _exploded(dump, "mails").rows()
    told = [(at, mail.partition("@")[2]) for at, mail in rows if not is_machine(mail)]
    return _told([(at, domain) for at, domain in told if domain not in FREE_MAIL])


def _near_phones(dump: pl.DataFrame) -> pl.DataFrame:
    """Give each number without one of its digits, or with two neighbours swapped."""
    rows = []
    for at, phone in _exploded(dump, "phones").rows():
        digits = phone[-NATIONAL:]
        rows += [(at, digits[:i] + "?" + digits[i + 1 :]) for i in range(len(digits))]
        rows += [
            (at, digits[:i] + "".join(sorted(pair)) + digits[i + 2 :] + f"/{i}")
            for i, pair in enumerate(pairwise(digits))
            if pair[0] != pair[1]
        ]
    return _told(rows)


def _boxes(dump: pl.DataFrame) -> pl.DataFrame:
    """Give the box of each mail: people keep it when they change the domain."""
    rows = _exploded(dump, "mails").rows()
    told = [(at, mail.partition("@")[0]) for at, mail in rows]
    return _told([(at, box) for at, box in told if len(box) > SHORTEST])


def _firms(dump: pl.DataFrame) -> pl.DataFrame:
    rows = enumerate(dump["company"].to_list())
    words = [(at, word[:SHORTEST]) for at, name in rows for word in name.split()[:2]]
    return _told([(at, word) for at, word in words if len(word) == SHORTEST])


def _named(dump: pl.DataFrame) -> pl.DataFrame:
    """Give the beginnings of the two longest words of each name."""
    rows = []
    for at, name in enumerate(dump["name"].to_list()):
        words = sorted(name.split(), key=len, reverse=True)[:2]
        if len(words) > 1 and min(map(len, words)) >= BEGINNING - 1:
            rows.append((at, " ".join(sorted(word[:BEGINNING] for word in words))))
    return _told(rows)
