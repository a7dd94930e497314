"""RSS, Atom and RDF feeds, malformed and hostile ones."""

from __future__ import annotations

import pytest

from documents import document, draft, parsed, rejection
from newsqa import formats
from newsqa.formats.feed import MAX_TAGS
from newsqa.settings import Settings
from newsqa.types import Draft, Rejection

TEXT = "The council voted on Tuesday to rebuild the mill."
ITEM = f"""<item><title>Mill &amp; money</title><link>https://e.org/mill</link><guid isPermaLink="false">17</guid>
<author>lena@e.org (Lena Brandt)</author><pubDate>Tue, 04 May 2021 18:30:00 +0200</pubDate>
<description>&lt;p&gt;{TEXT}&lt;/p&gt;&lt;p&gt;Six &amp;amp; seven spoke.&lt;/p&gt;</description></item>"""


def rss(*items: str, prolog: str = '<?xml version="1.0"?>') -> str:
    head = "<title>The Arnholt Courier</title><link>https://e.org/</link><language>en-gb</language>"
    return f'{prolog}<rss version="2.0"><channel>{head}{"".join(items)}</channel></rss>'


def item(description: str, title: str = "T", more: str = "") -> str:
    return f"<item><title>{title}</title><description><![CDATA[{description}]]></description>{more}</item>"


def test_rss() -> None:
    assert draft(rss(ITEM)) == Draft(
        text=f"{TEXT}\nSix & seven spoke.",
        title="Mill & money",
        url="https://e.org/mill",
        outlet="The Arnholt Courier",
        authors=("Lena Brandt",),
        published="2021-05-04T16:30:00+00:00",
        language="en-gb",
        key="17",
    )


def test_atom() -> None:
    content = f"""<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de"><title>Courier</title>
    <entry><title type="html">Mill &lt;b&gt;burns&lt;/b&gt;</title><id>tag:e.org,1</id><link href="/mill"/>
    <author><name>Lena Brandt</name></author><author><name>Bo Ray</name></author><updated>2021-05-04T18:30:00Z</updated>
    <summary>Short.</summary>
    <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><h2>Head</h2><p>{TEXT}</p></div></content></entry></feed>"""
    assert draft(content, "https://e.org/feed") == Draft(
        text=f"Head\n{TEXT}",
        title="Mill burns",
        url="https://e.org/mill",
        outlet="Courier",
        authors=("Lena Brandt", "Bo Ray"),
        published="2021-05-04T18:30:00+00:00",
        language="de",
        key="tag:e.org,1",
    )


def test_rdf() -> None:
    content = f"""<?xml version="1.0" encoding="ISO-8859-1"?><!-- a comment -->
    <!DOCTYPE rdf:RDF PUBLIC "-//x//y" "http://e.org/rss.dtd">
    <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Kurier</title></channel>
    <item rdf:about="https://e.org/1"><title>Mühle</title><link>https://e.org/1</link><dc:creator>Lena Größ</dc:creator>
    <dc:date>2021-05-04</dc:date><description>{TEXT}</description></item></rdf:RDF>"""
    found = draft(content.encode("iso-8859-1"))
    assert (found.title, found.authors, found.outlet) == ("Mühle", ("Lena Größ",), "Kurier")
    assert (found.text, found.published) == (TEXT, "2021-05-04T00:00:00+00:00")


def test_the_longest_of_content_and_summary_is_the_text() -> None:
    encoded = '<content:encoded xmlns:content="http://purl.org/rss/1.0/modules/content/"><![CDATA[<p>{}</p>]]></content:encoded>'
    assert draft(rss(item("Short.", more=encoded.format(TEXT)))).text == TEXT
    assert draft(rss(item(f"<p>{TEXT}</p>", more=encoded.format("Short.")))).text == TEXT


@pytest.mark.parametrize("link", ["file:///etc/passwd", "/etc/passwd", "javascript:alert(1)", "ftp://e.org/a", ""])
def test_a_link_that_is_not_http_is_no_address(link: str) -> None:
    found = rss(item(TEXT, more=f"<link>{link}</link>"))
    assert draft(found).url is None
    assert list(formats.links(document(found), Settings())) == []


def test_links_are_given_also_of_entries_without_text() -> None:
    items = [f"<item><title>t</title><link>https://e.org/{n}</link></item>" for n in (1, 2, 1)]
    assert list(formats.links(document(rss(*items)), Settings())) == ["https://e.org/1", "https://e.org/2"]


def test_an_entry_without_text_is_rejected_and_the_rest_is_read() -> None:
    assert parsed(rss("<item><title>Only a title</title><link>https://e.org/</link></item>", item(TEXT))) == [
        Rejection("file", "entry 1 (Only a title): holds no text, only a link; index with --follow to fetch its page"),
        Draft(text=TEXT, title="T", outlet="The Arnholt Courier", language="en-gb"),
    ]


def test_a_date_that_can_not_be_read_is_handed_on() -> None:
    assert draft(rss(item(TEXT, more="<pubDate>4. Mai, abends</pubDate>"))).published == "4. Mai, abends"


@pytest.mark.parametrize("cut", ["</channel></rss>", "</item></channel></rss>"])
def test_a_malformed_feed_is_read_as_far_as_it_goes(cut: str) -> None:
    assert draft(rss(item(TEXT)).removesuffix(cut)).text == TEXT


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (rss(), "the feed has no entries"),
        (rss("<b>"), "malformed feed: "),
        ('<?xml version="1.0"?><urlset><url/></urlset>', "XML that is not a feed: its root element is 'urlset'"),
        ('<?xml version="1.0"?>', "XML that is not a feed: its root element is ''"),
    ],
)
def test_a_feed_that_yields_nothing_is_rejected(content: str, reason: str) -> None:
    assert rejection(content).reason.startswith(reason)
    (only,) = formats.links(document(content), Settings())
    assert isinstance(only, Rejection)
    assert only.reason.startswith(reason)


