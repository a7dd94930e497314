"""HTML -> tree -> lines of text, also for the fragments that feeds and exports hold."""

from __future__ import annotations

import re
from collections.abc import Collection

from lxml import etree, html

from newsqa.errors import FormatError

MAX_ELEMENTS = 100_000
"""Some 20 times the largest news page; extraction takes time for each."""

BLOCKS = frozenset(
    {
        *("address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figcaption", "figure"),
        *("footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre"),
        *("section", "table", "tr", "ul"),
    }
)
CELLS = frozenset({"td", "th"})
_DROPPED = ("script", "style", "noscript", "template", "iframe", "object", "svg", "head")
_MARKUP = re.compile(
    r"</(?:p|div|span|a|h[1-6]|[uo]l|li|em|strong|b|i|blockquote|table|td)\s*>|<(?:br|p)\s*/?>",
    re.IGNORECASE,
)
_SPACE = re.compile(r"\s+")


def is_markup(text: str) -> bool:
    """Tell whether a text has tags in it that only HTML would have."""
    return _MARKUP.search(text) is not None


def html_tree(markup: str) -> html.HtmlElement:
    """Parse a page as libxml2 mends it.

    Raises FormatError for an empty page, one of more than `MAX_ELEMENTS`, and one nested
    deeper than libxml2 reads: what is further in would be lost without a word.
    """
    parser = html.HTMLParser(
        encoding="utf-8", collect_ids=False, default_doctype=False, remove_comments=True, remove_pis=True
    )
    try:
        tree = html.document_fromstring(markup.encode("utf-8", errors="replace"), parser=parser)
    except etree.ParserError as error:
        raise FormatError("no article found: the page is empty") from error
    for entry in parser.error_log:
        if entry.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
            raise FormatError(f"HTML over a limit of libxml2: {entry.message.partition(', use')[0]}")
    if sum(1 for _ in tree.iter()) > MAX_ELEMENTS:
        raise FormatError(f"HTML of more than {MAX_ELEMENTS:,} elements")
    return tree


def fragment_text(markup: str) -> str:
    """Give the text of a fragment; raises FormatError as `html_tree` does."""
    tree = html_tree(f"<div>{markup}</div>")
    etree.strip_elements(tree, *_DROPPED, with_tail=False)
    return tree_text(tree, BLOCKS, CELLS)


def tree_text(tree: etree._Element, blocks: Collection[str], cells: Collection[str]) -> str:
    """Give the text of a tree, each block on a line of its own, cells parted by tabs."""
    edges = dict.fromkeys(blocks, "\n") | dict.fromkeys(cells, "\t")
    parts: list[str] = []
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        text = element.text if event == "start" else element.tail
        parts += (edges.get(element.tag, ""), _SPACE.sub(" ", text or ""))
    lines = (_tidy(line) for line in "".join(parts).split("\n"))
    return "\n".join(line for line in lines if line)


def _tidy(line: str) -> str:
    cells = (" ".join(cell.split()) for cell in line.split("\t"))
    return "\t".join(cell for cell in cells if cell)
