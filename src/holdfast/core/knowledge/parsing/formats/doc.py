"""DOC, by the converters that the machine has."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from holdfast.core.domain.errors import DeadlineError, UnsupportedError
from holdfast.core.knowledge.parsing.decoding import clean, decode
from holdfast.core.knowledge.parsing.formats.broken import broken, encrypted
from holdfast.core.knowledge.parsing.limits import for_converter
from holdfast.core.knowledge.parsing.model import Extract, Style

CONVERTER_S = 300.0
"""Seconds that a converter gets at most; a document's own time limit is mostly shorter."""

_SETTINGS = {
    "org.openoffice.Inet/Settings": {
        "ooInetProxyType": "2",
        "ooInetHTTPProxyName": "127.0.0.1",
        "ooInetHTTPProxyPort": "9",
        "ooInetHTTPSProxyName": "127.0.0.1",
        "ooInetHTTPSProxyPort": "9",
    },
    "org.openoffice.Office.Common/Security/Scripting": {
        "BlockUntrustedRefererLinks": "true",
        "DisableMacrosExecution": "true",
    },
}
"""LibreOffice's settings for a stranger's document: no macros, and a proxy that leads nowhere."""


def extract_doc(data: bytes, name: str) -> Extract:
    """Returns the text of a document of the old Word, by `antiword`, else by LibreOffice.

    Raises `UnsupportedError` (`doc_needs_converter`) when there is neither, and `InvalidError`
    (`document_broken`, `document_encrypted`) when none can read it.
    """
    antiword = shutil.which("antiword")
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if antiword is None and office is None:
        raise UnsupportedError(
            f"{name} is a DOC of the old Word: install antiword or LibreOffice on the engine's machine, or "
            "save it as DOCX or PDF",
            code="doc_needs_converter",
        )
    with tempfile.TemporaryDirectory(prefix="holdfast-doc-") as folder, for_converter():
        file = Path(folder, "document.doc")
        file.write_bytes(data)
        text, said = _by_antiword(antiword, file) if antiword else (None, "")
        if text is not None:
            return Extract(text, Style.TEXT)
        made, more = _by_office(office, file) if office else (None, "")
    if made is not None:
        return _extract_docx(made, name)
    if "encrypted" in said.lower() or "password" in more.lower():
        raise encrypted(name)
    raise broken(name, f"{said} {more}".strip() or "the converter gave no text")


def _by_antiword(program: str, file: Path) -> tuple[str | None, str]:
    ended = _run([program, "-m", "UTF-8.txt", "-w", "0", str(file)], file)
    text = clean(decode(ended.stdout)) if ended.stdout else ""
    return (text if ended.returncode == 0 and text.strip() else None), ended.stderr.decode(errors="replace")


def _by_office(program: str, file: Path) -> tuple[bytes | None, str]:
    profile = file.with_name("profile")
    (profile / "user").mkdir(parents=True)
    (profile / "user" / "registrymodifications.xcu").write_text(_registry())
    ended = _run(
        [
            *(program, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore", "--nologo"),
            *("--convert-to", "docx", "--outdir", str(file.parent), str(file)),
        ],
        file,
    )
    made = file.with_suffix(".docx")
    return (made.read_bytes() if made.is_file() else None), ended.stderr.decode(errors="replace")


def _registry() -> str:
    items = "".join(
        f'<item oor:path="/{path}"><prop oor:name="{name}"><value>{value}</value></prop></item>'
        for path, properties in _SETTINGS.items()
        for name, value in properties.items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<oor:items xmlns:oor="http://openoffice.org/2001/registry">{items}</oor:items>'
    )


def _run(command: Sequence[str], file: Path) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            command,
            cwd=file.parent,
            env=_environment(file.parent),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=CONVERTER_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DeadlineError(
            f"Converting a document took longer than {CONVERTER_S:g} s", code="document_timeout"
        ) from error


def _environment(folder: Path) -> Mapping[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": str(folder),
        "TMPDIR": str(folder),
    }


def _extract_docx(data: bytes, name: str) -> Extract:
    from holdfast.core.knowledge.parsing.formats.docx import extract_docx  # a second to import

    return extract_docx(data, name)
