"""Conversations out of files: exports of Holdfast and of others. What a file says is never trusted."""
