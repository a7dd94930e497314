"""Pronouns, "the company", and questions that lack what they are about: names in their place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from newsqa.followup.context import ASKING, CLAUSES, SAYING, Borrowed, Context, FollowUp
from newsqa.followup.mentions import Mention
from newsqa.followup.phrases import Phrase, Word, words
from newsqa.followup.recasting import asking, asks_subject, claim

PRONOUNS = frozenset("he him his she her hers it its they them their this that".split())  # noqa: SIM905
PERSONAL = frozenset("i you we me us my your our".split())  # noqa: SIM905
ANYONE = frozenset(
    """anyone anybody anything someone somebody people person else exactly there board survivors victims casualties
    deaths injuries""".split()  # noqa: SIM905
)
RELATIVE = frozenset(
    """age aim author board bride budget captain cause chair chairman champion chief coach colour content cost cox crew
    deadline defence director editor executive founder goal governor head headquarters headteacher height husband
    lawyer leader length loser manager mayor mediator motive opponent organiser origin outcome owner penalty pilot
    population price prize prosecutor purpose reason referee result route runner-up score sentence size skipper
    speaker sponsor spokesman spokeswoman subject successor title toll topic turnout value verdict wife winner
    witness witnesses writer""".split()  # noqa: SIM905
)
"""Nouns that want an "of what": no skipper without a boat."""
DEFINITE = frozenset("the that this these those".split())  # noqa: SIM905
OF_WHAT = frozenset("old new former current main first last second known own other final".split())  # noqa: SIM905

Edit = tuple[int, int, str, Mention]
"""Replace the characters ``[start, end)`` by these words, taken from there."""
Choice = Callable[[Sequence[Mention]], Mention | None]


def resolved(context: Context) -> FollowUp | None:
    """Pronouns and "the company": names in their place."""
    edits = list(_pronouns(context)) or list(_definites(context))
    if not edits:
        return None
    body = context.body
    for start, end, new, _ in reversed(sorted(edits)):
        body = body[:start] + new + body[end:]
    if body == context.body:
        return None
    borrowed = (Borrowed(m.words, m.turn, m.part, context.body[s:e].strip()) for s, e, _, m in sorted(edits))
    return FollowUp(body, context.typed, tuple(borrowed))


def placed(context: Context) -> FollowUp | None:
    """Where hardly a word says what it's about, add it: "Was anyone hurt?"."""
    found = context.words
    asks = found[0].auxiliary or any(word.lower in ASKING for word in found[:3])
    if not asks or any(word.lower in PERSONAL | PRONOUNS or word.lower in {"a", "an"} for word in found):
        return None
    if any(phrase.names or phrase.words[0].lower == "the" for phrase in context.phrases):
        return None
    telling = [word for word in found if _telling(word)]
    if len(telling) > 1 + context.led or any(word.noun for word in telling) or (topic := _topic(context, "in")) is None:
        return None
    end = len(context.body.rstrip(" ?.!"))
    question = f"{context.body[:end]} in {topic.referring}{context.body[end:]}"
    return FollowUp(question, context.typed, (Borrowed(topic.words, topic.turn, topic.part, ""),))


def _pronouns(context: Context) -> Iterator[Edit]:
    for place, word in enumerate(context.words):
        kinds = _wanted(context, place)
        quoted = context.body[: word.start].count("“") > context.body[: word.start].count("”")
        if kinds is None or quoted or _bound(context, place):
            continue
        mention = kinds(context.mentions)
        if mention is None:
            continue
        owned = _owned(context, place)
        if owned is not None:
            yield _possessive(context, word, owned, mention)
        elif word.lower in {"there", "then"}:
            yield word.start, word.end, mention.placed, mention
        else:
            yield word.start, word.end, mention.referring, mention


