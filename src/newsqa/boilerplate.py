"""Lines that belong to the page, not to the article.

Rules match whole lines, so that a sentence of reporting which merely speaks of
newsletters, cookies or comments stays. They see one line at a time (share bars
and repeats: the neighbours too), never the kind of site.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

LONGEST = 700
"""Characters; no known furniture is longer, and the bound keeps matching linear."""
REPEAT = 100
"""A paragraph of at least this many characters is kept once, at its first place.

Shorter ones repeat with meaning, as "Violations: 4" does below each restaurant of a list.
"""

_EXACT = frozenset(
    """
    advertisement|advertisement - continue reading below|ad|ads by google|sponsored|sponsored content|promoted
    |skip advertisement|continue reading|continue reading below|scroll to continue|loading|hide caption|show caption
    |read more|read more here|read the full story|read the full story here|read full article|related|related stories
    |related articles|related content|related coverage|see also|also read|read also|for more|more|more stories
    |more on this story|more from this section|recommended|recommended stories|recommended for you
    |you may also like|you might also like|trending|trending now|most read|most popular|click here to read more
    |no comments|comments|comments are closed|post a comment|post comment|leave a comment|leave a reply|add a comment
    |add comment|write a comment|cancel reply|view comments|show comments|view all comments|hide comments
    |join the conversation|join the discussion|be the first to comment|log in to comment|sign in to comment
    |note: only a member of this blog may post a comment|your email address will not be published
    |your email address will not be published. required fields are marked|required fields are marked
    |notify me of new posts by email|notify me of follow-up comments by email|newer post|older post|newer posts
    |older posts|subscribe to: post comments (atom)|links to this post|create a link
    |back to top|skip to content|skip to main content|skip to navigation
    |jump to navigation|toggle navigation|view gallery|view photos|view slideshow|photo gallery|full screen
    |subscribe|subscribe now|subscribe today|sign up|sign up now|sign up for alerts|sign in|log in|register|my account
    |accept|accept all|accept cookies|accept all cookies|reject all|manage consent|manage cookies
    |cookie settings|cookie policy|cookie preferences|privacy policy|privacy notice|terms of use|terms of service
    |terms and conditions|all rights reserved|do not sell my personal information|about our ads|ad feedback
    |video ad feedback|report ad|report this ad|why this ad|thank you for reading|thanks for reading
    |just curious for more? we've got you covered
    """.replace("\n", "")
    .replace("    ", "")
    .split("|")
)

# Words that share bars consist of; alone, or without an action among them, they may be headings or a list.
_ACTIONS = frozenset(("share", "email", "e-mail", "print", "save", "sms", "link", "bookmark", "comment", "like"))
_SHARE_WORDS = _ACTIONS | {
    *("facebook", "twitter", "x", "linkedin", "whatsapp", "reddit", "pinterest", "flipboard", "telegram", "google+"),
    *("messenger", "tumblr", "bluesky", "threads", "mastodon", "instagram", "youtube"),
}

_NETWORK = (
    r"(?:facebook|twitter|x|linkedin|whatsapp|reddit|pinterest|telegram|instagram|bluesky|threads|email"
    r"|youtube|tiktok|google news)"
)
_NEWS_MAIL = (
    r"(?:newsletters?|inbox|e-?mail updates?|e-?mail alerts?|news alerts?|text alerts?|whatsapp channel|texts!)"
)
_BELOW = (
    r"(?:(?:the|this) )?"
    r"(?:advertisement|ads?|gallery|photo gallery|slideshow|videos?|photos?|graphics?|charts?|map|podcast|tweet)"
)

_FURNITURE = re.compile(
    "|".join(
        (
            # comment forms
            r"\d[\d.,]* (?:comments?|responses?|replies|shares?|likes?|views?|retweets?)"
            r"(?: (?:on|to) [“\"‘'].{1,150})?:?",
            r"note: comments? (?:are|will be|may be) (?:held|moderated|reviewed|checked|closed).{0,100}",
            r"the post .{1,300} (?:appeared first on|first appeared on) .{1,150}",
            r"(?:show|view|see|hide|read|load)(?: all)? \d[\d.,]* (?:more )?(?:comments?|replies)",
            r"save my name, e-?mail,? and website in this browser .{1,60}",
            r"this site uses akismet .{1,100}",
            r"(?:please )?(?:log|sign) ?in (?:or .{1,30} )?to (?:comment|post a comment|leave a comment|reply)",
            r"posted by .{1,60} at \d{1,2}:\d\d(?: ?[ap]m)?",
            # social networks
            rf"(?:follow|like|join|find|connect with) us on {_NETWORK}\b.{{0,150}}",
            rf"follow .{{1,40}} join us on {_NETWORK}\b.{{0,60}}",
            # links to other articles
            r"(?:read more|see also|also read|read also|read next|read the full story(?: here)?):? ?[:»>].{1,250}",
            r"more:\S.{1,250}",
            r"more on (?:this|the) (?:story|topic): .{1,250}",
            r"(?:more|more from .{1,40}|related(?: (?:stories|story|articles?|content|coverage|links?))?|learn more"
            r"|recommended|you (?:may|might) also like|don.t miss): ?.{0,250}[^.\s”\"]",
            r"(?:click|tap) here to (?:read|see|view|watch) .{1,80}",
            # galleries, players, inserts
            r"(?:photos?|image|slide|\d+) ?\d* (?:of|/) \d+",
            r"\W?(?:(?:the |this )?(?:story|article)|text) continues"
            rf"(?: (?:below|after|following))?(?: {_BELOW})?\W{{0,4}}",
            r"\(?(?:image|photo|picture) credits?: .{1,120}\)?",
            r"video ad feedback .{1,400}",
            r"(?:\d\. )?how relevant is this ad to you\?.{0,100}",
            r"video player was slow to load content .{1,300}",
            r"hit play on the player (?:above|below) to hear the podcast .{1,400}",
            r"(?:unable to|can.t) (?:view|see) our .{1,40}\? click here .{1,60}",
            # newsletters, subscriptions, apps
            r"(?:[^.?!]{1,100}[?!;] )?(?:sign[ -]?up|subscribe|get (?:our|the latest|today|more|cnn|the best)|join)"
            rf" .{{0,300}}\b{_NEWS_MAIL}.{{0,300}}",
            r"for more [^.]{1,80}, sign up (?:to|for) .{1,80} newsletter.?",
            r"sign[ -]?up for [^.]{1,60}: text with .{1,80}",
            r"support (?:local|our|quality|independent) journalism[.:!] .{1,250}",
            r"thank you for supporting (?:our|local) journalism\..{0,250}",
            r"we are providing this content (?:for )?free .{1,300}subscri.{1,100}",
            r"want more news like this\? .{1,150}",
            r"the .{1,30} app gets you to the heart of the news.{1,250}",
            r"(?:need|want|looking for) an? [^.?!]{1,40}\? (?:play|check out) .{1,150}",
            r"prefer to listen\? .{1,100}",
            # disclosures of the shop, consent, copyright
            r"(?:we|this (?:web)?site|our (?:web)?sites?) (?:and our partners )?uses? cookies\b.{0,400}",
            r"by (?:continuing to (?:use|browse)|using) (?:this|our) (?:web)?site,?"
            r" you (?:agree|accept|consent)\b.{0,300}",
            r"(?:©|\(c\)|copyright (?:©|\(c\)|(?:19|20)\d\d)).{0,250}",
            # standing notices and teasers that say nothing of the story
            r"\(?(?:this|the) (?:story|article|page|post) (?:has been|was|is being|will be) updated"
            r"(?: (?:with|to (?:add|include|reflect)) (?:new|additional|more|a|the latest) ?"
            r"(?:information|details?|developments?|reporting|video|photos?|quotes?|comments?)?)?\.?\)?",
            r"[^.:]{3,40}: (?:the )?latest [^.]{1,90}"
            r"\b(?:scores|stats|statistics|schedules?|standings|odds|news|analysis|and more)\b[^.]{0,30}\.?",
            r"[^.:]{3,40}: [^.?]{1,60}\? follow along .{1,100}",
            r"[^.:]{3,40}: follow [^.]{1,40}.s coverage of .{1,100}",
            r"[^.:]{3,40}: see who is running .{1,150}",
            r"[^.:]{3,40}: shop .{1,60}\b(?:deals|products|sales)\b.{0,60}",
            r"[^.:]{3,40}: [^.]{0,30}\bbetting insights\b.{0,50}",
            r"[^.?]{3,40}\? check your local forecast here\.?",
        )
    ),
    re.IGNORECASE,
)

_SHARE_LINE = re.compile(
    r"(?:tweet|retweet|share|post|e-?mail|print|save|pin) (?:this|it)(?: (?:article|story|post|page|link|on))?\W{0,3}"
    r"|tweet|retweet|blogthis!|copy link(?: to clipboard)?|(?:share|save|print) article"
    r"|(?:(?:email this|blogthis!|share to (?:x|twitter|facebook|pinterest)) ?){2,}"
    rf"|(?:click to )?(?:share|tweet|post|e-?mail|save|pin)(?: this)?(?: article| story| post| link)?"
    rf" (?:on|via|to|by|with) (?:a friend|{_NETWORK})(?: \(opens in new window\))?",
    re.IGNORECASE,
)
_CREDIT = re.compile(r"[\[(]?(?:source|link|url|via|permalink|original(?: article)?): ?.{1,2000}", re.IGNORECASE)
# Looked for anywhere in the line: the offer follows or precedes whatever it is attached to.
_OFFER = re.compile(
    r"\bsubscribe & save sign up for "
    r"|\b(?:we|gannett|network) may (?:earn|receive) (?:an? )?(?:small )?"
    r"(?:(?:affiliate|referral) )?(?:commissions?|(?<=affiliate )fees?|revenue from sports betting)\b",
    re.IGNORECASE,
)
_GALLERY_MARK = re.compile(r"(?: ?\b(?:hide|show) caption \d+ of \d+)+$", re.IGNORECASE)
_TEASER = re.compile(r"(?:STORY|READ|WATCH|PHOTOS?|VIDEO|MORE|RELATED|READ MORE|GALLERY|LINK): ?.{1,200}[^.\s”\"]")
_AGENCY = re.compile(
    r"(?:[A-Z][\w.’'-]*,? ){0,5}\(?(?:CNN(?: Business)?|AP|AFP|Reuters|REUTERS|UPI|PTI|IANS|dpa|BBC)\)? ?[—–-]"
)


def is_furniture(line: str) -> bool:
    """Whether the line, trimmed, is part of the page around an article."""
    if not line or len(line) > LONGEST:
        return False
    if len(line) < 100 and line.casefold().strip(" .:…*»>|[]()").replace("’", "'") in _EXACT:
        return True
    return bool(_FURNITURE.fullmatch(line) or _TEASER.fullmatch(line) or _AGENCY.fullmatch(line) or _OFFER.search(line))


def is_share_word(line: str) -> bool:
    """Whether the line is one word that share bars consist of; it may be a heading, too."""
    return len(line) < 12 and line.casefold() in _SHARE_WORDS


def without_furniture(lines: Sequence[str]) -> list[str]:
    """Drop lines of the page around the article, and the gallery's marks behind captions."""
    unmarked = [_unmarked(line) if "aption " in line else line for line in lines]
    furniture = {line for line in set(unmarked) if is_furniture(line)}
    return [line for line in unmarked if line not in furniture]


