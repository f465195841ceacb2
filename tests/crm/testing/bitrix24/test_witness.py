"""The official client as a witness: it takes our double for a portal.

``b24pysdk`` speaks HTTPS only, so the double gets a certificate of its own making,
good for this test and this address.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from b24pysdk import BitrixWebhook
from b24pysdk.errors import (
    BitrixAPIBadRequest,
    BitrixAPIError,
    BitrixAPINotFound,
    BitrixAPIQueryLimitExceeded,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.crm.testing.bitrix24.portals import portal_of

from crm.testing.bitrix24 import Portal, application
from crm.testing.bitrix24.account import SELF_HOSTED
from crm.testing.bitrix24.refusals import QUERY_LIMIT
from crm.testing.faults import Always, NoFaults
from crm.testing.serving import LOOPBACK, running

LEADS = 120


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for the loopback address and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, LOOPBACK)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address(LOOPBACK))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    pem = serialization.Encoding.PEM
    paths[0].write_bytes(made.public_bytes(pem))
    paths[1].write_bytes(
        key.private_bytes(
            pem,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Portal, BitrixWebhook]]:
    """Serve a portal of 120 leads over HTTPS and point the client at it."""
    cert, key = certificate(tmp_path_factory.mktemp("tls"))
    portal = portal_of(SELF_HOSTED, leads=LEADS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", str(cert))
        with running(
            application(portal), ssl_certfile=str(cert), ssl_keyfile=str(key)
        ) as address:
            domain = address.removeprefix("https://")
            yield portal, BitrixWebhook(domain=domain, webhook_token="1/s3cret")


Served = tuple[Portal, BitrixWebhook]


def test_the_client_lists_all_leads_page_by_page(served: Served) -> None:
    """Its own paging ends with every lead once, classic and universal."""
    _, webhook = served

    old = webhook.call_list("crm.lead.list", {"select": ["ID"]})["result"]
    new = webhook.call_list("crm.item.list", {"entityTypeId": 1})["result"]

    rows = new["items"] if isinstance(new, dict) else new
    assert sorted(int(row["ID"]) for row in old) == list(range(1, LEADS + 1))
    assert sorted(int(row["id"]) for row in rows) == list(range(1, LEADS + 1))


def test_the_client_lists_all_leads_by_its_cursor(served: Served) -> None:
    """Its fast list goes by ids inside batches, with ``start: -1``."""
    _, webhook = served

    rows = webhook.call_list_fast("crm.lead.list", {"select": ["ID"]})["result"]

    assert [int(row["ID"]) for row in rows] == list(range(1, LEADS + 1))


def test_the_client_adds_updates_and_reads_back(served: Served) -> None:
    """What it wrote is in the ledger once, and reads back."""
    portal, webhook = served
    fields = {"fields": {"TITLE": "From the client"}}
    number = webhook.call_method("crm.deal.add", fields)["result"]

    told = webhook.call_method(
        "crm.item.update",
        {"entityTypeId": 2, "id": number, "fields": {"stageId": "EXECUTING"}},
    )["result"]["item"]

    assert (told["title"], told["stageId"]) == ("From the client", "EXECUTING")
    actions = [write.action for write in portal.ledger.of("deal", number)]
    assert actions == ["add", "update"]


def test_the_client_reads_a_batch_with_errors_in_it(served: Served) -> None:
    """Results and errors of one batch are told apart."""
    _, webhook = served

    answer = webhook.call_batch(
        {
            "good": ("crm.item.get", {"entityTypeId": 1, "id": 1}),
            "bad": ("crm.item.get", {"entityTypeId": 1, "id": 99_999}),
        }
    )["result"]

    assert answer["result"]["good"]["item"]["id"] == 1
    assert answer["result_error"]["bad"]["error"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("method", "params", "refusal"),
    [
        ("crm.nothing", {}, BitrixAPINotFound),
        ("crm.lead.get", {"ID": 99_999}, BitrixAPIBadRequest),
        ("crm.item.get", {"entityTypeId": 1, "id": 99_999}, BitrixAPINotFound),
        (
            "crm.item.list",
            {"entityTypeId": 1, "filter": {"no": 1}},
            BitrixAPIBadRequest,
        ),
    ],
)
def test_the_client_knows_our_errors_for_bitrix24s(
    served: Served, method: str, params: dict[str, object], refusal: type[Exception]
) -> None:
    """Each error body becomes the class that the client keeps for it."""
    _, webhook = served

    with pytest.raises(refusal):
        webhook.call_method(method, params)


def test_the_client_knows_the_full_bucket(served: Served) -> None:
    """The 503 of the bucket is its own error, after all of its retries."""
    portal, webhook = served
    portal.plan = Always(QUERY_LIMIT)
    try:
        with pytest.raises(BitrixAPIError) as caught:
            webhook.call_method("profile", max_retries=1)
    finally:
        portal.plan = NoFaults()

    assert isinstance(caught.value, BitrixAPIQueryLimitExceeded)
