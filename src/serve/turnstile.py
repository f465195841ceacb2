"""One at a time through the event loop, so that it looks up in between.

The loop takes in one new connection in each of its rounds. Where every waiting request
is worked off in one round, newcomers wait at the door for seconds while those inside
are answered again and again.
"""

from __future__ import annotations

import asyncio
from collections import deque


class Turnstile:
    """Lets one task pass in each round of its event loop, first come, first served."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_taken = False

    async def pass_through(self) -> None:
        """Return when it is the caller's turn; at once if nobody passed this round."""
        loop = asyncio.get_running_loop()
        if not self._is_taken:
            self._is_taken = True
            loop.call_soon(self._turn)
            return
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        await turn

    def _turn(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # who left the queue does not hold it up
                turn.set_result(None)
                turn.get_loop().call_soon(self._turn)
                return
        self._is_taken = False
