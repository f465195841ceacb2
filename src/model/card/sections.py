"""The model card as facts: sections of sentences, facts and tables, in both languages.

Everything comes from the bundle's own files, so a card can be made again of any bundle,
and the page, the report and MLflow show the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from model.bundle.manifest import Manifest
from model.card import words as say
from model.card.words import COLUMNS, FACTS, TITLES
from model.features.catalog import Catalog, Words
from model.features.phrases import LANGUAGES
from model.leaks.findings import Inspection
from model.points.record import Rival
from model.proof.record import Proof, SliceProof

THIN: Final = 50
"""Leads below which a slice is called thin."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The bundle that a card is about."""

    digest: str
    manifest: Manifest
    proof: Proof
    catalog: Catalog


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the card: sentences, then facts, then a table; any may be absent."""

    name: str
    title: Words
    lines: tuple[Words, ...] = ()
    facts: tuple[tuple[Words, Words], ...] = ()
    head: tuple[Words, ...] = ()
    rows: tuple[tuple[Words, ...], ...] = ()


def sections(subject: Subject) -> tuple[Section, ...]:
    """Write the card of a bundle."""
    made = (
        _purpose(subject),
        Section("misuse", TITLES["misuse"], say.MISUSE),
        _data(subject),
        _metrics(subject.proof),
        _calibration(subject.proof),
        _slices(subject.proof),
        _leaks(subject.manifest),
        _aside(subject),
        _ladder(subject.manifest),
        _ablation(subject.proof),
        _limits(subject),
        _again(subject),
    )
    return tuple(section for section in made if section is not None)


def _purpose(subject: Subject) -> Section:
    days = say.days(subject.manifest.horizon_days)
    lines = tuple(say.filled(line, days=days) for line in say.PURPOSE)
    return Section("purpose", TITLES["purpose"], lines)


def _data(subject: Subject) -> Section:
    manifest = subject.manifest
    rows = manifest.rows
    sources = [s.name for s in subject.proof.slices if s.kind == "source"]
    facts = {
        "horizon": say.number(manifest.horizon_days),
        "cut_off": say.day(manifest.cut_off),
        "learned_until": say.day(manifest.learned_until),
        "train": say.number(rows["train_leads"]),
        "train_rows": say.number(rows["train"]),
        "train_conversions": say.number(rows["train_conversions"]),
        "test": say.number(rows["test_leads"]),
        "test_rows": say.number(rows["test"]),
        "test_conversions": say.number(rows["test_conversions"]),
        "base_rate": say.share(manifest.base_rate),
        "features": say.number(len(subject.catalog.features)),
        "sources": say.same(", ".join(sources)) if sources else say.NOTHING,
        "data_digest": say.same(manifest.data_digest),
        "catalog_digest": say.same(manifest.catalog_digest),
    }
    named = tuple((FACTS[name], value) for name, value in facts.items())
    return Section("data", TITLES["data"], (say.SNAPSHOTS,), named)


def _metrics(proof: Proof) -> Section:
    rows = tuple(
        (
            say.METRICS.get(measure.name, say.same(measure.name)),
            say.number(measure.value, 4),
            say.span(say.number(measure.low, 4), say.number(measure.high, 4)),
            say.number(measure.base, 4),
        )
        for measure in proof.measures
    )
    head = _head("measure", "value", "range", "base")
    lines = () if proof.rival is None else _rival(proof.rival)
    return Section("metrics", TITLES["metrics"], lines, head=head, rows=rows)


def _rival(rival: Rival) -> tuple[Words, ...]:
    met = rival.in_loss
    how = say.filled(
        say.RIVAL_HOW, traits=rival.traits, points=say.number(met.points, 4),
        model=say.number(met.model, 4), gain=say.signed(met.gain, 4),
        low=say.signed(met.low, 4), high=say.signed(met.high, 4),
    )  # fmt: skip
    return say.RIVAL[rival.standing], how


def _calibration(proof: Proof) -> Section:
    rows = tuple(
        (
            *say.held(item),
            say.number(item.count),
        )
        for item in proof.reliability
    )
    head = _head("said", "happened", "range", "cases")
    return Section("calibration", TITLES["calibration"], head=head, rows=rows)


def _slices(proof: Proof) -> Section:
    if not proof.slices:
        return Section("slices", TITLES["slices"], (say.UNPROVED,))
    head = _head("slice", "said", "happened", "range", "outside", "leads", "gain")
    rows = tuple(_slice(item) for item in proof.slices)
    return Section("slices", TITLES["slices"], (say.SLICES_HOW,), head=head, rows=rows)


def _slice(item: SliceProof) -> tuple[Words, ...]:
    kind = say.KINDS.get(item.kind, say.same(item.kind))
    name = _slice_name(item)
    outside = not item.low <= item.said <= item.high
    return (
        Words(f"{kind.en}: {name.en}", f"{kind.ru}: {name.ru}"),
        *say.held(item),
        say.YES if outside else say.NO,
        say.number(item.leads),
        say.number(item.gain, 4),
    )


def _slice_name(item: SliceProof) -> Words:
    return say.month(item.name) if item.kind == "month" else say.same(item.name)


def _leaks(manifest: Manifest) -> Section:
    leaks = Inspection.from_facts(manifest.leaks)
    if not leaks.findings:
        told = say.LEAKS_NONE if leaks.probed else say.LEAKS_UNSEEN
        return Section("leaks", TITLES["leaks"], (told,))
    rows = tuple(
        (
            say.same(finding.field),
            say.KEPT if finding.trusted else say.SET_ASIDE,
            Words(
                f"{finding.title.en} ({finding.code}): {finding.evidence.en}",
                f"{finding.title.ru} ({finding.code}): {finding.evidence.ru}",
            ),
        )
        for finding in leaks.findings
    )
    head = _head("field", "done", "why")
    return Section("leaks", TITLES["leaks"], head=head, rows=rows)


def _aside(subject: Subject) -> Section:
    leaks = Inspection.from_facts(subject.manifest.leaks)
    model = subject.manifest.settings.get("model", {})
    told = (
        (say.EXCLUDED, ", ".join(model.get("exclude", ()))),
        (say.SUSPECTED, ", ".join(leaks.set_aside)),
    )
    facts = tuple(
        (name, say.same(text) if text else say.NOTHING) for name, text in told
    )
    notes = (say.NOTES, say.noted(subject.catalog.notes))
    return Section("aside", TITLES["aside"], facts=(*facts, notes))


def _ladder(manifest: Manifest) -> Section:
    rows = tuple(
        (
            say.LEARNERS.get(name, say.same(name)),
            say.number(rung["weight"], 2),
            say.number(rung["logloss"], 4),
        )
        for name, rung in manifest.ladder.items()
    )
    head = _head("learner", "weight", "logloss")
    return Section("ladder", TITLES["ladder"], head=head, rows=rows)


def _ablation(proof: Proof) -> Section:
    if not proof.ablation:
        return Section("ablation", TITLES["ablation"], (say.UNPROVED,))
    rows = tuple(
        (
            say.GROUPS.get(worth.group, say.same(worth.group)),
            say.number(worth.features),
            say.number(worth.value, 4),
            say.span(say.number(worth.low, 4), say.number(worth.high, 4)),
        )
        for worth in proof.ablation
    )
    head = _head("group", "features", "worth", "range")
    lines = (say.ABLATION_HOW,)
    return Section("ablation", TITLES["ablation"], lines, head=head, rows=rows)


def _limits(subject: Subject) -> Section:
    until = say.day(subject.manifest.learned_until)
    lines = [say.filled(line, until=until) for line in say.LIMITS]
    thin = [_slice_name(s) for s in subject.proof.slices if s.leads < THIN]
    if thin:
        names = Words(*(", ".join(one[at] for one in thin) for at in LANGUAGES))
        lines.append(say.filled(say.THIN, fewest=THIN, names=names))
    return Section("limits", TITLES["limits"], tuple(lines))


def _again(subject: Subject) -> Section:
    manifest = subject.manifest
    seed = manifest.settings.get("model", {}).get("seed")
    facts = (
        (FACTS["commit"], say.same(manifest.git_commit or say.NOTHING.en)),
        (FACTS["dirty"], say.same(manifest.git_dirty or say.NOTHING.en)),
        (FACTS["seed"], say.same(seed)),
        (FACTS["bundle"], say.same(subject.digest)),
    )
    lines = (say.DIRTY, say.AGAIN) if manifest.git_dirty else (say.AGAIN,)
    return Section("again", TITLES["again"], lines, facts)


def _head(*names: str) -> tuple[Words, ...]:
    return tuple(COLUMNS[name] for name in names)
