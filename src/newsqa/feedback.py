"""What people said about answers, kept in the index folder and nowhere else, one JSON object a line.

``feedback/right.jsonl`` holds questions with their answers in the form that ``newsqa evaluate`` reads;
``feedback/wrong.jsonl`` those whose answer was wrong, so that nobody knows the right one yet.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from newsqa.types import Answer, Filters

FOLDER = "feedback"
RIGHT, WRONG = "right.jsonl", "wrong.jsonl"
LONGEST_NOTE = 2000
_writing = Lock()


def record(index: Path, question: str, answer: Answer, filters: Filters, *, right: bool, note: str) -> None:
    """Add a line about an answer; ``question`` stands by itself."""
    said: dict[str, Any] = {"id": uuid.uuid4().hex, "question": question}
    cited = [citation.url for citation in answer.citations[:1] if citation.url]
    if right:
        said |= {"answers": [answer.text] if answer.text else [], "articles": cited}
    else:
        said |= {"given": answer.text}
    if filters.as_of:
        said["date"] = filters.as_of.isoformat()
    said |= {"note": note[:LONGEST_NOTE], "said": datetime.now(UTC).isoformat(timespec="seconds")}
    folder = index / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    line = json.dumps(said, ensure_ascii=False).encode(errors="replace") + b"\n"
    with _writing, (folder / (RIGHT if right else WRONG)).open("ab") as file:
        file.write(line)


def questions(index: Path) -> str:
    """Return the answers that were called right as questions that ``newsqa evaluate`` reads, '' where none was."""
    try:
        return (index / FOLDER / RIGHT).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
