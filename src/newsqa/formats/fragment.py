"""HTML -> tree, and a fragment of it, as feeds and exports hold them, -> lines of text."""

from __future__ import annotations

import re

from lxml import etree, html

from newsqa.errors import FormatError

_MARKUP = re.compile(
    r"</(?:p|div|span|a|h[1-6]|[uo]l|li|em|strong|b|i|blockquote|table|td)\s*>|<(?:br|p)\s*/?>",
    re.IGNORECASE,
)
_BLOCKS = tuple(
    "address article aside blockquote br dd div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6 header "
    "hr li main nav ol p pre section table tr ul".split()
)
_CELLS = ("td", "th")
_DROPPED = tuple("script style noscript template iframe object svg head".split())


def is_markup(text: str) -> bool:
    """Tell whether a text has tags in it that only HTML would have."""
    return _MARKUP.search(text) is not None


def html_tree(markup: str) -> html.HtmlElement:
    """Parse a page as libxml2 mends it.

    Raises FormatError for an empty one, and for one nested deeper than libxml2 reads:
    the text further in would be lost without a word.
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
    return tree


def fragment_text(markup: str) -> str:
    """Give the text of a fragment, each block on a line of its own.

    Raises FormatError as `html_tree` does.
    """
    # White space in the source means nothing, so afterwards a newline can only be a block's.
    root = html_tree(f"<div>{' '.join(markup.split())}</div>")
    etree.strip_elements(root, *_DROPPED, with_tail=False)
    for element in root.iter(*_BLOCKS, *_CELLS):
        edge = " " if element.tag in _CELLS else "\n"
        element.text = edge + (element.text or "")
        element.tail = edge + (element.tail or "")
    lines = (" ".join(line.split()) for line in "".join(root.itertext()).split("\n"))
    return "\n".join(line for line in lines if line)
