"""What must not be imported to answer offline."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys, asyncio, pathlib
from holdfast.core.models.router import ModelRouter
from holdfast.core.models.catalog import Catalog
from holdfast.core.config.settings import ModelsSettings
from holdfast.core.domain.messages import Message, TextPart
from holdfast.core.domain.models import ModelRequest

class Blobs:
    get = put = path = None

async def main():
    router = ModelRouter(lambda _: None, Blobs(), pathlib.Path("log"), {})
    catalog = Catalog(lambda _: None, ModelsSettings(ollama_url="http://127.0.0.1:9"), {})
    choice = await catalog.choose(flag=None, session=None, agent=None, settings=None)
    await catalog.get("offline")
    message = Message(role="user", parts=(TextPart(text="hello"),))
    async for _ in router.stream(ModelRequest(model=choice.model, messages=(message,))):
        pass

asyncio.run(main())
heavy = {"litellm", "openai", "httpx", "httpcore", "aiohttp", "tiktoken", "keyring"} & set(sys.modules)
print(sorted(heavy))
"""


def test_an_offline_answer_imports_neither_litellm_nor_an_http_client():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n", done.stderr


def test_the_table_of_providers_imports_nothing_of_ours_and_no_pydantic():
    code = "import sys, holdfast.core.models.providers; print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "False\n", done.stderr


def test_an_engine_loads_what_signs_in_sends_mail_and_reaches_other_storage_only_where_it_is_used():
    code = """
import sys, holdfast.core.services.local, holdfast.server.app, holdfast.server.tcp
late = {"authlib", "argon2", "aiosmtplib", "fsspec", "botocore", "s3fs", "cryptography"}
print(sorted(late & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n", done.stderr
