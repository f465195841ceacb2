"""Looking at a page as a browser would build it: its skeleton, links and names."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

VOID: Final = frozenset({"meta", "link", "input", "br", "hr", "img"})


@dataclass
class Document(HTMLParser):
    """What a page is made of.

    ``skeleton`` holds every tag with its attribute names and class, in order, and no
    text; ``open_at_end`` the tags that were never closed.
    """

    skeleton: list[tuple[str, ...]] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    open_at_end: list[str] = field(default_factory=list)
    headings: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        given = dict(attrs)
        self.skeleton.append((tag, *sorted(given), given.get("class") or ""))
        self.links += [value or "" for name, value in attrs if name == "href"]
        if tag not in VOID:
            self.open_at_end.append(tag)
        if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
            self.headings.append(int(tag[1]))

    def handle_endtag(self, tag: str) -> None:
        """Note that a tag was closed."""
        self.skeleton.append(("/" + tag,))
        assert self.open_at_end.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        """Note a text."""
        if data.strip():
            self.texts.append(data.strip())


def read(page: str) -> Document:
    """Parse a page."""
    document = Document()
    document.feed(page)
    document.close()
    return document
