"""Near copies: the same story under two urls, with a line or a byline changed.

Two texts are near copies when at least 85 in 100 of the distinct five-word
sequences found in either are found in both (Jaccard similarity of word
5-shingles, `NEAR`). Changing one word in the middle of a text changes five
shingles, so about one changed word in 60, or one added or missing paragraph in
six, is where "near" ends.

Candidates come from MinHash with banding (Broder 1997; Leskovec, Rajaraman,
Ullman, "Mining of Massive Datasets", ch. 3): `BANDS` keys of `ROWS` minima each,
a candidate shares one key at least. At similarity s that happens with
probability 1 - (1 - s^6)^21: .9983 at 0.8, .99999 at 0.9, .28 at 0.5, .015 at
0.3. `jaccard` then decides exactly.
"""

from __future__ import annotations

import re
from functools import cache
from hashlib import blake2b
from zlib import crc32

import numpy as np
from datasketch import MinHash
from numpy.typing import NDArray

NEAR = 0.85
"""Least `jaccard` of two near copies; below, stories made from one template differ in their facts."""
SHINGLE = 5
PERMUTATIONS = 128
BANDS, ROWS = 21, 6

Signature = NDArray[np.uint32]

_BLOCK = 8192
# A word is a run of letters and digits; scripts without spaces count each character.
_NO_SPACES = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_NO_SPACES}]|[^\W_{_NO_SPACES}]+")
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


def signature(text: str) -> Signature:
    """MinHash of the text's shingles: shape (128,), uint32, the same on every machine.

    A text without words gives the empty signature, which has no `bands`.
    """
    sketch = _empty().copy()
    hashes = _shingle_hashes(_words(text))
    for start in range(0, len(hashes), _BLOCK):
        sketch.update_batch(hashes[start : start + _BLOCK])
    minima: Signature = sketch.hashvalues
    return minima


def bands(signature: Signature) -> list[int]:
    """LSH keys, `BANDS` signed 64-bit ints, distinct between bands; none for an empty text."""
    if np.array_equal(signature, _empty().hashvalues):
        return []
    rows = np.ascontiguousarray(signature[: BANDS * ROWS], dtype="<u4").reshape(BANDS, ROWS)
    return [_key(number, row.tobytes()) for number, row in enumerate(rows)]


def jaccard(a: str, b: str) -> float:
    """Exact share of common shingles, in [0, 1]; 1 for two texts without words."""
    first, second = _shingles(_words(a)), _shingles(_words(b))
    union = len(first | second)
    return len(first & second) / union if union else 1.0


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _shingles(words: list[str]) -> set[tuple[str, ...]]:
    if len(words) < SHINGLE:
        return {(word,) for word in words}
    return set(zip(*(words[i:] for i in range(SHINGLE)), strict=False))


def _shingle_hashes(words: list[str]) -> NDArray[np.uint32]:
    """Hash shingles as polynomials over the words' CRCs modulo 2^64, upper half."""
    crcs = np.fromiter((crc32(word.encode()) for word in words), dtype=np.uint64, count=len(words))
    width = SHINGLE if len(words) >= SHINGLE else 1
    hashes = np.zeros(max(len(words) - width + 1, 0), dtype=np.uint64)
    for i in range(width):
        hashes = (hashes + crcs[i : i + len(hashes)] + np.uint64(1)) * _MULTIPLIER
    return np.unique((hashes >> np.uint64(32)).astype(np.uint32))


def _key(number: int, minima: bytes) -> int:
    digest = blake2b(minima, digest_size=8, salt=number.to_bytes(2, "little")).digest()
    return int.from_bytes(digest, "little", signed=True)


@cache
def _empty() -> MinHash:
    return MinHash(num_perm=PERMUTATIONS, seed=1, scheme="affine32", hashfunc=int)
