import base64
import hashlib
import html
import random
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from time import process_time
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.serve import example
from tests.serve.markup import Document, read

from leads.decision import Outlook, Prediction, Tier
from leads.history import History
from leads.tables import UNDATED
from model.proof.record import Proof
from model.survey.readiness import Readiness
from serve.app import create_app
from serve.pages import attach
from serve.pages.links import lead_path
from serve.pages.listing import Wanted
from serve.pages.ranking import Ranking
from serve.pages.sight import Sight
from serve.pages.whereabouts import Places
from serve.pages.wording import Language, Wording
from serve.pages.words.texts import TEXTS, TIERS

IDS = example.lead_ids(120)
EN = Wording("en", ZoneInfo("UTC"))
PAYLOADS = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</style><style>*{display:none}</style>",
    "</title><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><img src=x onerror=alert(1)>",
    '" autofocus onfocus="alert(1)',
    "' style='position:fixed' x='",
    "<svg/onload=alert(1)>",
    "</svg><iframe src=//evil.example>",
    "</text><a href='javascript:alert(1)'>x</a>",
    "javascript:alert(1)",
    "//evil.example/x",
    "https://evil.example/?a=b&c=d#e",
    "<!-- --><!--",
    "]]><![CDATA[",
    "&lt;b&gt;&amp;&quot;&#x3c;",
    "{{ 7 * 7 }}{% raw %}",
    "${7*7}#{7*7}",
    "{n}{0}{lead.__class__}%s%(x)s",
    "\u202egnp.exe\u2066\u2067",
    "\u200b\u200f\ufeff\u00ad",
    "a/b?c=d#e&f=g;h",
    "../../etc/passwd",
    "..%2f..%2f%00%0d%0aSet-Cookie:a=b",
    "\\\\server\\share",
    "\r\n\t tab and line",
    "'; DROP TABLE latest; --",
    "% _ [a-z] * ?",
    "a" * 300,
    "\U0001f4a9\U0001f468\u200d\U0001f469",
    "علاء الدين <b>",
)


@pytest.fixture(scope="module")
def sight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sight]:
    """Open a company with 120 leads."""
    with example.sight(tmp_path_factory.mktemp("pages"), IDS) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(sight: Sight) -> Iterator[TestClient]:
    """Call the pages of that company."""
    with serving(sight) as opened:
        yield opened


def serving(sight: Sight) -> TestClient:
    """Serve the pages."""
    app = FastAPI()
    attach(app, sight)
    return TestClient(app)


def page(client: TestClient, path: str, status: int = 200) -> Document:
    """Open a page and read it.

    TestClient decodes a path twice, servers once; so percent signs go in twice.
    """
    place, mark, query = path.partition("?")
    answer = client.get(place.replace("%", "%25") + mark + query)
    assert answer.status_code == status
    document = read(answer.text)
    assert document.open_at_end == []
    return document


EVERY = (
    "/", "/?page=2", "/?tier=hot&q=L", "/leads/L-00007", "/model", "/leads/nobody",
    "/funnel", "/?owner=m1&closed=yes",
)  # fmt: skip


@pytest.mark.parametrize("path", EVERY)
def test_every_page_forbids_everything_foreign(client: TestClient, path: str) -> None:
    """The policy allows the one style sheet by its digest and nothing else."""
    answer = client.get(path)

    policy = answer.headers["Content-Security-Policy"]
    (style,) = re.findall("<style>(.*?)</style>", answer.text, flags=re.S)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:;"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "<script" not in answer.text
    assert 'style="' not in answer.text


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("path", EVERY)
def test_every_page_can_be_read_aloud(
    client: TestClient, path: str, language: str
) -> None:
    """A page names its language, has one main heading and skips no level."""
    query = f"{path}{'&' if '?' in path else '?'}lang={language}"
    answer = client.get(query)
    document = read(answer.text)

    assert f'<html lang="{language}">' in answer.text
    assert document.headings[0] == 1
    assert document.headings.count(1) == 1
    deeper = [b - a for a, b in zip(document.headings, document.headings[1:],
                                    strict=False)]  # fmt: skip
    assert max(deeper, default=0) <= 1
    landmarks = [tag[0] for tag in document.skeleton]
    assert {"header", "nav", "main", "footer"} <= set(landmarks)


