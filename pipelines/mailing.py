"""An e-mail goes out: what surely failed is told apart from what nobody can know.

A server answers for a letter when it has taken the last line of it. A failure before
that moment is a failure and may be repeated; a line that breaks just there leaves open
whether it was taken, and then it is not sent again: better none than two.
"""

from __future__ import annotations

import os
import smtplib
import ssl
from contextlib import suppress
from datetime import date, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

from leads.errors import BadConfig, Unavailable
from leads.settings import DailyMail
from pipelines.console import log
from serve.pages.letter import Letter

SECONDS: Final = 30.0
"""How long the server may be silent."""

FOR_GOOD: Final = 500
"""The least code of an answer that stays the same however often one asks."""


class NotSent(Unavailable):
    """The server surely did not take the letter; it may be sent again."""


class Refused(NotSent):
    """It will not take it until a person has mended something: do not ask again.

    A wrong password that is tried every few minutes locks the account.
    """


def send(letter: Letter, mail: DailyMail, *, day: date, now: datetime) -> str:
    """Send a date's letter; says to how many it went.

    Raises
    ------
    Refused
        Nobody got it, and nobody will.
    NotSent
        Nobody got it now.
    BadConfig
        The password is not in the environment.
    """
    message = _message(letter, mail, day=day, now=now)
    user, password = _secrets(mail)
    try:
        line = _line(mail)
    except (OSError, smtplib.SMTPException) as error:
        raise _not_sent(mail, error) from error
    try:
        return _spoken(line, message, mail, (user, password))
    finally:
        with suppress(OSError, smtplib.SMTPException):
            line.quit()
        line.close()


def _spoken(
    line: smtplib.SMTP, message: EmailMessage, mail: DailyMail, who: tuple[str, str]
) -> str:
    try:
        refused = _introduced(line, mail, who)
    except (OSError, smtplib.SMTPException) as error:
        raise _not_sent(mail, error) from error
    try:
        code, said = line.data(message.as_bytes())
    except smtplib.SMTPDataError as error:
        raise _not_sent(mail, error) from error
    except (OSError, smtplib.SMTPException) as error:
        log.error("mail_unclear", why=type(error).__name__)
        return "perhaps sent: the server fell silent at its end; not sent again"
    if code != 250:
        raise _not_sent(mail, smtplib.SMTPDataError(code, said))
    sent = len(mail.to) - refused
    if refused:
        log.error("mail_refused", recipients=refused)
    return f"sent to {sent} of {len(mail.to)}" if refused else f"sent to {sent}"


def _introduced(line: smtplib.SMTP, mail: DailyMail, who: tuple[str, str]) -> int:
    """Say who writes to whom; gives how many recipients the server refuses."""
    if mail.tls == "starttls":
        line.starttls(context=ssl.create_default_context())
    if who[0]:
        line.login(*who)
    line.ehlo_or_helo_if_needed()
    code, said = line.mail(mail.sender)
    if code != 250:
        raise smtplib.SMTPSenderRefused(code, said, mail.sender)
    answers = {to: line.rcpt(to) for to in mail.to}
    refused = {to: said for to, said in answers.items() if said[0] not in {250, 251}}
    if len(refused) == len(mail.to):
        raise smtplib.SMTPRecipientsRefused(refused)
    return len(refused)


def _line(mail: DailyMail) -> smtplib.SMTP:
    if mail.tls == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(mail.host, mail.port, timeout=SECONDS, context=context)
    return smtplib.SMTP(mail.host, mail.port, timeout=SECONDS)


def _secrets(mail: DailyMail) -> tuple[str, str]:
    if mail.user_env is None:
        return "", ""
    found = [os.environ.get(name, "") for name in (mail.user_env, mail.password_env)]
    if not all(found):
        raise BadConfig(
            f"{mail.user_env} and {mail.password_env} are not both in the environment.",
            remedy="Set them for whoever starts daily, or leave user_env out.",
        )
    return found[0], found[1]


def _message(
    letter: Letter, mail: DailyMail, *, day: date, now: datetime
) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = letter.subject
    message["From"] = mail.sender
    message["To"] = ", ".join(mail.to)
    message["Date"] = format_datetime(now)
    # The same for a date, so that a mail program can see that two are one.
    domain = mail.sender.rpartition("@")[2]
    message["Message-ID"] = f"<leadcast-{day.isoformat()}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text, cte="base64")
    message.add_alternative(letter.html, subtype="html", cte="base64")
    return message


def _not_sent(mail: DailyMail, error: Exception) -> NotSent:
    """Say what failed, without what the server said: it may name people."""
    code = getattr(error, "smtp_code", None)
    why = type(error).__name__ + (f" {code}" if code else "")
    what = f"The digest was not mailed by {mail.host}:{mail.port}: {why}."
    if _is_final(error):
        return Refused(what, remedy=_mending(mail, error))
    remedy = "Mend [daily.mail] or the server; the run tries again by itself."
    return NotSent(what, remedy=remedy)


def _is_final(error: Exception) -> bool:
    """Say whether asking again cannot help (RFC 5321: codes from 500 are for good)."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= FOR_GOOD for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code >= FOR_GOOD
    return isinstance(error, (smtplib.SMTPNotSupportedError, ssl.SSLError))


def _mending(mail: DailyMail, error: Exception) -> str:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"Set the right {mail.user_env} and {mail.password_env}."
    if isinstance(error, ssl.SSLCertVerificationError):
        return "Its certificate is unknown here or another's: mend it, or host."
    if isinstance(error, (smtplib.SMTPNotSupportedError, ssl.SSLError)):
        return "It does not speak as [daily.mail] tls and port say: mend these."
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "It knows none of [daily.mail] to: mend the addresses."
    return "Mend [daily.mail] from, or ask whoever runs the server."
