"""The reference pages, each made from the code by a function that returns Markdown."""