def test_russian_page_has_no_english_left(client: TestClient) -> None:
    """In Russian every word of ours is Russian; only data and names are not."""
    ours = {"Hot", "Warm", "Cold", "Chance", "Why", "Lead", "Find", "Next", "Model"}

    for path in EVERY:
        sep = "&" if "?" in path else "?"
        texts = " ".join(page_texts(client, f"{path}{sep}lang=ru"))
        assert not ours & set(re.findall("[A-Za-z]+", texts))


def page_texts(client: TestClient, path: str) -> list[str]:
    """Read the texts of a page without its style."""
    document = read(client.get(path).text)
    return [text for text in document.texts if "{" not in text]


def test_language_goes_along(client: TestClient) -> None:
    """Once another language is chosen, every link keeps it."""
    document = page(client, "/?lang=ru&tier=warm")

    inner = [link for link in document.links if link.startswith("/")]
    assert all("lang=" in link for link in inner)
    assert "/?lang=en&tier=warm" in inner or "/?tier=warm&lang=en" in inner


def listed(client: TestClient, query: str) -> list[str]:
    """Name the leads that a list links to, whatever else the links carry."""
    links = [link.partition("?")[0] for link in page(client, "/" + query).links]
    return [link for link in links if link.startswith("/leads/")]


@pytest.mark.parametrize(
    ("query", "meant"),
    [("?tier=nonsense", ""), ("?page=-1", ""), ("?page=1e9", ""),
     ("?page=" + "9" * 500, ""), ("?lang=%3Cscript%3E", ""),
     ("?tier=hot&tier=cold&page=x", "?tier=cold"), ("?page=99999", "?page=3"),
     ("?q=%00%ff%27", "?q=nobody"), ("?q=" + "%25" * 500, "?q=nobody")],
)  # fmt: skip
def test_any_query_is_answered(client: TestClient, query: str, meant: str) -> None:
    """What makes no sense in a query is as if not sent; nothing fails or refuses."""
    assert listed(client, query) == listed(client, meant)
    assert bool(listed(client, meant)) == ("nobody" not in meant)


@pytest.mark.parametrize(
    "path", ["/leads/nobody", "/leads/a%00b", "/leads//", "/leads/%ff", "/leads/<b>"]
)
def test_unknown_lead_is_a_page(client: TestClient, path: str) -> None:
    """A lead that is not known gives a readable page with the way back."""
    document = page(client, path, status=404)

    assert "No such lead" in document.texts
    assert "/" in document.links


def test_lead_page_says_tier_chance_and_all_reasons(
    client: TestClient, sight: Sight
) -> None:
    """The page of a lead shows its tier, chance, every reason and every share."""
    dossier = sight.dossier("L-00007")
    assert dossier is not None

    answer = client.get("/leads/L-00007").text

    texts = read(answer).texts
    assert dossier.tier.value.capitalize() in texts
    reasons = (*dossier.reasons_for, *dossier.reasons_against)
    assert reasons
    assert all(reason.text["en"] in texts for reason in reasons)
    assert all(f.en in texts for f in example.FIELDS.values() if f.en in answer)
    assert len(dossier.moves) == 9


def test_usual_chance_is_that_of_the_proof(sight: Sight) -> None:
    """A lead is compared with the rate that the proof and the reasons call usual."""
    dossier, trust = sight.dossier("L-00007"), sight.trust()

    assert dossier is not None
    assert trust is not None
    assert dossier.usual == trust.base_rate
    assert dossier.usual != dossier.start


def test_lead_that_was_never_ingested_has_a_page(tmp_path: Path) -> None:
    """A lead known only from a request is shown without a story."""
    with example.sight(tmp_path, ["x"], ingested=False) as sight:
        texts = page(serving(sight), "/leads/x").texts

    assert any(text.startswith("This lead is not among the ingested") for text in texts)


