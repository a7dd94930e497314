from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from fakes import HashEmbedder
from newsqa.server import problems, schemas
from newsqa.server.app import Options
from newsqa.server.slices import PORTION, InSlices
from newsqa.types import Article, Filters, Passage, Vectors
from serving import ANSWER, NONE, PASSAGE, STAGE, TEXT, Server, serving

PLACE = {"article_id": "a1", "revision": 2, "current": True, "start": 14, "end": 23, "title": "Ferry sinks"}
PLACE |= {"outlet": "Courier", "published": "2025-01-02", "url": None}


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with serving(monkeypatch, tmp_path) as server:
        yield server


def plain(record: Any) -> Any:
    return json.loads(json.dumps(asdict(record)))


def events(body: str) -> list[tuple[str, Any]]:
    blocks = [dict(line.split(": ", 1) for line in block.splitlines()) for block in body.strip().split("\n\n")]
    return [(block["event"], json.loads(block["data"])) for block in blocks]


# Asking


@pytest.mark.parametrize("path", ["/api/v1/ask", "/api/ask"])
def test_an_answer_is_the_document_that_the_command_writes(server: Server, path: str) -> None:
    assert server.client.post(path, json={"question": "When?"}).json() == plain(ANSWER)
    assert server.client.post(path, json={"question": "Who?"}).json() == plain(NONE)


def test_all_that_narrows_a_question_arrives(server: Server) -> None:
    body = {"question": "When?", "k": 2, "since": "2016-12-01", "until": "2016-12-31", "outlets": ["Courier"]}
    body |= {"as_of": "2016-12-30", "languages": ["en", "de"], "min_confidence": 0}
    for path in ("/api/v1/ask", "/api/v1/ask/stream"):
        assert server.client.post(path, json=body).status_code == 200
    days = date(2016, 12, 1), date(2016, 12, 31)
    filters = Filters(*days, ("Courier",), as_of=date(2016, 12, 30), languages=("en", "de"))
    assert server.qa.asked == [("When?", 2, filters, 0)] * 2


def test_a_stream_tells_each_stage_and_then_the_answer(server: Server) -> None:
    streamed = server.client.post("/api/v1/ask/stream", json={"question": "When?"})
    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert events(streamed.text) == [("stage", plain(STAGE)), ("answer", plain(ANSWER))]


def test_a_stream_that_fails_ends_in_a_problem(server: Server) -> None:
    streamed = server.client.post("/api/v1/ask/stream", json={"question": "Why?"})
    (_, (kind, problem)) = events(streamed.text)
    assert (kind, problem["status"], problem["detail"]) == ("problem", 422, "Nobody knows why.")


@pytest.mark.parametrize("path", ["/api/v1/ask", "/api/v1/ask/stream"])
def test_who_finds_the_line_full_is_told_when_to_come_back(server: Server, path: str) -> None:
    for _ in range(server.service.line.places + server.service.line.longest):
        server.service.line.join()
    refused = server.client.post(path, json={"question": "When?"})
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
    assert refused.json()["error"] == "BusyError"
    assert server.qa.asked == []


def test_search_gives_passages(server: Server) -> None:
    (found,) = server.client.post("/api/v1/search", json={"query": "ferry", "k": 1}).json()["passages"]
    assert found == {name: value for name, value in asdict(PASSAGE).items() if name != "id"}
    assert server.client.post("/api/v1/search", json={"query": "?!"}).status_code == 422


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({"quote": "The ferry"}, [PLACE]),
        ({"quote": "The ferry", "article_id": "a1"}, [PLACE]),
        ({"quote": "The ferry", "article_id": "other"}, []),
        ({"quote": "The  ferry"}, []),
        ({"quote": "the ferry"}, []),
    ],
)
def test_verify_tells_where_a_quote_stands(server: Server, body: Any, places: list[Any]) -> None:
    assert server.client.post("/api/v1/verify", json=body).json() == {"verbatim": bool(places), "places": places}


# Articles


