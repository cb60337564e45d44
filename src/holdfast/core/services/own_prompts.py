"""What all principals of one engine share of users' own prompts: rows, and the files attached to them."""

from __future__ import annotations

import asyncio
from typing import Any

from holdfast.core.domain.errors import ConflictError, InvalidError, NotFoundError, TooLargeError
from holdfast.core.domain.prompts import MAX_ATTACHMENT_BYTES, OwnPrompt, PromptSpec
from holdfast.core.domain.tools import BlobStore
from holdfast.core.domain.transfer import Download, Upload
from holdfast.core.domain.values import new_id, utc_now
from holdfast.core.files.attach import attach
from holdfast.core.files.fetch import as_download
from holdfast.core.services.memory_store import not_in_trash
from holdfast.core.store.prompts import PromptTable
from holdfast.core.tools.registry import near_names

MAX_PROMPTS = 500
"""Of one user."""


class OwnPrompts:
    """Keeps prompts that users make. `owner` is the id of the user."""

    def __init__(self, table: PromptTable, blobs: BlobStore) -> None:
        self._table = table
        self._blobs = blobs
        self._changing = asyncio.Lock()

    async def of(self, owner: str) -> tuple[OwnPrompt, ...]:
        """Returns a user's prompts, by name."""
        return await self._table.of(owner)

    async def get(self, name_or_id: str, owner: str) -> OwnPrompt:
        """Returns one of a user's prompts. Raises `NotFoundError`."""
        found = await self._table.find(owner, name_or_id.removeprefix("own:"))
        if found is not None:
            return found
        known = [each.spec.name for each in await self._table.of(owner)]
        raise NotFoundError(
            f"You have made no prompt {name_or_id[:80]!r}.{near_names(name_or_id, known)}",
            code="prompt_not_found",
        )

    async def create(self, spec: PromptSpec, owner: str) -> OwnPrompt:
        """Keeps a new prompt. Raises `InvalidError`, `ConflictError`: `prompt_exists`, `too_many_prompts`."""
        _check(spec)
        now = utc_now()
        prompt = OwnPrompt(id=new_id(), owner=owner, spec=spec, created_at=now, updated_at=now)
        _raise(await self._table.add(prompt, MAX_PROMPTS), spec.name)
        return prompt

    async def update(self, name: str, spec: PromptSpec, owner: str, expected: str | None = None) -> OwnPrompt:
        """Replaces what a prompt says; its id and its attachment stay. Raises what `create` raises,
        `NotFoundError`, and `ConflictError` (`prompt_changed`) when its digest is not `expected`."""
        _check(spec)
        return await self._change(name, owner, {"spec": spec}, expected)

    async def attach(self, name: str, data: Upload, file_name: str, owner: str) -> OwnPrompt:
        """Attaches a file, in the place of an older one. Raises `TooLargeError`, `NotFoundError`."""
        await self.get(name, owner)
        content = await asyncio.to_thread(_content, data)
        part = await asyncio.to_thread(attach, content, file_name, self._blobs)
        return await self._change(name, owner, {"attachment": part})

    async def attachment(self, name: str, owner: str) -> Download:
        """Returns the attached file. Raises `NotFoundError`, also for a prompt that has none."""
        found = await self.get(name, owner)
        if (part := found.attachment) is None:
            raise _no_attachment(found)
        try:
            return await asyncio.to_thread(
                lambda: as_download(self._blobs.path(part.blob).open("rb"), part.name)
            )
        except FileNotFoundError as error:  # it is kept no more
            raise _no_attachment(found) from error

    async def detach(self, name: str, owner: str) -> OwnPrompt:
        """Takes the attached file away. Raises `NotFoundError`."""
        return await self._change(name, owner, {"attachment": None})

    async def remove(self, name: str, owner: str) -> None:
        """Puts a prompt into the trash. Raises `NotFoundError`."""
        found = await self.get(name, owner)
        await self._table.remove(owner, found.id)

    async def restore(self, owner: str, id: str, title: str) -> None:
        """Brings a prompt back out of the trash. Raises `NotFoundError`, `ConflictError`."""
        hindered = await self._table.restore(owner, id, MAX_PROMPTS)
        if hindered == "gone":
            raise not_in_trash(id)
        _raise(hindered, title)

    async def _change(
        self, name: str, owner: str, changes: dict[str, Any], expected: str | None = None
    ) -> OwnPrompt:
        async with self._changing:
            before = await self.get(name, owner)
            if expected is not None and expected != before.digest:
                raise ConflictError(
                    f"The prompt {before.spec.name} has changed since; read it again, and change that.",
                    code="prompt_changed",
                )
            prompt = before.model_copy(update={**changes, "updated_at": utc_now()})
            hindered = await self._table.change(prompt)
            if hindered == "gone":
                raise NotFoundError(f"There is no prompt {name[:80]!r} any more.", code="prompt_not_found")
            _raise(hindered, prompt.spec.name)
            return prompt


def _check(spec: PromptSpec) -> None:
    if not spec.text.strip():
        raise InvalidError("The prompt has no text.", code="invalid_prompt")


def _raise(hindered: str, name: str) -> None:
    if hindered == "exists":
        raise ConflictError(
            f"You have a prompt {name!r} already; edit that one, or give this one another name.",
            code="prompt_exists",
        )
    if hindered == "many":
        raise ConflictError(f"You have {MAX_PROMPTS} prompts; delete one first.", code="too_many_prompts")


def _no_attachment(prompt: OwnPrompt) -> NotFoundError:
    return NotFoundError(
        f"No file is attached to the prompt {prompt.spec.name}.", code="attachment_not_found"
    )


def _content(data: Upload) -> bytes:
    content = data if isinstance(data, bytes) else data.read(MAX_ATTACHMENT_BYTES + 1)
    if len(content) > MAX_ATTACHMENT_BYTES:
        raise TooLargeError(
            f"A prompt takes a file of at most {MAX_ATTACHMENT_BYTES // 2**20} MB along; this one is larger.",
            code="attachment_too_large",
        )
    return content
