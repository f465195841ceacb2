"""A request's body read whole, if it is small and comes in time.

For the doors of a CRM, which stand in front of the guard: they take forms and have no
key of ours, so nothing may be read of them without an end.
"""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.types import Receive

from leads.errors import TooLarge
from serve.problems import Refusal

SECONDS: Final = 10.0


async def read_body(receive: Receive, *, most: int, seconds: float = SECONDS) -> bytes:
    """Read a body.

    Parameters
    ----------
    most
        Bytes that it may have; not one more is kept than came with the last part.
    seconds
        How long it may take.

    Raises
    ------
    TooLarge
        It is longer.
    Refusal
        It broke off, or took longer.
    """
    try:
        async with asyncio.timeout(seconds):
            return await _whole(receive, most)
    except TimeoutError as error:
        raise Refusal(
            408, "The body did not arrive in time.", remedy="Send it faster."
        ) from error


async def _whole(receive: Receive, most: int) -> bytes:
    read = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, "The body broke off.", remedy="Send all of it.")
        read += message.get("body", b"")
        if len(read) > most:
            raise TooLarge(
                f"The body is over the limit of {most:,} bytes.",
                remedy="Send only what the CRM sends.",
            )
        if not message.get("more_body"):
            return bytes(read)