def bomb(root: str) -> str:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    return f'<?xml version="1.0"?><!DOCTYPE {root} [<!ENTITY e0 "boom">{entities}]><{root}>&e11;</{root}>'


EXTERNAL = '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    "content", [bomb("rss"), bomb("lolz"), rss(item(TEXT), prolog=EXTERNAL), bomb("rss").encode("utf-16")]
)
def test_entity_bombs_are_refused(content: str | bytes) -> None:
    assert rejection(content).reason == "XML that declares entities of its own is refused: they can grow without limit"


DECLARATION = '<!DOCTYPE rss [<!ENTITY x "boom">]>'


@pytest.mark.parametrize(
    "prolog",
    [
        f"<!-- <a -->{DECLARATION}",
        f"<?a <a ?>{DECLARATION}",
        f"<!-- <a <![CDATA[ -->{DECLARATION}<!-- ]]> -->",
        f"<?a <!-- <a ?>{DECLARATION}<?a --> ?>",
        f"<?xml version='1.0'>{DECLARATION}<?a ?>",
        f"<!-- <a -->{DECLARATION}".replace("[", 'SYSTEM "<!--" [').replace("]", "<!-- -->]"),
        '<!-- <a --><!DOCTYPE rss [<!ATTLIST item x CDATA "boom">]>',
    ],
)
def test_a_declaration_can_not_hide_behind_what_looks_like_an_element(prolog: str) -> None:
    assert (
        rejection(rss(item(TEXT), prolog=prolog)).reason
        == "XML that declares entities of its own is refused: they can grow without limit"
    )


@pytest.mark.parametrize(
    "prolog",
    [
        f"<?xml ><!-- ?><rss> -->{DECLARATION}",
        "<?xml version='1.0'?><!--\n<!DOCTYPE a --><rss> -->" + DECLARATION,
        f"<!--><rss>-->{DECLARATION}",
        DECLARATION.replace("[", 'SYSTEM "><rss>" ['),
    ],
)
def test_a_declaration_after_what_is_read_as_the_root_declares_nothing(prolog: str) -> None:
    found = parsed(rss("<item><title>T</title><description>a &x; b</description></item>", prolog=prolog))
    assert "boom" not in str(found).replace(DECLARATION, "")


@pytest.mark.parametrize("root", ["-:rss", "é:rss"])
def test_a_root_that_feedparser_would_pass_over_is_none(root: str) -> None:
    content = f'<?xml version="1.0"?><{root}>\n<!DOCTYPE a>\n<!ENTITY x "boom">\n{rss(item(TEXT), prolog="")}'
    assert rejection(content).reason == "XML that is not a feed: its root element is ''"


def test_an_article_may_hold_a_declaration_as_text() -> None:
    prolog = '<?xml version="1.0"?><!-- made by hand --><!DOCTYPE rss PUBLIC "-//x//y" "http://e.org/rss.dtd">'
    found = rss(item(TEXT).replace("<title>T", "<title><![CDATA[What <!ENTITY x> does]]>"), prolog=prolog)
    assert draft(found).text == TEXT


def test_an_article_about_entities_is_read() -> None:
    assert (
        draft(rss(item("<p>Write &lt;!ENTITY x&gt; or &lt;!DOCTYPE y [&gt;.</p>"))).text
        == "Write <!ENTITY x> or <!DOCTYPE y [>."
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (rss("<a>" * MAX_TAGS), "a feed of more than 250,000 tags"),
        (rss("<item " + "a='b' " * 2000 + "/>"), "more than 1,000 attributes in a tag"),
        (rss("word " * 300_000), "larger than the limit of 1 MB (max_article_mb)"),
    ],
    ids=["tags", "attributes", "size"],
)
def test_hostile_feeds_are_refused_with_the_limit_named(content: str, reason: str) -> None:
    assert rejection(content, settings=Settings(max_article_mb=1)).reason == reason


def test_a_hostile_entry_is_rejected_and_the_rest_is_read() -> None:
    deep, good = parsed(rss(item("<div>" * 5000 + "</div>", "Deep"), item(TEXT)))
    assert deep == Rejection("file", "entry 1 (Deep): HTML over a limit of libxml2: Excessive depth in document: 256")
    assert isinstance(good, Draft)


@pytest.mark.parametrize(
    ("prolog", "feed"),
    [
        ("<?a?>" * 9000, True),
        ("<!-- a -->" * 5000, True),
        ("<!DOCTYPE rss>" * 4000, True),
        ("<!--" * 9000, False),
        ("<?" * 9000, False),
        ("<!DOCTYPE [" * 5000, False),
        ("<?xml " * 9000, False),
        ("<?a?>" + "\n" * 50_000, True),
        ("\n<!DOCTYPE rss>" * 4000, True),
    ],
)
def test_a_long_prolog_is_no_trap(prolog: str, feed: bool) -> None:
    given = document(prolog + rss(item(TEXT), prolog=""))
    assert formats.is_feed(given) is feed
    refused = [isinstance(found, Rejection) for found in formats.links(given, Settings())]
    assert refused == ([] if feed else [True])
