"""Which lines are furniture of the page; each kind with sentences that must stay."""

from __future__ import annotations

import pytest

from newsqa.boilerplate import is_furniture, without_furniture, without_repeats, without_share_bars

FURNITURE = """
No comments:
12 comments
1 comment on “Ferry pier to close”
View all 34 comments
Post a Comment
Leave a Reply
Note: Only a member of this blog may post a comment.
Your email address will not be published. Required fields are marked *
Save my name, email, and website in this browser for the next time I comment.
Log in to leave a comment
Posted by Ada Quill at 10:25 PM
Newer Post
Follow us on Instagram
READ MORE: Sea wall to be raised by a metre
Read more: Sea wall to be raised by a metre
Read more »
SEE ALSO: The storm in pictures
More:Veltmark raises its sea wall
Related: Veltmark raises its sea wall
Related stories
STORY: Veltmark raises its sea wall
Story continues below
(Story continues below advertisement)
Article continues after the gallery.
ADVERTISEMENT
Advertisement - continue reading below
Sign up for our free weekly newsletter
Want the news first? Sign up for the Courier's morning newsletter.
Get our best stories delivered to your inbox
Need a break? Play the Courier Daily Crossword Puzzle.
Support local journalism. Subscribe to the Courier today.
This site uses cookies to improve your experience.
We use cookies and similar technologies to run this website.
By continuing to use this site, you agree to our terms.
Accept all cookies
Privacy Policy
© 2024 Courier Media. All rights reserved.
Copyright 2019 The Veltmark Courier
We occasionally recommend products. If you buy through a link, we may earn an affiliate fee.
(Image credit: Ada Quill/Courier Photos)
Unable to view our graphics? Click here to see them.
(This story was updated to add new information.)
This story has been updated with additional details.
Hide Caption
1 of 12
Veltmark CNN —
Port Sund, Norland Reuters –
""".strip().split("\n")

REPORTING = """
Note: the figures were revised.
Comments by the mayor drew criticism online.
No comment.
Comments on the plan close on Friday.
3 responses to the survey came from Sund.
12 comments made in private led to the inquiry, the board said.
She posted a comment that the board later deleted.
Share prices of the ferry line fell on Facebook rumours.
Follow the money, the prosecutor told the jury.
Email
Facebook
Related: the line also owns two tugs, which it will keep.
More: The firm said that 30 jobs would go.
More than 400 people signed.
Read more books, the minister told pupils.
The story continues to divide the island.
Advertisement revenue fell by 12 per cent last year.
Sign up for the boat lottery ends on Friday, officials said.
Signing up for the newsletter took two minutes, she said.
Subscribe was the only button that the app showed, the report found.
The newsletter was sent to 4,000 subscribers.
Cookies are sold at the pier for 2 crowns.
The company uses cookies to track travellers, the regulator found.
By continuing to fish, the crews broke the agreement.
Copyright law changes in May.
"We may earn a medal," she said.
UPDATE: The pier is open again.
WASHINGTON — The board met.
This story has been updated to correct the name of the mayor, Ines Harrow.
A gallery of 12 of 30 paintings burned.
10 shares changed hands at 4 crowns.
Print
Source: Harbour Board
BREAKING: Ferry runs aground.
Latest: fares rise.
""".strip().split("\n")


@pytest.mark.parametrize("line", FURNITURE)
def test_furniture(line: str) -> None:
    assert is_furniture(line)
    assert without_furniture(["Body.", line, "", "More body."]) == ["Body.", "", "More body."]


@pytest.mark.parametrize("line", REPORTING)
def test_reporting_stays(line: str) -> None:
    assert not is_furniture(line)
    assert without_furniture([line]) == [line]


def test_long_lines_are_never_furniture() -> None:
    assert is_furniture("Sign up for our newsletter " + "x" * 200)
    assert not is_furniture("Sign up for our newsletter " + "x" * 700)


def test_gallery_marks_go_and_captions_stay() -> None:
    assert without_furniture(["Pier. Show Caption 1 of 2 Hide Caption 1 of 2"]) == ["Pier."]
    lines = ["The pier at dusk. Hide Caption 1 of 12", "Hide Caption 2 of 12", "She hid caption 3 of 12"]
    assert without_furniture(lines) == ["The pier at dusk.", "", "She hid caption 3 of 12"]


@pytest.mark.parametrize(
    "line",
    [
        "Share on Facebook",
        "Click to share on Twitter (Opens in new window)",
        "Share this article",
        "Share this:",
        "Email ThisBlogThis!Share to XShare to Facebook",
        "Email this article",
        "Print this page",
        "Copy link",
        "Tweet",
    ],
)
def test_offers_to_share_go_with_the_words_beside_them(line: str) -> None:
    assert without_share_bars(["Body.", line, "More body."]) == ["Body.", "More body."]
    assert without_share_bars(["Body.", "Twitter", "", line, "WhatsApp"]) == ["Body.", ""]


@pytest.mark.parametrize(
    "lines",
    [
        ["Body.", "Facebook", "Twitter", "", "LinkedIn", "Those four lost users."],
        ["Email", "Write to the desk.", "Print", "Order a copy."],
        ["Share prices fell.", "Tweet of the day", "Share this with no one, he said."],
    ],
)
def test_lists_of_networks_and_lone_words_stay(lines: list[str]) -> None:
    assert without_share_bars(lines) == lines


def test_share_bars_are_runs_of_words() -> None:
    lines = ["Body.", "Facebook", "", "Print", "Link: http://a.example", "Twitter", "shares fell.", "WhatsApp"]
    assert without_share_bars(lines) == ["Body.", "", "Link: http://a.example", "shares fell.", "WhatsApp"]


def test_repeats_go_with_their_surroundings() -> None:
    one, two = "one " * 30, "two " * 30
    assert without_repeats([one, "a", two, "b", "", "a", one, "a", two, "c"]) == [one, "a", two, "b", "", "a", "c"]
    assert without_repeats(["h", one, "x", "h", one, "y"]) == ["h", one, "x", "y"]
    assert without_repeats(["short", "short"]) == ["short", "short"]
    assert without_repeats([one, one, one]) == [one]
    assert without_repeats([]) == []