def _wanted(context: Context, place: int) -> Choice | None:
    """Which mention the word at ``place`` may stand for; None where it is no pronoun that could."""
    word = context.words[place]
    after = context.words[place + 1] if place + 1 < len(context.words) else None
    before = context.words[place - 1] if place else None
    last = after is None or after.tag == "PUN"
    if word.lower in {"that", "this", "it", "so"} and before and before.lower in SAYING and last:
        return lambda _: claim(context)
    if word.lower in {"he", "him", "his", "she", "her", "hers"}:
        return lambda all_: _person(all_, male=word.lower.startswith("hi") or word.lower == "he")
    if word.lower in {"they", "them", "their"}:
        return lambda all_: _first(all_, lambda m: m.several or m.kind == "organisation")
    if word.lower == "there" and not any(near and near.tag.startswith("VB") for near in (before, after)):
        return lambda all_: _first(all_, lambda m: m.kind == "place")
    if word.lower == "then" and place:
        return lambda all_: _first(all_, lambda m: m.kind == "time")
    if word.lower in {"it", "its"} and not _expletive(context, place):
        return _thing
    if word.lower in {"that", "this"} and before:
        governed = before.tag.startswith("PR") and last
        return _thing if governed or (before.tag[:2] in {"VB", "VM"} and _alone(after)) else None
    return None


def _alone(after: Word | None) -> bool:
    return after is None or after.verb or after.tag == "PUN"


def _expletive(context: Context, place: int) -> bool:
    """Tell whether "it" stands for nothing: "Is it true that", "How hot was it in", "What will it cost to"."""
    found = context.words
    after = found[place + 1] if place + 1 < len(found) else None
    tail = {word.lower for word in found[place + 1 :]}
    if after is not None and after.lower in {"cost", "costs", "take", "takes"} and "to" in tail:
        return True
    if found[place].lower != "it" or not place or not found[place - 1].tag.startswith("VB"):
        return False
    describes = after is not None and (after.tag.startswith("AJ") or after.lower == "that")
    weather = bool({word.lower for word in found[:place]} & {"hot", "cold", "warm", "wet", "late", "time"})
    return (describes and bool(tail & {"that", "to", "if", "for"})) or weather or bool(tail & {"raining", "snowing"})


def _bound(context: Context, place: int) -> bool:
    """Tell whether the pronoun can stand for something in its own question.

    An object can't stand for what precedes it in its clause (it would be "itself"); possessives and the
    subjects of later clauses can.
    """
    word = context.words[place]
    start = asking(context.words)
    earlier = [phrase for phrase in context.phrases if start <= phrase.first and phrase.last <= place]
    if word.lower in {"he", "she", "him", "her", "his", "hers"}:
        fits = [p for p in earlier if p.kind in {"person", "name"} or p.names]
    else:
        fits = [p for p in earlier if p.kind in {"organisation", "name", "thing", "place"}]
    if word.lower == "them":
        return any(p.plural for p in earlier)
    if _owned(context, place) is not None:
        by_whom = asks_subject(context.words) and context.words[0].lower != "what"
        return bool(fits) or (word.lower != "its" and by_whom)
    clause = any(w.tag.startswith("CJ") or w.lower in CLAUSES for w in context.words[start:place])
    return bool(fits) and clause


def _person(all_: Sequence[Mention], *, male: bool) -> Mention | None:
    fits = [m for m in all_ if m.person and m.male in {None, male}]
    return _first(fits, lambda m: m.kind == "person" or m.part != "quote")


def _thing(all_: Sequence[Mention]) -> Mention | None:
    return _first(all_, lambda m: m.thing and m.part != "quote" and not m.several and not m.whereabouts)


def _first(all_: Sequence[Mention], fits: Callable[[Mention], bool]) -> Mention | None:
    return next((mention for mention in all_ if fits(mention)), None)


def _owned(context: Context, place: int) -> Phrase | None:
    """What the word at ``place`` owns: "her boat"; nothing in "Who saw her?"."""
    if context.words[place].lower not in {"his", "her", "its", "their"}:
        return None
    return next((phrase for phrase in context.phrases if phrase.first == place and phrase.last > place + 1), None)


