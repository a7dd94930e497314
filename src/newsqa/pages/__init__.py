"""The only package that makes HTML: the chat's panels and the articles' pages.

Gradio takes what the panels' functions return as Markdown, so each gives one HTML
block on one line. What is foreign goes through `escape`. Gradio's sanitizer drops
data and aria attributes: newsqa.js adds those, and takes what it needs from hidden elements.
"""

from newsqa.pages.archive import SHOWN_REJECTIONS, header, notice, progress, report
from newsqa.pages.article import article_page, page, problem_page
from newsqa.pages.chat import conversation, earlier, file, kept
from newsqa.pages.sources import CONTEXT, sources
from newsqa.pages.words import likelihood, when

__all__ = [
    "CONTEXT",
    "SHOWN_REJECTIONS",
    "article_page",
    "conversation",
    "earlier",
    "file",
    "header",
    "kept",
    "likelihood",
    "notice",
    "page",
    "problem_page",
    "progress",
    "report",
    "sources",
    "when",
]
