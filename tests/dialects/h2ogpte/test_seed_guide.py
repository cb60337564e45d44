"""The guide to h2oGPTe's REST API, block by block and in its order, with its own helpers on `requests`. A
table says what each block must come to. The model is scripted: it plays the agent, which may write files."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from tests.fakes.threaded_index import ThreadedIndex

from holdfast.core.config.paths import Paths
from holdfast.core.domain.models import ModelDelta, ModelRequest, TextDelta, ToolCallDelta, UsageReport
from holdfast.core.files.blobs import FileBlobs

TIMEOUT_S = 30
SUMMARY = "product,revenue,units_sold\nWidget A,26700,534\nGadget X,4200,420\n"
MONTHLY = "month,revenue\nJanuary,25000\nFebruary,14200\n"
FIBONACCI = "0\n1\n1\n2\n3\n5\n"
FOUND = "Widget A sells best: 26,700."
SAMPLE = "product,category,revenue,units_sold,month\nWidget A,Electronics,12500,250,January\n"
TOOL = 'def double(number: int) -> int:\n    """Doubles a number."""\n    return 2 * number\n'
READ, EDIT = "h2ogpte/memory_block/read", "h2ogpte/memory_block/edit"
USED = UsageReport(input_tokens=7, output_tokens=20, cost_usd=0.01)


def plays(request: ModelRequest) -> Sequence[ModelDelta]:
    """What the agent does: it writes the files that it is asked for, and tells what it has found."""
    asked = [message.text for message in request.messages if message.role == "user"][-1]
    if request.messages[-1].role == "tool" or not request.tools:
        return [TextDelta(text=FOUND), USED]
    if "sales_summary.csv" in asked:
        return [*_write("sales_summary.csv", SUMMARY), *_write("monthly_revenue.csv", MONTHLY), USED]
    if "fibonacci.csv" in asked:
        return [*_write("fibonacci.csv", FIBONACCI), USED]
    return [TextDelta(text=FOUND), USED]


def story(request: ModelRequest) -> Sequence[ModelDelta]:
    return [TextDelta(text="and then ")] * 20_000


def _write(path: str, content: str) -> list[ModelDelta]:
    arguments = json.dumps({"path": path, "content": content})
    return [ToolCallDelta(key=path, name="write_file", arguments=arguments)]


def scripted(request: ModelRequest) -> Sequence[ModelDelta]:
    said = "".join(message.text for message in request.messages if message.role == "user")
    return story(request) if "long story" in said else plays(request)


class Guide:
    """The guide's script: its helpers, and what its blocks know of each other."""

    def __init__(self, address: str, folder: Path) -> None:
        self.base = address
        self.api_v1 = f"{address}/api/v1"
        self.folder = folder
        self.headers = {"Authorization": "Bearer a-key", "Content-Type": "application/json"}
        self.bearer = {"Authorization": "Bearer a-key"}

    def handle(self, answer: requests.Response) -> Any:
        answer.raise_for_status()
        try:
            return answer.json()
        except ValueError:
            return {"raw": answer.text}

    def ask(self, method: str, path: str, body: Any = None, files: Any = None, params: Any = None) -> Any:
        headers = self.bearer if files else self.headers
        given = {"files": files} if files else {"json": body}
        url = f"{self.api_v1}/{path}"
        answer = requests.request(method, url, headers=headers, params=params, timeout=TIMEOUT_S, **given)
        return self.handle(answer)

    def get(self, path: str, params: Any = None) -> Any:
        return self.ask("GET", path, params=params)

    def post(self, path: str, body: Any = None, files: Any = None, params: Any = None) -> Any:
        return self.ask("POST", path, body, files, params)

    def put(self, path: str, files: Any = None, body: Any = None, params: Any = None) -> Any:
        """In this order, as in the guide: what it calls with two arguments goes out as files of a form."""
        return self.ask("PUT", path, body, files, params)

    def delete(self, path: str, body: Any = None, params: Any = None) -> Any:
        return self.ask("DELETE", path, body, None, params)

    # --- the server and its models

    def health(self) -> list[int]:
        found = []
        for probe in ("readiness", "liveness"):
            url = f"{self.base}/rpc/health/{probe}"
            found.append(requests.get(url, headers=self.headers, timeout=TIMEOUT_S).status_code)
        return found

    def models(self) -> list[str]:
        return [model.get("name") or model.get("id") for model in self.get("models")[:10]]

    # --- a collection, and a document in it

    def create_collection(self) -> Any:
        name = f"demo-agent-csv-{int(time.time())}"
        made = self.post("collections", body={"name": name, "description": "Demo collection"})
        self.collection_id = made["id"]
        return made["name"] == name

    def list_collections(self) -> Any:
        params = {"limit": 5, "sort_column": "updated_at", "ascending": False}
        return [
            (each["id"] == self.collection_id, each["document_count"])
            for each in self.get("collections", params=params)
        ]

    def get_collection(self) -> Any:
        return self.get(f"collections/{self.collection_id}")

    def upload(self) -> Any:
        files = {"file": ("sales_data.csv", SAMPLE.encode(), "text/csv")}
        sent = self.put("uploads", files=files)
        self.upload_id = sent["id"]
        return sent["filename"]

    def ingest(self) -> tuple[int, int]:
        params = {
            "collection_id": self.collection_id,
            "gen_doc_summaries": False,
            "gen_doc_questions": False,
        }
        url = f"{self.api_v1}/uploads/{self.upload_id}/ingest"
        answer = requests.post(url, headers=self.headers, params=params, timeout=TIMEOUT_S)
        return answer.status_code, self.get_collection()["document_count"]

    # --- chats

    def create_chat(self) -> Any:
        self.agent_chat = self.post("chats", body={})["id"]
        return self.agent_chat

    def create_rag_chat(self) -> Any:
        url, params = f"{self.api_v1}/chats", {"collection_id": self.collection_id}
        answer = requests.post(url, headers=self.headers, json={}, params=params, timeout=TIMEOUT_S)
        answer.raise_for_status()
        self.rag_chat = answer.json()["id"]
        return self.rag_chat

    def list_chats(self) -> Any:
        found = self.get("chats", params={"limit": 5})
        assert all(datetime.fromisoformat(each["updated_at"][:19]) for each in found)
        return {each["id"]: each.get("collection_id") for each in found} == {
            self.agent_chat: None,
            self.rag_chat: self.collection_id,
        }

    # --- completions

    def complete(self) -> Any:
        payload = {
            "message": "Analyze the sales data. Save the summary as a CSV file named 'sales_summary.csv' and "
            "a month-over-month revenue report as 'monthly_revenue.csv'.",
            "llm": "auto",
            "stream": False,
            "llm_args": {
                "use_agent": True,
                "agent_accuracy": "standard",
                "agent_max_turns": "auto",
                "agent_tools": "auto",
                "agent_total_timeout": 300,
                "agent_stream_files": True,
                "temperature": 0.0,
                "max_new_tokens": 4096,
            },
            "rag_config": {"rag_type": "llm_only"},
            "include_chat_history": "off",
        }
        completion = self.post(f"chats/{self.agent_chat}/completions", payload)
        self.message_id = completion["message_id"]
        return completion

    def stream(self) -> tuple[str, bool]:
        payload = {
            "message": "Write a short Python script that saves fibonacci numbers to 'fibonacci.csv'.",
            "llm": "auto",
            "stream": True,
            "llm_args": {
                "use_agent": True,
                "agent_accuracy": "quick",
                "agent_total_timeout": 120,
                "temperature": 0.0,
            },
            "rag_config": {"rag_type": "llm_only"},
            "include_chat_history": "off",
        }
        self.stream_chat = self.post("chats", body={})["id"]
        text, finished = self.read(self.stream_chat, payload)
        return text, bool(finished)

    def read(self, chat: str, payload: Any, begun: threading.Event | None = None) -> tuple[str, Any]:
        """Reads a stream line by line; returns what it said, and the id at its end."""
        text, url = "", f"{self.api_v1}/chats/{chat}/completions"
        with requests.post(url, headers=self.headers, json=payload, stream=True, timeout=TIMEOUT_S) as answer:
            answer.raise_for_status()
            for raw in answer.iter_lines():
                if not raw:
                    continue
                delta = json.loads(raw if isinstance(raw, str) else raw.decode("utf-8"))
                assert "error" not in delta, delta
                text += delta.get("body", "")
                if begun is not None:
                    begun.set()
                if delta.get("finished"):
                    return text, delta.get("message_id")
        raise AssertionError("it has no end")

    def rlm(self) -> Any:
        payload = {
            "message": "Analyze the key financial trends across all quarterly reports.",
            "llm": "auto",
            "stream": False,
            "rag_config": {"rag_type": "rlm_rag"},
            "llm_args": {"temperature": 0.0},
        }
        return self.post(f"chats/{self.rag_chat}/completions", payload)

    def control(self) -> Any:
        """While a completion streams, the newest question of its chat is found, and it is steered by that."""
        chat = self.post("chats", body={})["id"]
        begun, read = threading.Event(), []
        payload = {"message": "Tell a long story.", "stream": True, "rag_config": {"rag_type": "llm_only"}}
        reading = threading.Thread(target=lambda: read.append(self.read(chat, payload, begun)))
        reading.start()
        assert begun.wait(TIMEOUT_S)
        messages = self.get(f"chats/{chat}/messages", params={"offset": 0, "limit": 20})
        questions = [each for each in messages if not each.get("reply_to")]
        said = [
            self.post(f"messages/{questions[-1]['id']}/{verb}")
            for verb in ("pause", "resume", "stop", "finish")
        ]
        reading.join(TIMEOUT_S)
        ((text, finished),) = read
        self.delete(f"chats/{chat}")
        return said, "and then" in text, bool(finished)

    # --- what was said, and what is known of it

    def messages(self) -> Any:
        found = self.get(f"chats/{self.agent_chat}/messages", params={"offset": 0, "limit": 20})
        return [("USER" if not each.get("reply_to") else "ASSISTANT", each["content"]) for each in found]

    def meta(self, kind: str) -> Any:
        return self.get(f"messages/{self.message_id}/meta", params={"info_type": kind})

    def agent_files(self) -> Any:
        self.file_map: dict[str, str] = {}
        for entry in json.loads(self.meta("agent_files")[0]["content"]):
            self.file_map.update(entry)
        return sorted(self.file_map.values())

    def usage(self) -> Any:
        return json.loads(self.meta("usage_stats")[0]["content"])

    def trace(self) -> Any:
        return self.meta("agent_chat_history_md")[0]["content"][:1500]

    # --- the agent's files and folders

    def server_files(self) -> Any:
        found = self.get(f"chats/{self.agent_chat}/agent_server_files")
        assert all(datetime.fromtimestamp(each["created_at"]).year > 2000 for each in found)
        return [(each["filename"], each["bytes"], each["purpose"], each["object"]) for each in found]

    def directories(self) -> Any:
        path = f"chats/{self.agent_chat}/agent_server_directories/stats"
        self.dir_stats = self.get(path, params={"detail_level": 1})
        return self.dir_stats

    def directory(self) -> Any:
        id = quote(self.dir_stats[0]["id"], safe="")
        path = f"chats/{self.agent_chat}/agent_server_directories/{id}/stats"
        return self.get(path, params={"detail_level": 1}) == self.dir_stats[0]

    def all_directories(self) -> Any:
        found = self.get("agents/directory_stats", params={"offset": 0, "limit": 10})
        return {
            each["agent_chat_session_id"]: sum(d["file_count"] for d in each["stats"]) for each in found
        } == {
            self.agent_chat: 2,
            self.stream_chat: 1,
        }

    def download(self) -> Any:
        found = {}
        for doc_id, filename in self.file_map.items():
            url = f"{self.base}/file?id={quote(doc_id, safe='')}&name={quote(filename, safe='')}"
            answer = requests.get(url, headers=self.bearer, timeout=TIMEOUT_S)
            if answer.ok:
                out = self.folder / Path(filename).name
                out.write_bytes(answer.content)
                found[filename] = out.read_text()
        return found

    # --- tools

    def custom_tool(self) -> Any:
        form = {
            "tool_type": (None, "general_code"),
            "tool_args": (None, "{}"),
            "file": ("double.py", TOOL.encode()),
        }
        self.tool_id = self.post("agents/custom_tools", files=form)[0]["agent_custom_tool_id"]
        tool = self.get(f"agents/custom_tools/{self.tool_id}")
        return tool["tool_name"], tool["tool_type"], tool["file_name"]

    def download_tool(self) -> Any:
        url = f"{self.api_v1}/agents/custom_tools/{self.tool_id}/download"
        answer = requests.get(url, headers=self.headers, timeout=TIMEOUT_S)
        said = answer.headers.get("Content-Disposition", "")
        name = said.split("filename=")[-1].strip('"') if "filename=" in said else "tool_file"
        return name, answer.text

    def tools(self) -> Any:
        return {"write_file", "double"} <= {each.get("name") for each in self.get("agents/tools")}

    def preference(self) -> Any:
        return self.get("agents/tool_preference")

    # --- more of a chat, and its end

    def questions(self) -> Any:
        found = self.get(f"chats/{self.agent_chat}/questions", params={"limit": 5})
        return all(each.get("question") for each in found)

    def details(self) -> Any:
        return self.get(f"chats/{self.agent_chat}")

    def references(self) -> Any:
        return self.get(f"messages/{self.message_id}/references")

    def delete_files(self) -> Any:
        url = f"{self.api_v1}/chats/{self.agent_chat}/agent_server_files"
        status = requests.delete(url, headers=self.headers, timeout=TIMEOUT_S).status_code
        return status, self.get(f"chats/{self.agent_chat}/agent_server_files")

    def clean_up(self) -> list[int]:
        chats = (self.agent_chat, self.rag_chat, self.stream_chat)
        paths = [*(f"chats/{chat}" for chat in chats), f"collections/{self.collection_id}"]
        return [
            requests.delete(f"{self.api_v1}/{path}", headers=self.headers, timeout=TIMEOUT_S).status_code
            for path in paths
        ]

    # --- memory

    def create_block(self) -> Any:
        made = self.post(
            "memory_blocks",
            {
                "name": "Project Knowledge",
                "content": "Project reference: PRJ-2024-0142\nBudget: $50,000",
                "system_prompt_amendment": "Save key project decisions and milestones.",
                "injection_mode": "system_prompt",
                "access_mode": "read_write",
                "max_content_length": 10000,
            },
        )
        self.block_id = made["id"]
        return made

    def list_blocks(self) -> Any:
        found = self.get("memory_blocks", params={"limit": 10, "name_filter": "Project"})
        return [each["name"] for each in found["items"]], found["total"]

    def get_block(self) -> Any:
        found = self.get("memory_blocks", params={"name_filter": "Project Knowledge", "limit": 1})
        return found["items"][0] == self.get(f"memory_blocks/{self.block_id}")

    def update_block(self) -> Any:
        content = "Project reference: PRJ-2024-0142\nBudget: $75,000 (revised Q2)"
        said = self.put(f"memory_blocks/{self.block_id}", {"content": content})
        return said, self.get(f"memory_blocks/{self.block_id}")["content"] == content

    def delete_block(self) -> Any:
        return self.delete(f"memory_blocks/{self.block_id}")

    def share_block(self) -> Any:
        said = self.put(
            f"memory_blocks/{self.block_id}/permissions/bob",
            {"permissions": [READ, EDIT]},
        )
        return said, self.get(f"memory_blocks/{self.block_id}/permissions")

    def unshare_block(self) -> Any:
        said = self.delete(f"memory_blocks/{self.block_id}/permissions/bob")
        return said, self.get(f"memory_blocks/{self.block_id}/permissions")

    def publish_block(self) -> Any:
        said = self.put(f"memory_blocks/{self.block_id}/privacy", {"is_public": True})
        return said, self.get(f"memory_blocks/{self.block_id}")["is_public"]

    def defaults(self) -> Any:
        return self.get("users/current/default_memory_blocks")

    def set_defaults(self) -> Any:
        path = "users/current/default_memory_blocks"
        first = self.put(path, {"scope": "llm", "memory_block_id": self.block_id})
        second = self.put(path, {"scope": "agent", "memory_block_id": None})
        return first["memory_block"]["id"] == self.block_id, second

    def chat_with_memory(self) -> Any:
        chat = self.post("chats", body={})["id"]
        plain = {"memory_block_id": self.block_id}
        agent = {**plain, "use_agent": True, "max_time": 90}
        return [
            self.post(f"chats/{chat}/completions", {"message": message, "llm_args": args})["body"]
            for message, args in (
                ("Summarize our project status.", plain),
                ("Analyze Q1 data and save key findings to memory.", agent),
            )
        ]


