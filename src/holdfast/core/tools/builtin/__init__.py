"""The tools that come with Holdfast: one file each, with its description in a `.md` beside it."""