def test_undated_lead_is_not_in_1970(tmp_path: Path) -> None:
    """A lead of a flat table without times shows no date of 1970."""
    with example.sight(tmp_path) as sight:
        made = example.prediction("x", random.Random(1))
        undated = replace(made, as_of=UNDATED)
        sight.journal.record([undated], made_at=example.NOW, channel="score")
        answer = serving(sight).get("/leads/x").text

    assert "1970" not in answer


def test_before_the_first_model_there_is_a_page(tmp_path: Path) -> None:
    """Without a model the proof says so, and the list says what to do."""
    with example.sight(tmp_path) as sight:
        client = serving(replace(sight, evidence=example.no_evidence))
        proof = page(client, "/model", status=404)
        listing = page(client, "/")

    assert "No proof is kept beside this model." in proof.texts
    assert "No lead here." in listing.texts


def hostile(sight: Sight, payload: str) -> Prediction:
    """Predict a lead in which everything that can be a text is the payload."""
    made = example.prediction(payload, random.Random(5))
    reasons = tuple(
        replace(r, field=payload, value=payload, text={"en": payload, "ru": payload})
        for r in made.reasons
    )
    shares = {payload + field: share for field, share in made.shares.items()}
    prediction = replace(
        made, reasons=reasons, shares=shares, model_version=payload, tier=Tier.HOT
    )
    for days in (1, 0):
        made_at = example.NOW.replace(day=20 - days)
        sight.journal.record([prediction], made_at=made_at, channel=payload)
    return prediction


def hostile_history(payload: str) -> History:
    """Make a history in which everything that can be a text is the payload."""
    tables = example.tables(["x"])
    renamed = {
        name: tables[name].with_columns(
            *(
                column.set(column.is_not_null(), payload)
                for column in tables[name].get_columns()
                if column.dtype == str and column.name != "properties"
            )
        )
        for name in ("leads", "events", "stages", "payments", "field_changes")
    }
    return History(replace(tables, **renamed))  # type: ignore[arg-type]


def skeletons(folder: Path, payload: str) -> list[list[tuple[str, ...]]]:
    """Build the list, the lead's page and the search for a payload."""
    folder.mkdir(exist_ok=True)
    with example.sight(folder, name=payload, timezone="UTC") as plain:
        hostile(plain, payload)
        history = hostile_history(payload)
        client = serving(replace(plain, history=lambda: history))
        found = [
            page(client, "/"), page(client, lead_path(payload)), page(client, "/model"),
        ]  # fmt: skip
    for document in found:
        inner = [link for link in document.links if link not in {"data:,", "#content"}]
        assert all(re.match(r"/(?!/)[^\s\"'<>]*$", link) for link in inner), inner
    return [document.skeleton for document in found]


@pytest.fixture(scope="module")
def harmless(tmp_path_factory: pytest.TempPathFactory) -> list[list[tuple[str, ...]]]:
    """Build the same pages of a lead in which every text is harmless."""
    return skeletons(tmp_path_factory.mktemp("harmless"), "plain")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_data_never_become_markup(
    tmp_path: Path, harmless: list[list[tuple[str, ...]]], payload: str
) -> None:
    """Whatever the data say, the pages are built of the same elements."""
    assert skeletons(tmp_path, payload) == harmless


def test_payloads_are_many() -> None:
    """At least twenty sorts of hostile text are tried."""
    assert len(set(PAYLOADS)) >= 20


def test_hostile_search_is_shown_as_text(client: TestClient) -> None:
    """What was searched for comes back as the value of the box, not as markup."""
    plain = page(client, "/?q=zzz").skeleton

    for payload in PAYLOADS:
        answer = client.get("/", params={"q": payload})
        assert read(answer.text).skeleton in (plain, page(client, "/").skeleton)


CLONES = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1999)
INSERT INTO predictions
SELECT p.id + 50 * n.i, p.lead_id || '-' || n.i, as_of, made_at, horizon_days,
  (abs(random()) % 1000000) / 1e6, log_odds, base, tier, shares, reasons,
  model_version, bundle_digest, channel, inputs, outlook
