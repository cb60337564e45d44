"""Texts as vectors: by the bundled model, or by one of a provider, which the engine is asked for."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from holdfast.core.domain.knowledge import DEFAULT_EMBEDDING
from holdfast.core.knowledge.loading import loading
from holdfast.core.knowledge.words import plain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from wordllama.inference import WordLlamaInference

    Vectors = NDArray[np.float32]
    """One row for each text."""

_BATCH_CHARS = 200_000
"""Characters that the bundled model pads and embeds at once; bounds its memory for long texts."""


class Embeddings(Protocol):
    """Embeds with any model."""

    def embed(self, model: str, texts: Sequence[str], *, query: bool = False) -> Vectors:
        """Returns a vector for each text. Raises `ModelError`."""
        ...


class Bundled:
    """The model that needs no network. Loads at first use, which takes half a second."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: WordLlamaInference | None = None

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Returns vectors of length 1; of 0 for texts without a word that the model knows."""
        import numpy as np

        model = self._loaded()
        texts = [plain(text) or text for text in texts]
        found = np.zeros((len(texts), model.embedding.shape[1]), dtype=np.float32)
        # A batch is padded to its longest text: texts of one length belong together.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        while order:
            longest = len(texts[order[-1]])
            size = max(1, min(64, _BATCH_CHARS // max(1, longest)))
            batch, order = order[-size:], order[:-size]
            found[batch] = model.embed([texts[i] for i in batch], norm=False)
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        vectors: Vectors = np.divide(found, lengths, out=found, where=lengths > 0)
        return vectors

    def _loaded(self) -> WordLlamaInference:
        with self._lock:
            if self._model is None:
                with loading():  # half a second, and only where vectors are made
                    import wordllama

                home = Path(wordllama.__file__).parent
                # It looks for its own tokenizer in the cache's folder only.
                self._model = wordllama.WordLlama.load(cache_dir=home, disable_download=True)
            return self._model


def is_bundled(model: str) -> bool:
    return model == DEFAULT_EMBEDDING
