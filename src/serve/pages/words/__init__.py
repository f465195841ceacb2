"""What the pages say by themselves, in English and Russian, one file for one subject.

Kept apart from the pages, so that a translator reads these files and a page holds no
prose. A form with ``|`` is chosen by number: one and many in English; one, few and
many in Russian.
"""

from __future__ import annotations
