from __future__ import annotations

import asyncio

import pytest

from newsqa.errors import BusyError
from newsqa.line import Line, ordinal


async def positions(line: Line, ticket: object, seen: list[int]) -> None:
    async for position in line.positions(ticket):
        seen.append(position)
    seen.append(0)


def test_first_come_first_served_and_each_is_told_where_they_stand() -> None:
    async def scenario() -> list[list[int]]:
        line = Line(places=2, longest=3)
        tickets = [line.join() for _ in range(5)]
        assert (line.served, line.waiting) == (2, 3)
        seen: list[list[int]] = [[] for _ in tickets]
        waiting = [asyncio.create_task(positions(line, t, s)) for t, s in zip(tickets, seen, strict=True)]
        await asyncio.sleep(0)
        line.leave(tickets[3])  # gives up
        await asyncio.sleep(0)
        for served in (tickets[1], tickets[0]):
            line.leave(served)
            await asyncio.sleep(0)
        await asyncio.gather(*waiting[:3], waiting[4])
        waiting[3].cancel()
        assert (line.served, line.waiting) == (2, 0)
        return seen

    first, second, third, _, fifth = asyncio.run(scenario())
    assert first == second == [0]
    assert third == [1, 0]
    assert fifth == [3, 2, 1, 0]


def test_no_more_may_wait_than_the_line_is_long() -> None:
    line = Line(places=1, longest=2)
    tickets = [line.join() for _ in range(3)]
    with pytest.raises(BusyError, match="2 questions wait already"):
        line.join()
    line.leave(tickets[0])
    line.join()


@pytest.mark.parametrize(
    ("number", "written"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (13, "13th"), (21, "21st")],
)
def test_ordinals(number: int, written: str) -> None:
    assert ordinal(number) == written
