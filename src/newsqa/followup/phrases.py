"""Words, noun phrases and what they stand for: enough grammar to follow a conversation in English.

Parts of speech are those of the British National Corpus (the C5 tags), found by HanTa
(Wartena, KONVENS 2019), a hidden Markov model over morphemes that comes with its package.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from HanTa.HanoverTagger import HanoverTagger

TOKEN = re.compile(r"\d[\d.,:]*\d|(?:[^\W_]\.){2,}|[^\W_][\w&-]*(?:['’](?!s\b)\w+)*(?:\.\w+)*|['’]s\b|\S")
NOUNS = ("NN", "NP", "UNC", "CRD", "ZZ0")
INSIDE = (*NOUNS, "AJ", "ORD", "VVN", "VVG", "POS")
"""Tags of words that a noun phrase may hold after its determiner."""
LOCATIVE = frozenset("in at near from off to outside inside around across within along".split())  # noqa: SIM905
TITLES = frozenset(
    """mr mrs ms miss dr professor judge governor president minister mayor sir lady chief colonel councillor senator
    king queen pope captain general prime""".split()  # noqa: SIM905
)
ORGANISATIONS = frozenset(
    """agency alliance assembly association athletic authority bank board brigade bureau chamber church city club
    commission committee company compact congress cooperative corporation corp council court daughters department
    federation firm foundation fund government group inc institute league lines list ltd ministry museum office oars
    organisation organization paper parliament party police railway rovers school senate service survey team telecom
    tramways tribunal union united university""".split()  # noqa: SIM905
)
PLACES = frozenset(
    """bay city coast continent country county district gorge harbour hill hills island islands lake mountain port
    province region river road sea state strait street town valley village""".split()  # noqa: SIM905
)
PEOPLE = re.compile(
    r"(?i)\b(?:\w{2,}(?:ist|ian|man|woman|men|women|keeper)|actor|actress|author|boss|boy|chair|chairman|champion|chief|"
    r"coach|coordinator|critic|dancer|dentist|director|doctor|driver|editor|executive|farmer|father|fighter|firefighter|"
    r"forester|founder|girl|governor|guard|head|headteacher|heir|hydrologist|judge|king|lawyer|leader|manager|man|mayor|"
    r"mediator|meteorologist|minister|mother|officer|owner|painter|person|pharmacist|pilot|playwright|player|poet|pope|"
    r"president|priest|professor|prosecutor|queen|referee|reporter|researcher|singer|skipper|speaker|spokesperson|"
    r"student|suspect|teacher|technician|victim|widow|winner|witness|writer)\b"
)
TIME = re.compile(
    r"(?i)\b(?:(?:january|february|march|april|may|june|july|august|september|october|november|december|monday|tuesday|"
    r"wednesday|thursday|friday|saturday|sunday|spring|summer|autumn|winter|midnight|noon|today|yesterday|tomorrow|"
    r"tonight|altogether|now|ago|earlier|later|before|afterwards)|(?:last|next|this|previous|first|second|same) "
    r"(?:day|night|week|month|year|time)|\d+(?:st|nd|rd|th)? century|(?:1[89]|20)\d\d)\b|\b[ap]\.?m\b|^\d\d?[:.]\d\d$"
)
UPPER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its part of speech, at ``[start, end)`` of its text."""

    text: str
    tag: str
    start: int
    end: int

    @property
    def lower(self) -> str:
        """In lower case."""
        return self.text.lower()

    @property
    def verb(self) -> bool:
        """Whether it is a verb, not one that describes a noun."""
        return self.tag.startswith("V")

    @property
    def auxiliary(self) -> bool:
        """Whether it is a form of be, do or have, or a modal."""
        return self.tag[:2] in {"VB", "VD", "VH", "VM"}

    @property
    def noun(self) -> bool:
        """Whether it is a noun, a name or a number."""
        return self.tag.startswith(NOUNS)

    @property
    def named(self) -> bool:
        """Whether it is written or tagged as a name."""
        return self.tag in {"NP0", "UNC"} or (self.text[:1].isupper() and bool(UPPER.match(self.text)))


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase: ``words[first:last]`` of its text; ``preposition`` is the word before, if it is one."""

    text: str
    words: tuple[Word, ...]
    first: int
    last: int
    preposition: str

    @property
    def head(self) -> str:
        """Its last noun, in lower case, or ''."""
        core = self.words
        for place, word in enumerate(core):
            if place and word.tag.startswith(("PR", "CJ")) and core[place - 1].tag != "CJC":
                core = core[:place]
                break
        return next((word.lower for word in reversed(core) if word.noun), "")

    @property
    def name(self) -> bool:
        """Whether it is a name and nothing else."""
        content = [word for word in self.words if not word.tag.startswith(("AT", "PR", "CJ", "POS"))]
        return bool(content) and all(word.named for word in content)

    @property
    def names(self) -> bool:
        """Whether there is a name in it."""
        return any(word.named for word in self.words)

    @property
    def plural(self) -> bool:
        """Whether it stands for several."""
        if self.name:
            return any(word.lower == "and" for word in self.words)
        head = [word for word in self.words if word.lower == self.head]
        return bool(head and (head[-1].tag in {"NN2", "NP2"} or self.head in {"people", "police"}))

    @property
    def kind(self) -> str:
        """One of person, organisation, place, time, number, name (which of these isn't known) and thing."""
        words = {word.lower for word in self.words}
        if TIME.search(self.text):
            return "time"
        if words & ORGANISATIONS and (self.name or self.head in ORGANISATIONS):
            return "organisation"
        if self.head in PLACES or (self.name and self.preposition in LOCATIVE):
            return "place"
        if self.words[0].lower in TITLES and self.names:
            return "person"
        if self.words[0].tag == "CRD" or self.words[0].text[0] in "$£€0123456789":
            return "number"
        if self.name:
            return "name"
        return "person" if PEOPLE.fullmatch(self.head.removesuffix("s")) else "thing"

    def within(self, other: Phrase) -> bool:
        """Tell whether it is a part of another of the same text."""
        return other.first <= self.first and self.last <= other.last


@lru_cache(maxsize=1)
def _tagger() -> HanoverTagger:
    return HanoverTagger("morphmodel_en.pgz")  # 40 MB and a second, once


@lru_cache(maxsize=512)
def words(text: str) -> tuple[Word, ...]:
    """Split a text and tag its words."""
    found = list(TOKEN.finditer(text))
    tags = [tag for _, _, tag in _tagger().tag_sent([match.group() for match in found])] if found else []
    tags = ["PRP" if match.group().lower() == "according" else tag for match, tag in zip(found, tags, strict=True)]
    tagged = tuple(Word(match.group(), tag, match.start(), match.end()) for match, tag in zip(found, tags, strict=True))
    return _with_verb(_with_chairs(tagged))


@lru_cache(maxsize=512)
def phrases(text: str) -> tuple[Phrase, ...]:
    """Return the noun phrases of a text in order, each before its own parts.

    "the verdict in the Marwood trial" is followed by "the Marwood trial". What follows a name
    doesn't belong to it: "Brandvold in January" are two.
    """
    tagged = words(text)
    spans = list(_base(tagged))
    return tuple(phrase for place in range(len(spans)) for phrase in _grown(text, tagged, spans, place))


def _with_chairs(tagged: tuple[Word, ...]) -> tuple[Word, ...]:
    """Mend "who chairs the board" and "Marwood chairs the board", whose verb looks like a noun."""

    def chairs(place: int) -> bool:
        word, before = tagged[place], tagged[place - 1]
        after = tagged[place + 1].lower if place + 1 < len(tagged) else ""
        who = before.lower == "who" or (before.tag == "NP0" and after == "the")
        return place > 0 and who and word.tag == "NN2" and word.text.islower()

    return tuple(replace(word, tag="VVZ") if chairs(place) else word for place, word in enumerate(tagged))


def _with_verb(tagged: tuple[Word, ...]) -> tuple[Word, ...]:
    """Mend the commonest slip: "did the flood toll rise" has no verb but "rise"; a noun that ends the subject is it."""
    support = next((place for place, word in enumerate(tagged) if word.tag[:2] in {"VD", "VM"}), None)
    if support is None or support + 1 == len(tagged) or any(word.verb for word in tagged[support + 1 :]):
        return tagged
    place = _end(tagged, support + 1) - 1
    while place > support + 2 and tagged[place].named:
        place -= 1
    if place < support + 2 or not tagged[place].text.islower() or not tagged[place - 1].noun:
        return tagged
    word = tagged[place]
    return (*tagged[:place], Word(word.text, "VVI", word.start, word.end), *tagged[place + 1 :])


def _base(tagged: Sequence[Word]) -> Iterator[tuple[int, int]]:
    place = 0
    while place < len(tagged):
        end = _end(tagged, place)
        if end > place and any(word.noun for word in tagged[place:end]):
            yield place, end
        place = max(end, place + 1)


def _end(tagged: Sequence[Word], place: int) -> int:
    if tagged[place].tag in {"AT0", "DPS"} or (tagged[place].tag == "DT0" and _before_noun(tagged, place)):
        place += 1
    while place < len(tagged) and (tagged[place].tag.startswith(INSIDE) or _joins(tagged, place)):
        place += 1
    while place and tagged[place - 1].tag.startswith(("AJ", "VV", "ORD")):  # "found Marwood guilty"
        place -= 1
    return place


def _before_noun(tagged: Sequence[Word], place: int) -> bool:
    return place + 1 < len(tagged) and tagged[place + 1].tag.startswith(("NN", "AJ"))


def _joins(tagged: Sequence[Word], place: int) -> bool:
    """Tell whether the word holds a name together: "University of Vantry", "Hollis & Daughters"."""
    if not 0 < place < len(tagged) - 1 or tagged[place].lower not in {"of", "&", "and"}:
        return False
    return tagged[place - 1].named and tagged[place + 1].named


def _grown(text: str, tagged: tuple[Word, ...], spans: list[tuple[int, int]], place: int) -> Iterator[Phrase]:
    first, last = spans[place]
    before = tagged[first - 1] if first else None
    preposition = before.lower if before and before.tag.startswith("PR") else ""

    def phrase(end: int) -> Phrase:
        stretch = text[tagged[first].start : tagged[end - 1].end]
        return Phrase(stretch, tagged[first:end], first, end, preposition)

    base = phrase(last)
    end = last
    for start, after in spans[place + 1 :]:
        joined = start == end + 1 and tagged[end].tag.startswith("PR") and tagged[end].lower not in {"according"}
        if base.name or not joined or TIME.search(text[tagged[start].start : tagged[after - 1].end]):
            break
        end = after
    if end > last:
        yield phrase(end)
    yield base