@dataclass(frozen=True)
class Holds:
    """Stands for a text that has others in it."""

    texts: tuple[str, ...]


NOTHING = {"raw": ""}
FILES = [("monthly_revenue.csv", len(MONTHLY), "assistants", "file")]
FILES += [("sales_summary.csv", len(SUMMARY), "assistants", "file")]
REPLY = {"message_id": str, "body": Holds((FOUND,))}
BLOCK = {"id": str, "name": "Project Knowledge", "access_mode": "read_write", "is_owner": True}

BLOCKS: tuple[tuple[Callable[[Guide], Any], Any], ...] = (
    (Guide.health, [200, 200]),
    (Guide.models, ["scripted"]),
    (Guide.create_collection, True),
    (Guide.list_collections, [(True, 0)]),
    (Guide.get_collection, {"id": str, "description": "Demo collection", "document_size": 0}),
    (Guide.upload, "sales_data.csv"),
    (Guide.ingest, (204, 1)),
    (Guide.create_chat, str),
    (Guide.create_rag_chat, str),
    (Guide.list_chats, True),
    (Guide.complete, REPLY),
    (Guide.stream, (Holds((FOUND,)), True)),
    (Guide.rlm, REPLY),
    (Guide.control, ([NOTHING] * 4, True, True)),
    (Guide.messages, [("USER", Holds(("Analyze",))), ("ASSISTANT", Holds((FOUND,)))]),
    (Guide.agent_files, ["monthly_revenue.csv", "sales_summary.csv"]),
    (Guide.usage, {"usage": [{"input_tokens": 14, "output_tokens": 40}]}),
    (Guide.trace, Holds(("sales_summary.csv",))),
    (Guide.server_files, FILES),
    (
        Guide.directories,
        [{"file_count": 2, "directory_count": 0, "is_empty": False, "size_bytes": int, "files": list}],
    ),
    (Guide.directory, True),
    (Guide.all_directories, True),
    (Guide.download, {"sales_summary.csv": SUMMARY, "monthly_revenue.csv": MONTHLY}),
    (Guide.custom_tool, ("double", "general_code", "double.py")),
    (Guide.download_tool, ("double.py", TOOL)),
    (Guide.tools, True),
    (Guide.preference, []),
    (Guide.questions, True),
    (Guide.details, {"id": str, "updated_at": str, "latest_message_content": Holds((FOUND,))}),
    (Guide.references, []),
    (Guide.delete_files, (204, [])),
    (Guide.clean_up, [204, 204, 204, 204]),
    (Guide.clean_up, [404, 404, 404, 404]),
    (Guide.create_block, BLOCK),
    (Guide.list_blocks, (["Project Knowledge"], 1)),
    (Guide.get_block, True),
    (Guide.update_block, (NOTHING, True)),
    (Guide.delete_block, NOTHING),
    (Guide.create_block, BLOCK),  # for the rest of the guide
    (Guide.share_block, (NOTHING, [{"username": "bob", "permissions": [READ, EDIT]}])),
    (Guide.unshare_block, (NOTHING, [])),
    (Guide.publish_block, (NOTHING, True)),
    (Guide.defaults, {"defaults": {"llm": None, "agent": None}}),
    (Guide.set_defaults, (True, {"scope": "agent", "memory_block": None})),
    (Guide.chat_with_memory, [Holds((FOUND,)), Holds((FOUND,))]),
    (Guide.delete_block, NOTHING),
)


