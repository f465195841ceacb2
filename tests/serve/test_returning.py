"""A customer who comes back is known by phone or mail, from the payment on."""

from __future__ import annotations

from pathlib import Path

from tests.by_hand import by_hand, moment

from leads.persons import Person, gathered, keep
from leads.settings import Clean
from serve.returning import Returning

PEOPLE = (
    Person("1", phone="8 (912) 345-67-89", email="info@acme.example"),
    Person("2", phone="+7 912 345 67 89"),
    Person("3", email="Ivan.Petrov@ya.ru"),
    Person("4", email="ivan.petrov@yandex.ru"),
    Person("5", email="info@acme.example"),
)


def returning(folder: Path) -> Returning:
    """Keep five leads' persons; leads 1 and 3 pay on day 5."""
    history = by_hand("12345", payments=[("1", 5, 100), ("3", 5, 100)])
    keep(gathered(PEOPLE, history, Clean(), moment(30)), folder)
    return Returning(history, folder)


def test_whoever_paid_as_another_lead_comes_back(tmp_path: Path) -> None:
    """Phone and mail join leads however they are written; a shared box joins nobody."""
    came_back = returning(tmp_path)

    assert [came_back(str(n), moment(6)) for n in range(1, 6)] == [
        False, True, False, True, False
    ]  # fmt: skip


def test_nobody_comes_back_before_the_payment(tmp_path: Path) -> None:
    """At a moment before the payment was known, nobody had paid."""
    came_back = returning(tmp_path)

    assert not came_back("2", moment(4))


def test_without_a_table_of_persons_nobody_is_known(tmp_path: Path) -> None:
    """A store of an earlier ingest has no table; nobody comes back then."""
    history = by_hand("1", payments=[("1", 5, 100)])

    assert not Returning(history, tmp_path)("1", moment(9))


def test_a_payment_counts_from_when_it_was_known(tmp_path: Path) -> None:
    """Booked two days later, it was not known on the day after it was made."""
    history = by_hand("12", payments=[("1", 5, 100, 7)])
    keep(gathered(PEOPLE[:2], history, Clean(), moment(30)), tmp_path)
    came_back = Returning(history, tmp_path)

    assert (came_back("2", moment(6)), came_back("2", moment(7))) == (False, True)


def test_a_refund_is_no_payment(tmp_path: Path) -> None:
    """Whose only row of money went out has not paid."""
    history = by_hand("12", payments=[("1", 5, -100)])
    keep(gathered(PEOPLE[:2], history, Clean(), moment(30)), tmp_path)

    assert not Returning(history, tmp_path)("2", moment(9))
