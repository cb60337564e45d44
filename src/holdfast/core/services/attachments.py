"""Whose the contents are that messages name by their digests."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from holdfast.core.domain.contents import contents, contents_in_history, contents_of
from holdfast.core.domain.errors import NotFoundError
from holdfast.core.domain.identity import Principal
from holdfast.core.domain.messages import FilePart, ImagePart, Part
from holdfast.core.domain.runs import RunOptions
from holdfast.core.store.reader import Reader

_REMEMBERED = 10_000
"""Attachments that were in no message yet; of older ones it is not known any more whose they are."""


class Attachments:
    """One for all users of an engine. All contents lie in one place, under names that say nothing of whose
    they are: without this, whoever learns a digest could have a model read the content to him."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._handed_in: OrderedDict[tuple[str, str], None] = OrderedDict()

    def note(self, owner: str, part: ImagePart | FilePart) -> ImagePart | FilePart:
        """Remembers who has handed the content in; returns `part`."""
        self._handed_in[(owner, part.blob)] = None
        self._handed_in.move_to_end((owner, part.blob))
        if len(self._handed_in) > _REMEMBERED:
            self._handed_in.popitem(last=False)
        return part

    async def check(self, principal: Principal, parts: Iterable[Part], options: RunOptions) -> None:
        """Raises `NotFoundError` for a content that the user has neither handed in nor in a message of his
        own. An administrator can attach every file of the machine anyway."""
        if principal.is_admin:
            return
        for digest in contents(parts) | contents_in_history(options):
            if (principal.user_id, digest) in self._handed_in:
                continue
            if not await self._said(principal.user_id, digest):
                raise NotFoundError(
                    f"You have attached nothing of the digest {digest[:80]!r}; attach the file first.",
                    code="attachment_not_found",
                )

    async def _said(self, owner: str, digest: str) -> bool:
        """Says whether a message of the user's names the content, not only a text in it."""
        for logged in await self._reader.events_with(digest, owner):
            if digest in contents_of(logged.event):
                return True
        return False