FROM predictions p, n
"""
LATEST = """
INSERT OR REPLACE INTO latest
SELECT lead_id, id, made_at, probability, tier, lower(lead_id) FROM predictions
"""


def many_leads(lead_ids: Sequence[str]) -> History:
    """Ingest leads of a hundred managers without anything that happened to them."""
    tables = example.tables([])
    owners = [f"m{number % 100}" for number in range(len(lead_ids))]
    leads = tables.leads.clear(len(lead_ids)).with_columns(
        pl.Series("lead_id", lead_ids),
        pl.Series("owner", owners),
        created_at=pl.lit(example.NOW),
        recorded_at=pl.lit(example.NOW),
        source=pl.lit("web"),
    )
    return History(replace(tables, leads=leads.sort("lead_id")))


def test_page_of_100_000_leads_takes_under_100_ms(tmp_path: Path) -> None:
    """The ranking is held in memory, so neither length nor a filter slows a page."""
    with example.sight(tmp_path) as sight:
        rng = random.Random(2)
        said = [example.prediction(f"L-{i}", rng) for i in range(50)]
        sight.journal.record(said, made_at=example.NOW, channel="score")
        with closing(sqlite3.connect(tmp_path / "leadcast.db")) as database:
            database.execute(CLONES)
            database.execute(LATEST)
            database.commit()
        history = many_leads([row[0] for row in sight.journal.ranking()])
        client = serving(replace(sight, history=lambda: history))
        assert "of 100,000" in client.get("/").text
        taken = {}
        for path in ("/", "/?tier=cold", "/?page=1000", "/?q=-199", "/?owner=m7&q=L-"):
            started = process_time()  # other work on the machine does not count
            assert client.get(path).status_code == 200
            taken[path] = process_time() - started
        started = process_time()
        places = Places(sight.places.of(history, sight.settings))
        Ranking().of(sight.journal, places)
        anew = process_time() - started

    assert max(taken.values()) < 0.1, taken
    assert anew < 1.0


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("What was checked for leaks", "set aside", "kept on trust")),
        ("ru", ("Что проверено на утечки", "исключено", "под поручительство")),
    ],
)
def test_proof_tells_what_was_checked_for_leaks(
    client: TestClient, language: str, words: tuple[str, ...]
) -> None:
    """What is set aside, kept on trust and looked for stands there, escaped."""
    text = client.get(f"/model?lang={language}").text

    for word in (*words, "LK01", "LK04", "40 %", "score"):
        assert word in text
    assert "&lt;b&gt;close" in text
    assert "<b>close" not in text


@pytest.mark.parametrize(
    ("language", "now", "floored"),
    [("en", "20 (now)", "only 41.3"), ("ru", "20 (сейчас)", "только 41,3")],
)
def test_the_page_says_what_another_capacity_would_do(
    client: TestClient, language: str, now: str, floored: str
) -> None:
    """A row per number of calls: today's is marked, and where the floor stops more."""
    page = client.get("/model", params={"lang": language}).text
    table = page[page.index('id="capacity"') : page.index('id="reliability"')]

    assert table.count('role="rowheader"') == 3
    assert now in table
    assert floored in table


@pytest.mark.parametrize("language", ["en", "ru"])
def test_too_little_data_is_said_instead_of_a_proof(
    tmp_path: Path, language: Language
) -> None:
    """Tier, lead and proof say in words that there is no model, and what is missing."""
    missing = Readiness(37, 412, 50).words
    thin = replace(
        example.evidence(), proof=Proof(count=0, base_rate=0.08), missing=missing
    )
    with example.sight(tmp_path, ["L-1"]) as opened:
        said = example.prediction("L-1", random.Random(1))
        unsaid = replace(said, tier=Tier.NO_DATA, shares={}, reasons=())
        opened.journal.record([unsaid], made_at=example.NOW, channel="api")
        client = serving(replace(opened, evidence=lambda: thin))
        shown = [
            html.unescape(client.get(f"{path}?lang={language}").text)
            for path in ("/model", lead_path("L-1"))
        ]

    assert missing[language] in shown[0]
    assert TEXTS["model.unproved"][language] in shown[0]
    assert TEXTS["model.tiers"][language] not in shown[0]
    assert TIERS[Tier.NO_DATA][language] in shown[1]
    assert TEXTS["lead.no_model"][language] in shown[1]


