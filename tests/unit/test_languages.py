from __future__ import annotations

import pytest

from newsqa.languages import code


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("en", "en"),
        (" EN_us ", "en"),
        ("zh-Hant-TW", "zh"),
        ("eng", "en"),
        ("deu", "de"),
        ("ger", "de"),
        ("iw", "he"),
        ("German", "de"),
        ("norwegian bokmål", "nb"),
        ("tl", "tl"),
        ("xx", None),
        ("und", None),
        ("grc", None),
        ("", None),
    ],
)
def test_what_names_a_language_becomes_its_code(name: str, expected: str | None) -> None:
    assert code(name) == expected
