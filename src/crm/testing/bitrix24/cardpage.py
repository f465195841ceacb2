"""A lead's card as a page: a sketch of Bitrix24's, with our fields and our tab.

Not their design, only its parts in their places: stages on top, fields on the left, the
tab on the right, opened as the portal opens it: by a form that the browser posts into
a frame.
"""

from __future__ import annotations

from html import escape
from typing import Any, Final
from urllib.parse import parse_qsl

from crm.testing.bitrix24.placements import open_tab
from crm.testing.bitrix24.portal import Portal
from crm.testing.bitrix24.schema import LEAD
from crm.testing.bitrix24.state import CustomField, Record

OURS: Final = "lcp_"
HIDDEN: Final = ("lcp_version", "lcp_model_version")
WORDS: Final = {
    "ru": {
        "lead": "Лид", "about": "О лиде", "ours": "Прогноз", "tab": "Прогноз",
        "source": "Источник", "owner": "Ответственный", "made": "Создан",
        "none": "Вкладка не подключена.", "general": "Общие", "history": "История",
        "sketch": "Набросок карточки для показа: портал ненастоящий.",
    },
    "en": {
        "lead": "Lead", "about": "About the lead", "ours": "Forecast",
        "tab": "Forecast", "source": "Source", "owner": "Responsible",
        "made": "Created", "none": "The tab is not bound.", "general": "General",
        "history": "History", "sketch": "A sketch of a card: no real portal.",
    },
}  # fmt: skip
STYLE: Final = """
*{box-sizing:border-box}body{margin:0;font:15px/1.45 system-ui,sans-serif;color:#333;
background:#eef2f4}header{background:#1f4e79;color:#fff;padding:10px 20px}
header small{opacity:.8;margin-left:12px}h1{font-size:22px;margin:16px 20px 8px}
ol{display:flex;flex-wrap:wrap;gap:4px;list-style:none;margin:0 20px 14px;padding:0}
ol li{background:#d5dde2;border-radius:4px;padding:5px 14px}
ol li[aria-current]{background:#2fc6f6;font-weight:600}
main{display:grid;grid-template-columns:340px 1fr;gap:16px;margin:0 20px 20px}
section{background:#fff;border-radius:8px;padding:14px 16px;margin-bottom:16px}
section.ours{border:2px solid #2fc6f6}h2{font-size:16px;margin:0 0 8px}
dt{color:#6b7780;font-size:13px}dd{margin:0 0 9px;overflow-wrap:anywhere}
nav{display:flex;gap:18px;margin-bottom:10px;color:#6b7780}
nav b{color:#111;border-bottom:2px solid #2fc6f6}
iframe{width:100%;height:720px;border:1px solid #d5dde2;border-radius:6px}
@media(prefers-color-scheme:dark){:root{color-scheme:dark}
body{background:#14191d;color:#dde3e7}section{background:#1e252a}
ol li{background:#2c363d}
ol li[aria-current]{background:#0b6d93}h1,nav b{color:#fff}dt,nav{color:#9fb0ba}
iframe{border-color:#2c363d}}
@media(max-width:800px){main{grid-template-columns:minmax(0,1fr)}}
"""


def card_page(portal: Portal, lead: int, *, language: str) -> str | None:
    """Draw the card of a lead as user 1 sees it; None if there is no such lead.

    ``language`` is that of the user's interface: "ru" or "en".
    """
    row = portal.state.of(LEAD).get(lead)
    if row is None:
        return None
    say = WORDS[language]
    title = f"{say['lead']} {lead}"
    return (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>"
        f"<header><b>{escape(portal.profile.domain)}</b>"
        f"<small>{say['sketch']}</small></header>"
        f"<h1>{escape(title)}</h1>{_stages(portal, row)}<main><div>"
        f"{_ours(portal, row, say, language)}{_about(portal, row, say)}</div>"
        f"<section><nav><span>{say['general']}</span><b>{say['tab']}</b>"
        f"<span>{say['history']}</span></nav>"
        f"{_tab(portal, lead, say, language)}</section></main></html>"
    )


def _stages(portal: Portal, row: Record) -> str:
    items = [
        f"<li{' aria-current=step' if one.status == row['stageId'] else ''}>"
        f"{escape(one.name)}</li>"
        for one in portal.state.stages_of(LEAD)
    ]
    return f"<ol>{''.join(items)}</ol>"


def _ours(portal: Portal, row: Record, say: dict[str, str], language: str) -> str:
    lines = [
        (field.labels.get(language, field.name), _value(portal, row, field))
        for field in our_fields(portal)
        if field.xml_id not in HIDDEN
    ]
    return f'<section class="ours"><h2>{say["ours"]}</h2>{_list(lines)}</section>'


def our_fields(portal: Portal) -> list[CustomField]:
    """List the fields of leads that are ours, whatever the portal called them."""
    fields = portal.state.custom_of(LEAD).values()
    return [field for field in fields if field.xml_id.startswith(OURS)]


def ours_on(portal: Portal, lead: int) -> dict[str, str | None]:
    """Say what our fields show on a card, and its stage."""
    row = portal.state.of(LEAD)[lead]
    shown: dict[str, str | None] = {"stage": str(row["stageId"])}
    for field in our_fields(portal):
        value = _value(portal, row, field)
        name = field.xml_id.removeprefix(OURS)
        shown[name] = None if value is None else str(value)
    return shown


def _about(portal: Portal, row: Record, say: dict[str, str]) -> str:
    owner = portal.state.users.get(int(row.get("assignedById") or 0))
    made = row["createdTime"]
    lines = [
        (say["source"], row.get("sourceId")),
        (say["owner"], owner.name if owner else None),
        (say["made"], portal.local(made)[:10] if made else None),
    ]
    for field in portal.state.custom_of(LEAD).values():
        if not field.xml_id.startswith(OURS):
            label = field.labels.get("en", field.name).capitalize()
            lines.append((label, row.get(field.name)))
    return f"<section><h2>{say['about']}</h2>{_list(lines)}</section>"


def _list(lines: list[tuple[str, Any]]) -> str:
    said = [
        f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>"
        for name, value in lines
        if value not in (None, "")
    ]
    return f"<dl>{''.join(said) or '—'}</dl>"


def _value(portal: Portal, row: Record, field: CustomField) -> Any:
    value = row.get(field.name)
    for option in field.options:
        if str(option.id) == str(value):
            return option.value
    if hasattr(value, "isoformat"):
        return portal.local(value)[:16].replace("T", " ")
    if isinstance(value, float):
        return f"{value:,.0f}".replace(",", "\u00a0")
    return value


def _tab(portal: Portal, lead: int, say: dict[str, str], language: str) -> str:
    try:
        opening = open_tab(portal, LEAD, lead)
    except ValueError:
        return f"<p>{say['none']}</p>"
    url = opening.url.replace("LANG=ru", f"LANG={language}")
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in parse_qsl(opening.body.decode(), keep_blank_values=True)
    )
    return (
        f'<form id="opening" method="post" target="tab" action="{escape(url)}">'
        f'{hidden}</form><iframe name="tab" title="{say["tab"]}"></iframe>'
        "<script>document.getElementById('opening').submit()</script>"
    )
