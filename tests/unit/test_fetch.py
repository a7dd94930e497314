"""Files, folders, pipes and standard input as documents; gzip; limits. `test_http` has URLs."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import threading
from pathlib import Path

import pytest

from newsqa import formats
from newsqa.errors import FormatError, SourceError
from newsqa.fetch import Fetcher, normal_location
from newsqa.settings import MEGABYTE, Settings
from newsqa.types import Document, Draft, Rejection

CONTENT = b"The mill burned down.\n"


def documents(location: Path | str, settings: Settings | None = None) -> list[Document | Rejection]:
    found = list(Fetcher(settings or Settings()).documents(str(location)))
    assert all(isinstance(each, Document | Rejection) for each in found)
    return found  # type: ignore[return-value]


def only(location: Path | str, settings: Settings | None = None) -> Document:
    (found,) = documents(location, settings)
    assert isinstance(found, Document), found
    return found


def content(document: Document) -> bytes:
    with document.open() as stream:
        return stream.read()


def write(path: Path, data: bytes = CONTENT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_a_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt")
    found = only(path)
    assert found.location == str(path)
    assert found.digest == hashlib.sha256(CONTENT).hexdigest()
    assert (found.content_type, found.etag, found.last_modified) == (None, None, None)
    assert content(found) == CONTENT
    assert content(found) == CONTENT


def test_a_path_is_remembered_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/lena")
    assert normal_location("b/../a.txt") == str(tmp_path / "a.txt")
    assert normal_location("~/a") == "/home/lena/a"
    assert normal_location("-") == "-"
    assert normal_location(".") == str(tmp_path)


def test_a_relative_path_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a.txt")
    monkeypatch.chdir(tmp_path)
    assert only("a.txt").location == str(tmp_path / "a.txt")


def test_a_folder_is_read_recursively_and_sorted(tmp_path: Path) -> None:
    for name in ("b.txt", "a/z.txt", "a/b/c.txt", "c/a.txt", "a.txt"):
        write(tmp_path / name)
    found = [str(Path(each.location).relative_to(tmp_path)) for each in documents(tmp_path)]
    assert found == ["a/b/c.txt", "a/z.txt", "a.txt", "b.txt", "c/a.txt"]


def test_hidden_files_and_folders_are_left_out(tmp_path: Path) -> None:
    for name in (".hidden", ".git/config", "a/.b", "a/c"):
        write(tmp_path / name)
    assert [Path(each.location).name for each in documents(tmp_path)] == ["c"]


def test_an_empty_folder_yields_nothing(tmp_path: Path) -> None:
    assert documents(tmp_path) == []


def test_links_to_folders_are_followed_once(tmp_path: Path) -> None:
    write(tmp_path / "a/story.txt")
    (tmp_path / "a/loop").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert [each.location for each in documents(tmp_path)] == [str(tmp_path / "a/story.txt")]


def test_bad_members_are_rejected_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    os.mkfifo(tmp_path / "pipe")
    write(tmp_path / "story.txt")
    broken, pipe, itself, story = sorted(documents(tmp_path), key=lambda each: each.location)
    assert isinstance(broken, Rejection)
    assert broken.reason.startswith("no file or folder")
    assert pipe == Rejection(str(tmp_path / "pipe"), "not a regular file")
    assert isinstance(itself, Rejection)
    assert "Too many levels of symbolic links" in itself.reason
    assert isinstance(story, Document)


def test_what_may_not_be_read_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a/b.txt")
    write(tmp_path / "c.txt")
    opened, listed = Path.open, Path.iterdir

    def refuse_open(path: Path, *options: str) -> object:
        if path.name == "c.txt":
            raise PermissionError(13, "Permission denied")
        return opened(path, *options)  # type: ignore[call-overload]

    def refuse_list(path: Path) -> object:
        if path.name == "a":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(Path, "open", refuse_open)
    monkeypatch.setattr(Path, "iterdir", refuse_list)
    assert documents(tmp_path) == [
        Rejection(str(tmp_path / "a"), "can't read: Permission denied"),
        Rejection(str(tmp_path / "c.txt"), f"can't read '{tmp_path / 'c.txt'}': Permission denied"),
    ]
    with pytest.raises(SourceError, match="Permission denied"):
        documents(tmp_path / "c.txt")


def test_a_name_that_is_not_utf_8_is_rejected(tmp_path: Path) -> None:
    name = os.fsdecode(b"gr\xfcn.txt")
    try:
        write(tmp_path / name)
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    assert documents(tmp_path) == [Rejection(f"{tmp_path}/gr\ufffdn.txt", "the file name is not UTF-8; rename it")]


def test_the_index_is_not_indexed(tmp_path: Path) -> None:
    write(tmp_path / "index/newsqa.db")
    write(tmp_path / "story.txt")
    found = documents(tmp_path, Settings(index=tmp_path / "index"))
    assert [each.location for each in found] == [str(tmp_path / "story.txt")]


@pytest.mark.parametrize("location", ["nowhere.txt", "nowhere/", "a:b"])
def test_a_path_that_does_not_exist(tmp_path: Path, location: str) -> None:
    with pytest.raises(SourceError, match=r"no file or folder .* Give a path, a URL or '-'") as raised:
        Fetcher(Settings()).documents(str(tmp_path / location))
    assert raised.value.permanent


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "FILE:/etc/passwd", "ftp://e.org/a", "data:text/plain,a", "gopher://e.org/"]
)
def test_other_schemes_are_refused(location: str) -> None:
    with pytest.raises(SourceError, match="only http and https are fetched"):
        normal_location(location)
    with pytest.raises(SourceError, match="only http and https are fetched"):
        Fetcher(Settings()).documents(location)


@pytest.mark.parametrize("name", ["a.gz", "a.txt"])
def test_gzip_is_known_by_content(tmp_path: Path, name: str) -> None:
    packed = gzip.compress(CONTENT) + gzip.compress(b"more")
    found = only(write(tmp_path / name, packed))
    assert content(found) == CONTENT + b"more"
    assert found.digest == hashlib.sha256(packed).hexdigest()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda packed: packed[:-12], "truncated gzip: it ends before its content does"),
        (lambda packed: packed[:5], "truncated gzip: it ends before its content does"),
        (lambda packed: packed[:-8] + bytes(8), "damaged gzip: CRC check failed"),
        (lambda packed: packed[:100] + bytes(50) + packed[150:], "damaged gzip: "),
        (lambda packed: packed + b"rest", "damaged gzip: Not a gzipped file"),
    ],
    ids=["cut", "cut in the header", "wrong sum", "overwritten", "rest"],
)
def test_damaged_gzip(tmp_path: Path, damage: object, reason: str) -> None:
    data = hashlib.shake_128(b"seed").digest(50_000)
    found = only(write(tmp_path / "a.gz", damage(gzip.compress(data))))  # type: ignore[operator]
    with pytest.raises(FormatError, match=reason):
        content(found)


@pytest.mark.parametrize("rows", ['{"text": "Story %d"}\n', 'Story %d,"%d"\n'], ids=["json", "csv"])
def test_what_comes_before_the_cut_is_read(tmp_path: Path, rows: str) -> None:
    header = "" if rows.startswith("{") else "title,text\n"
    whole = header + "".join(rows.replace("%d", str(number)) for number in range(50_000))
    packed = gzip.compress(whole.encode())
    readable = gzip.GzipFile(fileobj=io.BytesIO(packed)).read(len(whole) // 2)
    found = list(formats.parse(only(write(tmp_path / "a.gz", packed[: len(packed) // 2])), {}, Settings()))
    *drafts, last = found
    assert all(isinstance(each, Draft) for each in drafts)
    assert isinstance(last, Rejection)
    assert last.reason == "truncated gzip: it ends before its content does"
    assert last.line == len(drafts) + 1 + bool(header)
    assert len(drafts) > readable.count(b"\n") // 2


def test_a_gzip_bomb_is_refused_with_the_limit_named(tmp_path: Path) -> None:
    path = write(tmp_path / "bomb.gz", gzip.compress(bytes(20 * MEGABYTE)))
    found = only(path, Settings(max_document_mb=1))
    with found.open() as stream:
        assert len(stream.read(MEGABYTE)) == MEGABYTE
        with pytest.raises(FormatError, match=r"limit of 1 MB \(max_document_mb\)"):
            stream.read(1)


def test_content_of_just_the_limit_is_read(tmp_path: Path) -> None:
    found = only(write(tmp_path / "a.gz", gzip.compress(bytes(MEGABYTE))), Settings(max_document_mb=1))
    assert len(content(found)) == MEGABYTE


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a/large", b"x" * (MEGABYTE + 1))
    settings = Settings(max_document_mb=1)
    with pytest.raises(SourceError, match=r"larger than the limit of 1 MB \(max_document_mb\)"):
        documents(tmp_path / "a/large", settings)
    (found,) = documents(tmp_path, settings)
    assert isinstance(found, Rejection)


@pytest.mark.parametrize("packed", [False, True])
def test_standard_input(monkeypatch: pytest.MonkeyPatch, packed: bool) -> None:
    data = gzip.compress(CONTENT) if packed else CONTENT
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    found = only("-")
    assert (found.location, found.digest) == ("-", hashlib.sha256(data).hexdigest())
    with found.open() as first, found.open() as second:
        assert (first.read(3), second.read(), first.read()) == (CONTENT[:3], CONTENT, CONTENT[3:])


def test_a_reader_of_standard_input_outlives_its_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(CONTENT)))
    with only("-").open() as stream:
        assert stream.read() == CONTENT


def test_endless_standard_input_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            buffer[:] = bytes(len(buffer))
            return len(buffer)

    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(Endless())))
    with pytest.raises(SourceError, match="'-' is larger than the limit of 1 MB"):
        Fetcher(Settings(max_document_mb=1)).documents("-")


def test_a_full_disk_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(CONTENT)))
    with pytest.raises(SourceError, match="can't keep a copy of '-': No space left on device") as raised:
        Fetcher(Settings()).documents("-")
    assert not raised.value.permanent


def test_a_pipe_that_is_named_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(CONTENT,))
    writer.start()
    found = only(pipe)
    writer.join()
    assert content(found) == content(found) == CONTENT
