"""What the rules for follow-ups look at, and what they give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from newsqa.followup.mentions import Past, mentions
from newsqa.followup.phrases import phrases, words

ASKING = frozenset("who whom whose what which when where why how".split())  # noqa: SIM905
SAYING = frozenset("say says said think thinks claim claims claimed believe believes deny denies denied".split())  # noqa: SIM905
CLAUSES = ASKING | {"that", "whether", "if", "because", "after", "before", "while", "until", "since", ","}


@dataclass(frozen=True, slots=True)
class Borrowed:
    """Words that a rewritten question took from the conversation.

    ``turn`` counts the given turns from 0, ``part`` is question, answer or quote, and
    ``instead`` is what had been typed in their place, '' where they were added.
    """

    words: str
    turn: int
    part: str
    instead: str


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What a typed question asks.

    ``question`` stands by itself, and equals ``typed`` where nothing had to be borrowed.
    ``exclude`` holds the answers that were given already, for "Who else?".
    """

    question: str
    typed: str
    borrowed: tuple[Borrowed, ...] = ()
    exclude: tuple[str, ...] = ()

    @property
    def rewritten(self) -> bool:
        """Whether the question is another than was typed."""
        return self.question != self.typed


class Context:
    """What the rules look at: the typed words and the conversation."""

    def __init__(self, typed: str, body: str, bare: str, turns: Sequence[Past]) -> None:
        self.typed = typed
        self.body = body
        self.bare = bare
        self.led = body != typed.strip()
        self.words = words(body)
        self.phrases = phrases(body)
        self.turns = turns
        self.last = turns[-1]
        self.mentions = mentions(turns)

    def spliced(self, question: str) -> FollowUp:
        """The last question, changed."""
        base = Borrowed(self.last.question, len(self.turns) - 1, "question", self.typed.strip())
        return FollowUp(question, self.typed, (base,))
