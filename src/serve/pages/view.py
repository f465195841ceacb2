"""Who reads a page, and what surrounds every page: frame, style sheet, policy.

Everything is escaped, and nothing is fetched or run: the content security policy names
the one style sheet by its digest and forbids all else.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from leads.settings import Conversion, Settings
from model.features.catalog import Words
from serve.pages.links import Links
from serve.pages.wording import Wording


@dataclass(frozen=True, slots=True)
class View:
    """Who reads, and what surrounds every page.

    ``written`` is when a file was written; None on a live page, and in a file that is
    ``filed`` with a record, which says when itself. ``fields`` are the business fields'
    words, ``units`` what the values of kinds of events measure. ``framed`` if
    the page stands inside a card of the CRM.
    """

    wording: Wording
    links: Links
    company: str
    conversion: Conversion
    written: datetime | None = None
    fields: Mapping[str, Words] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    framed: bool = False
    filed: bool = False

    @classmethod
    def of(
        cls,
        settings: Settings,
        links: Links,
        fields: Mapping[str, Words],
        *,
        written: datetime | None = None,
    ) -> View:
        """Read who a company is from its settings, and the language from the links."""
        company = settings.company
        return cls(
            wording=Wording(links.language, company.zone),
            links=links,
            company=company.name,
            conversion=settings.conversion,
            written=written,
            fields=fields,
            units={name: title.unit for name, title in settings.words.items()},
        )

    @property
    def static(self) -> bool:
        """Whether the page is a file."""
        return self.filed or self.written is not None

    def field(self, name: str) -> str:
        """Name a business field as people do."""
        known = self.fields.get(name)
        return known[self.wording.language] if known else name


@cache
def environment() -> Environment:
    """Read the templates, once."""
    return Environment(
        loader=PackageLoader("serve.pages", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def style() -> Markup:
    """Give the one style sheet of all pages; it is ours, not data."""
    return Markup(environment().get_template("style.css").render())


@cache
def script() -> str:
    """Give the one script there is: it makes a what-if quick, and is ours, not data."""
    return environment().get_template("whatif.js").render()


@cache
def policy(*, scripted: bool = False) -> str:
    """Word the content security policy: our style sheet by its digest, nothing else.

    ``scripted`` lets a live page fetch our own script file and ask our own service.
    """
    digest = base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()
    ours = " script-src 'self'; connect-src 'self';" if scripted else ""
    return (
        f"default-src 'none'; style-src 'sha256-{digest}';{ours} img-src data:;"
        " form-action 'self'; base-uri 'none'"
    )


def draw(template: str, view: View, **values: Any) -> str:
    """Draw a template inside the frame."""
    return (
        environment()
        .get_template(template)
        .render(
            w=view.wording,
            links=view.links,
            company=view.company,
            static=view.static,
            framed=view.framed,
            written=view.written,
            style=style(),
            policy=policy() if view.static else None,
            **values,
        )
    )


def message_page(title: str, remedy: str, view: View) -> str:
    """Say on a page that something is not there, and the way out."""
    return draw("message.html", view, title=title, remedy=remedy)
