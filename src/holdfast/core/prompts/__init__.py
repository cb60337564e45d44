"""Prompts in files: read from the folders of a project and of a user."""
