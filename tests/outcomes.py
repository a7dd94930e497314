"""Outcomes of questions, written by hand: right, wrong, withheld, without an answer, and asked again."""

from __future__ import annotations

from dataclasses import replace

from newsqa.evaluate.outcomes import Evaluation, Outcome, Way

BASE = Outcome(
    id="1",
    question="Who?",
    kind="who",
    gold=("Ada Brandt",),
    answerable=True,
    again=False,
    answer="Ada Brandt",
    confidence=0.9,
    answered=True,
    exact=True,
    f1=1.0,
    contained=True,
    right=True,
    rank=1,
    read=True,
    citations=2,
    unverified=0,
    title="Bridge",
    quote="Ada Brandt cut the ribbon.",
    seconds={"read": 0.2, "cite": 0.1},
)
WRONG = replace(
    BASE, id="2", answer="Lund", confidence=0.7, exact=False, f1=0.0, contained=False, right=False, rank=0, read=False
)
WITHHELD = replace(BASE, id="3", kind="when", confidence=0.2, answered=False, exact=False, f1=0.5, rank=7)
NONE = replace(WRONG, id="4", gold=(), answerable=False, answered=False, confidence=0.1, rank=None, read=None)
AGAIN = replace(WRONG, id="1", answerable=False, again=True, confidence=0.3, answered=False, rank=None, read=None)
ALL = (BASE, WRONG, WITHHELD, NONE, AGAIN)
WHOLE = Evaluation("questions.jsonl", "abc", Way(), 0.5, {"why": 2}, ALL)
