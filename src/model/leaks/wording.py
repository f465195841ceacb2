"""How the evidence of a leak is worded, in both languages."""

from __future__ import annotations

from model.features.catalog import Words
from model.leaks.findings import percent
from model.leaks.probes import Fill, Rule


def ranks_alone(ranks: float) -> Words:
    """Say how well a field alone ranks leads."""
    return Words(
        f"alone it ranks unseen leads with AUC {ranks:.3f}",
        f"одно оно упорядочивает новых лидов с AUC {ranks:.3f}",
    )


def lifts(ranks: float, together: float, without_it: float) -> Words:
    """Say how much better all fields are with this one."""
    return Words(
        f"alone it ranks unseen leads with AUC {ranks:.3f}; all fields with it reach"
        f" {together:.3f}, without it {without_it:.3f}",
        f"одно оно упорядочивает новых лидов с AUC {ranks:.3f}; все поля с ним дают"
        f" {together:.3f}, без него {without_it:.3f}",
    )


def says(rule: Rule) -> Words:
    """Say how often a rule is right, and of how many it speaks."""
    what, chto = (
        ("converted", "конверсий") if rule.converts else ("not converted", "потерь")
    )
    return Words(
        f"where it says so, {percent(rule.rate)} of {rule.count:,} unseen leads convert"
        f" (usual {percent(rule.usual)}); that covers {percent(rule.cover)} of all"
        f" {what}",
        f"там, где оно так говорит, из {rule.count} новых лидов конверсия"
        f" {percent(rule.rate)} (обычно {percent(rule.usual)}); это"
        f" {percent(rule.cover)} всех {chto}",
    )


def absent(fill: Fill, ranks: float) -> Words:
    """Say that open leads do not have what past ones do."""
    return Words(
        f"filled for {percent(fill.past)} of past leads and for {percent(fill.fresh)}"
        f" of {fill.fresh_count:,} open ones; alone it ranks with AUC {ranks:.3f}",
        f"заполнено у {percent(fill.past)} прошлых лидов и у {percent(fill.fresh)} из"
        f" {fill.fresh_count} открытых; одно оно даёт AUC {ranks:.3f}",
    )


def unheard(part: float, ranks: float) -> Words:
    """Say that open leads do not have the values of past ones."""
    return Words(
        f"{percent(part)} of past leads have values that no open lead has; alone it"
        f" ranks with AUC {ranks:.3f}",
        f"у {percent(part)} прошлых лидов значения, которых нет ни у одного открытого;"
        f" одно оно даёт AUC {ranks:.3f}",
    )


def foretells(rule: Rule, fill: Fill) -> Words:
    """Say that an event foretells for certain, yet open leads never have it."""
    return Words(
        f"{percent(rule.rate)} of {rule.count:,} unseen leads with such an event"
        f" convert (usual {percent(rule.usual)}), yet of {fill.fresh_count:,} open"
        f" leads {percent(fill.fresh)} have one: it seems to be dated back",
        f"из {rule.count} новых лидов с таким событием конверсия {percent(rule.rate)}"
        f" (обычно {percent(rule.usual)}), но среди {fill.fresh_count} открытых лидов"
        f" оно есть у {percent(fill.fresh)}: похоже, его датируют задним числом",
    )


def stamps(part: float, ranks: float) -> Words:
    """Say that dates are later than the moment, and are no plans."""
    return Words(
        f"{percent(part)} of its dates are later than the moment the lead is looked at,"
        f" and none lies in the future; alone it ranks with AUC {ranks:.3f}",
        f"{percent(part)} дат позже момента, на который смотрят на лида, и ни одна не в"
        f" будущем; одно оно даёт AUC {ranks:.3f}",
    )


def colludes(before: float, after: float) -> Words:
    """Say how good fields are together, with those found and without."""
    return Words(
        f"with it and the others found, fields rank unseen leads with AUC"
        f" {before:.3f}, without them {after:.3f}",
        f"с ним и другими найденными AUC на новых лидах {before:.3f}, без них"
        f" {after:.3f}",
    )


def changes_later(later: float, never: float) -> Words:
    """Say how often a field is empty that will change, and one that never does."""
    return Words(
        f"empty for {percent(later)} of the leads where it changes later and for"
        f" {percent(never)} of those where it never does: bring old_value in"
        " field_changes",
        f"пусто у {percent(later)} лидов, у которых поле потом изменится, и у"
        f" {percent(never)} тех, у кого нет: добавьте old_value в field_changes",
    )


def follows(leads: int, after: float) -> Words:
    """Say how many leads had an event first at or after their conversion."""
    return Words(
        f"of {leads:,} leads with it, {percent(after)} had it first at or after their"
        " conversion",
        f"из {leads} лидов с ним у {percent(after)} оно появилось не раньше конверсии",
    )


def called_alike(opening: str) -> Words:
    """Say which opening of the name a field shares with leaking ones."""
    return Words(
        f"other fields called {opening!r}... leak the outcome",
        f"другие поля с названием «{opening}…» выдают исход",
    )
