"""``demo-crm``: the whole loop beside a CRM, which is a double of Bitrix24 on loopback.

Connect, read, train; the morning's run: read what is new, predict, decide, write back,
report; serve, and a manager has a list. Then the CRM calls us: a lead comes, acts, is
moved, the client's automation asks the robot, a card opens our tab. Each step is what a
verb or a service does for a real portal too; only the portal is not real.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import typer

from crm.bitrix24.checks import Wishes, require
from crm.bitrix24.client import Client, webhook_in
from crm.bitrix24.enrolling import enrol
from crm.bitrix24.installing import install
from crm.bitrix24.subscribing import EVENTS
from crm.bitrix24.visits import Visits
from crm.doors import gate_of
from leads.errors import BadConfig, Unavailable
from leads.journal import Journal
from leads.mornings import newest_due
from leads.runs import Runs
from leads.settings import Settings, read_settings
from pipelines.console import ConfigOption, out, verb
from pipelines.daily import STEPS, work
from pipelines.demo import ServeOption, Story, learn
from pipelines.following import Watch
from serve.pages.wording import Wording

LEADS: Final = 800
ACCOUNT: Final = "demo"
NOBODY: Final = "0"
"""Stands for the lead that is not there yet."""
WAIT_SECONDS: Final = 60.0
LOOPBACK: Final = "127.0.0.1"
MOVED_TO: Final = "PROCESSED"
LISTED: Final = ("lead", "owner", "tier", "action")
SHOWN: Final = 3
"""How many of a manager's leads the story names."""
DEEDS: Final = ("SETUP_ATTEMPT", "SETUP_DONE", "FEATURE_USED", "VISIT_PRICING")
HOOKS: Final = "/crm/bitrix24/events"

LeadsOption = Annotated[int, typer.Option(min=500, help="How many leads to invent.")]


@dataclass(frozen=True, slots=True)
class Portal:
    """The double: a process of its own, with addresses for people's hands."""

    address: str
    service: str

    def ask(self, path: str, *, post: bool = False) -> Any:
        """Ask the double."""
        return json.loads(_fetched(self.address + path, post=post))

    def card_fields(self, lead: str) -> Mapping[str, str | None]:
        """Read what our fields say on a lead's card."""
        told: Mapping[str, str | None] = self.ask(f"/demo/card/{lead}")
        return told

    def card(self, lead: str) -> str:
        """Give the address of a lead's card."""
        return f"{self.address}/crm/lead/details/{lead}/"


@verb
def demo_crm(
    config: ConfigOption, leads: LeadsOption = LEADS, serve: ServeOption = True
) -> None:
    """Show the whole loop beside a CRM: read, predict, write back, and be called."""
    settings = read_settings(config)
    _start_afresh(settings)
    story = Story()
    with ExitStack() as open_:
        portal = open_.enter_context(_portal(leads, story))
        _connect(settings, portal, story)
        learn(settings, story)
        _morning(settings, story)
        open_.enter_context(_service(config, portal, story))
        best = _hottest(settings)
        owner = _list_of_manager(settings, portal, best, story)
        new = _told_of_changes(settings, portal, story)
        _call_robot(portal, best, story)
        _open_tab(portal, best, story)
        story.show()
        show(portal, best, new, owner)
        if serve:
            _wait()


def _start_afresh(settings: Settings) -> None:
    """Forget an earlier demo: the double, too, begins anew each time."""
    if settings.crm is None or settings.crm.account != ACCOUNT:
        raise BadConfig(
            "This demo speaks to a double alone and clears its store first.",
            remedy="Use pipelines/config/demo_crm.toml.",
        )
    shutil.rmtree(settings.store.folder, ignore_errors=True)


@contextmanager
def _portal(leads: int, story: Story) -> Iterator[Portal]:
    portal, service = _free_port(), _free_port()
    made = Portal(f"http://{LOOPBACK}:{portal}", f"http://{LOOPBACK}:{service}")
    command = [
        sys.executable, "-m", "crm.testing.bitrix24.showing",
        "--port", str(portal), "--service", made.service, "--leads", str(leads),
    ]  # fmt: skip
    with _running(command) as process:
        with story.step("start a CRM (double of Bitrix24)") as step:
            _until(lambda: made.ask("/demo/application"), process)
            step.said = f"{made.address}, {leads:,} leads of an invented company"
        told = made.ask("/demo/application")
        os.environ["LEADCAST_CRM_URL"] = f"{made.address}/rest/1/s3cret/"
        os.environ["LEADCAST_CRM_APPLICATION"] = told["application_token"]
        os.environ["LEADCAST_HOOK_KEY"] = told["application_token"]
        yield made


def _connect(settings: Settings, portal: Portal, story: Story) -> None:
    assert settings.crm is not None
    with story.step("connect") as step, _journal(settings) as journal:
        gate = gate_of(settings.crm, journal)
        with closing(Client(webhook_in(settings.crm.url_env), gate)) as client:
            require(client, Wishes("lead"), with_fields=False)
            made = install(client, language=settings.company.language)
        access = portal.ask("/demo/application")["access"]
        with closing(Visits(portal.address, gate)) as visits:
            enrol(partial(visits.call, access), portal.service)
            for event in EVENTS:
                asked = {"event": event, "handler": f"{portal.service}{HOOKS}"}
                visits.call(access, "event.bind", asked)
        step.said = f"{len(made)} fields made; robot, tabs and events registered"


