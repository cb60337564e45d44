"""`holdfast tools`: tools of one's own, made, changed, passed on and removed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from cli_fakes import FakeDoors, FakeWorkbench

from holdfast.core.domain.custom_tools import CustomTool, ToolSpec
from holdfast.core.domain.errors import ConflictError
from holdfast.core.domain.tools import Risk, ToolInfo
from holdfast.core.domain.values import utc_now

Cli = Callable[..., Any]
URL = "https://shop.test/{article}?store={store}"
SECRET = "canary-of-the-shop"


class OwnTools:
    """Tools in memory, as the service keeps them."""

    def __init__(self) -> None:
        self.kept: dict[str, CustomTool] = {}
        self.secrets: list[tuple[str, str, str | None]] = []

    async def list(self, project: str | None = None) -> tuple[ToolInfo, ...]:
        return tuple(
            ToolInfo(
                name=name,
                description=tool.spec.description,
                risk=Risk.NETWORK,
                parameters={"properties": {"a": True}, **tool.spec.parameters},
                source="custom",
                id=tool.id,
            )
            for name, tool in self.kept.items()
        )

    async def get(self, name: str) -> CustomTool:
        return self.kept[name]

    async def create(self, spec: ToolSpec) -> CustomTool:
        if spec.name in self.kept:
            raise ConflictError("taken", code="tool_exists", details={"name": spec.name})
        now, missing = utc_now(), spec.secrets
        made = CustomTool(
            id=spec.name, number=1, owner="local", spec=spec, created_at=now, updated_at=now, missing=missing
        )
        self.kept[spec.name] = made
        return made

    async def update(self, name: str, spec: ToolSpec, expected: int | None = None) -> CustomTool:
        before = self.kept.pop(name)
        assert expected in (None, before.version)
        self.kept[spec.name] = before.model_copy(update={"spec": spec, "version": before.version + 1})
        return self.kept[spec.name]

    async def delete(self, name: str) -> None:
        del self.kept[name]

    async def set_secret(self, name: str, secret: str, value: str | None = None) -> CustomTool:
        self.secrets.append((name, secret, value))
        return self.kept[name]


@pytest.fixture
def own(fake: FakeDoors) -> OwnTools:
    tools = OwnTools()

    def build() -> FakeWorkbench:
        workbench = FakeWorkbench()
        workbench.tools = tools  # type: ignore[assignment]
        return workbench

    fake.build = build
    return tools


def add(cli: Cli, *more: str) -> Any:
    return cli("tools", "add", "find_stock", URL, "--description", "Stock.", "--method", "get", *more)


def test_a_tool_is_made_of_its_address(own: OwnTools, cli: Cli) -> None:
    outcome = add(cli, "--header", "X-Key: a ${secret:SHOP}")
    spec = own.kept["find_stock"].spec
    assert (outcome.status, spec.method, spec.headers) == (0, "GET", {"X-Key": "a ${secret:SHOP}"})
    assert spec.parameters["required"] == ["article", "store"]
    assert "holdfast tools secret find_stock SHOP" in outcome.err
    assert "Stock." in cli("tools", "show", "find_stock").out
    assert cli("tools", "list").out.splitlines()[1].split() == ["find_stock", "network", "Stock."]


def test_arguments_are_given_as_a_schema(own: OwnTools, cli: Cli) -> None:
    schema = {"type": "object", "properties": {"article": {"type": "integer"}, "store": {}}}
    assert json.loads(add(cli, "--parameters", json.dumps(schema), "--json").out)["number"] == 1
    assert own.kept["find_stock"].spec.parameters == schema


@pytest.mark.parametrize("wrong", [("--header", "no colon"), ("--method", "TRACE"), ("--parameters", "[]")])
def test_what_can_be_no_tool_is_wrong_usage(own: OwnTools, cli: Cli, wrong: tuple[str, str]) -> None:
    assert add(cli, *wrong).status == 2
    assert own.kept == {}


def test_what_is_exported_is_imported_again(own: OwnTools, cli: Cli, tmp_path: Path) -> None:
    add(cli)
    text = cli("tools", "export", "find_stock").out
    path = tmp_path / "stock.json"
    path.write_text(text.replace("Stock.", "The stock."))
    before = own.kept["find_stock"]
    assert cli("tools", "import", "--replace", str(path)).status == 0
    assert own.kept["find_stock"].version == 2
    assert own.kept["find_stock"].spec == before.spec.model_copy(update={"description": "The stock."})
    assert cli("tools", "remove", "find_stock").status == 0
    assert cli("tools", "import", "-", stdin=text).status == 0
    assert own.kept["find_stock"].spec == before.spec


def test_a_file_of_python_is_taken_and_given_as_it_is(own: OwnTools, cli: Cli, tmp_path: Path) -> None:
    code = 'def tool(n: int) -> int:\n    """Doubles."""\n    return 2 * n\n'
    path = tmp_path / "double.py"
    path.write_text(code)
    assert "a function in Python" in cli("tools", "import", str(path)).out
    assert cli("tools", "export", "tool").out == code
    assert cli("tools", "import", str(path)).status == 1
    assert cli("tools", "import", "--replace", str(path)).status == 0
    assert own.kept["tool"].version == 2
    path.write_bytes(b"\xff")
    assert cli("tools", "import", str(path)).status == 2


def test_a_zip_of_tools_is_taken_without_unpacking_it(own: OwnTools, cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "tools.zip"
    with ZipFile(path, "w") as archive:
        archive.writestr("../../out.py", 'def tool() -> int:\n    """One."""\n    return 1\n')
        archive.writestr("stock.yaml", "name: find_stock\ndescription: Stock.\nendpoint: https://a.test\n")
        archive.writestr("README.md", "about")
    assert cli("tools", "import", str(path)).status == 0
    assert sorted(own.kept) == ["find_stock", "tool"]
    assert [each.name for each in tmp_path.rglob("*.py")] == []


@pytest.mark.parametrize("entries", [{}, {"a.py": 600_000}, {f"{n}.py": 1 for n in range(51)}])
def test_a_zip_that_is_too_much_is_refused(
    own: OwnTools, cli: Cli, tmp_path: Path, entries: dict[str, int]
) -> None:
    path = tmp_path / "tools.zip"
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, size in entries.items():
            archive.writestr(name, "#" * size)
    assert cli("tools", "import", str(path)).status == 2
    path.write_bytes(b"PK no zip")
    assert cli("tools", "import", str(path)).status == 2
    assert own.kept == {}


def test_mistakes_of_a_file_are_told_at_their_places(own: OwnTools, cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "stock.yaml"
    path.write_text("name: find_stock\ndescription: Stock.\nendpoint: https://a.test\nmethd: GET\n")
    outcome = cli("tools", "import", str(path))
    assert outcome.status == 2
    assert f"{path}:4:1" in outcome.err
    assert "method" in outcome.err
    assert own.kept == {}


def test_an_edit_is_kept_as_the_next_version(
    own: OwnTools, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(cli)
    script = tmp_path / "editor.py"
    script.write_text(
        "import pathlib, sys\np = pathlib.Path(sys.argv[1])\n"
        "p.write_text(p.read_text().replace('Stock.', 'Other.'))\n"
    )
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f"{sys.executable} -I {script}")
    assert cli("tools", "edit", "find_stock").status == 0
    assert own.kept["find_stock"].spec.description == "Other."
    assert own.kept["find_stock"].version == 2


@pytest.mark.parametrize(("written", "said"), [("Other.", "has version 2 now"), ('No" JSON', ".json:4:")])
def test_an_edit_that_is_refused_is_not_lost(
    own: OwnTools, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, said: str
) -> None:
    add(cli)
    script = tmp_path / "editor.py"
    script.write_text(
        "import pathlib, sys\np = pathlib.Path(sys.argv[1])\n"
        f"p.write_text(p.read_text().replace('Stock.', {written!r}))\n"
    )
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f"{sys.executable} -I {script}")

    async def refuse(*_: Any) -> CustomTool:
        raise ConflictError("The tool find_stock has version 2 now; read it again.")

    monkeypatch.setattr(own, "update", refuse)
    outcome = cli("tools", "edit", "find_stock")
    assert outcome.status != 0 and said in outcome.err
    draft = Path(outcome.err.split("what you wrote is in ")[1].splitlines()[0])
    assert f'"description": "{written}"' in draft.read_text()


def test_a_secret_is_read_from_stdin_and_never_shown(own: OwnTools, cli: Cli) -> None:
    add(cli)
    outcome = cli("tools", "secret", "find_stock", "SHOP", stdin=f"{SECRET}\n")
    cleared = cli("tools", "secret", "find_stock", "SHOP", "--clear")
    assert (outcome.status, cleared.status) == (0, 0)
    assert own.secrets == [("find_stock", "SHOP", SECRET), ("find_stock", "SHOP", None)]
    assert SECRET not in outcome.out + outcome.err
