"""A service beside a portal whose local application it is: consent, hooks and all."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.serve import service as processes
from tests.serve.conftest import Company
from tests.serve.service import Service, config_of, free_port
from tests.serve.telling import Telling, settings_of
from typer.testing import CliRunner, Result

from crm.doors import tokens_of
from crm.testing.bitrix24 import application, opened
from crm.testing.clock import Clock
from crm.testing.serving import running
from crm.tokens import Tokens
from leads.journal import Journal
from leads.settings import Settings
from pipelines.__main__ import app

CLIENT = "local.demo"


@dataclass
class Joined(Telling):
    """The portal, and how we are configured beside it."""

    config: Path
    port: int

    def run(self, *words: str) -> Result:
        """Run a command of ours."""
        return CliRunner().invoke(app, [*words, "--config", str(self.config)])

    def keep_consent(self) -> None:
        """Have what an administrator's consent brings."""
        crm = self.settings.crm
        assert crm is not None
        pair = self.portal.credentials.grant(CLIENT)
        known = self.portal.credentials.applications[CLIENT].application_token
        tokens = Tokens(
            pair.access, pair.refresh, datetime.now(UTC) + timedelta(hours=1),
            member=self.portal.profile.member_id, user="1", application=known,
        )  # fmt: skip
        with closing(Journal(self.settings.store.database)) as journal:
            journal.upgrade()
            tokens_of(crm, journal).keep(crm.account, tokens)

    @contextmanager
    def serving(self) -> Iterator[Service]:
        """Serve at the public address."""
        command = [
            sys.executable, "-m", "pipelines", "serve",
            "--config", str(self.config), "--port", str(self.port),
        ]  # fmt: skip
        with processes.running(command, self.port, "/readyz") as service:
            yield service


def application_of(settings: Settings, address: str, public: str) -> Settings:
    """Enter the portal as an application, reached at our public address."""
    told = settings.model_dump()
    way = {"auth": "application", "auth_url": address}
    told |= {"source": told["source"] | way, "crm": told["crm"] | way}
    told["serve"] |= {"public": public}
    return Settings.model_validate(told)


@contextmanager
def joined(
    company: Company, folder: Path, patch: pytest.MonkeyPatch, *, leads: int = 20
) -> Iterator[Joined]:
    """Open a portal of so many leads with our application, connected to nobody yet."""
    port = free_port()
    public = f"http://127.0.0.1:{port}"
    portal = opened(clock=Clock(datetime.now(UTC)))
    keys = portal.credentials.install(f"{public}/crm/bitrix24/install")
    patch.delenv("LEADCAST_HOOK_KEY", raising=False)
    companions = [portal.clock.follow, portal.pump.run]
    with running(application(portal), companions) as address:
        portal.renamed_to = address.removeprefix("http://")
        for name, value in (
            ("URL", address), ("CLIENT", CLIENT), ("SECRET", keys.client_secret),
        ):  # fmt: skip
            patch.setenv(f"LEADCAST_CRM_{name}", value)
        settings = application_of(settings_of(company, folder), address, public)
        config = config_of(settings, folder)
        made = Joined(portal, settings, config, port)
        for _ in range(leads):
            made.lead()
        yield made
