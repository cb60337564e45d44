"""Skills through Sage's API: imported, changed and removed, for one, for all, and for an agent."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest
from tests.skills.conftest import packed, skill_text

from holdfast.core.domain.skills import SkillInfo, SkillScope
from holdfast.core.tools.web import WebFetcher
from holdfast.server.dialects.sage.mapping_skills import available

ROOT = "/sage/api/skills"
ENGLISH = {"X-Sage-Locale": "en-US"}


async def ask(served: Any, method: str, path: str = "", code: int = 200, **more: Any) -> Any:
    answer = await served.http.request(method, ROOT + path, **more)
    said = answer.json()
    assert (answer.status_code, said["code"]) == (code, code), answer.text
    return said["data"] if code == 200 else said["message"]


async def upload(
    served: Any,
    data: bytes | None = None,
    name: str = "a.zip",
    code: int = 200,
    headers: Any = None,
    **form: str,
) -> Any:
    content = packed({"SKILL.md": skill_text()}) if data is None else data
    file = {"file": (name, content, "application/zip")}
    return await ask(served, "POST", "/upload", code, files=file, data=form, headers=headers)


async def listed(served: Any, query: str = "", headers: Any = None) -> list[dict[str, Any]]:
    return list((await ask(served, "GET", query, headers=headers))["skills"])


async def agent(workbench: Any, name: str = "clerk", more: str = "") -> str:
    return str((await workbench.agents.create(f"version: 1\nname: {name}\n{more}")).id)


@pytest.mark.covers(
    "sage.upload_skill",
    "sage.list_skills",
    "sage.get_skill_content",
    "sage.update_skill_content",
    "sage.delete_skill",
)
async def test_a_skill_lives_its_life(serve: Any) -> None:
    async with serve() as served:
        zip = packed({"minutes/SKILL.md": skill_text(), "minutes/forms/short.md": "Present:"})
        assert await upload(served, zip) == {"user_id": "local"}
        (shown,) = await listed(served)
        assert shown == {
            "name": "minutes",
            "description": "Writes minutes.",
            "user_id": "local",
            "dimension": "user",
            "owner_user_id": "local",
            "agent_id": None,
            "agent_name": None,
            "path": "skills/minutes",
        }
        content = (await ask(served, "GET", "/content?name=minutes"))["content"]
        assert content == skill_text()
        body = {"name": "minutes", "content": skill_text(description="Better.")}
        assert await ask(served, "PUT", "/content", json=body) == {}
        assert [each["description"] for each in await listed(served)] == ["Better."]
        await upload(served)  # one of its name gives way
        assert (await served.bench.workbench.skills.get("minutes")).files == ()
        for _ in range(2):  # what is gone is gone
            assert await ask(served, "DELETE", "?name=minutes") == {}
        assert await listed(served) == []
        assert len((await served.bench.workbench.trash.list("skill")).items) == 2


async def test_a_text_that_is_wrong_changes_nothing(serve: Any) -> None:
    async with serve() as served:
        await upload(served)
        for wrong in (skill_text("letters"), "# nothing", ""):
            said = await ask(served, "PUT", "/content", 400, json={"name": "minutes", "content": wrong})
            assert said.startswith("技能更新失败")
        assert (await ask(served, "GET", "/content?name=minutes"))["content"] == skill_text()
        unknown = await ask(served, "PUT", "/content", 500, json={"name": "no", "content": skill_text("no")})
        assert unknown == await ask(served, "GET", "/content?name=no", 500) == "Skill 'no' not found"


BOMB = packed({"SKILL.md": skill_text(), "zeros": b"\0" * (3 * 2**20)})
LINK = packed({"SKILL.md": skill_text(), "link": "/etc/passwd"}, modes={"link": stat.S_IFLNK | 0o777})
REFUSED: Sequence[tuple[str, bytes, str, str]] = [
    ("another type", packed({"SKILL.md": skill_text()}), "a.txt", "仅支持 ZIP 文件"),
    ("a text", skill_text().encode(), "a.zip", "无效的 ZIP 文件"),
    ("half an archive", b"PK\x03\x04 not a zip", "a.zip", "无效的 ZIP 文件"),
    ("no skill", packed({"README.md": "x"}), "a.zip", "未找到有效的技能结构 (缺少 SKILL.md)"),
    ("too deep", packed({"a/b/SKILL.md": skill_text()}), "a.zip", "未找到有效的技能结构 (缺少 SKILL.md)"),
    ("no front matter", packed({"SKILL.md": "# x"}), "a.zip", "导入失败"),
    ("a way out", packed({"SKILL.md": skill_text(), "../../x": "y"}), "a.zip", "导入失败"),
    ("an absolute name", packed({"SKILL.md": skill_text(), "/etc/x": "y"}), "a.zip", "导入失败"),
    ("a name that is a path", packed({"SKILL.md": skill_text("../x")}), "a.zip", "导入失败"),
    ("a link", LINK, "a.zip", "导入失败"),
    ("a bomb", BOMB, "a.zip", "导入失败"),
    (
        "two skills",
        packed({"a/SKILL.md": skill_text("a"), "b/SKILL.md": skill_text("b")}),
        "a.zip",
        "导入失败",
    ),
]


async def test_what_is_refused_leaves_what_was_there(serve: Any) -> None:
    async with serve() as served:
        await upload(served, packed({"SKILL.md": skill_text(description="Stays.")}))
        folder = served.bench.home / "config"
        before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
        for what, data, name, said in REFUSED:
            assert (await upload(served, data, name, 400)).startswith(said), what
            assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before, what
        assert [each["description"] for each in await listed(served)] == ["Stays."]


async def test_a_form_without_a_file_is_refused(serve: Any) -> None:
    async with serve() as served:
        form = {"is_system": (None, "false")}
        for path, field in (("/upload", "file"), ("/upload-batch", "files")):
            answer = await served.http.post(f"{ROOT}{path}", files=form)
            assert answer.status_code == 422, answer.text
            assert answer.json()["detail"][0]["loc"] == ["body", field]
            assert (await served.http.post(f"{ROOT}{path}", data={"is_system": "false"})).status_code == 422
        answer = await served.http.post(f"{ROOT}/upload", files={"is_system": (None, "perhaps")})
        assert answer.status_code == 422


@pytest.mark.covers("sage.upload_skills")
async def test_of_several_archives_the_good_ones_are_imported(serve: Any) -> None:
    async with serve() as served:
        files = [
            ("files", ("a.zip", packed({"SKILL.md": skill_text("a")}), "application/zip")),
            ("files", ("b.txt", b"x", "text/plain")),
            ("files", ("c.zip", packed({"SKILL.md": skill_text("c")}), "application/zip")),
        ]
        done = await ask(served, "POST", "/upload-batch", files=files, headers=ENGLISH)
        assert (done["success_count"], done["failed_count"], done["user_id"]) == (2, 1, "local")
        assert done["results"][1] == {
            "filename": "b.txt",
            "success": False,
            "message": "Only ZIP files are supported",
        }
        assert [each["name"] for each in await listed(served)] == ["a", "c"]


class Site:
    """Answers for some addresses of a public host, and notes what was asked for."""

    def __init__(self, **pages: bytes) -> None:
        self.pages = pages
        self.asked: list[str] = []

    def fetcher(self) -> WebFetcher:
        async def resolve(host: str, port: int) -> Sequence[str]:
            named = {"inside.example": "127.0.0.1", "example.com": "93.184.216.34"}
            return [named.get(host, host)]

        return WebFetcher(resolve=resolve, transport=lambda: httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.headers["host"]) + request.url.path)

        async def stream() -> AsyncIterator[bytes]:
            yield self.pages.get(request.url.path.strip("/").partition(".")[0], b"")

        return httpx.Response(200, content=stream())


@pytest.mark.covers("sage.import_skill")
async def test_a_skill_is_imported_from_an_address(serve: Any) -> None:
    site = Site(skill=packed({"SKILL.md": skill_text()}), text=b"no skill")
    async with serve(web=site.fetcher()) as served:
        done = await ask(served, "POST", "/import-url", json={"url": "https://example.com/skill.zip"})
        assert done == {"user_id": "local"}
        assert [each["name"] for each in await listed(served)] == ["minutes"]
        asked = list(site.asked)
        assert asked == ["example.com/skill.zip"]
        for url in (
            "http://example.com/skill.zip",
            "https://inside.example/skill.zip",
            "https://127.0.0.1/skill.zip",
            "https://[::1]/skill.zip",
            "file:///etc/passwd",
            str(served.bench.project),
            "git@example.com:x.git",
        ):
            assert (await ask(served, "POST", "/import-url", 400, json={"url": url})).startswith("导入失败")
        assert site.asked == asked  # none of them was even asked for
        said = await ask(served, "POST", "/import-url", 400, json={"url": "https://example.com/text.md"})
        assert said.startswith("导入失败")


async def test_skills_of_all_users_are_an_administrators_matter(serve_users: Any) -> None:
    async with serve_users() as served:
        ann = await served.user("ann")
        refusal = "权限不足：只有管理员可以导入系统技能"
        assert await upload(served, code=500, headers=ann, is_system="true") == refusal
        await upload(served, is_system="true")
        (seen,) = await listed(served, headers=ann)
        assert (seen["dimension"], seen["user_id"], seen["owner_user_id"]) == ("system", "", "")
        assert await ask(served, "DELETE", "?name=minutes", 500, headers=ann) == "无权删除系统技能"
        change = {"name": "minutes", "content": skill_text(description="Hers.")}
        said = await ask(served, "PUT", "/content", 500, json=change, headers=ann)
        assert said == "Permission denied: Cannot modify system skill"
        await upload(served, packed({"SKILL.md": skill_text(description="Hers.")}), headers=ann)
        assert [each["description"] for each in await listed(served, headers=ann)] == ["Hers."]
        for query, description in (("?dimension=system", "Writes minutes."), ("?dimension=user", "Hers.")):
            assert [each["description"] for each in await listed(served, query, ann)] == [description]
        await ask(served, "DELETE", "?name=minutes", headers=ann)  # her own is before all users'
        assert [each["dimension"] for each in await listed(served, headers=ann)] == ["system"]
        await ask(served, "PUT", "/content", json=change)
        assert [each["description"] for each in await listed(served, headers=ann)] == ["Hers."]
        await ask(served, "DELETE", "?name=minutes")
        assert await listed(served, headers=ann) == []


async def test_the_skills_of_others_are_not_there(serve_users: Any) -> None:
    async with serve_users() as served:
        ann = await served.user("ann")
        id = await agent(served.bench.workbench)
        await upload(served)
        await upload(served, is_agent="true", agent_id=id)
        assert await listed(served, headers=ann) == await listed(served, "?dimension=agent", ann) == []
        await ask(served, "GET", "/content?name=minutes", 500, headers=ann)
        await ask(served, "DELETE", "?name=minutes", headers=ann)
        assert len(await listed(served)) == len(await listed(served, "?dimension=agent")) == 1
        for method, path, more in (
            ("GET", f"?agent_id={id}", {}),
            ("GET", f"/agent-available?agent_id={id}", {}),
            ("DELETE", f"?name=minutes&agent_id={id}", {}),
            ("GET", f"/content?name=minutes&agent_id={id}", {}),
            ("POST", "/sync-to-agent-workspaces", {"json": {"agent_id": id}}),
            ("POST", "/sync-workspace-skills", {"json": {"user_id": "", "agent_id": id}}),
            ("POST", "/sync-to-agent", {"data": {"skill_name": "minutes", "agent_id": id}}),
        ):
            await ask(served, method, path, 500, headers=ann, **more)
        foreign = {"user_id": "local", "agent_id": id}
        await ask(served, "POST", "/sync-workspace-skills", 403, json=foreign, headers=ann)


@pytest.mark.covers("sage.list_agent_skills", "sage.sync_skill_to_agent")
async def test_an_agent_has_skills_of_its_own_and_copies(serve: Any) -> None:
    async with serve() as served:
        id = await agent(served.bench.workbench)
        await upload(served)
        await upload(served, packed({"SKILL.md": skill_text("alone")}), is_agent="true", agent_id=id)
        form = {"skill_name": "minutes", "agent_id": id}
        done = await ask(served, "POST", "/sync-to-agent", data=form)
        assert done == {"agent_id": id, "synced_skills": ["minutes"], "removed_skills": []}
        multipart = {name: (None, value) for name, value in form.items()}
        assert (await ask(served, "POST", "/sync-to-agent", files=multipart))["synced_skills"] == []
        of_agents = await listed(served, "?dimension=agent")
        assert [(each["name"], each["agent_id"], each["agent_name"]) for each in of_agents] == [
            ("alone", id, "clerk"),
            ("minutes", id, "clerk"),
        ]
        assert [each["name"] for each in await listed(served, f"?agent_id={id}")] == ["alone", "minutes"]
        assert await listed(served, "?dimension=nothing") == []
        found = (await ask(served, "GET", f"/agent-available?agent_id={id}"))["skills"]
        assert [(each["name"], each["source_dimension"], each["need_update"]) for each in found] == [
            ("alone", "agent", False),
            ("minutes", "user", False),
        ]
        body = {"name": "minutes", "content": skill_text(description="Newer.")}
        await ask(served, "PUT", "/content", json=body)
        found = (await ask(served, "GET", f"/agent-available?agent_id={id}"))["skills"]
        assert [each["need_update"] for each in found] == [False, True]
        said = await ask(served, "POST", "/sync-to-agent", 500, data={**form, "skill_name": "x"})
        assert said == "技能 'x' 在技能广场中不存在"
        assert (await served.http.post(f"{ROOT}/sync-to-agent", data={"agent_id": id})).status_code == 422
        await ask(served, "DELETE", f"?name=alone&agent_id={id}")
        assert [each["name"] for each in await listed(served, "?dimension=agent")] == ["minutes"]
        await ask(served, "POST", "/upload", 400, files={"is_agent": (None, "true")})


@pytest.mark.covers("sage.sync_skills_to_agent", "sage.sync_agent_skills")
async def test_an_agent_is_given_what_it_names_and_nothing_else(serve: Any) -> None:
    async with serve() as served:
        id = await agent(served.bench.workbench, more="skills: [a]\n")
        for name in ("a", "b"):
            await upload(served, packed({"SKILL.md": skill_text(name)}))
        body = {"agent_id": id, "skill_names": ["b"]}
        given = await ask(served, "POST", "/sync-to-agent-workspaces", json=body)
        assert given["synced_skills"] == ["b"]
        purging = {"user_id": "local", "agent_id": id, "purge_extra": True}
        done = await ask(served, "POST", "/sync-workspace-skills", json=purging)
        assert done == {"agent_id": id, "synced_skills": ["a"], "removed_skills": ["b"]}


def test_a_skill_with_mistakes_is_offered_to_no_agent() -> None:
    mistake: Any = {"file": "f", "line": 1, "column": 1, "key_path": "", "message": "wrong"}
    seen = SkillInfo(name="a", scope=SkillScope.USER, path="/x/a", problems=(mistake,))
    assert available([seen], []).skills == []
