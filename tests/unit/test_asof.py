from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsqa.asof import Period, period, periods

TODAY = date(2025, 6, 18)  # a Wednesday
DAYS = st.dates(date(1950, 1, 1), date(2100, 12, 31))
NAMES = [date(2000, month, 1).strftime("%B") for month in range(1, 13)]


def days(first: str, last: str | None = None) -> Period:
    return Period(date.fromisoformat(first), date.fromisoformat(last or first))


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Who won the regatta on 5 May 2024?", days("2024-05-05")),
        ("Who won the regatta on the 5th of May, 2024?", days("2024-05-05")),
        ("Who won on May 5th, 2024?", days("2024-05-05")),
        ("Who won on 2024-05-05?", days("2024-05-05")),
        ("Who signed it on July 4, 1776?", days("1776-07-04")),
        ("Who won on 5 May?", days("2025-05-05")),
        ("Who won on 5 August?", days("2024-08-05")),
        ("Who won on 29 February 2024?", days("2024-02-29")),
        ("Who won on 31 February 2024?", days("2024-02-01", "2024-02-29")),
        ("What fell in March 2024?", days("2024-03-01", "2024-03-31")),
        ("What fell in December 2023?", days("2023-12-01", "2023-12-31")),
        ("What fell in March?", days("2025-03-01", "2025-03-31")),
        ("What fell last August?", days("2024-08-01", "2024-08-31")),
        ("What fell last June?", days("2024-06-01", "2024-06-30")),
        ("What fell in June?", days("2025-06-01", "2025-06-18")),
        ("Who won the 2024 election?", days("2024-01-01", "2024-12-31")),
        ("What has changed since 2023?", days("2023-01-01", "2025-06-18")),
        ("Who will host the games of 2032?", days("2025-06-18")),
        ("What was said today?", days("2025-06-18")),
        ("What was said yesterday?", days("2025-06-17")),
        ("What was said this week?", days("2025-06-12", "2025-06-18")),
        ("What was said last week?", days("2025-06-09", "2025-06-15")),
        ("Who won at the weekend, last weekend?", days("2025-06-14", "2025-06-15")),
        ("What was said this month?", days("2025-06-01", "2025-06-18")),
        ("What was said last month?", days("2025-05-01", "2025-05-31")),
        ("What was said this year?", days("2025-01-01", "2025-06-18")),
        ("What was said last year?", days("2024-01-01", "2024-12-31")),
        ("Who is to speak next week?", days("2025-06-18")),
        ("Who spoke on Monday?", days("2025-06-16")),
        ("Who spoke last Wednesday?", days("2025-06-11")),
        ("Who spoke three weeks ago?", days("2025-05-25", "2025-05-31")),
        ("Who spoke 2 days ago?", days("2025-06-16")),
        ("Who spoke a year ago?", days("2024-01-01", "2024-12-31")),
        ("Who spoke two months ago?", days("2025-04-01", "2025-04-30")),
        ("Who resigned in the past two weeks?", days("2025-06-04", "2025-06-18")),
        ("Who resigned recently?", days("2025-05-19", "2025-06-18")),
        ("Which of the 2024 winners resigned this week?", days("2025-06-12", "2025-06-18")),
    ],
)
def test_what_a_question_says_of_when(question: str, expected: Period) -> None:
    assert period(question, TODAY) == expected


@pytest.mark.parametrize(
    "question",
    [
        "Who chairs the union?",
        "Who may march beside Theresa May?",
        "Did 2024.5 crowns suffice, or 12024, or 20240?",
        "Who ruled before 1990?",
        "Who won on 31 February?",
        "How many of the 1990s films are there?",
        "What is the next step?",
        "Who spoke 99 years ago, or 9999-99-99?",
    ],
)
def test_what_names_no_period(question: str) -> None:
    assert period(question, date(90, 1, 1)) is None


@given(DAYS, st.sampled_from(["this week", "last month", "yesterday", "in March", "last Friday", "two years ago"]))
def test_a_period_follows_the_day_on_which_it_is_asked_about(today: date, words: str) -> None:
    found = period(f"Who resigned {words}?", today)
    assert found is not None
    assert found.first <= found.last <= today
    assert found.days_from(today) <= 3 * 366


@given(DAYS, DAYS)
def test_a_full_date_is_read_whole_until_today(day: date, today: date) -> None:
    for written in (f"{day.day} {NAMES[day.month - 1]} {day.year}", f"{day}"):
        assert period(f"What happened on {written}?", today) == Period(min(day, today), min(day, today))


@given(st.text(max_size=200), DAYS)
def test_any_text_names_a_period_of_the_past_or_none(text: str, today: date) -> None:
    found = period(text, today)
    assert found is None or found.first <= found.last <= today


@given(DAYS, DAYS, DAYS)
def test_days_from_a_period(one: date, other: date, day: date) -> None:
    asked = Period(min(one, other), max(one, other))
    inside = min(max(day, asked.first), asked.last)
    assert asked.days_from(day) == abs((day - inside).days)


def test_a_day_given_counts_beside_what_the_words_name() -> None:
    given_day = date(2024, 2, 1)
    week = Period(given_day - timedelta(days=6), given_day)
    assert periods("Who won?", None, TODAY) == ()
    assert periods("Who won this week?", None, TODAY) == (days("2025-06-12", "2025-06-18"),)
    assert periods("Who won?", given_day, TODAY) == (Period(given_day, given_day),)
    assert periods("Who won this week?", given_day, TODAY) == (week, Period(given_day, given_day))
