"""Waiting in turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from newsqa.errors import BusyError

PLACES = 4
"""Questions answered at a time; more of them wait in line."""
WAITING = 64
"""How many may wait; more are refused."""


class Line:
    """People who want one of some places: first come, first served, and not more than may wait.

    It belongs to one event loop.
    """

    def __init__(self, places: int = PLACES, longest: int = WAITING) -> None:
        self.places = places
        self.longest = longest
        self._tickets: list[object] = []
        self._moved = asyncio.Event()

    @property
    def served(self) -> int:
        """How many have a place."""
        return min(len(self._tickets), self.places)

    @property
    def waiting(self) -> int:
        """How many have none yet."""
        return len(self._tickets) - self.served

    def check(self) -> None:
        """Raise BusyError when nobody else may join."""
        if len(self._tickets) >= self.places + self.longest:
            raise BusyError(f"{self.waiting} questions wait already, which is the limit. Ask again in a moment.")

    def join(self) -> object:
        """Return a ticket, which `leave` takes back; raises BusyError."""
        self.check()
        ticket = object()
        self._tickets.append(ticket)
        return ticket

    def leave(self, ticket: object) -> None:
        """Free a ticket's place, or give up waiting for one."""
        self._tickets.remove(ticket)
        self._moved.set()
        self._moved = asyncio.Event()

    async def positions(self, ticket: object) -> AsyncIterator[int]:
        """Yield a ticket's position, 1 for the next, whenever it changes; end when it has a place."""
        last = 0
        while (position := self._tickets.index(ticket) + 1 - self.places) > 0:
            moved = self._moved  # before the caller is given a chance to miss it
            if position != last:
                yield position
            last = position
            await moved.wait()


def ordinal(number: int) -> str:
    """Write ``1st``, ``2nd``, ``3rd``, ``11th``."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
