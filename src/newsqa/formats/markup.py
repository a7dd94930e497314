"""HTML -> tree -> lines of text, also for the fragments that feeds and exports hold."""

from __future__ import annotations

import re
from collections.abc import Collection

from lxml import etree, html

from newsqa.errors import FormatError

MAX_ELEMENTS = 50_000
MAX_ATTRIBUTES = 1000
"""Of one element. Far more than any page has; libxml2 compares each with all before it."""

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
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_COMMENT_END = re.compile("--!?>")
_ATTRIBUTE = re.compile(r"""[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>]*+))?+""")
_TAG = re.compile(rf"<(?:!--|([a-z][^\s/>]*+)((?:[\s/]++|{_ATTRIBUTE.pattern})*+))", re.IGNORECASE)
_RAW = frozenset({"script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"})
"""Elements whose content has no tags in it."""


def is_markup(text: str) -> bool:
    """Tell whether a text has tags in it that only HTML would have."""
    return _MARKUP.search(text) is not None


def html_tree(markup: str) -> html.HtmlElement:
    """Parse a page as libxml2 mends it.

    Raises FormatError for an empty page, one of more than `MAX_ELEMENTS` or with more than
    `MAX_ATTRIBUTES` in a tag, which would take minutes, and one nested deeper than libxml2
    reads: what is further in would be lost without a word.
    """
    check_attributes(markup)
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
    for number, element in enumerate(tree.iter()):
        if number >= MAX_ELEMENTS:
            raise FormatError(f"HTML of more than {MAX_ELEMENTS:,} elements")
        _allow(element)
    return tree


def _allow(element: etree._Element) -> None:
    """Drop the characters that libxml2 reads from HTML but refuses to be given again."""
    if element.text and _FORBIDDEN.search(element.text):
        element.text = _FORBIDDEN.sub("", element.text)
    if element.tail and _FORBIDDEN.search(element.tail):
        element.tail = _FORBIDDEN.sub("", element.tail)


def check_attributes(markup: str) -> None:
    """Raise FormatError for a tag of HTML or XML with more than `MAX_ATTRIBUTES`."""
    lowered = markup.lower()
    position = 0
    while tag := _TAG.search(lowered, position):
        name, attributes = tag.groups()
        position = tag.end()
        if name is None:
            end = _COMMENT_END.search(lowered, position - 2)
            position = end.end() if end else len(lowered)
        elif len(attributes) > 2 * MAX_ATTRIBUTES and len(_ATTRIBUTE.findall(attributes)) > MAX_ATTRIBUTES:
            raise FormatError(f"more than {MAX_ATTRIBUTES:,} attributes in a tag")
        elif name in _RAW and (position := lowered.find(f"</{name}", position)) < 0:
            return


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
