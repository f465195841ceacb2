"""The pages of a test's own company, as a browser and a program ask for them."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from serve import problems
from serve.pages import attach, refusal
from serve.pages.sight import Sight


@pytest.fixture
def client(sight: Sight) -> TestClient:
    """Serve the pages that ``sight`` of the test's file looks at."""
    app = FastAPI()
    attach(app, sight)
    problems.install(app, page=refusal(sight))
    return TestClient(app)
