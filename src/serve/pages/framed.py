"""A lead's page inside a card of the CRM: the same page without the ways to others.

Whoever looks is known to the CRM and not to us, so what it links to would ask for a
key; and only the CRM that was configured may frame it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from fastapi.responses import HTMLResponse

from serve.pages.links import FileLinks
from serve.pages.portrait import dossier_page
from serve.pages.sight import Sight
from serve.pages.view import View, message_page, policy
from serve.pages.wording import Language, language_of

Why = Literal["stranger", "away", "unknown"]

WORDS: Final[dict[Why, dict[Language, tuple[str, str]]]] = {
    "stranger": {
        "en": (
            "This forecast is not shown to you",
            "Open the tab in a card that you may see, or ask the administrator.",
        ),
        "ru": (
            "Этот прогноз вам не показан",
            "Откройте вкладку в карточке, которую вам можно видеть, или спросите"
            " администратора.",
        ),
    },
    "away": {
        "en": ("The forecast cannot be shown now", "Open the tab again in a minute."),
        "ru": ("Сейчас прогноз показать нельзя", "Откройте вкладку через минуту."),
    },
    "unknown": {
        "en": (
            "Nothing is predicted for this card yet",
            "A forecast comes with the next reading of the CRM.",
        ),
        "ru": (
            "Для этой карточки прогноза ещё нет",
            "Прогноз появится после следующего чтения CRM.",
        ),
    },
}


@dataclass(frozen=True, slots=True)
class Frame:
    """Who frames our pages, and in which language they are read.

    ``origin`` is the address of the CRM, such as ``https://acme.bitrix24.ru``.
    """

    sight: Sight
    origin: str

    def page(self, lead_id: str, lang: str | None) -> HTMLResponse:
        """Show one lead; to be asked only for whoever may see it."""
        dossier = self.sight.dossier(lead_id)
        if dossier is None:
            return self.refusal("unknown", lang, status=404)
        # The what-if is a form, which would lead out of the frame.
        aside = replace(self.sight.aside(lead_id), whatif=None)
        return self._answer(dossier_page(dossier, self._view(lang), aside), 200)

    def refusal(self, why: Why, lang: str | None, *, status: int) -> HTMLResponse:
        """Say that there is nothing to see, and nothing else."""
        view = self._view(lang)
        title, remedy = WORDS[why][view.wording.language]
        return self._answer(message_page(title, remedy, view), status)

    def _view(self, lang: str | None) -> View:
        settings = self.sight.settings
        links = FileLinks(language_of(lang, settings.company), ())
        return replace(View.of(settings, links, self.sight.fields()), framed=True)

    def _answer(self, page: str, status: int) -> HTMLResponse:
        headers = {
            "Content-Security-Policy": f"{policy()}; frame-ancestors {self.origin}",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "private, no-store",
        }
        return HTMLResponse(page, status_code=status, headers=headers)
