"""Near copies by value: shingles, signatures, keys."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from newsqa.dedupe import BANDS, NEAR, bands, jaccard, signature

STORY = (
    "The harbour board of Veltmark voted on Tuesday to close the old ferry pier, three years after the storm. "
    "Ines Harrow, who has run the ticket office since 1998, will move her desk to the new terminal. "
    "Fares rise by 40 cents in spring, and the board will publish its survey next month."
)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("one two three four five", "ONE, two — three: four five!", 1.0),
        ("one two three four five six", "one two three four five seven", 1 / 3),
        ("one two three four five six", "zero one two three four five", 1 / 3),
        ("one two three", "one two", 2 / 3),
        ("one two", "two one", 1.0),
        ("one two three four five", "one two three four", 0.0),
        ("a b c d e a b c d e", "a b c d e a b c d e a b c d e", 1.0),
        ("snake_case", "snake case", 1.0),
        ("", "…", 1.0),
        ("", "one", 0.0),
        ("港口委员会周二投票", "港口委员会周三投票", 2 / 8),
        ("港口委员会周二决定关闭码头", "港口委员会周二决定关闭渡口", 7 / 11),
    ],
)
def test_jaccard(a: str, b: str, expected: float) -> None:
    assert jaccard(a, b) == pytest.approx(expected)
    assert jaccard(b, a) == jaccard(a, b)


def test_signature_shape_and_values_are_fixed() -> None:
    """An index keeps keys on disk, so they may not move between machines or releases."""
    minima = signature(STORY)
    assert (minima.shape, minima.dtype) == ((128,), np.uint32)
    assert minima[:4].tolist() == [128985208, 61398831, 289717277, 33892051]
    assert bands(minima)[:2] == [-4380458696073823214, -2722779707520823631]


def test_signature_does_not_depend_on_the_process() -> None:
    code = f"from newsqa.dedupe import *; print(bands(signature({STORY!r})))"
    source = str(Path(__file__).parents[2] / "src")
    for seed in ("0", "1"):
        environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": source}
        out = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert out.stdout.strip() == str(bands(signature(STORY)))


def test_case_and_punctuation_do_not_count() -> None:
    assert np.array_equal(signature(STORY), signature(STORY.upper().replace(",", " --")))


def test_bands_fit_sqlite_and_differ_from_each_other() -> None:
    keys = bands(signature(STORY))
    assert len(keys) == len(set(keys)) == BANDS
    assert all(-(2**63) <= key < 2**63 for key in keys)
    assert min(keys) < 0 < max(keys)


def test_same_minima_in_two_bands_have_different_keys() -> None:
    assert len(set(bands(np.full(128, 7, dtype=np.uint32)))) == BANDS


def test_texts_without_words_are_nobodys_copy() -> None:
    assert np.array_equal(signature(""), signature("… — !"))
    assert bands(signature("")) == []


def test_short_texts_count_words() -> None:
    assert set(bands(signature("ferry pier closes"))) == set(bands(signature("Closes: ferry pier")))
    assert not set(bands(signature("ferry pier closes"))) & set(bands(signature("sea wall raised")))


def test_estimate_comes_near_the_exact_value() -> None:
    words = [f"w{i}" for i in range(400)]
    a, b = " ".join(words), " ".join([*words[:300], *(f"v{i}" for i in range(100))])
    estimate = float(np.mean(signature(a) == signature(b)))
    assert jaccard(a, b) == pytest.approx(296 / 496)
    assert estimate == pytest.approx(jaccard(a, b), abs=0.13)  # three standard errors of 128 permutations


def test_a_long_text_is_sketched_in_blocks() -> None:
    long = " ".join(f"w{i}" for i in range(30_000))
    first = " ".join(f"w{i}" for i in range(15_000))
    second = " ".join(f"w{i}" for i in range(15_000 - 4, 30_000))
    assert np.array_equal(signature(long), np.minimum(signature(first), signature(second)))


def test_wire_copy_with_another_byline_is_near_and_a_follow_up_is_not() -> None:
    body = " ".join(f"{STORY} Part {i} of the report names pier {i * 7}." for i in range(4))
    copy = f"By Ada Quill, Courier staff. {body}"
    follow_up = f"{STORY} On Friday the council of Sund went to court over the vote, and asked for a boat of its own."
    assert NEAR <= jaccard(body, copy) < 1
    assert set(bands(signature(body))) & set(bands(signature(copy)))
    assert jaccard(body, follow_up) < NEAR