def _unmarked(line: str) -> str:
    return _GALLERY_MARK.sub("", line) if len(line) <= 3 * LONGEST else line


def without_share_bars(lines: Sequence[str]) -> list[str]:
    """Drop lines that offer to share the article, and runs of share words with an action among them.

    Blank and credit lines don't end a run.
    """
    drop: set[int] = set()
    run: list[int] = []
    offers = {line for line in set(lines) if is_share_word(line) or _is_share_line(line)}
    for i, line in enumerate([*lines, "end of text"]):
        if line in offers:
            run.append(i)
        elif line and run and not _CREDIT.fullmatch(line):
            drop.update(_bar(lines, run))
            run = []
    return [line for i, line in enumerate(lines) if i not in drop]


def _is_share_line(line: str) -> bool:
    return len(line) < REPEAT and bool(_SHARE_LINE.fullmatch(line))


def _bar(lines: Sequence[str], run: Sequence[int]) -> Sequence[int]:
    offered = any(not is_share_word(lines[i]) for i in run)
    return run if offered or (len(run) > 1 and any(lines[i].casefold() in _ACTIONS for i in run)) else ()


def without_repeats(lines: Sequence[str]) -> list[str]:
    """Keep a long paragraph once, at its first place.

    Short lines around a repeated paragraph that stood around the first one as
    well (headings, one-line answers) go with it: the body was pasted again.
    """
    kept: list[str] = []
    place: dict[str, int] = {}
    after = -1  # place of the line that followed the first copy of the paragraph just dropped
    for line in lines:
        if not line:
            kept.append(line)
            continue
        first = place.get(line)
        if first is None and 0 <= after < len(kept) and kept[after] == line:
            first = after
        elif first is not None and after < 0:
            _drop_alike_before(kept, first)
        if first is not None:
            after = _step(kept, first, 1)
            continue
        if len(line) >= REPEAT:
            place[line] = len(kept)
        after = -1
        kept.append(line)
    return kept


def _drop_alike_before(kept: list[str], first: int) -> None:
    """Remove from the end of ``kept`` the short lines that also precede ``first``."""
    last, before = _step(kept, len(kept), -1), _step(kept, first, -1)
    while first < last and before >= 0 and kept[last] == kept[before]:
        del kept[last:]
        last, before = _step(kept, last, -1), _step(kept, before, -1)


def _step(lines: Sequence[str], i: int, by: int) -> int:
    """Index of the next line that is not blank; -1 or the length where there is none."""
    i += by
    while 0 <= i < len(lines) and not lines[i]:
        i += by
    return i
