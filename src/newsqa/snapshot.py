"""The FAISS snapshot: disposable, hashed, published atomically beside the database.

A manifest names the file, its hashes, the database it was made from, and the last
passage id and tombstone it knows; whatever the database wrote after these is the
difference to add. Reading a large file through takes longer than all else on opening:
then only its size and its ends are checked, and the whole by `verify`.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from newsqa.errors import IndexCorruptError, NewsQAError
from newsqa.store import FaissStore

MANIFEST = "manifest.json"
ENDS = 4 * 1024 * 1024
"""Bytes from the beginning and from the end of a file that are checked on opening."""
Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Mark:
    """A point in the database's history: the last passage id and tombstone written."""

    passage: int
    tombstone: int

    @property
    def passages(self) -> int:
        """How many passages there are: ids are given out one by one, and a tombstone is left for each removed."""
        return self.passage - self.tombstone

    def ahead_of(self, other: Mark) -> bool:
        """Tell whether this one knows of something that the other does not."""
        return self.passage > other.passage or self.tombstone > other.tombstone


@dataclass(frozen=True, slots=True)
class Manifest:
    """What `MANIFEST` holds."""

    file: str
    sha256: str
    ends: str
    database: str
    vectors: int
    mark: Mark


def publish(folder: Path, database: str, mark: Mark, save: Callable[[Path], int]) -> None:
    """Make what ``save`` writes to a file the current snapshot; a crash at any instant leaves a whole one.

    One at a time: files of others are deleted. ``save`` returns how many vectors it wrote.
    """
    name = f"vectors-{uuid.uuid4().hex[:12]}.faiss"
    path = folder / name
    try:
        vectors = save(path)
    except NewsQAError:
        path.unlink(missing_ok=True)
        raise
    _sync(path)
    manifest = Manifest(name, _sha256(path), _ends(path), database, vectors, mark)
    draft = folder / f"{MANIFEST}.new"
    draft.write_text(json.dumps(asdict(manifest), indent=1), encoding="utf-8")
    _sync(draft)
    draft.replace(folder / MANIFEST)
    _sync(folder)
    for old in folder.glob("vectors-*.faiss"):
        if old.name != name:
            old.unlink(missing_ok=True)


def discard(folder: Path) -> None:
    """Make no snapshot the current one."""
    (folder / MANIFEST).unlink(missing_ok=True)


def stamp(folder: Path) -> Stamp | None:
    """Return what changes whenever another snapshot becomes the current one; None while there is none."""
    try:
        found = (folder / MANIFEST).stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def load(folder: Path, database: str, *, whole: bool = False) -> tuple[FaissStore, Manifest] | None:
    """Open the current snapshot of this database; None when there is none.

    Raises IndexCorruptError when the manifest or the file is not as written; ``whole`` reads all of it to tell.
    """
    for last_try in (False, True):
        manifest = read_manifest(folder, database)
        if manifest is None:
            return None
        path = folder / manifest.file
        try:
            same = _ends(path) == manifest.ends and (not whole or _sha256(path) == manifest.sha256)
        except FileNotFoundError as error:
            # Another process may have published a newer one since the manifest was read.
            if last_try:
                raise IndexCorruptError(f"The snapshot '{path}' is missing") from error
            continue
        if not same:
            raise IndexCorruptError(f"The snapshot '{path}' is damaged: its hash is not the one recorded")
        store = FaissStore.load(path)
        if len(store) != manifest.vectors:
            raise IndexCorruptError(f"The snapshot '{path}' holds {len(store)} vectors, not {manifest.vectors}")
        return store, manifest
    raise AssertionError("unreachable")


def read_manifest(folder: Path, database: str) -> Manifest | None:
    """Read which snapshot is current; raises IndexCorruptError if damaged or of another database."""
    try:
        fields = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        mark = Mark(**fields.pop("mark"))
        manifest = Manifest(**fields, mark=mark)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IndexCorruptError(f"'{folder / MANIFEST}' is damaged: {error}") from error
    if manifest.database != database:
        raise IndexCorruptError(f"The snapshot in '{folder}' was made from another database")
    return manifest


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _ends(path: Path) -> str:
    size = path.stat().st_size
    with path.open("rb") as file:
        digest = hashlib.sha256(file.read(ENDS))
        file.seek(max(file.tell(), size - ENDS))
        digest.update(file.read())
    return f"{size} {digest.hexdigest()}"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
