"""Run by `test_h2ogpte_guide.py` in an environment that has `requests` and nothing of ours:
`follow_h2ogpte_guide.py URL KEY SLOW_MODEL`.

Asks what the guide to h2oGPTe's REST API asks, in its order and in its ways; prints what came, by the name of
the step: the status, and the body.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any
from urllib.parse import quote

import requests

_, BASE_URL, KEY, SLOW = sys.argv
API = f"{BASE_URL}/api/v1"
BEARER = {"Authorization": f"Bearer {KEY}"}
HEADERS = {**BEARER, "Content-Type": "application/json"}
said: dict[str, Any] = {}
begun = threading.Event()
"""Set when a stream has said something."""


def ask(name: str, method: str, path: str, body: Any = None, **more: Any) -> Any:
    """Asks below `/api/v1`, with headers as the guide has them; notes and returns what came."""
    headers = BEARER if "files" in more else HEADERS
    answer = requests.request(method, f"{API}/{path}", headers=headers, json=body, timeout=60, **more)
    return note(name, answer)


def note(name: str, answer: requests.Response) -> Any:
    kind = answer.headers.get("content-type", "")
    found = answer.json() if kind.startswith("application/json") else answer.text
    said[name] = {"status": answer.status_code, "body": found}
    return found


def stream(name: str, chat: str, body: dict[str, Any]) -> None:
    """Reads a completion line by line, as the guide does."""
    text, finished, error = "", None, None
    url = f"{API}/chats/{chat}/completions"
    with requests.post(url, headers=HEADERS, json=body, stream=True, timeout=60) as answer:
        for raw in answer.iter_lines():
            if not raw:
                continue
            record = json.loads(raw.decode("utf-8"))
            if "error" in record:
                error = record["error"]
                break
            text += record.get("body", "")
            begun.set()
            if record.get("finished"):
                finished = record["message_id"]
                break
        said[name] = {"status": answer.status_code, "body": [text, finished, error]}


# The server, and its models

for probe in ("readiness", "liveness"):
    note(probe, requests.get(f"{BASE_URL}/rpc/health/{probe}", headers=HEADERS, timeout=60))
ask("models", "GET", "models")

# A collection, and a file in it

made = {"name": f"demo-agent-csv-{int(time.time())}", "description": "What the guide makes"}
collection = ask("collection", "POST", "collections", made)["id"]
recent = {"limit": 5, "sort_column": "updated_at", "ascending": False}
ask("collections", "GET", "collections", params=recent)
ask("one collection", "GET", f"collections/{collection}")
table = b"product,revenue,month\nWidget A,12500,January\nGadget X,4200,January\nWidget A,14200,February\n"
upload = ask("upload", "PUT", "uploads", files={"file": ("sales_data.csv", table, "text/csv")})
options = {"collection_id": collection, "gen_doc_summaries": False, "gen_doc_questions": False}
ask("ingest", "POST", f"uploads/{upload['id']}/ingest", params=options)
ask("collection after", "GET", f"collections/{collection}")

# Chats

agent_chat = ask("chat", "POST", "chats", {})["id"]
rag_chat = ask("rag chat", "POST", "chats", {}, params={"collection_id": collection})["id"]
ask("chats", "GET", "chats", params={"limit": 5})

# Completions

work = {
    "message": "Analyse the sales data, and save the summary as sales_summary.csv.",
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
message = ask("completion", "POST", f"chats/{agent_chat}/completions", work)["message_id"]
stream_chat = ask("stream chat", "POST", "chats", {})["id"]
quick = {"use_agent": True, "agent_accuracy": "quick", "agent_total_timeout": 120, "temperature": 0.0}
stream("stream", stream_chat, {**work, "stream": True, "llm_args": quick})
rlm = {
    "rag_config": {"rag_type": "rlm_rag"},
    "llm_args": {"temperature": 0.0},
    "llm": "auto",
    "stream": False,
}
ask("rlm", "POST", f"chats/{rag_chat}/completions", {"message": "What are the trends?", **rlm})

# A completion is paused, resumed, stopped and finished while it comes

slow_chat = ask("slow chat", "POST", "chats", {})["id"]
slow = {"message": "Tell me a long story.", "llm": SLOW, "stream": True}
reading = threading.Thread(target=stream, args=("slow stream", slow_chat, slow))
begun.clear()
reading.start()
begun.wait(30)
found = ask("slow messages", "GET", f"chats/{slow_chat}/messages", params={"offset": 0, "limit": 20})
questions = [one for one in found if not one.get("reply_to")]
for verb in ("pause", "resume", "stop", "finish"):
    ask(verb, "POST", f"messages/{questions[-1]['id']}/{verb}")
reading.join()

# What was said, and what is known of it

ask("messages", "GET", f"chats/{agent_chat}/messages", params={"offset": 0, "limit": 20})
for kind in ("agent_files", "usage_stats", "agent_chat_history_md"):
    ask(kind, "GET", f"messages/{message}/meta", params={"info_type": kind})

# The agent's files

ask("files", "GET", f"chats/{agent_chat}/agent_server_files")
folder = f"chats/{agent_chat}/agent_server_directories"
folders = ask("directories", "GET", f"{folder}/stats", params={"detail_level": 1})
one_folder = quote(folders[0]["id"], safe="")
ask("directory", "GET", f"{folder}/{one_folder}/stats", params={"detail_level": 1})
ask("all directories", "GET", "agents/directory_stats", params={"offset": 0, "limit": 10})
of_agent: dict[str, str] = {}
for entry in json.loads(said["agent_files"]["body"][0]["content"]):
    of_agent.update(entry)
for id, name in of_agent.items():
    url = f"{BASE_URL}/file?id={quote(id, safe='')}&name={quote(name, safe='')}"
    note(f"file {name}", requests.get(url, headers=BEARER, timeout=60))

# Tools

ask("tools", "GET", "agents/tools")
ask("preference", "GET", "agents/tool_preference")
source = b'def tide(place: str) -> str:\n    """Says when the tide is high."""\n    return place\n'
form = {
    "tool_type": (None, "general_code"),
    "tool_args": (None, json.dumps({"tool_name": "tide", "description": "Says when the tide is high."})),
    "file": ("tide.py", source),
}
tool = ask("custom tool", "POST", "agents/custom_tools", files=form)[0]["agent_custom_tool_id"]
ask("one tool", "GET", f"agents/custom_tools/{tool}")
url = f"{API}/agents/custom_tools/{tool}/download"
downloaded = requests.get(url, headers=HEADERS, timeout=60)
note("tool file", downloaded)
said["tool name"] = {"status": 200, "body": downloaded.headers["content-disposition"]}

# More of a chat

ask("questions", "GET", f"chats/{agent_chat}/questions", params={"limit": 5})
ask("details", "GET", f"chats/{agent_chat}")
ask("references", "GET", f"messages/{message}/references")
ask("delete files", "DELETE", f"chats/{agent_chat}/agent_server_files")
ask("files after", "GET", f"chats/{agent_chat}/agent_server_files")

# Memory

block = ask(
    "block",
    "POST",
    "memory_blocks",
    {
        "name": "Project Knowledge",
        "content": "Project reference: PRJ-2024-0142\nBudget: $50,000",
        "system_prompt_amendment": "Save key project decisions and milestones.",
        "injection_mode": "system_prompt",
        "access_mode": "read_write",
        "max_content_length": 10000,
    },
)["id"]
ask("blocks", "GET", "memory_blocks", params={"limit": 10, "name_filter": "Project"})
ask("one block", "GET", f"memory_blocks/{block}")
ask("update block", "PUT", f"memory_blocks/{block}", {"content": "Budget: $75,000 (revised Q2)"})
ask("updated block", "GET", f"memory_blocks/{block}")
ask("same name", "POST", "memory_blocks", {"name": "Project Knowledge"})
rights = {"permissions": ["h2ogpte/memory_block/read", "h2ogpte/memory_block/edit"]}
ask("share", "PUT", f"memory_blocks/{block}/permissions/bob", rights)
ask("unshare", "DELETE", f"memory_blocks/{block}/permissions/bob")
ask("privacy", "PUT", f"memory_blocks/{block}/privacy", {"is_public": True})
ask("defaults", "GET", "users/current/default_memory_blocks")
default = {"scope": "llm", "memory_block_id": block}
ask("set default", "PUT", "users/current/default_memory_blocks", default)
ask("no default", "PUT", "users/current/default_memory_blocks", {"scope": "agent", "memory_block_id": None})
status = {"message": "Summarize our project status.", "llm_args": {"memory_block_id": block}}
ask("with memory", "POST", f"chats/{rag_chat}/completions", status)
agent = {"memory_block_id": block, "use_agent": True, "max_time": 90}
ask("agent with memory", "POST", f"chats/{rag_chat}/completions", {**status, "llm_args": agent})
ask("delete block", "DELETE", f"memory_blocks/{block}")

# All is cleaned up, and deleting it once more is harmless

for name, chat in (("agent", agent_chat), ("rag", rag_chat), ("stream", stream_chat)):
    ask(f"delete {name} chat", "DELETE", f"chats/{chat}")
ask("delete collection", "DELETE", f"collections/{collection}")
ask("delete it again", "DELETE", f"collections/{collection}")
ask("gone", "POST", f"chats/{agent_chat}/completions", work)
print(json.dumps(said))
