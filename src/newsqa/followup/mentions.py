"""What a conversation spoke of, most telling first: what pronouns may stand for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from newsqa.followup.phrases import Phrase, phrases, words

REACH = 3
"""How many turns back a pronoun reaches."""
LONGEST = 12
"""Words of the longest phrase that takes a pronoun's place."""
SAYS = frozenset(
    """say said tell told promise promised call called think accuse deny answer explain ask asked suggest comment
    announce apologise apologize resign die born write wrote describe""".split()  # noqa: SIM905
)
"""Verbs of people, after whose subject "it" looks for something else."""
WOMAN = re.compile(r"\b(?:Ms|Mrs|Miss|Lady|Queen)\.? ?$")
MAN = re.compile(r"\b(?:Mr|Sir|King|Lord)\.? ?$")


@dataclass(frozen=True, slots=True)
class Past:
    """A turn of the conversation.

    ``question`` is the standalone one that was asked, ``answer`` the best answer's span or None where there was
    none, ``quote`` the whole sentences around it.
    """

    question: str
    answer: str | None = None
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Mention:
    """A phrase of the conversation; ``part`` is question, answer or quote of turn number ``turn``."""

    words: str
    kind: str
    head: str
    turn: int
    part: str
    named: bool
    several: bool
    preposition: str = ""
    male: bool | None = None
    """Whether a man is meant, where a title or a pronoun tells."""

    @property
    def person(self) -> bool:
        """Whether "he" or "she" may stand for it."""
        return self.kind == "person" or (self.kind == "name" and not self.words.lower().startswith("the "))

    @property
    def thing(self) -> bool:
        """Whether "it" may stand for it."""
        told = self.named or self.part == "answer" or " " in self.words  # not the board of "on board"
        return told and self.kind in {"thing", "organisation", "name", "place"}

    @property
    def definite(self) -> bool:
        """Whether it begins with "the"."""
        return self.words.lower().startswith("the ")

    @property
    def whereabouts(self) -> bool:
        """Whether it answers where something is, which the conversation is about rather than the place."""
        return self.kind == "place" and self.part == "answer"

    @property
    def referring(self) -> str:
        """Its words as they stand in another sentence: "a tank" is now "the tank"."""
        first, _, rest = self.words.partition(" ")
        lowered = first.lower() in {"a", "an"} or (first == "The" and self.kind != "thing")
        return f"the {rest}" if lowered else self.words

    @property
    def placed(self) -> str:
        """With its preposition: "near Saint Orre", "on 16 February"."""
        own = {"place": "in", "time": "on" if re.search(r"\d", self.words) else ""}
        return f"{self.preposition or own.get(self.kind, '')} {self.referring}".strip()


def mentions(turns: Sequence[Past]) -> list[Mention]:
    """Return what the last turns spoke of: the later before the earlier, an answer before its question.

    What only a quote holds comes last of its turn.
    """
    first = max(0, len(turns) - REACH)
    return [found for place in reversed(range(first, len(turns))) for found in _of(turns[place], place)]


def _of(turn: Past, place: int) -> Iterator[Mention]:
    told = " ".join([turn.question, turn.answer or "", turn.quote])
    answer = [m for m in _answered(turn, place)]
    asked = list(_asked(turn, place, answered=bool(answer)))
    quoted = [_mention(p, place, "quote") for p in phrases(turn.quote) if p.names]
    described = bool(asked) and asked[0].kind == "person" and _describes(turn.question)
    for mention in (*asked, *answer, *quoted) if described else (*answer, *asked, *quoted):
        if len(mention.words.split()) <= LONGEST:
            yield replace(mention, male=_male(mention, told)) if mention.person else mention


def _answered(turn: Past, place: int) -> Iterator[Mention]:
    """The answer, of the kind that was asked for."""
    if not turn.answer:
        return
    inside = phrases(turn.answer)
    asks = _asks(turn.question)
    for number, phrase in enumerate(inside):
        whole = not number and phrase.last - phrase.first == len(words(turn.answer))
        mention = _mention(phrase, place, "answer")
        if not whole and not (mention.preposition and not number):
            yield replace(mention, kind="part of an answer") if mention.kind != "place" else mention
        elif asks in {"place", "time"}:
            yield replace(mention, kind=asks)
        elif asks == "person" and mention.kind in {"name", "thing"}:
            yield replace(mention, kind="person")
        elif asks in {"thing", "organisation"} and mention.kind == "name":
            yield replace(mention, kind=asks)
        else:
            yield mention


def _asks(question: str) -> str:
    """The kind of answer that a question asks for, '' where its words don't tell."""
    found = words(question)
    first = next((word.lower for word in found[:3] if word.tag in {"PNQ", "DTQ", "AVQ"}), "")
    asked = [p for p in phrases(question) if p.first <= 2]
    if first in {"which", "what"} and asked:
        if asked[0].head in {"date", "day", "year", "month", "time"}:
            return "time"
        return asked[0].kind if asked[0].kind in {"person", "organisation", "place"} else "thing"
    return {"who": "person", "whom": "person", "where": "place", "when": "time"}.get(first, "")


def _asked(turn: Past, place: int, *, answered: bool) -> Iterator[Mention]:
    """The phrases of a question, without the one that it asks for where that has been answered."""
    found = words(turn.question)
    verb = next((n for n, word in enumerate(found) if word.verb), 0)
    for phrase in phrases(turn.question):
        if phrase.last <= verb:
            number = found[0].lower == "how"
            if answered and not number:
                continue
            bare = [word for word in phrase.words if not word.tag.startswith(("DT", "CRD"))]
            text = " ".join(word.text for word in bare)
            yield replace(_mention(phrase, place, "question"), words=text)
            continue
        mention = _mention(phrase, place, "question")
        after = found[phrase.last].lower if phrase.last < len(found) else ""
        proper = phrase.name and phrase.words[0].tag != "AT0" and len(phrase.words) > 1
        described = _describes(turn.question) and phrase.name
        yield replace(mention, kind="person") if (proper and after in SAYS) or described else mention


def _describes(question: str) -> bool:
    """Tell whether a question asks who somebody is, "Who is Ottilie Grand?", whose answer is no other person."""
    found = words(question)
    if len(found) < 3 or found[0].lower != "who" or not found[1].tag.startswith("VB"):
        return False
    return any(p.first == 2 and p.name and all(w.tag == "PUN" for w in found[p.last :]) for p in phrases(question))


def _mention(phrase: Phrase, turn: int, part: str) -> Mention:
    owner = phrase.words[-1].tag == "POS"
    text = phrase.text[: -len(phrase.words[-1].text)] if owner else phrase.text
    return Mention(
        text, phrase.kind, phrase.head, turn, part, phrase.names, phrase.plural, phrase.preposition
    )  # fmt: skip


def _male(mention: Mention, told: str) -> bool | None:
    """Tell a man from a woman by the title that stands before the surname anywhere in the turn."""
    surname = mention.words.split()[-1]
    before = [told[: match.start()] for match in re.finditer(re.escape(surname), told)]
    if any(WOMAN.search(text) for text in before):
        return False
    return True if any(MAN.search(text) for text in before) else None