def _morning(settings: Settings, story: Story) -> None:
    """Do this morning's run as `daily` does, one step after the other."""
    now, at = datetime.now(UTC), settings.daily.at
    with _journal(settings) as journal:
        runs = Runs(journal)
        run = runs.claim(newest_due(now, at, settings.company.zone))
        assert run is not None, "the store is new"
        for name, step in STEPS.items():
            with story.step(f"{at:%H:%M} {name}") as told:
                run = work(settings, runs, run, now=now, steps={name: step})
                told.said = run.done[name]
        work(settings, runs, run, now=now)


def _list_of_manager(
    settings: Settings, portal: Portal, lead: str, story: Story
) -> str:
    """Read the list of whoever answers for a lead, as that manager would."""
    words = Wording(settings.company.language, settings.company.zone)
    names = {name: words.say(f"col.{name}") for name in LISTED}
    with story.step("a manager opens the morning's list") as step:
        told = _fetched(f"{portal.service}/leads.csv?lang={words.language}")
        rows = list(csv.DictReader(told.decode("utf-8-sig").splitlines()))
        by_lead = {row[names["lead"]]: row[names["owner"]] for row in rows}
        owner = by_lead[lead]
        mine = [row for row in rows if row[names["owner"]] == owner]
        first = [
            f"{row[names['lead']]} ({row[names['tier']]}: {row[names['action']]})"
            for row in mine[:SHOWN]
        ]
        step.said = f"{owner}: {len(mine)} leads, first {'; '.join(first)}"
    return owner


def _told_of_changes(settings: Settings, portal: Portal, story: Story) -> str:
    """Let leads change in the CRM, and wait until the cards tell; give the new lead.

    The CRM calls the service, which keeps the hint, reads the lead again, predicts it,
    and writes its card: nothing of it is done here.
    """
    best = _hottest(settings)
    with _journal(settings) as journal:
        watch = Watch(journal, portal.card_fields)
        with story.step("the service looks at what changed before") as step:
            step.said = f"at rest after {watch.rest(ACCOUNT):.1f} s"
        with story.step("a new lead comes") as step:
            watch.look(NOBODY)
            new = str(portal.ask(f"/demo/lead/{best}", post=True)["lead"])
            step.said = str(watch.change(new))
        with story.step(f"it sets the product up ({len(DEEDS)} events)") as step:
            watch.look(new)
            for deed in DEEDS:
                portal.ask(f"/demo/event/{new}/{deed}", post=True)
            step.said = str(watch.change(new))
        with story.step("a manager moves the likeliest lead") as step:
            watch.look(best)
            portal.ask(f"/demo/stage/{best}/{MOVED_TO}", post=True)
            step.said = str(watch.change(best))
    return new


@contextmanager
def _service(config: Path, portal: Portal, story: Story) -> Iterator[None]:
    port = portal.service.rpartition(":")[2]
    command = [
        sys.executable, "-m", "pipelines", "serve", "--config", str(config),
        "--host", LOOPBACK, "--port", port,
    ]  # fmt: skip
    with _running(command) as process:
        with story.step("serve") as step:
            _until(lambda: _fetched(f"{portal.service}/readyz"), process)
            step.said = portal.service
        yield


def _call_robot(portal: Portal, lead: str, story: Story) -> None:
    with story.step("the client's automation asks the robot") as step:
        portal.ask(f"/demo/robot/{lead}", post=True)
        _until(lambda: portal.ask(f"/demo/robot/{lead}")["answered"] or None, None)
        got: Mapping[str, str] = portal.ask(f"/demo/robot/{lead}")["values"]
        step.said = f"lead {lead}: {got['tier']}, {got['probability']} %"


def _open_tab(portal: Portal, lead: str, story: Story) -> None:
    with story.step("open the card of a lead") as step:
        page = _fetched(portal.card(lead)).decode()
        if "opening" not in page:
            raise Unavailable("The card has no tab of ours.", remedy="Run it again.")
        step.said = "our fields and our tab are on it"


def _hottest(settings: Settings) -> str:
    """Name the likeliest lead."""
    with _journal(settings) as journal:
        return max(journal.ranking(), key=lambda row: row[2])[0]


@contextmanager
def _journal(settings: Settings) -> Iterator[Journal]:
    with closing(Journal(settings.store.database)) as journal:
        journal.upgrade()
        yield journal


def show(portal: Portal, lead: str, new: str, owner: str) -> None:
    """Print the addresses to open."""
    for what, where in (
        ("the morning's digest", f"{portal.service}/digest"),
        (f"the list of {owner}", f"{portal.service}/?{urlencode({'owner': owner})}"),
        ("card of the likeliest lead", portal.card(lead)),
        ("the same in English", f"{portal.card(lead)}?lang=en"),
        ("card of the new lead", portal.card(new)),
        ("all leads by tier", f"{portal.service}/"),
        ("the playbook", f"{portal.service}/playbook"),
    ):
        out.print(f"{what:<27} {where}", soft_wrap=True)


def _wait() -> None:
    out.print("Ctrl+C ends it")
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        out.print("ended")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def _running(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process until the block ends; what it says goes nowhere."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until(found: Callable[[], Any], process: subprocess.Popen[bytes] | None) -> None:
    """Wait until something answers.

    Raises
    ------
    Unavailable
        It did not in a minute, or its process has ended.
    """
    ends = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < ends:
        if process is not None and process.poll() is not None:
            break
        try:
            if found() is not None:
                return
        except (OSError, URLError):
            pass
        time.sleep(0.1)
    raise Unavailable(
        "A part of the demo did not start.", remedy="Run it again; if it fails, alone."
    )


def _fetched(url: str, *, post: bool = False) -> bytes:
    request = Request(url, method="POST" if post else "GET")
    with urlopen(request, timeout=30) as answer:
        body: bytes = answer.read()
    return body