def with_outlook(lead_id: str) -> Prediction:
    """Predict a lead, with an interval, a curve and money."""
    made = example.prediction(lead_id, random.Random(lead_id))
    chance = made.probability
    curve = {7: chance / 3, 30: chance, 90: (1 + chance) / 2}
    outlook = Outlook(chance / 2, (1 + chance) / 2, curve, 11.4, 1_234_500, "RUB")
    return replace(made, outlook=outlook)


def test_every_number_on_a_page_is_the_apis(tmp_path: Path) -> None:
    """Chance, interval, curve, days and money of a lead are those the API answers."""
    ids = example.lead_ids(3)
    with example.sight(tmp_path, ids) as sight:
        said = [with_outlook(lead_id) for lead_id in ids]
        sight.journal.record(said, made_at=example.NOW, channel="score")
        api, pages = TestClient(create_app(sight.settings)), serving(sight)
        answers = {i: api.get(f"/v1/leads/{i}").json() for i in ids}
        rows = {row.lead_id: row for row in sight.every(Wanted(closed=True))}
        listed = html.unescape(pages.get("/?closed=yes&lang=en").text)
        alone = {i: html.unescape(pages.get(f"/leads/{i}?lang=en").text) for i in ids}

    for lead_id, answer in answers.items():
        row, money = rows[lead_id], answer["expected_money"]
        assert (row.probability, row.low, row.high, row.tier.value) == tuple(
            answer[key] for key in ("probability", "low", "high", "tier")
        )
        assert (row.expected_minor, row.currency) == tuple(money.values())
        assert row.reason == answer["reasons_for"][0]["texts"]
        for shown in (listed, alone[lead_id]):
            for key in ("probability", "low", "high"):
                assert EN.chance(answer[key]) in shown
            assert EN.money(money["amount_minor"], "RUB") in shown
        for days, chance in answer["curve"].items():
            within = EN.say("lead.by", days=EN.many("days", int(days)))
            assert f"{within}: {EN.chance(chance)}" in alone[lead_id]
        assert EN.many("days", round(answer["expected_days"])) in alone[lead_id]


def test_funnel_shows_the_facts(client: TestClient, sight: Sight) -> None:
    """Each stage of each pipeline stands on the page with its counts and rates."""
    facts = sight.stages()
    assert facts is not None
    text = html.unescape(client.get("/funnel?lang=en").text)

    names = {stage.stage for stage in facts.stages}
    assert names == {"new", "qualified", "trial", "offer"}
    for stage in facts.stages:
        assert f"{stage.stage}: {EN.count(stage.entered)}" in text
        for rate in (stage.soon, stage.finally_):
            if rate and stage.state == "open":
                assert EN.span(rate.low, rate.high) in text
    assert sum(stage.here for stage in facts.stages) + facts.unstaged == len(
        list(sight.every(Wanted()))
    )


def test_filters_go_along_with_every_link(client: TestClient) -> None:
    """What was chosen stays chosen when one turns the page, a tier or a file."""
    document = page(client, "/?owner=m1&source=ads&closed=yes&lang=ru")

    kept = [link for link in document.links if "owner=" in link]
    files = [link for link in kept if link.startswith("/leads.")]
    assert len(files) == 2
    assert all("source=ads" in link and "closed=yes" in link for link in kept)
    assert any("tier=hot" in link for link in kept)


def test_hot_leads_left_alone_stand_with_their_manager(
    client: TestClient, sight: Sight
) -> None:
    """The page of managers counts today's open hot leads, and those left alone."""
    waiting = sight.waiting()
    hot = [row for row in sight.every(Wanted()) if row.tier is Tier.HOT]

    assert hot
    assert sum(one.hot for one in waiting) == len(hot)
    assert sum(one.quiet for one in waiting) == sum(row.quiet for row in hot)
    assert "hot leads that wait" in client.get("/team?lang=en").text


def test_proof_begins_with_the_newest_month(client: TestClient) -> None:
    """Both pages of proof say at once what came of the hot leads of that month."""
    said = "September\xa02026: of the leads called hot 49% were said to convert"

    for path in ("/model?lang=en", "/model/backtest?lang=en"):
        assert said in client.get(path).text
