"""A follow-up -> a standalone question, in the conversation's own words.

Rules, no generation: every word of a rewritten question was typed, or comes from the last questions,
answers and quotes, or is one of `GLUE`. A question that stands by itself stays as typed, and so
does a follow-up that the rules can't place: a wrong question is worse than a vague one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from newsqa.followup.context import Borrowed, Context, FollowUp
from newsqa.followup.mentions import Past
from newsqa.followup.phrases import words
from newsqa.followup.recasting import asked_of_it, corrected, moved
from newsqa.followup.referring import placed, resolved

__all__ = ["GLUE", "LIMIT", "Borrowed", "FollowUp", "Past", "standalone"]

LIMIT = 400
"""Characters that a rewritten question may have."""
GLUE = frozenset("the of in on that it was s".split())  # noqa: SIM905
"""Words that a rewritten question may hold although nobody said them."""
LEAD = re.compile(r"(?i)^(?:(?:thanks|thank you|ok|okay|great|well|hm+|and|but|also)\b[\s,.!:;-]*)+")
ELSE = re.compile(
    r"(?i)^(?:(who|what|where|when|why|how|which)(?: \w+)?|(?:any|some)(?:one|body|thing|where))( else)\b(?!:)"
)
SAME = {"who": ("who", "whom", "whose", "which", "what"), "what": ("what", "which"), "which": ("what", "which")}
"""What the last question may have asked for, so that "who else" asks for more of it."""


def standalone(typed: str, turns: Sequence[Past]) -> FollowUp:
    """Turn a follow-up into a question that stands by itself.

    Args:
        typed: What the person typed, at most as long as a question may be.
        turns: The conversation so far, oldest first. Each one's ``question`` is the standalone one.

    Returns:
        The question as typed where it needs no context, or where no rule fits; see `FollowUp`. Never longer than
        `LIMIT`, unless it was typed so.
    """
    as_typed = FollowUp(typed, typed)
    body = LEAD.sub("", typed.strip())
    bare = body.rstrip(" ?.!")
    if not turns or not words(bare):
        return as_typed
    context = Context(typed, body, bare, turns)
    for rule in (corrected, more, asked_of_it, moved, resolved, placed):
        if found := rule(context):
            question = found.question[:1].upper() + found.question[1:] if typed[:1].isupper() else found.question
            question = " ".join(question.split())
            return replace(found, question=question) if len(question) <= LIMIT else as_typed
    return as_typed


def more(context: Context) -> FollowUp | None:
    """The last question again, without the answers that it had: "Who else?"."""
    if not (match := ELSE.match(context.bare)):
        return None
    last = context.last.question
    if match.end() == len(context.bare):
        wanted, asked = (match.group(1) or "").lower(), [word.lower for word in words(last)[:3]]
        if wanted and not set(asked) & set(SAME.get(wanted, (wanted,))):
            return None
        given = tuple(dict.fromkeys(t.answer for t in context.turns if t.question == last and t.answer))
        return replace(context.spliced(last), exclude=given)
    start, end = match.span(2)
    body, bare = (part[:start] + part[end:] for part in (context.body, context.bare))
    without = Context(context.typed, body, bare, context.turns)
    found = resolved(without) or placed(without)
    given = (context.last.answer,) if context.last.answer else ()
    return replace(found, exclude=given) if found else None
