"""newsqa: answers from your own archive of news articles, as verbatim quotes with citations.

>>> from newsqa import Settings
>>> from newsqa.ingest import Ingest
>>> from newsqa.qa import QA
>>> settings = Settings.load()
>>> report = Ingest(settings).index(["articles/"])  # doctest: +SKIP
>>> answer = QA.open(settings).ask("Who won the election?")  # doctest: +SKIP

The conductors `newsqa.ingest` and `newsqa.qa` are imported by name, since what
they need takes a moment to load.
"""

from newsqa.errors import NewsQAError
from newsqa.settings import Settings
from newsqa.types import Answer, Article, Citation, Filters, Report

__all__ = ["Answer", "Article", "Citation", "Filters", "NewsQAError", "Report", "Settings"]