def test_articles_are_listed_page_by_page(server: Server) -> None:
    query = {"outlet": ["Courier", "Echo"], "language": "en", "since": "2025-01-01", "limit": 1}
    listed = server.client.get("/api/v1/articles", params=query).json()
    assert listed["total"] == 1
    assert [article["id"] for article in listed["articles"]] == ["a1"]
    assert set(listed["articles"][0]) == {field.name for field in fields(Article)} - {"text"}
    assert server.qa.index.asked == [(Filters(date(2025, 1, 1), None, ("Courier", "Echo"), languages=("en",)), 1, 0)]
    assert server.client.get("/api/v1/articles?offset=1").json() == {"articles": [], "total": 1}


def test_an_article_has_its_text_its_revisions_and_the_part_asked_for(server: Server) -> None:
    shown = server.client.get("/api/v1/articles/a1", params={"revision": 1, "start": 14, "end": 23}).json()
    assert set(shown) == {field.name for field in fields(Article)} | {"revisions", "copies", "marked"}
    assert (shown["text"], shown["revision"], shown["revisions"]) == (TEXT, 1, [1, 2])
    assert shown["marked"] == {"start": 14, "end": 23, "quote": "The ferry"}


def test_names_are_those_of_the_records() -> None:
    assert set(schemas.Found.model_fields) == {field.name for field in fields(Passage)} - {"id"}
    assert set(schemas.Heading.model_fields) == {field.name for field in fields(Article)} - {"text"}


def test_files_and_addresses_are_added(server: Server) -> None:
    files = [("files", ("a.txt", b"one")), ("files", ("b.bin", b"\x00\xff"))]
    added = server.client.post(
        "/api/v1/articles", files=files, data={"urls": ["HTTPS://Example.org/feed#x"], "follow": "true"}
    )
    ((locations, follow),) = server.ingest.indexed
    url, first, second = locations
    assert (url, follow) == ("https://example.org/feed", True)
    assert [Path(path).read_bytes() for path in (first, second)] == [b"one", b"\x00\xff"]
    assert added.json()["added"] == 2
    assert added.json()["rejected"] == [{"location": second, "reason": "not text", "line": None, "permanent": True}]


@pytest.mark.parametrize("name", ["../../../evil.txt", "..\\..\\evil.txt", "/etc/evil.txt", "a/../../evil.txt"])
def test_a_file_is_kept_in_the_folder_for_uploads_whatever_it_is_called(server: Server, name: str) -> None:
    server.client.post("/api/v1/articles", files={"files": (name, b"one")})
    (((location,), _),) = server.ingest.indexed
    assert Path(location).relative_to(server.folder / "uploads").parts[1:] == ("evil.txt",)
    assert [path for path in server.folder.rglob("*") if path.is_file()] == [Path(location)]


@pytest.mark.parametrize(
    "url",
    ["/etc/passwd", "file:///etc/passwd", "-", "ftp://example.org/x", "etc", "javascript:alert(1)", "http://", ""],
)
def test_no_path_of_this_machine_is_an_address(server: Server, url: str) -> None:
    refused = server.client.post("/api/v1/articles", data={"urls": [url]})
    assert refused.status_code == 422
    assert server.ingest.indexed == []


def test_adding_nothing_makes_no_sense(server: Server) -> None:
    assert server.client.post("/api/v1/articles").json()["detail"] == "Send 'files' or 'urls'."


def test_an_article_is_removed(server: Server) -> None:
    assert server.client.delete("/api/v1/articles/a1").json()["removed"] == 1
    assert server.ingest.removed == ["a1"]
    assert server.client.delete("/api/v1/articles/nope").status_code == 404


def test_status_tells_what_there_is_but_not_where(server: Server) -> None:
    status = server.client.get("/api/v1/status").json()
    assert (status["articles"], status["schema"], status["read_only"]) == (1, "1", False)
    assert "ada" not in json.dumps(status)


