"""Dates as people and machines write them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from newsqa.dates import dateline, read_date


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2016-12-28", "2016-12-28"),
        ("2022/10/05", "2022-10-05"),
        ("20161228", "2016-12-28"),
        ("2016-12-28T10:25:00Z", "2016-12-28T10:25:00+00:00"),
        ("2016-12-28T10:25:00+03:00", "2016-12-28T10:25:00+03:00"),
        ("2016-12-28 10:25", "2016-12-28"),
        ("Wed, 28 Dec 2016 10:25:00 GMT", "2016-12-28T10:25:00+00:00"),
        ("Wed, 28 Dec 2016 10:25:00 -0500", "2016-12-28T10:25:00-05:00"),
        ("Wednesday 28 December 2016", "2016-12-28"),
        ("Dec. 28th, 2016 at 3:14 p.m. ET", "2016-12-28"),
        ("28 December 2016 10:25 +0300", "2016-12-28T10:25:00+03:00"),
        ("28.12.2016", "2016-12-28"),
        ("3.4.2016", "2016-04-03"),
        ("28/12/2016", "2016-12-28"),
        ("12/28/2016 10:25", "2016-12-28"),
        ("05/05/2016", "2016-05-05"),
        ("Mittwoch, 28. Dezember 2016", "2016-12-28"),
        ("28 décembre 2016", "2016-12-28"),
        ("2016年12月28日", "2016-12-28"),
        ("  28\tDecember 2016 ", "2016-12-28"),
    ],
)
def test_read_date(value: str, expected: str) -> None:
    assert read_date(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        "soon",
        "yesterday",
        "2016",
        "2016-12",
        "2016-W52",
        "December 2016",
        "28 December",
        "03/04/2016",
        "1 2 2003",
        "2016-02-30",
        "31 February 2016",
        "0001-01-01",
        "1482920000",
        "3016-01-01",
        "9" * 400,
        "28 December 2016 and the harbour board of Veltmark voted on that day to close the old ferry pier",
    ],
)
def test_unclear_dates_are_none(value: str) -> None:
    assert read_date(value) is None


def test_only_the_near_future_is_believed() -> None:
    today = date.today()
    assert read_date((today + timedelta(days=7)).isoformat()) == (today + timedelta(days=7)).isoformat()
    assert read_date((today + timedelta(days=40)).isoformat()) is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Wednesday 28 December 2016", "2016-12-28"),
        ("Published: 28 December 2016", "2016-12-28"),
        ("First published on Dec. 28, 2016.", "2016-12-28"),
        ("Updated Jan. 5, 2022, 3:14 p.m. ET", "2022-01-05"),
        ("Dec. 28, 2016 Updated Jan. 5, 2022, 3:14 p.m. ET", "2016-12-28"),
        ("2016-12-28 10:25", "2016-12-28"),
        ("28 December 2016: the pier closes", None),
        ("2016-12-28 the pier closes", None),
        ("The 28 December 2016 storm", None),
        ("Room 28, 2016 visitors", None),
        ("28 December", None),
        ("Pier closes", None),
    ],
)
def test_dateline_is_a_date_and_nothing_else(line: str, expected: str | None) -> None:
    assert dateline(line) == expected
