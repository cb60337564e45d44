"""Reads documents and cuts them: bytes in, text with the places of its pieces out."""
