"""Asks Sage's API as one user."""

from __future__ import annotations

from typing import Any


class Asking:
    """One user's calls."""

    def __init__(self, served: Any, headers: dict[str, str]) -> None:
        self.http, self.headers = served.http, headers

    async def __call__(self, method: str, path: str, json: Any = None, **more: Any) -> Any:
        """Returns the response."""
        return await self.http.request(
            method, f"/sage/api{path}", json=json, headers={**self.headers, **more.pop("headers", {})}, **more
        )

    async def data(self, method: str, path: str, json: Any = None, **more: Any) -> Any:
        """Returns what an answer that went well holds."""
        answer = await self(method, path, json, **more)
        assert answer.status_code == 200 and answer.json()["success"], answer.text
        return answer.json()["data"]

    async def refused(self, method: str, path: str, json: Any = None, **more: Any) -> tuple[int, str]:
        """Returns the status and the text of an answer that did not."""
        answer = await self(method, path, json, **more)
        assert answer.json()["success"] is False and answer.json()["data"] is None, answer.text
        return answer.status_code, answer.json()["message"]


async def users(served: Any, *names: str) -> list[Asking]:
    """Makes users and returns their calls."""
    return [Asking(served, await served.user(name)) for name in names]


async def id_of(served: Any, name: str) -> str:
    """Returns the id of a user."""
    return next(user.id for user in await served.bench.workbench.users.list() if user.name == name)
