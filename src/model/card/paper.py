"""The model card as one HTML file that opens anywhere, for MLflow and for mail."""

from __future__ import annotations

from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from model.card.sections import Subject, sections
from model.features.catalog import Words

TITLE: Final = Words("Model card", "Карточка модели")


def card_html(subject: Subject, language: str) -> str:
    """Write the card of a bundle; whatever came from data is escaped."""
    return _template().render(
        title=TITLE[language], language=language, sections=sections(subject)
    )


@cache
def _template() -> Template:
    loader = PackageLoader("model.card", "templates")
    made = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return made.get_template("card.html")
