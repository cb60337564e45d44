"""Ways to find passages, on the ports of `core.domain.indexing`. Nothing here loads Chroma or a model."""
