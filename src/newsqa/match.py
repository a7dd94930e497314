"""When two answers say the same, how near one comes to a right one, and which sentences it stands in.

Its measures are those of SQuAD's official evaluation (Rajpurkar et al. 2016).
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterable

PUNCTUATION = re.compile(f"[{re.escape(string.punctuation)}“”‘’«»…]")
"""SQuAD's, and the quotation marks that newspapers print."""


def normalised(text: str) -> str:
    """Lower case, without punctuation, articles and superfluous space."""
    bare = PUNCTUATION.sub("", text.lower())
    return " ".join(word for word in bare.split() if word not in {"a", "an", "the"})


def exact(answer: str, gold: Iterable[str]) -> bool:
    """Tell whether an answer equals one of the right ones."""
    words = normalised(answer)
    return bool(words) and words in {normalised(one) for one in gold}


def f1(answer: str, gold: Iterable[str]) -> float:
    """Harmonic mean of precision and recall over words, with the nearest of the right answers; in [0, 1]."""
    return max((_f1(normalised(answer).split(), normalised(one).split()) for one in gold), default=0.0)


def contained(answer: str, gold: Iterable[str]) -> bool:
    """Tell whether an answer holds one of the right ones, word for word."""
    words = f" {normalised(answer)} "
    return any(bare and f" {bare} " in words for bare in map(normalised, gold))


def _f1(answer: list[str], gold: list[str]) -> float:
    common = sum((Counter(answer) & Counter(gold)).values())
    if not common:
        return 0.0
    return 2 * common / (len(answer) + len(gold))


def widened(start: int, end: int, bounds: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Widen ``[start, end)`` to those of ``bounds``, such as a text's sentences, that it touches."""
    touched = [(s, e) for s, e in bounds if s < end and start < e]
    return min([start, *(s for s, _ in touched)]), max([end, *(e for _, e in touched)])
