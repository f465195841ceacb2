"""The digest goes out encrypted and signed for; what is wrong with that is told."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from tests.pipelines.test_mailing import DAY, LETTER, NOW, Sender, mail_to
from tests.serve.service import free_port

from leads.journal import Journal
from leads.runs import Runs
from leads.settings import DailyMail
from pipelines.daily import NOT_SENT
from pipelines.mailing import Refused, send

USER: Final = "digest"
PASSWORD: Final = "correct horse battery"


class Box:
    """Keeps who sent each letter, and whether the line was encrypted."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, bool]] = []
        self.asked: list[str] = []

    async def handle_DATA(  # noqa: N802 - the library's name
        self, server: Any, session: Any, _envelope: Any
    ) -> str:
        """Take a letter."""
        is_secret = server.transport.get_extra_info("ssl_object") is not None
        self.letters.append((session.auth_data.decode(), is_secret))
        return "250 OK"

    def check(
        self, _server: Any, _session: Any, _envelope: Any, _how: str, told: Any
    ) -> AuthResult:
        """Let one user in."""
        assert isinstance(told, LoginPassword)
        self.asked.append(told.password.decode())
        if (told.login.decode(), told.password.decode()) == (USER, PASSWORD):
            return AuthResult(success=True, auth_data=told.login)
        return AuthResult(success=False, handled=False)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate for this machine that signs itself; key and all in a file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    began = datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(began)
        .not_valid_after(began + timedelta(days=30))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(made.public_bytes(Encoding.PEM) + secret)
    return path


@contextmanager
def server(box: Box, certificate: Path, how: str) -> Iterator[int]:
    """Run a mail server that wants a login, unless it cannot encrypt."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    login = {"auth_required": True, "authenticator": box.check}
    options: dict[str, Any] = {
        "none": {},
        "tls": {"ssl_context": context, "auth_require_tls": False, **login},
        "starttls": {"tls_context": context, "require_starttls": True, **login},
    }[how]
    running = Controller(box, hostname="127.0.0.1", port=free_port(), **options)
    running.start()
    try:
        yield running.port
    finally:
        running.stop()


@pytest.fixture
def signed(monkeypatch: pytest.MonkeyPatch, certificate: Path) -> None:
    """Trust that certificate, and know user and password."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("MAIL_USER", USER)
    monkeypatch.setenv("LEADCAST_MAIL_PASSWORD", PASSWORD)


def mail_by(port: int, how: str) -> DailyMail:
    """Address two people by a server that wants a login."""
    return mail_to(port, tls=how, user_env="MAIL_USER")


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # it does not see such TLS
@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize("how", ["starttls", "tls"])
def test_a_letter_goes_out_encrypted_and_signed_for(
    certificate: Path, how: str
) -> None:
    """Whichever way the line is encrypted, before the password is said."""
    box = Box()

    with server(box, certificate, how) as port:
        said = send(LETTER, mail_by(port, how), day=DAY, now=NOW)

    assert said == "sent to 2"
    assert box.letters == [(USER, True)]


@pytest.mark.usefixtures("signed")
def test_a_wrong_password_is_told_loudly_and_ends_no_run(
    certificate: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The step is done and says what to mend; the password itself is said nowhere."""
    box = Box()
    monkeypatch.setenv("LEADCAST_MAIL_PASSWORD", "wrong horse")
    journal = Journal(f"sqlite:///{tmp_path / 'j.db'}")
    journal.upgrade()

    with server(box, certificate, "starttls") as port:
        sender = Sender(Runs(journal), mail_by(port, "starttls"))
        said = sender.go()
    journal.close()

    told = capfd.readouterr()
    assert said.startswith(NOT_SENT)
    assert "SMTPAuthenticationError 535" in said
    assert "LEADCAST_MAIL_PASSWORD" in said
    assert "mail_not_sent" in told.out + told.err
    assert "horse" not in said + told.out + told.err
    assert dict(sender.run.done) == {}
    assert (box.letters, set(box.asked)) == ([], {"wrong horse"})


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize(
    ("there", "ours", "why"),
    [
        ("starttls", "starttls", r"(?s)SSLCertVerificationError.*certificate"),
        ("none", "starttls", r"(?s)NotSupportedError.*tls and port"),
        ("none", "tls", "SSLError"),
    ],
)
def test_who_cannot_prove_who_it_is_gets_no_password(
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    there: str,
    ours: str,
    why: str,
) -> None:
    """A certificate that nobody knows, and a server that does not encrypt."""
    monkeypatch.delenv("SSL_CERT_FILE")
    box = Box()

    with server(box, certificate, there) as port, pytest.raises(Refused, match=why):
        send(LETTER, mail_by(port, ours), day=DAY, now=NOW)

    assert (box.letters, box.asked) == ([], [])
