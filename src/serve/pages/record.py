"""The page of a model as files for the registry, which lie there with its run.

The same page as the service shows once the version serves, in both languages, with its
JSON twin; it links nowhere, since nothing lies beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson

from leads.settings import Settings
from serve.pages.evidence import evidence_of
from serve.pages.links import FileLinks
from serve.pages.rendering import trust_page
from serve.pages.trust import weigh
from serve.pages.view import View
from serve.pages.wording import LANGUAGES


def model_files(
    bundle: Path, digest: str, settings: Settings
) -> Iterator[tuple[str, str]]:
    """Write the page of a bundle that was just trained: file names and contents.

    Of too little data there is nothing to show but what is missing.

    Raises
    ------
    DamagedBundle
        The bundle's files are not what they were.
    """
    evidence = evidence_of(bundle, digest)
    trust = weigh(evidence)
    for language in LANGUAGES:
        links = FileLinks(language, (), alone=True)
        view = replace(View.of(settings, links, evidence.fields), filed=True)
        yield f"page/model.{language}.html", trust_page(trust, view)
    twin = orjson.dumps(trust, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)
    yield "page/model.json", twin.decode()
