"""SQuAD's measures, on answers whose scores are known."""

from __future__ import annotations

import pytest

from newsqa.match import contained, exact, f1, normalised


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The  Dock Strike!", "dock strike"),
        ("“a ‘quoted’ word”", "quoted word"),
        ("$1,200.50", "120050"),
        ("A", ""),
        ("Ålesund", "ålesund"),
    ],
)
def test_normalised(text: str, expected: str) -> None:
    assert normalised(text) == expected


@pytest.mark.parametrize(
    ("answer", "gold", "is_exact", "share", "holds"),
    [
        ("the dock strike", ["Dock strike."], True, 1.0, True),
        ("Mayor Ada Brandt", ["Ada Brandt", "Brandt"], False, 0.8, True),
        ("Brandt", ["Ada Brandt"], False, 2 / 3, False),
        ("Brandtson", ["Brandt"], False, 0.0, False),
        ("red red", ["red blue"], False, 0.5, False),
        ("the", ["a"], False, 0.0, False),
        ("", ["Brandt"], False, 0.0, False),
        ("Brandt", [], False, 0.0, False),
    ],
)
def test_measures(answer: str, gold: list[str], is_exact: bool, share: float, holds: bool) -> None:
    assert exact(answer, gold) is is_exact
    assert f1(answer, gold) == pytest.approx(share)
    assert contained(answer, gold) is holds
