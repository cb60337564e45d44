"""What the libraries do alone, in a process of its own, as the reference of the index.

    python knowledge_bare.py ingest FOLDER         parse, embed and upsert every file of a folder
    python knowledge_bare.py query INDEX COUNT     for each line of standard input, the seconds that bare
                                                   Chroma and bare FTS5 take, over a copy of an index

Results go to standard output as JSON, a line each.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

import chromadb
from chromadb.config import Settings

from holdfast.core.domain.knowledge import Chunking
from holdfast.core.knowledge.embedding import Bundled
from holdfast.core.knowledge.parsing.process import ParserProcess
from holdfast.core.knowledge.words import match

BATCH = 1_000
"""Vectors of an upsert: larger ones are hardly quicker."""


def ingest(folder: Path) -> None:
    """Takes one step after the other, each with what the one before gave; tells the seconds of each."""
    files = sorted(folder.iterdir())
    model = Bundled()
    model.embed(["so that it is loaded"])
    parser = ParserProcess()
    _parse(parser, files[0])
    began = time.perf_counter()
    texts = [text for file in files for text in _parse(parser, file)]
    parsed = time.perf_counter()
    parser.close()
    vectors = model.embed(texts)
    embedded = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        settings = Settings(anonymized_telemetry=False)
        collection = chromadb.PersistentClient(place, settings=settings).create_collection(
            "bare", configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
        )
        opened = time.perf_counter()
        for at in range(0, len(texts), BATCH):
            part = vectors[at : at + BATCH]
            collection.upsert(ids=[str(number) for number in range(at, at + len(part))], embeddings=part)
        stored = time.perf_counter()
    taken = {"parse": parsed - began, "embed": embedded - parsed, "upsert": stored - opened}
    print(json.dumps({"chunks": len(texts), **taken}))


def _parse(parser: ParserProcess, file: Path) -> list[str]:
    parsed = parser.parse(file, file.name, max_bytes=1 << 30, timeout_s=600, chunking=Chunking())
    return [chunk.text for chunk in parsed.chunks]


def query(index: Path, count: int) -> None:
    """Asks Chroma with the query's vector and FTS5 with its words, for `count` results each."""
    model = Bundled()
    client = chromadb.PersistentClient(index / "chroma", settings=Settings(anonymized_telemetry=False))
    collection = client.get_collection(client.list_collections()[0].name, embedding_function=None)
    database = sqlite3.connect(index / "knowledge.db")
    print(json.dumps(collection.count()), flush=True)
    for line in sys.stdin:
        text = json.loads(line)
        vector = model.embed([text])
        began = time.perf_counter()
        collection.query(query_embeddings=vector, n_results=count, include=["distances"])
        nearest = time.perf_counter()
        found = "SELECT rowid, rank FROM words WHERE words MATCH ? ORDER BY rank LIMIT ?"
        database.execute(found, (match(text), count)).fetchall()
        ended = time.perf_counter()
        print(json.dumps({"chroma": nearest - began, "fts5": ended - nearest}), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "ingest":
        ingest(Path(sys.argv[2]))
    else:
        query(Path(sys.argv[2]), int(sys.argv[3]))