# Problems


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words", "error"),
    [
        ("POST", "ask", {"question": "Why?"}, 422, "Nobody knows why.", "UsageError"),
        ("POST", "ask", {"question": ""}, 422, "question: String should have at least 1", "UsageError"),
        ("POST", "ask", {"question": "x" * 2001}, 422, "question: ", "UsageError"),
        ("POST", "ask", {"question": "?!"}, 422, "question: Value error, has no word", "UsageError"),
        ("POST", "ask", {"question": "When?", "min_confidence": 1.1}, 422, "min_confidence: ", "UsageError"),
        ("POST", "ask", {"question": "When?", "languages": ["English"]}, 422, "languages.0: ", "UsageError"),
        ("POST", "ask", {"question": "When?", "K": 1}, 422, "K: Extra inputs", "UsageError"),
        ("POST", "ask", {"question": "When?", "k": "1"}, 422, "k: ", "UsageError"),
        ("POST", "ask", {"question": "When?", "since": 0}, 422, "should be a date like 2016-12-28", "UsageError"),
        ("POST", "ask", {"question": "When?", "since": "2016-02-30"}, 422, "since: ", "UsageError"),
        ("POST", "ask", ["When?"], 422, "", "UsageError"),
        ("POST", "ask", {"question": "Boom?"}, 500, "Something went wrong inside newsqa", None),
        ("GET", "ask", None, 405, "Method Not Allowed", None),
        ("GET", "nowhere", None, 404, "Not Found", None),
        ("GET", "articles/nope", None, 404, "No article nope", "ArticleNotFoundError"),
        ("GET", "articles/broken", None, 503, "The database is damaged.", "IndexCorruptError"),
        ("GET", "articles/a1?start=3", None, 422, "both", "UsageError"),
        ("GET", "articles/a1?start=9&end=3", None, 422, "No quote at [9, 3)", "UsageError"),
        ("GET", f"articles/a1?start=0&end={len(TEXT) + 1}", None, 422, "has 38 characters", "UsageError"),
        ("GET", f"articles/a1?revision={10**30}", None, 422, "revision: ", "UsageError"),
        ("GET", "articles?limit=0", None, 422, "limit: ", "UsageError"),
        ("GET", "articles?since=yesterday", None, 422, "since: ", "UsageError"),
    ],
)
@pytest.mark.parametrize("prefix", ["/api/v1/", "/api/"])
def test_problems_are_problem_details(
    server: Server, prefix: str, method: str, path: str, body: Any, status: int, words: str, error: str | None
) -> None:
    refused = server.client.request(method, prefix + path, json=body)
    problem = refused.json()
    assert refused.headers["content-type"] == problems.MEDIA_TYPE
    assert refused.status_code == problem["status"] == status
    assert problem["title"] == problems.phrase(status)
    assert words in problem["detail"]
    assert problem.get("error") == error
    assert "Traceback" not in refused.text


def test_a_wrong_method_is_told_all_that_there_are(server: Server) -> None:
    for path, allowed in (("articles", "GET, POST"), ("articles/a1", "DELETE, GET"), ("ask", "POST")):
        assert server.client.patch(f"/api/v1/{path}").headers["allow"] == allowed


def test_text_that_is_no_json_is_a_problem_too(server: Server) -> None:
    for content, status in ((b"{", 422), (b'{"question": "\\ud800"}', 422), (b"", 422), (b"\xff", 400)):
        refused = server.client.post("/api/v1/ask", content=content, headers={"content-type": "application/json"})
        assert refused.headers["content-type"] == problems.MEDIA_TYPE
        assert refused.status_code == status


def test_a_refusal_before_the_api_is_a_problem_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(monkeypatch, tmp_path, Options(token="x" * 16, rate=0)) as server:
        refused = server.client.get("/api/v1/status")
        assert refused.json()["detail"] == "Send a token: Authorization: Bearer TOKEN"
        assert refused.headers["www-authenticate"] == "Bearer"


def test_indexing_beside_answers_embeds_in_small_portions() -> None:
    asked: list[int] = []

    class Counting(HashEmbedder):
        def embed(self, texts: Sequence[str]) -> Vectors:
            asked.append(len(texts))
            return super().embed(texts)

    texts = [f"ferry number {number}" for number in range(3 * PORTION + 1)]
    assert (InSlices(Counting()).embed(texts) == HashEmbedder().embed(texts)).all()
    assert asked == [PORTION] * 3 + [1]
    assert InSlices(Counting()).embed([]).shape == (0, 64)
