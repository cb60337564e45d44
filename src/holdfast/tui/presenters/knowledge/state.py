"""What the knowledge screen and the knowledge pane show."""

from __future__ import annotations

from dataclasses import dataclass, field

from holdfast.tui.presenters.knowledge.collections import CollectionView, DocumentView
from holdfast.tui.presenters.knowledge.jobs import JobList
from holdfast.tui.presenters.passages import PassageView

TABS = ("documents", "search", "jobs")
METHODS = ("hybrid", "vector", "lexical", "wide", "hyde1", "hyde2", "agentic")
"""Ways to search that a person chooses from, in this order; those from `wide` on ask a model."""


@dataclass(slots=True)
class KnowledgeState:
    """Collections, the documents of one of them, a search, and jobs."""

    collections: list[CollectionView] | None = None
    """None: not read yet."""
    error: str = ""
    jobs: JobList = field(default_factory=JobList)
    chosen: str | None = None
    """Id of the collection whose documents are shown."""
    documents: list[DocumentView] | None = None
    documents_error: str = ""
    cursor: str | None = None
    """Where the next page of documents begins."""
    filter: str = ""
    method: str = "hybrid"
    query: str = ""
    results: list[PassageView] | None = None
    """None: nothing was searched for yet."""
    search_note: str = ""
    """How long the search took, or what went wrong."""
    search_failed: bool = False
    searching: bool = False

    @property
    def collection(self) -> CollectionView | None:
        """The collection whose documents are shown."""
        return next((one for one in self.collections or [] if one.id == self.chosen), None)

    @property
    def names(self) -> dict[str, str]:
        """The names of collections by their ids."""
        return {one.id: one.name for one in self.collections or []}

    def named(self, name: str) -> CollectionView | None:
        """Returns the collection of a name."""
        return next((one for one in self.collections or [] if one.name == name), None)

    def take_collections(self, collections: list[CollectionView]) -> None:
        """Takes the list as the engine gave it; goes to the first one when the chosen one is gone."""
        self.collections, self.error = collections, ""
        if self.collection is None:
            self.chosen = collections[0].id if collections else None
            self.documents, self.cursor, self.documents_error = None, None, ""
