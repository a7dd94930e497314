"""Properties of near-copy recognition on generated text."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from newsqa.dedupe import BANDS, NEAR, bands, jaccard, signature

TEXTS = st.text(max_size=200) | st.lists(st.sampled_from(["pier", "sund", "fare", "tide", "wall", "boat"])).map(
    " ".join
)


def generated(rng: random.Random, length: int) -> list[str]:
    """Words as skewed as those of a language, so that shingles share words."""
    return [f"w{int(rng.paretovariate(0.7)) % 5000}" for _ in range(length)]


def edited(rng: random.Random, words: list[str], changes: int) -> list[str]:
    """Replace, insert or delete ``changes`` words."""
    words = list(words)
    for _ in range(changes):
        at = rng.randrange(len(words))
        words[at : at + rng.randint(0, 1)] = [f"x{rng.randrange(10**6)}"] * rng.randint(0, 1)
    return words


@given(TEXTS, TEXTS)
def test_jaccard_is_a_symmetric_share(a: str, b: str) -> None:
    assert 0 <= jaccard(a, b) <= 1
    assert jaccard(a, b) == jaccard(b, a)


@given(TEXTS)
def test_identical_texts(text: str) -> None:
    assert jaccard(text, text) == 1
    assert np.array_equal(signature(text), signature(text))
    assert bands(signature(text)) == bands(signature(text))
    assert len(set(bands(signature(text)))) in (0, BANDS)


@given(TEXTS, TEXTS)
def test_equal_shingles_have_equal_bands(a: str, b: str) -> None:
    if jaccard(a, b) == 1:
        assert bands(signature(a)) == bands(signature(b))


@given(TEXTS)
def test_white_space_and_case_do_not_matter(text: str) -> None:
    other = "\n".join(text.lower().split(" "))
    assert jaccard(text, other) == 1
    assert np.array_equal(signature(text), signature(other))


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32), st.integers(20, 400))
def test_a_longer_new_ending_is_never_more_alike(seed: int, length: int) -> None:
    rng = random.Random(seed)
    words = generated(rng, length)
    ending = [f"x{i}" for i in range(length)]
    text = " ".join(words)
    alike = [jaccard(text, " ".join(words + ending[:n])) for n in range(0, length, 7)]
    assert alike[0] == 1
    assert alike == sorted(alike, reverse=True)


def test_bands_find_near_copies_and_little_else() -> None:
    """Recall above .99 where `jaccard` is NEAR and more; unrelated texts share no key."""
    rng = random.Random(20)
    near = found = strangers = 0
    for _ in range(600):
        words = generated(rng, rng.randint(60, 400))
        copy = edited(rng, words, rng.randint(0, len(words) // 40))
        a, b = " ".join(words), " ".join(copy)
        shared = set(bands(signature(a))) & set(bands(signature(b)))
        if jaccard(a, b) >= NEAR:
            near += 1
            found += bool(shared)
        stranger = " ".join(generated(rng, len(words)))
        strangers += bool(set(bands(signature(a))) & set(bands(signature(stranger))))
    assert near > 300
    assert found / near > 0.99
    assert strangers == 0
