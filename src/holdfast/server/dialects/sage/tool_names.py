"""What Sage calls the tools that come with Holdfast."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_OURS: dict[str, tuple[str, ...]] = {
    "todo_write": ("update_plan",),
    "todo_read": ("update_plan",),
    "file_read": ("read_file",),
    "file_write": ("write_file",),
    "file_update": ("edit_file",),
    "apply_patch": ("edit_file",),
    "grep": ("search_files",),
    "glob": ("list_files",),
    "list_dir": ("list_files",),
    "execute_shell_command": ("run_command",),
    "questionnaire": ("ask_user",),
    "fetch_webpages": ("fetch_url",),
    "search_web_page": ("web_search",),
    "retrieve_on_zavixai_db": ("search_knowledge", "read_document"),
    "sys_delegate_task": ("delegate",),
    "sys_team_delegate_task": ("delegate",),
}
"""By Sage's names. Those that are alike in both are not here."""


def our_tools(names: Iterable[str]) -> Iterator[str]:
    """Yields the names of our tools that are meant by Sage's, or by ours."""
    for name in names:
        yield name
        yield from _OURS.get(name, ())