def _possessive(context: Context, word: Word, owned: Phrase, mention: Mention) -> Edit:
    """Make "its director" "Sarian Lines's director", or "the director of" what has a long name."""
    if len(words(mention.words)) <= 4:
        return word.start, word.end, mention.referring + "'s", mention
    rest = context.body[owned.words[1].start : owned.words[-1].end]
    return word.start, owned.words[-1].end, f"the {rest} of {mention.referring}", mention


def _definites(context: Context) -> Iterator[Edit]:
    if any(phrase.names for phrase in context.phrases):
        return
    for phrase in context.phrases:
        told = any(p.first == phrase.first and p.last > phrase.last for p in context.phrases)
        of = phrase.preposition == "of" or any(w.tag == "PRF" for w in context.words[phrase.last : phrase.last + 1])
        if phrase.words[0].lower not in DEFINITE or told or of or phrase.kind == "time":
            continue
        if edit := _same_head(context, phrase) or _sort(context, phrase) or _of_what(context, phrase):
            yield edit
            return


def _same_head(context: Context, phrase: Phrase) -> Edit | None:
    """Make "the laundry" "the Fennick linen laundry"."""
    if len([word for word in phrase.words if word.noun]) > 1:
        return None
    fits = [m for m in context.mentions if m.head == phrase.head and (m.part != "quote" or m.named)]
    mention = _first(fits, lambda m: len(words(m.words)) > len(phrase.words))
    return (phrase.words[0].start, phrase.words[-1].end, mention.referring, mention) if mention else None


def _sort(context: Context, phrase: Phrase) -> Edit | None:
    """Make "the company" its name."""
    noun = phrase.words[1] if len(phrase.words) > 1 else phrase.words[0]
    sorts = {
        "company": "organisation", "firm": "organisation", "party": "organisation", "organisation": "organisation",
        "town": "place", "city": "place", "village": "place", "man": "person", "woman": "person",
    }  # fmt: skip
    sort = sorts.get(noun.lower)
    if sort is None or (len(phrase.words) > 2 and phrase.words[2].tag != "POS"):
        return None
    mention = _first(context.mentions, lambda m: m.kind == sort and m.named and m.part != "quote")
    return (phrase.words[0].start, noun.end, mention.referring, mention) if mention else None


def _of_what(context: Context, phrase: Phrase) -> Edit | None:
    """Make "Who is the skipper?" "Who is the skipper of" what the conversation is about."""
    found = context.words
    inner = phrase.words[1:]
    nouns = [word for word in inner if word.noun]
    if len(nouns) != 1 or phrase.head not in RELATIVE or not phrase.first:
        return None
    if any(w.tag.startswith(("AJ", "VV")) and w.tag != "AJS" and w.lower not in OF_WHAT for w in inner):
        return None
    after = found[phrase.last] if phrase.last < len(found) else None
    if not found[phrase.first - 1].auxiliary or not _alone(after):
        return None
    outside = [word for place, word in enumerate(found) if not phrase.first <= place < phrase.last and _telling(word)]
    topic = _topic(context, "of")
    if len(outside) > 1 + context.led or topic is None:
        return None
    text = context.body[phrase.words[0].start : phrase.words[-1].end]
    return phrase.words[0].start, phrase.words[-1].end, f"{text} of {topic.referring}", topic


def _telling(word: Word) -> bool:
    """Tell whether a word says what a question is about."""
    content = word.noun or word.tag.startswith(("VV", "AJ"))
    return content and word.lower not in ANYONE | ASKING


def _topic(context: Context, relation: str) -> Mention | None:
    """What the last turn is about; best what has a name in it."""
    last = [m for m in context.mentions if m.turn == len(context.turns) - 1 and m.part != "quote" and not m.whereabouts]
    if relation == "in":
        asked = [m for m in last if m.part == "question" and m.thing and (m.kind != "name" or m.definite)]
        return _first(asked, lambda m: m.named) or _first(asked, lambda m: m.definite)
    return (
        _first(last, lambda m: m.thing and m.named and m.kind != "name")
        or _first(last, lambda m: m.thing and m.named)
        or _first(last, lambda m: m.person and m.named)
        or _first(last, lambda m: m.thing and m.definite)
    )
