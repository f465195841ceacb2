"""Stages that are named after a channel: where a lead came from, not where it stands.

Two marks are asked for. The name says a channel: it is like the name of one of the
company's own sources, or all its words are words of channels ("call" is one, "first
call" is a deed). And leads behave so: they begin there, and mostly from one source.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import polars as pl
from rapidfuzz import fuzz

from model.audit.standing import PLACE, Scene

ALIKE: Final = 88.0
MOSTLY: Final = 0.5
NEARLY_ALL: Final = 0.9
FEWEST: Final = 20
CHANNELS: Final = frozenset(
    {
        "сайт", "сайта", "сайте", "почта", "почты", "почте", "письмо", "письма",
        "емейл", "имейл", "звонок", "звонки", "инстаграм", "инстаграма", "инста",
        "вк", "вконтакте", "телеграм", "телеграма", "тг", "вотсап", "ватсап",
        "вайбер", "авито", "яндекс", "директ", "гугл", "реклама", "рекламы",
        "таргет", "чат", "чата", "чаты", "форма", "формы", "лендинг", "лендинга",
        "соцсети", "вебинар", "вебинара", "партнер", "партнеры", "выставка",
        "выставки", "рассылка", "мессенджер", "мессенджеры", "виджет", "сарафан",
        "рекомендация", "email", "mail", "e", "site", "website", "web", "call",
        "calls", "phone", "instagram", "telegram", "whatsapp", "viber", "facebook",
        "vk", "avito", "google", "yandex", "direct", "ads", "ad", "seo", "landing",
        "form", "chat", "social", "webinar", "partner", "partners", "referral",
        "exhibition", "newsletter", "organic", "widget",
    }
)  # fmt: skip
FILLERS: Final = frozenset(
    {
        "с", "со", "из", "по", "от", "на", "заявка", "заявки", "лид", "лиды",
        "обращение", "обращения", "входящий", "входящие", "входящая", "новый",
        "новые", "новая", "пришли", "пришел", "канал", "from", "by", "via", "the",
        "a", "lead", "leads", "new", "incoming", "inbound", "request", "requests",
        "channel", "in",
    }
)  # fmt: skip
WORD: Final = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Channel:
    """A stage that says a channel, and why we think so.

    ``like`` is the source that its name is like, or the empty text if its words say it,
    or None if only its leads do. ``first`` is the part of entries that are a lead's
    first stage, ``share`` the part that came from ``source``, the commonest.
    """

    pipeline: str
    stage: str
    here: int
    entered: int
    like: str | None
    first: float
    source: str
    share: float


def channel_stages(scene: Scene) -> tuple[Channel, ...]:
    """Find the stages that are named after channels."""
    leads = scene.known.leads.select("lead_id", pl.col("source").fill_null(""))
    entries = scene.moves.join(leads, on="lead_id")
    sources = [name for name in leads["source"].unique().sort() if name]
    usual = dict(leads["source"].value_counts(normalize=True).iter_rows())
    counts = scene.open.group_by(PLACE).len()
    here = {(pipeline, stage): n for pipeline, stage, n in counts.iter_rows()}
    found = []
    for (pipeline, stage), part in entries.group_by(PLACE, maintain_order=True):
        if scene.funnel.state_of(str(pipeline), str(stage)) != "open":
            continue
        shares = part["source"].value_counts(normalize=True)
        top = shares.sort("proportion", "source", descending=[True, False]).row(0)
        channel = Channel(
            str(pipeline), str(stage), here.get((pipeline, stage), 0), len(part),
            said_channel(str(stage), sources),
            float((part["place"] == 0).sum() / len(part)), str(top[0]), float(top[1]),
        )  # fmt: skip
        if _is_channel(channel, usual.get(channel.source, 0.0)):
            found.append(channel)
    return tuple(sorted(found, key=lambda one: (one.pipeline, -one.entered, one.stage)))


def said_channel(stage: str, sources: list[str]) -> str | None:
    """Say which source a name is like; the empty text: its words say a channel.

    Examples
    --------
    >>> said_channel("Инстаграмм", ["Инстаграм", "Сайт"])
    'Инстаграм'
    >>> said_channel("Заявки с сайта", ["web"]), said_channel("Первый звонок", ["web"])
    ('', None)
    """
    words = [word for word in WORD.findall(stage.casefold()) if word not in FILLERS]
    name = " ".join(words)
    if not name:
        return None
    for source in sources:
        told = " ".join(
            word for word in WORD.findall(source.casefold()) if word not in FILLERS
        )
        if told and fuzz.ratio(name, told) >= ALIKE:
            return source
    return "" if all(word in CHANNELS for word in words) else None


def _is_channel(one: Channel, usual: float) -> bool:
    """Ask for the name and the behaviour; or for a behaviour that leaves no doubt."""
    if one.like is not None:
        return one.first >= MOSTLY
    is_clear = one.first >= NEARLY_ALL and one.share >= NEARLY_ALL
    return bool(one.source) and is_clear and usual < MOSTLY and one.entered >= FEWEST