def is_like(said: Any, wanted: Any) -> bool:
    """Says whether a value is as is wanted: a type stands for any value of it, a mapping may have more."""
    match wanted:
        case type():
            return isinstance(said, wanted)
        case Holds(texts):
            return isinstance(said, str) and all(text in said for text in texts)
        case dict():
            return isinstance(said, dict) and all(
                name in said and is_like(said[name], each) for name, each in wanted.items()
            )
        case list() | tuple():
            return len(said) == len(wanted) and all(map(is_like, said, wanted))
    return bool(said == wanted)


@pytest.mark.covers(
    "h2ogpte.list_models",
    "h2ogpte.get_completion",
    "h2ogpte.get_message_meta",
    "h2ogpte.list_agent_server_files",
    "h2ogpte.download_file",
    "h2ogpte.download_custom_agent_tool",
    "h2ogpte.set_default_memory_block",
)
async def test_the_guide_comes_to_what_it_says_block_by_block(serve: Any, tmp_path: Path) -> None:
    paths = Paths.resolve({"HOLDFAST_HOME": str(tmp_path / "home")})
    paths.make()
    paths.policy.write_text("allow: [write_file]\n")
    index = ThreadedIndex(paths.knowledge, FileBlobs(paths.blobs))
    downloads = tmp_path / "agent_downloads"
    downloads.mkdir()
    async with serve([scripted] * 40, knowledge=index) as served:
        await served.bench.workbench.users.add("bob")
        guide = Guide(f"{served.address}/h2ogpte", downloads)
        for block, wanted in BLOCKS:
            said = await asyncio.to_thread(block, guide)
            assert is_like(said, wanted), (block.__name__, said)
        seen = [
            "".join(message.text for message in request.messages)
            for request in served.bench.model.requests[-2:]
        ]
    assert all("PRJ-2024-0142" in text for text in seen)
