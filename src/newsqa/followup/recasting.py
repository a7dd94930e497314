"""The last question, asked for something else: "When?", "And in Gaza?", "I mean Italy"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from newsqa.followup.context import ASKING, SAYING, Context, FollowUp
from newsqa.followup.mentions import LONGEST, Mention, Past
from newsqa.followup.phrases import TIME, Phrase, Word, phrases, words

MEANT = re.compile(r"(?i)^(?:(?:no|sorry|oh|not that)\b[\s,.!]*)*(?:i|we) meant?\b[\s,:]*")
NO = re.compile(r"(?i)^(?:no|sorry|oh)\b[\s,.!]+")
ABOUT = re.compile(r"(?i)^(?:what|how) about\b\s*")
EVENT = re.compile(r"(?i)^(when|where|why|how)(?: exactly)? (?:was|is) (?:that|this)$")


def corrected(context: Context) -> FollowUp | None:
    """The last question with another name: "I mean Italy"."""
    if match := MEANT.match(context.bare):
        return splice(context, context.bare[match.end() :])
    if match := NO.match(context.bare):
        fragment = context.bare[match.end() :]
        whole = next((p for p in phrases(fragment) if p.text == fragment and p.name), None)
        return splice(context, fragment) if whole else None
    return None


def asked_of_it(context: Context) -> FollowUp | None:
    """The last question, asked for something else: "When?", "By whom?", "How many boats?", "When was that?"."""
    if match := EVENT.match(context.bare):
        return ask(context, match.group(1))
    if ABOUT.match(context.bare):
        return None
    found = words(context.bare)
    place = next((i for i, word in enumerate(found) if word.lower in ASKING), len(found))
    if place > 2 or len(found) > place + 5 or any(word.verb for word in found):
        return None
    if place == len(found) or any(phrase.names for phrase in phrases(context.bare)):
        return None
    return ask(context, context.bare)


def moved(context: Context) -> FollowUp | None:
    """The last question with something instead, or added: "And in Gaza?", "What about Italy?"."""
    fragment = context.bare
    led = context.led
    if match := ABOUT.match(fragment):
        fragment, led = fragment[match.end() :], True
    found = words(fragment)
    if not found or len(found) > 10 or any(word.verb or word.lower in ASKING for word in found):
        return None
    if not led and not found[0].tag.startswith("PR") and not TIME.match(fragment):
        return None
    return splice(context, fragment)


def asking(found: Sequence[Word]) -> int:
    """Where the words that ask end: 2 in "How many people died?"; 0 in "Did people die?"."""
    if not any(word.lower in ASKING for word in found[:3]):
        return 0
    return next((place for place, word in enumerate(found) if word.verb), len(found))


def asks_subject(found: Sequence[Word]) -> bool:
    """Tell whether the question asks for its subject, as "Who won?" and "How many were hurt?" do."""
    start = asking(found)
    if not 0 < start < len(found):
        return False
    follows = found[start + 1] if start + 1 < len(found) else None
    inverted = follows is not None and (follows.noun or follows.tag.startswith(("AT", "DPS", "DT", "PN", "AJ", "EX")))
    return not found[start].auxiliary or not inverted


def claim(context: Context) -> Mention | None:
    """What the last turn said: "that owning the rope means owning the harbour"."""
    turn, place = context.last, len(context.turns) - 1
    found = words(turn.question)
    start = asking(found)
    end = len(turn.question.rstrip(" ?"))
    verb = next((n for n, word in enumerate(found[start:], start) if word.lower in SAYING), None)
    if verb is not None:
        told = found[verb + 1] if verb + 1 < len(found) else None
        if told and told.lower == "that":
            return _said(turn.question[told.start : end], place, "question")
        short = turn.answer and len(turn.answer.split()) <= LONGEST
        return _said(f"“{turn.answer}”", place, "answer") if short else None
    if asks_subject(found):
        subject = subject_of(turn, found[:start])
        clause = f"that {subject} {turn.question[found[start].start : end]}"
        return _said(clause, place, "question") if subject else None
    subject_phrase = next((p for p in phrases(turn.question) if p.first == start + 1), None)
    if subject_phrase is None:
        return None
    asked = turn.question[: found[start].start] if start else "that "
    rest = turn.question[subject_phrase.words[-1].end : end]
    clause = f"{asked[:1].lower()}{asked[1:]}{subject_phrase.text} {found[start].lower}{rest}"
    return _said(clause, place, "question")


def _said(clause: str, turn: int, part: str) -> Mention:
    return Mention(clause, "clause", "", turn, part, named=False, several=False)


def ask(context: Context, wanted: str) -> FollowUp | None:
    """The last question, with ``wanted`` ("when", "by whom", "how many boats") for what it asked."""
    last = context.last.question
    found = words(last)
    start = asking(found)
    degree = start == 2 and found[0].lower == "how" and found[1].tag.startswith("AJ")  # "How hot was it?"
    if start == len(found) or (degree and found[start].auxiliary):
        return None
    rest = _with_words(context.last, found, start)
    asked = words(wanted)
    new = _with_noun(wanted, asked, found[:start])
    if not start:
        question = f"{wanted} {last[:1].lower()}{last[1:]}"
    elif not asks_subject(found):
        stranded = f" {asked[-1].text}" if asked[-1].tag.startswith("PR") and len(asked) > 1 else ""
        front = new.removesuffix(stranded) if stranded else new
        question = f"{front} {rest.rstrip(' ?')}{stranded}?"
    elif asked[0].lower in {"who", "which", "what", "how"} and (len(asked) > 1 or asked[0].lower == "who"):
        question = f"{new} {rest}"
    else:
        subject = subject_of(context.last, found[:start])
        if subject is None:
            return None
        question = f"{wanted} was it that {subject} {rest}"
    return context.spliced(question)


def _with_words(turn: Past, found: Sequence[Word], start: int) -> str:
    """What follows the words that ask; after "What did he say" with what he said, for "When?" to ask about."""
    question = turn.question
    said = next((word for word in found[start + 1 :] if word.lower == "say"), None)
    short = turn.answer and len(turn.answer.split()) <= LONGEST
    if not said or not short or found[0].lower != "what":
        return question[found[start].start :]
    return f"{question[found[start].start : said.end]} “{turn.answer}”{question[said.end :]}"


def _with_noun(wanted: str, asked: Sequence[Word], before: Sequence[Word]) -> str:
    """Ask for the noun that was asked for: after "What animals came back?", "how many" is "how many animals"."""
    if [word.lower for word in asked] not in (["how", "many"], ["which"], ["which", "ones"]):
        return wanted
    nouns = [word.text for word in before if word.noun]
    return " ".join([wanted.removesuffix(" ones"), *nouns])


def subject_of(turn: Past, asks: Sequence[Word]) -> str | None:
    """What stands for the words that ask for a subject: the answer to "who", "people" for "how many people"."""
    if asks[-1].lower in {"who", "what", "which"} or asks[0].lower == "which":
        return turn.answer if turn.answer and len(turn.answer.split()) <= 6 else None
    nouns = [word.text for word in asks if word.tag.startswith(("NN", "NP", "AJ", "POS"))]
    return " ".join(nouns) or None


def splice(context: Context, fragment: str) -> FollowUp | None:
    """The last question with ``fragment`` in the place of what it matches, or added where it matches nothing."""
    last = context.last.question
    found = words(fragment)
    own = phrases(fragment)
    if not own and not TIME.search(fragment):
        return None
    inside = [p for p in phrases(last) if p.first >= asking(words(last))]
    preposition = found[0].lower if found[0].tag.startswith("PR") else ""
    span = _slot(last, fragment, own, inside, preposition)
    if span is None:
        if not (preposition or TIME.search(fragment)):
            return None
        end = len(last.rstrip(" ?.!"))
        return context.spliced(f"{last[:end]} {fragment}{last[end:]}")
    return context.spliced(last[: span[0]] + fragment + last[span[1] :])


def _slot(
    last: str, fragment: str, own: Sequence[Phrase], inside: Sequence[Phrase], preposition: str
) -> tuple[int, int] | None:
    """Which characters of the last question a fragment takes the place of."""
    if TIME.search(fragment):
        times = [p for p in inside if p.kind == "time"]
        return _stretch(last, times[0], with_preposition=True) if times else None
    if preposition:
        same = [p for p in inside if p.preposition == preposition and (p.name or preposition not in {"in", "at", "on"})]
        return _stretch(last, same[-1], with_preposition=True) if same else None
    mine = own[0]
    if mine.words[-1].tag == "POS":
        owners = [p for p in inside if any(word.tag == "POS" for word in p.words)]
        return _owner(owners[0]) if owners else None
    ranked = sorted(inside, key=lambda p: -_likeness(mine, p))
    if not ranked or _likeness(mine, ranked[0]) <= 0:
        return None
    return _stretch(last, ranked[0], with_preposition=False)


def _stretch(last: str, phrase: Phrase, *, with_preposition: bool) -> tuple[int, int]:
    start = phrase.words[0].start
    if with_preposition and phrase.preposition:
        start = last.rindex(phrase.preposition, 0, start) if phrase.preposition in last[:start] else start
    return start, phrase.words[-1].end


def _owner(phrase: Phrase) -> tuple[int, int]:
    end = next(word.end for word in phrase.words if word.tag == "POS")
    return phrase.words[0].start, end


def _likeness(mine: Phrase, other: Phrase) -> float:
    """How well ``mine`` fits in the place of ``other``; 0 is not at all."""
    determined = [phrase.words[0].tag in {"AT0", "DPS"} for phrase in (mine, other)]
    if other.kind == "time" or mine.name != other.name or (not mine.name and determined[0] != determined[1]):
        return 0.0
    same_head = 2.0 * (mine.head == other.head)
    same_kind = 1.0 * (mine.kind == other.kind)
    same_length = any(word.tag.startswith("PR") for word in mine.words) == any(
        word.tag.startswith("PR") for word in other.words
    )
    return 1.0 + same_head + same_kind + 0.5 * same_length
