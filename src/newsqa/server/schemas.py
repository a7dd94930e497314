"""What the API takes and gives: the names of docs/json.md, so that one reader serves both."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from newsqa.qa import MAX_QUESTION
from newsqa.quotes import Place
from newsqa.types import Filters

LARGEST = 2**31 - 1
"""Of a number that is counted with; far above any that means something, and whole in SQLite."""
MAX_K = 50
MAX_OUTLETS = 100
MAX_QUOTE = 10_000


def _day(value: object) -> object:
    """Take a day alone: what pydantic takes for dates besides, such as seconds, is a mistake here."""
    if not isinstance(value, str) or len(value) != len("2016-12-28"):
        raise ValueError("should be a date like 2016-12-28")
    return date.fromisoformat(value)


def _worded(value: str) -> str:
    """Take what holds a letter or a digit."""
    if not any(character.isalnum() for character in value):
        raise ValueError("has no word")
    return value


def _whole(value: object) -> object:
    """Take 8.0 for 8, as JSON does, but neither "8" nor true."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Language = Annotated[str, Field(pattern="^[a-z]{2}$")]
"""ISO 639-1, as articles have it."""
Count = Annotated[int, Field(ge=1, le=MAX_K), BeforeValidator(_whole)]
Text = Annotated[
    str,
    Field(min_length=1, max_length=MAX_QUESTION, json_schema_extra={"pattern": r"[\p{L}\p{N}]"}),
    AfterValidator(_worded),
]


class Given(BaseModel):
    """What is sent: a name that isn't known is an error, not ignored."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Filtered(Given):
    """Which articles are searched."""

    since: Day | None = Field(default=None, description="Only articles published on this day or later.")
    until: Day | None = Field(default=None, description="Only articles published on this day or earlier.")
    outlets: list[str] = Field(default=[], max_length=MAX_OUTLETS, description="Only of these outlets; all if empty.")
    languages: list[Language] = Field(default=[], max_length=MAX_OUTLETS, description="Only in these; all if empty.")
    as_of: Day | None = Field(default=None, description="The day to ask from: what is of its time is preferred.")

    @property
    def filters(self) -> Filters:
        """The same for the index."""
        return Filters(self.since, self.until, tuple(self.outlets), as_of=self.as_of, languages=tuple(self.languages))


class Question(Filtered):
    """A question."""

    question: Text = Field(description="What to ask, in words.", examples=["Who opened the new bridge?"])
    k: Count | None = Field(default=None, description="How many different answers at most.")
    min_confidence: float | None = Field(
        default=None, ge=0, le=1, description="Give no answer that is less sure; null for what the server goes by."
    )

    @property
    def asked(self) -> dict[str, Any]:
        """What `Service.ask` takes."""
        own = {name: getattr(self, name) for name in ("question", "k", "min_confidence")}
        return own | {"filters": self.filters}


class Query(Filtered):
    """A search."""

    query: Text = Field(description="What to look for.", examples=["opening of the new bridge"])
    k: Count = Field(default=10, description="How many passages at most.")


class Quote(Given):
    """A quote to check."""

    quote: str = Field(min_length=1, max_length=MAX_QUOTE, description="The very words, spaces and quotation marks.")
    article_id: str | None = Field(default=None, max_length=200, description="Look into this article alone.")


class Found(BaseModel):
    """A passage: ``article.text[start:end] == text``."""

    model_config = ConfigDict(from_attributes=True)

    article_id: str
    revision: int
    start: int
    end: int
    text: str
    title: str
    outlet: str | None
    published: str | None


class Passages(BaseModel):
    """The nearest passages, nearest first."""

    passages: list[Found]


class Verified(BaseModel):
    """Whether a quote stands in the archive, character by character, and where: the first 20 places."""

    verbatim: bool
    places: list[Place]


class Heading(BaseModel):
    """An article without its text."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    revision: int
    title: str
    url: str | None
    outlet: str | None
    authors: list[str]
    published: str | None
    language: str | None
    origin: str
    content_hash: str
    copy_of: str | None


class Listing(BaseModel):
    """Some of the articles, newest first; ``total``: how many there are under the filters."""

    articles: list[Heading]
    total: int


class Marked(BaseModel):
    """A part of an article's text."""

    start: int
    end: int
    quote: str


class Shown(Heading):
    """An article, its near copies, and the part that was asked for."""

    text: str
    revisions: list[int]
    copies: list[Heading]
    marked: Marked | None


class Status(BaseModel):
    """What the archive holds, and how it was built."""

    model_config = ConfigDict(extra="allow")

    articles: int
    copies: int
    passages: int
    revisions: int
    sources: int
    first_published: str | None
    last_published: str | None
    bytes: int
    model: str
    dimension: str
    chunking: str
    schema_: str = Field(alias="schema")
    read_only: bool = Field(description="Whether this server adds and removes nothing.")


def heading(article: Any) -> Heading:  # noqa: ANN401
    """Leave an article's text out."""
    return Heading.model_validate(article)
